"""Searches for secrets in everything that users may see: texts, pickles, log records and crash reports."""

from __future__ import annotations

import contextlib
import functools
import html
import json
import pickle
import traceback
import unicodedata
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import rich.traceback
import sentry_sdk
import sentry_sdk.transport
from sentry_sdk.utils import event_from_exception

from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    import pytest
    from sentry_sdk.envelope import Envelope
    from sentry_sdk.types import Event

PASSWORD: Final = 'corr"ect-hörse/bättery'
PART_LENGTH: Final = 8
"""No text may contain this many first or last characters of a secret: truncation may have removed the others."""
TESTS: Final = Path(__file__).parents[1]


SPELLINGS: Final[Mapping[str, Callable[[str], str]]] = {
    "plain": str,
    "in-lower-case": str.lower,
    "in-json": lambda secret: json.dumps(secret)[1:-1],
    "in-json-with-umlauts": lambda secret: json.dumps(secret, ensure_ascii=False)[1:-1],
    "in-json-by-php": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in-json-by-dotnet": lambda secret: (
        json.dumps(secret)[1:-1].replace('\\"', "\\u0022").upper().replace("\\U", "\\u")
    ),
    "in-json-in-json": lambda secret: json.dumps(json.dumps(secret)[1:-1])[1:-1],
    "in-a-url": lambda secret: quote(secret, safe=""),
    "in-a-url-with-slashes": functools.partial(quote, safe="/"),
    "in-a-url-in-lower-case": lambda secret: quote(secret, safe="").lower(),
    "in-a-form": quote_plus,
    "in-html": lambda secret: html.escape(secret).replace("ö", "&ouml;").replace("ä", "&#228;"),
    "in-the-wrong-encoding": lambda secret: secret.encode().decode("latin-1"),
    "decomposed": lambda secret: unicodedata.normalize("NFD", secret),
    "by-python": lambda secret: repr(secret.encode())[2:-1],
    "by-python-from-latin-1": lambda secret: repr(secret.encode("latin-1"))[2:-1],
    "in-upper-case": str.upper,
    "in-windows-1252": lambda secret: secret.encode().decode("cp1252"),
    "with-each-byte-replaced": lambda secret: secret.encode().decode("ascii", "replace").replace("\ufffd", "?"),
    "without-umlauts": lambda secret: secret.encode("ascii", "ignore").decode(),
}
"""The spellings in which servers and libraries echo a secret: the name of each, and the function that makes it."""


def secret_parts(*secrets: str) -> set[str]:
    """Return the beginning and the end of each spelling of the secrets, in lower case; no text may contain them."""
    spelled = [spell(secret).lower() for secret in secrets for spell in SPELLINGS.values()]
    return {part for form in spelled for part in (form[:PART_LENGTH], form[-PART_LENGTH:])}


PARTS: Final = secret_parts(KEY, PASSWORD)


def find_secrets(texts: Iterable[str], parts: Iterable[str] = PARTS) -> list[tuple[str, str]]:
    """Return pairs: a part of a secret, and a text that contains this part in upper or lower case."""
    parts = tuple(parts)
    return [(part, text) for text in texts for part in parts if part in text.lower()]


def log_texts(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the texts of all records that any logger has logged in the test: the formatted text, and all fields."""
    records = caplog.get_records("call")
    return [text for record in records for text in (caplog.handler.format(record), repr(vars(record)))]


def exception_texts(error: BaseException, *, pickled: bool = True) -> list[str]:
    """Return everything that an exception shows: its texts, its pickle, and what three crash reporters print.

    The pickle is left out if `pickled` is False, since it holds a task's complete id, which may contain a secret.

    The crash reporters print the variables of each frame. The tests' own frames are left out, because a test has the
    secrets in its variables, as every caller of the package does.
    """
    texts = [str(error), repr(error), repr(vars(error))]
    if pickled and isinstance(error, Exception):
        texts.append(pickle.dumps(error).decode("latin-1"))
    with _without_own_frames(error):
        return [*texts, *_by_traceback(error), *_by_rich(error), *_by_sentry(error)]


@contextlib.contextmanager
def _without_own_frames(error: BaseException) -> Iterator[None]:
    """Take the tests' frames out of the tracebacks of an exception and of its chain, while the context lasts."""
    tracebacks: dict[BaseException, TracebackType | None] = {}
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is not None and each not in tracebacks:
            tracebacks[each] = each.__traceback__
            left += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
    for each, whole in tracebacks.items():
        kept: TracebackType | None = None
        for part in reversed([*_parts(whole)]):
            if not _is_ours(part.tb_frame.f_code.co_filename):
                kept = TracebackType(kept, part.tb_frame, part.tb_lasti, part.tb_lineno)
        each.__traceback__ = kept
    try:
        yield
    finally:
        for each, whole in tracebacks.items():
            each.__traceback__ = whole


def _parts(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


@functools.cache
def _is_ours(filename: str) -> bool:
    return Path(filename).is_relative_to(TESTS)


def _by_traceback(error: BaseException) -> Iterator[str]:
    chain: list[traceback.TracebackException | None] = [
        traceback.TracebackException.from_exception(error, capture_locals=True)
    ]
    while chain:
        part = chain.pop()
        if part is not None:
            yield "".join(part.format_exception_only())
            yield from (repr(frame.locals) for frame in part.stack)
            chain += [part.__cause__, part.__context__, *(part.exceptions or ())]


def _by_rich(error: BaseException) -> Iterator[str]:
    trace = rich.traceback.Traceback.extract(type(error), error, error.__traceback__, show_locals=True)
    for stack in trace.stacks:
        yield f"{stack.exc_type} {stack.exc_value} {stack.notes}"
        for frame in stack.frames:
            for name, node in (frame.locals or {}).items():
                yield f"{name} = {node.render(max_width=100_000)}"


class _Collector(sentry_sdk.transport.Transport):
    """A transport that stores Sentry's events and sends nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        if event := envelope.get_event():
            self.events.append(event)


@functools.cache
def _sentry() -> tuple[sentry_sdk.Client, _Collector]:
    collector = _Collector()
    # The integrations are off, since they change logging and httpx for the whole process.
    return sentry_sdk.Client("http://key@127.0.0.1/1", transport=collector, default_integrations=False), collector


def _by_sentry(error: BaseException) -> Iterator[str]:
    client, collector = _sentry()
    client.capture_event(*event_from_exception(error, client_options=client.options))
    event: Any = collector.events.pop()
    for exception in event["exception"]["values"]:
        frames = exception.pop("stacktrace", {}).get("frames", ())
        yield json.dumps(exception, ensure_ascii=False)
        yield from (json.dumps(frame["vars"], ensure_ascii=False) for frame in frames)
