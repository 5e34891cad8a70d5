"""`Mismatch`, which describes where and why an answer does not fit `output`, for error messages."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Container

MAX_EXCERPT: Final = 60
"""An error message shows at most this many characters of a wrong value."""
MAX_PATH: Final = 200
MAX_EXPECTED: Final = 200
MAX_REDACTED: Final = 10_000
"""At most this many characters of a text are searched for secrets, before the text is cut for an error message.

Cutting first could leave half of a secret, which would not be recognized.
"""

Step: TypeAlias = str | int


class Mismatch(NamedTuple):
    """A place in JSON whose value is not what was expected.

    Attributes:
        steps: The keys and indexes that lead from the root to the place.
        expected: What was expected at the place, as text. It quotes nothing of the answer.
        found: The value at the place.
        quoted: More text about the mismatch, which may quote the answer: secrets are removed from it.
        key: The key of the object at the place that is invalid; None if no key is.
    """

    steps: tuple[Step, ...]
    expected: str
    found: Any
    quoted: str = ""
    key: str | None = None

    def path(self, redact: Callable[[str], str] = str, known: Container[str] = ()) -> str:
        """Return the place as a JSONPath; `redact` removes secrets from each key that is not in `known`."""
        return "$" + "".join(
            _segment(step if isinstance(step, int) or step in known else redact(step)) for step in self.steps
        )

    def describe(self, redact: Callable[[str], str] = str, known: Container[str] = ()) -> str:
        """Return a short, printable description; `redact` removes secrets from what is quoted before it is cut."""
        key = "" if self.key is None else f"invalid key {redact(json.dumps(self.key)[:MAX_REDACTED])}: "
        expected = f"{key}{self.expected}{redact(self.quoted[:MAX_REDACTED])}"
        path = _shortened(self.path(redact, known), MAX_PATH)
        return f"at {path}: {_shortened(expected, MAX_EXPECTED)}; found {excerpt(self.found, redact)}"

    def __str__(self) -> str:
        return self.describe()

    def prefixed(self, *steps: Step) -> Mismatch:
        """Return a copy of the mismatch with `steps` before the mismatch's own steps."""
        return self._replace(steps=(*steps, *self.steps))


def place(steps: tuple[Step, ...]) -> str:
    """Return the place to which steps lead, as a JSONPath, shortened for a message."""
    return _shortened(Mismatch(steps, "", None).path(), MAX_PATH)


def value_at(value: Any, steps: tuple[Step, ...]) -> Any:
    """Return the value that `steps` lead to."""
    for step in steps:
        value = value[step]
    return value


def _segment(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() else f'["{"".join(map(_escaped, step))}"]'


def _escaped(character: str) -> str:
    r"""Return a character as it is written in a JSON string; an unprintable character becomes `\uXXXX`."""
    return json.dumps(character, ensure_ascii=not character.isprintable())[1:-1]


def excerpt(found: Any, redact: Callable[[str], str] = str) -> str:
    """Return the beginning of a value's JSON, short and printable."""
    return _shortened("".join(_redacted_chunks(found, redact)), MAX_EXCERPT)


def _shortened(text: str, limit: int) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text[: limit + 1])
    return shown if len(shown) <= limit else f"{shown[:limit]}…"


def _shown(value: Any) -> Any:
    """Return what stands for a value that is no JSON: a Decimal is a number whose digits were kept."""
    return float(value) if type(value).__name__ == "Decimal" else repr(value)


def _redacted_chunks(found: Any, redact: Callable[[str], str]) -> list[str]:
    """Return chunks of a value's JSON, without secrets, until they exceed `MAX_EXCERPT` characters."""
    chunks: list[str] = []
    size = 0
    # The loop stops early, so a large value is not encoded completely.
    for encoded in json.JSONEncoder(ensure_ascii=False, default=_shown).iterencode(found):
        chunk = redact(encoded[:MAX_REDACTED])
        chunks.append(chunk[: MAX_EXCERPT + 1])
        size += len(chunk)
        if size > MAX_EXCERPT:
            break
    return chunks
