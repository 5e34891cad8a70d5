"""What happens in a session while a task runs in it: questions to a human, and downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from anchor_webtask.emulator._values import as_json, seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


@attrs.frozen
class Ask:
    """A question that the agent of a task asks a human. The task goes on once it has been answered.

    It is asked only if the task runs in a session of the emulator, and was started with `human_intervention`.

    Args:
        message: The question.
        fields: What the answer should hold; each is a name, or a dict such as `{"name": "code", "required": True}`.
        after: Seconds that the task works before it asks.

    Raises:
        ValueError: An argument is invalid.
    """

    message: str
    fields: Iterable[str | Mapping[str, Any]] = attrs.field(default=(), kw_only=True)
    after: float = attrs.field(default=0.0, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.message, str) or not self.message:
            raise ValueError(f"the message of a question must be a text, not {self.message!r}")
        if isinstance(self.fields, str):
            raise ValueError(f"fields must be a list, such as [{self.fields!r}]")  # noqa: TRY004  as all mistakes
        fields = [{"name": each} if isinstance(each, str) else as_json("fields", dict(each)) for each in self.fields]
        if not all(isinstance(each, dict) and isinstance(each.get("name"), str) for each in fields):
            raise ValueError("each field of a question must have a name, which is a text")
        object.__setattr__(self, "fields", tuple(fields))
        seconds("after", self.after)


@attrs.frozen
class Download:
    """A file that the browser downloads while a task runs in a session.

    Args:
        name: The file name that the page suggests; any text, since a page may suggest anything.
        content: The content of the file.
        after: Seconds that the task runs before the file is there.
        link: The `file_link`; by default, an address of the emulator.

    Raises:
        ValueError: An argument is invalid.
    """

    name: str
    content: bytes = attrs.field(default=b"the emulator's file", repr=False)
    after: float = attrs.field(default=0.0, kw_only=True)
    link: str | None = attrs.field(default=None, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ValueError(f"the name of a download must be a text, not {self.name!r}")  # noqa: TRY004  as all mistakes
        if not isinstance(self.content, bytes):
            raise ValueError(f"the content of a download must be bytes, not {type(self.content).__name__}")  # noqa: TRY004
        seconds("after", self.after)


def as_parts(name: str, kind: type[Any], given: Iterable[Any]) -> tuple[Any, ...]:
    """Return the questions or downloads of a scenario.

    Raises:
        ValueError: One of them is not of this kind; the message contains `name`.
    """
    if isinstance(given, kind | str | bytes):
        raise ValueError(f"{name} must be a list, such as [{kind.__name__}(…)]")  # noqa: TRY004  as all mistakes
    parts = tuple(given)
    for each in parts:
        if not isinstance(each, kind):
            raise ValueError(f"{name} must hold only {kind.__name__}, not {type(each).__name__}")  # noqa: TRY004
    return parts


def admits(ask: Ask, response: object) -> bool:
    """Return whether a response answers a question: with fields, it is an object that has no other ones."""
    names = {str(each["name"]) for each in ask.fields if not isinstance(each, str)}
    return not names or (isinstance(response, dict) and response.keys() <= names)
