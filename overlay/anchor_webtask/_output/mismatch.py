"""Where an answer differs from what was asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Container

MAX_EXCERPT: Final = 60
MAX_READ: Final = 10_000
"""So much of a text is read at most before a piece of it is shown: a secret in it may be long."""
MAX_PATH: Final = 200
MAX_EXPECTED: Final = 200

Step: TypeAlias = str | int


class Mismatch(NamedTuple):
    """One place at which an answer isn't what was asked for.

    Attributes:
        steps: The keys and indexes that lead there from the root.
        expected: What was expected there, in words.
        found: What is there.
    """

    steps: tuple[Step, ...]
    expected: str
    found: Any

    def path(self, redact: Callable[[str], str] = str, known: Container[str] = ()) -> str:
        """Return the place as a JSONPath; `redact` takes secrets out of keys that aren't known."""
        return "$" + "".join(
            _step(step if isinstance(step, int) or step in known else redact(step)) for step in self.steps
        )

    def told(self, redact: Callable[[str], str] = str, known: Container[str] = ()) -> str:
        """Return all of it as short, printable text, out of which `redact` has taken secrets before any is cut."""
        path, expected = (
            _shown(self.path(redact, known), MAX_PATH),
            _shown(redact(self.expected[:MAX_READ]), MAX_EXPECTED),
        )
        return f"at {path}: {expected}; it is {_piece(self.found, redact)}"

    def __str__(self) -> str:
        return self.told()

    def below(self, *steps: Step) -> Mismatch:
        """Return the same seen from further up."""
        return Mismatch((*steps, *self.steps), self.expected, self.found)


def at(value: Any, steps: tuple[Step, ...]) -> Any:
    """Return what is at a place."""
    for step in steps:
        value = value[step]
    return value


def _step(step: Step) -> str:
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() else f'["{"".join(map(_escaped, step))}"]'


def _escaped(character: str) -> str:
    """Write a character of a key as JSON does, and all that can't be printed by its number."""
    return json.dumps(character, ensure_ascii=not character.isprintable())[1:-1]


def _piece(found: Any, redact: Callable[[str], str]) -> str:
    """Return a short, printable piece of JSON."""
    return _shown("".join(_pieces(found, redact)), MAX_EXCERPT)


def _shown(text: str, longest: int) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text[: longest + 1])
    return shown if len(shown) <= longest else f"{shown[:longest]}…"


def _pieces(found: Any, redact: Callable[[str], str]) -> list[str]:
    """Return the beginning of a value's JSON, without writing all of a large one."""
    pieces: list[str] = []
    size = 0
    for encoded in json.JSONEncoder(ensure_ascii=False, default=repr).iterencode(found):
        piece = redact(encoded[:MAX_READ])
        pieces.append(piece[: MAX_EXCERPT + 1])
        size += len(piece)
        if size > MAX_EXCERPT:
            break
    return pieces
