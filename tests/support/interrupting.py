"""Interrupts a call at its n-th line or its n-th await, and says what the call had done by then.

Each line of this package and of the libraries that send its requests is a point, at which a signal's exception can end
a call. So is each await at which an async call can be cancelled.
"""

from __future__ import annotations

import linecache
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import h11
import httpcore
import httpx

import anchor_webtask
from anchor_webtask._http import transport
from anchor_webtask._http.connection import Connection
from tests.support.raw_server import TASK_ID

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterator
    from types import FrameType

    import pytest

FOLDERS: Final = tuple(f"{Path(module.__file__ or '').parent}/" for module in (anchor_webtask, httpx, httpcore, h11))

ID_NOTE: Final = f"tasks.get({TASK_ID!r}) finds it again"
UNKNOWN_NOTE: Final = "the task may or may not have started"
NOTE_OF_PYTHON: Final = "encoding with 'idna' codec failed"
"""Python 3.13 adds it to whatever interrupts the lookup of a host."""


class InterruptionError(Exception):
    """What interrupts a call, as the exception of a signal handler would."""


@dataclass
class Progress:
    """How far an interrupted call had got.

    Attributes:
        point: The number of the point at which the call is interrupted.
        points: How many points the call has passed.
        is_sending: Whether the transport had begun to send the request.
        has_arrived: Whether bytes of the response had arrived.
        functions: The names of the functions that were running at the point, the innermost first.
    """

    point: int
    points: int = 0
    is_sending: bool = False
    has_arrived: bool = False
    functions: list[str] = field(default_factory=list)

    @property
    def is_interrupted(self) -> bool:
        """Whether the call has reached its point."""
        return self.points >= self.point

    def reset(self) -> None:
        """Forget the last call."""
        self.points = 0
        self.is_sending = self.has_arrived = False
        self.functions = []

    def reach(self, frame: FrameType) -> None:
        """Record where the call is interrupted."""
        inner: FrameType | None = frame
        while inner is not None:
            self.functions.append(inner.f_code.co_name)
            if inner.f_code is transport._receive.__code__ and inner.f_locals["record"].received():
                self.has_arrived = True
            inner = inner.f_back


@contextmanager
def observed(monkeypatch: pytest.MonkeyPatch, progress: Progress) -> Iterator[None]:
    """Record the progress of the requests that are sent in this context, until the call is interrupted."""
    head, receive = Connection.head, Connection.receive

    def observed_head(connection: Connection, request: httpx.Request) -> bytes:
        progress.is_sending = progress.is_sending or not progress.is_interrupted
        return head(connection, request)

    def observed_receive(connection: Connection, data: bytes) -> None:
        progress.has_arrived = progress.has_arrived or not progress.is_interrupted
        receive(connection, data)

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "head", observed_head)
        patch.setattr(Connection, "receive", observed_receive)
        yield


def _begins_block(frame: FrameType) -> bool:
    line = linecache.getline(frame.f_code.co_filename, frame.f_lineno)
    return line.lstrip().startswith(("with ", "async with ", "try:"))


@contextmanager
def interrupted_at_line(progress: Progress, interruption: BaseException) -> Iterator[None]:
    """Raise an exception before the line of this number that runs in this context.

    Lines with the words `with` or `try` are left out: an exception that a trace function raises there can keep a `with`
    statement from ending, which no signal can.
    """
    previous = sys.gettrace()

    def trace_lines(frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            progress.points += 1
            if progress.points == progress.point and not _begins_block(frame):
                sys.settrace(previous)
                progress.reach(frame)
                raise interruption
        return trace_lines

    def trace(frame: FrameType, _: str, __: object) -> Any:
        return trace_lines if frame.f_code.co_filename.startswith(FOLDERS) else None

    try:
        sys.settrace(trace)
        yield
    finally:
        sys.settrace(previous)


class CancelledAtAwait:
    """Awaits a call, and cancels it when it waits for the n-th time."""

    def __init__(self, call: Awaitable[Any], progress: Progress, cancel: Callable[[Any], object]) -> None:
        self._call = call
        self._progress = progress
        self._cancel = cancel

    def __await__(self) -> Generator[Any, Any, Any]:
        iterator = self._call.__await__()
        value: Any = None
        raised: BaseException | None = None
        while True:
            try:
                waiting_for = iterator.send(value) if raised is None else iterator.throw(raised)
            except StopIteration as returned:
                return returned.value
            self._progress.points += 1
            if self._progress.points == self._progress.point:
                self._cancel(waiting_for)
            value = raised = None
            try:
                value = yield waiting_for
            except BaseException as thrown:  # noqa: BLE001  it is passed on
                raised = thrown


async def cancelled_at_await(call: Callable[[], Awaitable[Any]], progress: Progress) -> BaseException | None:
    """Cancel a call at its n-th await, and return the exception that the call raised; None if it returned."""
    with anyio.CancelScope() as scope:
        try:
            await CancelledAtAwait(call(), progress, lambda _: scope.cancel())
        except anyio.get_cancelled_exc_class() as cancelled:
            return cancelled
    return None


async def task_cancelled_at_await(
    call: Callable[[], Awaitable[Any]], progress: Progress, *, when_ready: bool
) -> BaseException | None:
    """Do the same with asyncio's `Task.cancel`, which no scope shields from.

    Args:
        call: The call.
        progress: The number of the await, and how far the call gets.
        when_ready: Whether to cancel the task when what it waits for is ready, and not at once.
    """
    import asyncio

    async def run() -> Any:
        return await CancelledAtAwait(call(), progress, cancel)

    def cancel(waiting_for: Any) -> None:
        if when_ready and asyncio.isfuture(waiting_for):
            waiting_for.add_done_callback(lambda _: task.cancel())
        else:
            task.cancel()

    task = asyncio.ensure_future(run())
    try:
        await task
    except asyncio.CancelledError as cancelled:
        return cancelled
    return None


def problem(progress: Progress, raised: BaseException) -> str | None:
    """Return what is wrong with the notes of an interrupted call; None if nothing is."""
    notes = [note for note in getattr(raised, "__notes__", []) if note != NOTE_OF_PYTHON]
    has_id = [ID_NOTE in note for note in notes] == [True]
    has_unknown = [UNKNOWN_NOTE in note for note in notes] == [True]
    if progress.has_arrived:
        is_right = has_id
    elif not progress.is_sending:
        is_right = not notes
    elif {"head", "check_open"} & set(progress.functions) or progress.functions[:1] == ["_send"]:
        is_right = not notes or has_unknown  # the last lines before the first byte may leave
    else:
        is_right = has_unknown or has_id
    return None if is_right else f"{progress}: {raised!r} with {notes}"
