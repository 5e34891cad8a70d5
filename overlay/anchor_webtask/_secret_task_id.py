"""`SecretTaskId`, a task's id that contains the key or a secret value."""

from __future__ import annotations

from typing import Any, Final, Self, SupportsIndex, TypeVar

IdT = TypeVar("IdT", str, str | None)

HIDDEN_ID_HINT: Final = "the id contains the key or a secret value and is redacted here; the attribute task_id has it"


class SecretTaskId(str):
    """A task's id that contains the key or a secret value: it works like any text, but its repr shows it redacted.

    So it is redacted in everything that shows reprs: the package's objects, its errors, and tracebacks with variables.

    Attributes:
        shown: The id without the secret.
    """

    __slots__ = ("shown",)
    shown: str

    def __new__(cls, task_id: str, shown: str) -> Self:
        """Return the id as text that shows as `shown`."""
        made = super().__new__(cls, task_id)
        made.shown = shown
        return made

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.shown

    def __getitem__(self, key: SupportsIndex | slice) -> SecretTaskId:
        # A crash reporter may cut a text before it makes its repr.
        return SecretTaskId(super().__getitem__(key), self.shown)

    def __repr__(self) -> str:
        return repr(self.shown)


def shown_id(task_id: IdT) -> IdT:
    """Return a task's id for a text that others read: without a secret, if it contains one."""
    return task_id.shown if isinstance(task_id, SecretTaskId) else task_id
