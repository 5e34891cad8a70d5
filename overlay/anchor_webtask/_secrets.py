"""How the key and the secret values are kept out of everything that is shown, logged, raised or pickled.

Three means. A `Sealed` box holds what mustn't show, so that a traceback with local variables shows the box. A
`Redactor` takes the secrets out of text that came from outside, since a server may echo them. And `release` frees an
interruption from the frames that it passed, since those hold requests.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask._spellings import Spelled

T = TypeVar("T")

LONGEST_QUOTE: Final = 300
LONGEST_READ: Final = 65_536
"""So much of a text is read at most before it's quoted."""
REDACTED: Final = "[redacted]"
HTTP_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)  # by name: a filter on a logger doesn't see the records of its children


class Sealed(Generic[T]):
    """A box around a value that must not show: no repr, no attributes, no pickle."""

    __slots__ = ("open",)

    def __init__(self, value: T) -> None:
        self.open: Callable[[], T] = lambda: value

    def __repr__(self) -> str:
        return f"<sealed {REDACTED}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("what is sealed can't be pickled")


class Redactor:
    """Takes known secrets out of text, however whoever echoes them has spelled them."""

    __slots__ = ("__weakref__", "_sealed", "_spelled")

    def __init__(self, secrets: Sealed[tuple[str, ...]]) -> None:
        self._sealed = Sealed(tuple(sorted({*secrets.open()} - {""}, key=len, reverse=True)))
        self._spelled: Sealed[tuple[Spelled, ...]] | None = None  # made when something is to be shown
        with _live_lock:
            _live.add(self)

    @property
    def spelled(self) -> Sealed[tuple[Spelled, ...]]:
        """The secrets as they're looked for."""
        if self._spelled is None:
            from anchor_webtask._spellings import Spelled

            self._spelled = Sealed(tuple(map(Spelled, self._sealed.open())))
        return self._spelled

    def __call__(self, text: str) -> str:
        """Return the text with each secret in it replaced."""
        return _redacted(text, self.spelled.open())

    def quote(self, text: str) -> str:
        """Make text from outside fit to be shown: secrets out before it is cut, since a cut could leave half of one."""
        shown = "".join(character if character.isprintable() else " " for character in self(text[:LONGEST_READ]))
        return shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]}…"


def _redacted(text: str, secrets: Iterable[Spelled]) -> str:
    from anchor_webtask._spellings import without

    # Not within what has been replaced: a short secret may be a part of that.
    return REDACTED.join(without(part, secrets, REDACTED) for part in text.split(REDACTED))


_live: weakref.WeakSet[Redactor] = weakref.WeakSet()
_live_lock = threading.RLock()  # a finalizer or a signal's handler may log while it is held


def _renew_lock() -> None:
    global _live_lock  # noqa: PLW0603  the old one may be held by a thread that a forked child doesn't have
    _live_lock = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


class _RedactingFilter(logging.Filter):
    """Rewrites the records of httpx and httpcore, which log URLs, status lines and headers as they came."""

    def filter(self, record: logging.LogRecord) -> bool:
        plain = record.getMessage()
        with _live_lock:
            redactors = tuple(_live)
        text = _redacted(plain, [spelled for redactor in redactors for spelled in redactor.spelled.open()])
        if text != plain:
            record.msg, record.args = text, ()
        return True


_redacting_filter = _RedactingFilter()


def guard_http_logs() -> None:
    """Make the loggers below us redact; calling it again changes nothing."""
    for name in HTTP_LOGGERS:
        logging.getLogger(name).addFilter(_redacting_filter)


class Releasing:
    """A context that frees what ends it from its frames: it handles opened secrets, and Ctrl-C may come at any moment.

    No generator makes it: those give an exception back the traceback that it came with.
    """

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, raised: BaseException | None, __: object) -> None:
        if raised is not None:
            release(raised)


def release(interruption: BaseException) -> None:
    """Free an exception that is about to go on from the frames, causes and contexts that it has gathered.

    Ctrl-C and cancellation pass through frames of httpx whose variables are the request's headers and body.
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
