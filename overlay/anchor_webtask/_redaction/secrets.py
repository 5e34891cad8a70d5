"""Hides values that are secret, and removes secrets from log records, errors and quoted text.

There are three tools. `Sealed` hides a value, so that a traceback with local variables does not show it. `Redactor`
removes secrets from received text, since a server may send secrets back. `release_frames` removes the frames of an
interruption, because their variables hold requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

from anchor_webtask import _importing
from anchor_webtask._redaction.long_matches import MIN_LONG_MATCH, may_contain, searchable
from anchor_webtask._secret_task_id import SecretTaskId

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._redaction.matching import SecretForms

T = TypeVar("T")

MAX_QUOTE: Final = 300
MAX_READ: Final = 65_536
"""At most this many characters of a text are redacted for a quotation, which shows at most `MAX_QUOTE`."""
REDACTED: Final = "[redacted]"


class Sealed(Generic[T]):
    """A value that must not be shown: its repr and its attributes do not reveal it, and it cannot be pickled."""

    __slots__ = ("open",)

    def __init__(self, value: T) -> None:
        self.open: Callable[[], T] = lambda: value

    def __repr__(self) -> str:
        return f"<sealed {REDACTED}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a sealed value cannot be pickled, since it may hold a secret")


class Redactor:
    """Removes known secrets from text, in every form in which a server may send them back."""

    __slots__ = ("_forms", "_harmless", "_sealed", "_searchable")

    def __init__(self, secrets: Sealed[tuple[str, ...]]) -> None:
        self._sealed = secrets
        self._forms: Sealed[tuple[SecretForms, ...]] | None = None  # made when a text is first redacted
        self._harmless = ""  # the last text of our own without a secret: each check of a task has the same URL
        self._searchable: Sealed[str] | None = None  # made when a text of our own is first redacted

    @property
    def knows_request(self) -> bool:
        """Whether it knows the secrets of the request that it is used for, if that has any."""
        return True

    @property
    def forms(self) -> Sealed[tuple[SecretForms, ...]]:
        """The forms in which the secrets are searched for."""
        if self._forms is None:
            with _importing.lock:
                from anchor_webtask._redaction.matching import SecretForms

            secrets = sorted({*self._sealed.open()} - {""}, key=len, reverse=True)
            self._forms = Sealed(tuple(map(SecretForms, secrets)))
        return self._forms

    def secrets(self) -> tuple[str, ...]:
        """Return the secrets, for a redactor that knows more of them."""
        return self._sealed.open()

    def __call__(self, text: str) -> str:
        """Return the text with each secret in it replaced."""
        return self._redacted(text, 1)

    def quote(self, text: str) -> str:
        """Return a text redacted and shortened for display; it is redacted first, since a cut could halve a secret."""
        return shortened(self(text[:MAX_READ]))

    def long_matches(self, text: str) -> str:
        """Return a text of our own, such as an id or a URL, with each match of `MIN_LONG_MATCH` characters replaced.

        A shorter match means nothing: every id contains "task" and "web".
        """
        if text == self._harmless:
            return text
        if self._searchable is None:
            self._searchable = Sealed(searchable(self._sealed.open()))
        if may_contain(text, self._searchable.open()):
            return self._redacted(text, MIN_LONG_MATCH)
        self._harmless = text
        return text

    def task_id(self, task_id: str) -> str:
        """Return a task's id; if it contains a secret, its repr shows it redacted."""
        shown = self.long_matches(task_id)
        return task_id if shown == task_id or isinstance(task_id, SecretTaskId) else SecretTaskId(task_id, shown)

    def _redacted(self, text: str, min_match: int) -> str:
        forms = self.forms.open()
        from anchor_webtask._redaction.matching import replace_secrets

        # Earlier replacements are left unchanged: a short secret may be a part of the word "redacted".
        parts = text.split(REDACTED)
        return REDACTED.join(replace_secrets(part, forms, REDACTED, min_match) for part in parts)


class Learned:
    """Secrets that become known while redactors share them, perhaps in several threads."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[Sealed[tuple[str, ...]]] = []

    def __bool__(self) -> bool:
        return bool(self._parts)

    def add(self, secrets: Sealed[tuple[str, ...]]) -> None:
        """Let each redactor that shares them remove these secrets, too, from now on."""
        # A client may live for months, and learn the same ones, or none, thousands of times.
        if not {*secrets.open()} <= {*self.secrets()}:
            self._parts.append(secrets)

    def secrets(self) -> tuple[str, ...]:
        """Return what is known now."""
        return tuple(secret for part in self._parts for secret in part.open())


class SharingRedactor(Redactor):
    """A redactor that also removes what is learned later.

    Args:
        known: Knows the secrets of the beginning.
        learned: What is learned.
    """

    __slots__ = ("_known", "_learned", "_now")

    def __init__(self, known: Redactor, learned: Learned) -> None:
        super().__init__(known._sealed)
        self._known = self._now = known
        self._learned = learned

    @property
    def knows_request(self) -> bool:
        """See `Redactor.knows_request`."""
        return self._known.knows_request

    @property
    def forms(self) -> Sealed[tuple[SecretForms, ...]]:
        """The forms in which the secrets are searched for."""
        return self._current().forms

    def secrets(self) -> tuple[str, ...]:
        """Return the secrets that are known now."""
        return tuple(dict.fromkeys((*self._known.secrets(), *self._learned.secrets())))

    def long_matches(self, text: str) -> str:
        """See `Redactor.long_matches`."""
        return self._current().long_matches(text)

    def _current(self) -> Redactor:
        """Return a redactor that knows what is known now."""
        if not self._learned:
            return self._known
        now, secrets = self._now, Sealed(self.secrets())
        if now.secrets() != secrets.open():
            self._now = now = Redactor(secrets)
        return now


class LearningRedactor(SharingRedactor):
    """A redactor that learns the secrets of its request, while another thread perhaps uses it.

    Args:
        known: Knows the secrets of the beginning.
    """

    __slots__ = ("_knows_request",)

    def __init__(self, known: Redactor) -> None:
        super().__init__(known, Learned())
        self._knows_request = False

    @property
    def knows_request(self) -> bool:
        """Whether it has learned the secrets of its request."""
        return self._knows_request

    def learn(self, secrets: Sealed[tuple[str, ...]]) -> None:
        """Remove the secrets of the request, too, from now on."""
        self._learned.add(secrets)
        self._knows_request = True


def shortened(text: str) -> str:
    """Return a text without secrets on one line, shortened for display."""
    shown = "".join(character if character.isprintable() else " " for character in text[: MAX_QUOTE + 1])
    return shown if len(shown) <= MAX_QUOTE else f"{shown[:MAX_QUOTE]}…"


class ReleaseFrames:
    """A context manager for code that handles opened secrets; it removes the frames of an exception raised inside.

    The exception may also be an interruption by Ctrl-C. This is a class, because
    `contextlib.contextmanager` would restore the exception's traceback.
    """

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, raised: BaseException | None, __: object) -> None:
        if raised is not None:
            release_frames(raised)


def release_frames(interruption: BaseException) -> None:
    """Remove the frames, causes and contexts of an exception before it is re-raised.

    Ctrl-C and cancellation pass through frames of httpx whose variables hold the request's headers and body.
    """
    pending = [interruption]
    while pending:
        exception = pending.pop()
        if isinstance(exception, BaseExceptionGroup):
            pending += exception.exceptions
        # The causes and contexts are only detached: one may be an exception that the caller is handling.
        exception.__traceback__ = exception.__cause__ = exception.__context__ = None
