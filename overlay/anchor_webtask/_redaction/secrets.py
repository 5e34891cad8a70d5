"""Hides values that are secret, and removes secrets from log records, errors and quoted text.

There are three tools. `Sealed` hides a value, so that a traceback with local variables does not show it. `Redactor`
removes secrets from received text, since a server may send secrets back; a filter removes secrets from the log records
of httpx and httpcore. `release_frames` removes the frames of an interruption, because their variables hold requests.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

from anchor_webtask import _importing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._redaction.matching import SecretForms

T = TypeVar("T")

MAX_QUOTE: Final = 300
MAX_READ: Final = 65_536
"""At most this many characters of a text are redacted for a quotation, which shows at most `MAX_QUOTE`."""
REDACTED: Final = "[redacted]"
HTTP_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)  # all are listed, since a filter on a logger does not see the records of its child loggers


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

    __slots__ = ("__weakref__", "_forms", "_sealed")

    def __init__(self, secrets: Sealed[tuple[str, ...]]) -> None:
        self._sealed = Sealed(tuple(sorted({*secrets.open()} - {""}, key=len, reverse=True)))
        self._forms: Sealed[tuple[SecretForms, ...]] | None = None  # made when a text is first redacted
        with _redactors_lock:
            _redactors.add(self)

    @property
    def forms(self) -> Sealed[tuple[SecretForms, ...]]:
        """The forms in which the secrets are searched for."""
        if self._forms is None:
            with _importing.lock:
                from anchor_webtask._redaction.matching import SecretForms

            self._forms = Sealed(tuple(map(SecretForms, self._sealed.open())))
        return self._forms

    def __call__(self, text: str) -> str:
        """Return the text with each secret in it replaced."""
        return _redacted(text, self.forms.open())

    def quote(self, text: str) -> str:
        """Return a text redacted and shortened for display; it is redacted first, since a cut could halve a secret."""
        shown = "".join(character if character.isprintable() else " " for character in self(text[:MAX_READ]))
        return shown if len(shown) <= MAX_QUOTE else f"{shown[:MAX_QUOTE]}…"


def _redacted(text: str, secrets: Iterable[SecretForms]) -> str:
    from anchor_webtask._redaction.matching import replace_secrets

    # Earlier replacements are left unchanged: a short secret may be a part of the word "redacted".
    return REDACTED.join(replace_secrets(part, secrets, REDACTED) for part in text.split(REDACTED))


_redactors: weakref.WeakSet[Redactor] = weakref.WeakSet()
_redactors_lock = threading.RLock()  # reentrant: a finalizer or a signal handler may log while the lock is held


def _renew_lock() -> None:
    global _redactors_lock  # noqa: PLW0603  a thread that the forked child does not have may hold the old lock
    _redactors_lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class _RedactingFilter(logging.Filter):
    """Redacts the log records of httpx and httpcore, which show URLs, status lines and headers unchanged."""

    def filter(self, record: logging.LogRecord) -> bool:
        plain = record.getMessage()
        with _redactors_lock:
            redactors = tuple(_redactors)
        text = _redacted(plain, [forms for redactor in redactors for forms in redactor.forms.open()])
        if text != plain:
            record.msg, record.args = text, ()
        return True


_redacting_filter = _RedactingFilter()


def redact_http_logs() -> None:
    """Add the filter to the loggers of httpx and httpcore; a second call changes nothing."""
    for name in HTTP_LOGGERS:
        logging.getLogger(name).addFilter(_redacting_filter)


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
    seen: set[int] = set()
    pending: list[BaseException | None] = [interruption]
    while pending:
        exception = pending.pop()
        if exception is None or id(exception) in seen:
            continue
        seen.add(id(exception))
        pending += (exception.__cause__, exception.__context__)
        if isinstance(exception, BaseExceptionGroup):
            pending += exception.exceptions
        exception.__traceback__ = exception.__cause__ = exception.__context__ = None
