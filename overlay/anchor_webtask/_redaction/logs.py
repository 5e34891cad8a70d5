"""Removes secrets from the log records that httpx and httpcore write during an exchange of this package.

A context variable holds the redactors of the exchanges that run in this context, so a record costs as much as the
secrets of its own exchange. All other records, such as those of another library's requests, pass untouched.

Only what a server has sent is searched for every secret: a very short secret would else be found in the words of httpx.
In the other parts, which may have a task's id in a URL, only long matches count.
"""

from __future__ import annotations

import functools
import logging
import re
from contextlib import suppress
from contextvars import ContextVar
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from contextvars import Token

    from anchor_webtask._redaction.secrets import Redactor

HTTP_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
)  # all are listed, since a filter on a logger does not see the records of its child loggers

_VERSIONS: Final = frozenset({"HTTP/1.0", "HTTP/1.1", "HTTP/2"})
_PHRASES: Final = {status.value: status.phrase for status in HTTPStatus}
_EVENT: Final = r"[\w.]+\.(started|complete|failed)\b"  # compiled on first use: that takes a millisecond
_BYTES: Final = r"""b'(?:[^'\\]|\\.)*+'|b"(?:[^"\\]|\\.)*+\""""

_redactors: ContextVar[tuple[Redactor, ...]] = ContextVar("anchor_webtask.redactors", default=())


class RedactedLogs:
    """A context manager for one exchange: the records of httpx and httpcore inside it are redacted.

    Exchanges may be nested, since a custom transport may use another client of this package. Then the records of the
    inner exchange are redacted for both.
    """

    __slots__ = ("_redact", "_token")

    def __init__(self, redact: Redactor) -> None:
        _add_filter()
        self._redact = redact

    def __enter__(self) -> None:
        outer = _redactors.get()
        self._token: Token[Any] = _redactors.set(outer if self._redact in outer else (*outer, self._redact))

    def __exit__(self, *_: object) -> None:
        # If the event loop was closed during the exchange, the coroutine is closed by the garbage collector, in another
        # context, in which the variable must keep its value.
        with suppress(ValueError):
            _redactors.reset(self._token)


class _RedactingFilter(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        for redact in _redactors.get():
            _redact_record(record, redact)
        return True


@functools.cache
def _add_filter() -> None:
    redacting_filter = _RedactingFilter()
    for name in HTTP_LOGGERS:
        logging.getLogger(name).addFilter(redacting_filter)


def _redact_record(record: logging.LogRecord, redact: Redactor) -> None:
    match record.args:
        case (str() as method, url, str() as version, int() as status, str() as phrase):  # httpx: a response's head
            address = str(url)
            shown = (
                redact.long_matches(address),
                version if version in _VERSIONS else redact(version),
                phrase if phrase == _PHRASES.get(status) else redact(phrase),
            )
            if shown != (address, version, phrase):
                record.args = (method, shown[0], shown[1], status, shown[2])
        case () | None if isinstance(record.msg, str) and (event := re.match(_EVENT, record.msg)):  # httpcore
            record.msg = redact.long_matches(_redacted_event(record.msg, event[1], redact))
        case _:
            plain = record.getMessage()
            if (text := redact(plain)) != plain:
                record.msg, record.args = text, ()


def _redacted_event(text: str, kind: str, redact: Redactor) -> str:
    """Redact what a record of httpcore quotes of a response: the bytes of its head, or the text of an exception."""
    match kind:
        case "started":  # only the request, or the password for a SOCKS proxy
            return redact(text) if "auth=" in text else text
        case "failed":
            before, parenthesis, quoted = text.partition("(")
            return f"{before}{parenthesis}{redact(quoted)}"
        case _:
            return re.sub(_BYTES, lambda found: _redacted_bytes(found[0], redact), text)


def _redacted_bytes(shown: str, redact: Redactor) -> str:
    inner = shown[2:-1]
    return shown if inner in _VERSIONS else f"{shown[:2]}{redact(inner)}{shown[-1]}"
