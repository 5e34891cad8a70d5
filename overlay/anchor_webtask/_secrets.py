"""How the key and the secret values are kept out of everything that is shown, logged, raised or pickled.

Three means. A `Sealed` box holds what mustn't show, so that a traceback with local variables shows the box. A
`Redactor` takes the secrets out of text that came from outside, since a server may echo them. And `release` frees an
interruption from the frames that it passed, since those hold requests.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import weakref
from typing import TYPE_CHECKING, Final, Generic, NoReturn, TypeVar
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

LONGEST_QUOTE: Final = 300
SHORTEST_REST: Final = 4
"""What is left of a secret without its non-ASCII characters counts as one from this length on."""
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
    """Takes known secrets out of text, also where they are JSON-escaped or percent-encoded."""

    __slots__ = ("__weakref__", "_sealed")

    def __init__(self, secrets: Sealed[tuple[str, ...]]) -> None:
        forms = {form for secret in secrets.open() if secret for form in _forms(secret) if form}
        self._sealed = Sealed(tuple(sorted(forms, key=len, reverse=True)))
        with _live_lock:
            _live.add(self)

    def __call__(self, text: str) -> str:
        """Return the text with each secret in it replaced."""
        for form in self._sealed.open():
            # Not within what has been replaced: a short secret may be a part of that.
            text = REDACTED.join(part.replace(form, REDACTED) for part in text.split(REDACTED))
        return text

    def quote(self, text: str) -> str:
        """Make text from outside fit to be shown: secrets out before it is cut, since a cut could leave half of one."""
        shown = "".join(character if character.isprintable() else " " for character in self(text))
        return shown if len(shown) <= LONGEST_QUOTE else f"{shown[:LONGEST_QUOTE]}…"


def _forms(secret: str) -> Iterable[str]:
    yield secret
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    # A lone surrogate has no UTF-8 form, so it can't come back percent-encoded either.
    yield quote(secret, safe="", errors="replace")
    yield quote_plus(secret, errors="replace")
    yield repr(secret)[1:-1]
    for encoding in ("utf-8", "latin-1"):
        # httpcore logs headers and status lines as bytes, and exceptions that quote them. What else is in the text
        # decides whether a quotation mark is escaped.
        once = repr(secret.encode(encoding, errors="replace"))[2:-1].replace("\\'", "'")
        for sent in (once, once.replace("'", "\\'")):
            twice = sent.replace("\\", "\\\\")
            yield from (sent, twice, twice.replace("'", "\\'"))
    bare = secret.encode("ascii", errors="ignore").decode()
    if len(bare) >= SHORTEST_REST:
        yield bare  # httpx logs a status line without what isn't ASCII


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
        plain = text = record.getMessage()
        with _live_lock:
            redactors = tuple(_live)
        for redactor in redactors:
            text = redactor(text)
        if text != plain:
            record.msg, record.args = text, ()
        return True


_redacting_filter = _RedactingFilter()


def guard_http_logs() -> None:
    """Make the loggers below us redact; calling it again changes nothing."""
    for name in HTTP_LOGGERS:
        logging.getLogger(name).addFilter(_redacting_filter)


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
