"""Interrupted sessions: each is ended, or its tag or its id is said."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import warnings
from contextlib import contextmanager
from linecache import getline
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from anchor_webtask import (
    Anchor,
    AsyncAnchor,
    AsyncSession,
    Question,
    SessionNotEndedWarning,
    TaskFailedError,
    TaskTimeoutError,
)
from anchor_webtask._secret_task_id import SecretTaskId
from anchor_webtask.emulator import Ask, Emulator, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from types import FrameType

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


class InterruptionError(Exception):
    """What interrupts, such as the exception of a signal handler."""


class HangUp(BaseException):
    """What a handler of a signal raises that must not be caught as an error."""


class Interrupting(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that raises an interruption before or after requests of one method reach the emulator."""

    def __init__(self, inner: httpx.MockTransport | Interrupting, method: str, *, before: bool, times: int = 1) -> None:
        self._inner = inner
        self._method = method
        self._before = before
        self._times = times

    def _interrupt(self, request: httpx.Request, *, before: bool) -> None:
        if self._times and request.method == self._method and before == self._before:
            self._times -= 1
            raise InterruptionError

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self._interrupt(request, before=True)
        response = self._inner.handle_request(request)
        self._interrupt(request, before=False)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._interrupt(request, before=True)
        response = await self._inner.handle_async_request(request)
        self._interrupt(request, before=False)
        return response


@pytest.fixture(autouse=True)
def swallowed() -> Iterator[list[warnings.WarningMessage]]:
    """Record the warnings about sessions that may still be open."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", SessionNotEndedWarning)
        yield caught


def interrupted(runner: Runner, call: Callable[..., Any], *args: Any) -> InterruptionError:
    with pytest.raises(InterruptionError) as caught:
        runner.call(call, *args)
    return caught.value


def test_session_is_ended_whose_creation_is_interrupted_after_it_was_sent(runner: Runner, emulator: Emulator) -> None:
    transport = Interrupting(emulator.transport(), "POST", before=False)
    with runner.anchor(transport=transport) as anchor:
        error = interrupted(runner, anchor.sessions.open)
    assert len(emulator.sessions) == 1
    emulator.expect_no_open_sessions()
    assert getattr(error, "__notes__", []) == []


def test_interruption_says_the_tag_of_a_session_that_is_not_found(
    runner: Runner, emulator: Emulator, clock: InstantClock
) -> None:
    with runner.anchor(transport=Interrupting(emulator.transport(), "POST", before=True)) as anchor:
        error = interrupted(runner, anchor.sessions.open)
    (note,) = error.__notes__
    assert "the browser session may or may not have been created" in note
    assert "anchor-webtask session list --tag awt-" in note
    assert (clock.time, emulator.sessions) == (10, ())


def test_second_interruption_says_the_tag(runner: Runner, emulator: Emulator) -> None:
    first = Interrupting(emulator.transport(), "GET", before=True)
    with runner.anchor(transport=Interrupting(first, "POST", before=False)) as anchor:
        error = interrupted(runner, anchor.sessions.open)
    (note,) = error.__notes__
    (session,) = emulator.sessions
    assert f"anchor-webtask session list --tag {session.tags[1]}" in note


def test_session_that_an_error_names_is_said_and_not_ended(runner: Runner, emulator: Emulator) -> None:
    """It may be another one, which is in the way of the new session."""
    emulator.on_session(faults={"create": [Fault(409, body='{"data": {"id": "s-123"}}')]})
    with runner.anchor(transport=Interrupting(emulator.transport(), "GET", before=True)) as anchor:
        error = interrupted(runner, anchor.sessions.open)
    (note,) = error.__notes__
    assert "anchor-webtask session list --tag awt-" in note
    assert "anchor-webtask session end s-123" in note
    assert not any(each.method == "DELETE" for each in emulator.requests)


def test_session_is_ended_if_a_log_handler_interrupts_its_creation(
    runner: Runner, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().endswith("created"):
                raise InterruptionError

    logger, handler = logging.getLogger("anchor_webtask"), Handler()
    caplog.set_level(logging.INFO, logger="anchor_webtask")
    logger.addHandler(handler)
    try:
        with runner.anchor(transport=emulator.transport()) as anchor:
            interrupted(runner, anchor.sessions.open)
    finally:
        logger.removeHandler(handler)
    assert len(emulator.sessions) == 1
    emulator.expect_no_open_sessions()


def test_interrupted_end_says_the_id(runner: Runner, emulator: Emulator) -> None:
    with runner.anchor(transport=Interrupting(emulator.transport(), "DELETE", before=True)) as anchor:
        session = runner.call(anchor.sessions.open)
        error = interrupted(runner, session.end)
        (note,) = error.__notes__
        assert f"the browser session {session.id!r} may still be open: it costs" in note
        runner.call(session.end)
    emulator.expect_no_open_sessions()


@pytest.mark.anyio
async def test_cancelled_body_ends_its_session(held: Emulator) -> None:
    held.on_session(faults={"end": [502]})
    async with AsyncAnchor() as anchor:
        with anyio.move_on_after(0.05) as scope:
            async with anchor.sessions.open():
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        held.expect_no_open_sessions()
    assert len(held.sessions) == 1


@pytest.mark.anyio
async def test_cancelled_task_in_a_session_ends_the_session(held: Emulator) -> None:
    held.on(takes=3600)
    async with AsyncAnchor() as anchor, anyio.create_task_group() as group:

        async def stop(_: object) -> None:
            group.cancel_scope.cancel()

        async with anchor.sessions.open() as session:
            await session.tasks.run("Read", on_update=stop)
    assert len(held.sessions) == 1
    held.expect_no_open_sessions()


@pytest.mark.anyio
async def test_session_whose_creation_is_cancelled_is_found_and_ended(held: Emulator) -> None:
    held.on_session(faults={"create": [Fault(delay=20)], "list": [Fault(delay=1)], "end": [Fault(delay=1)]})
    async with AsyncAnchor() as anchor:
        with held.clock.move_on_after(5) as scope:
            async with anchor.sessions.open():
                pytest.fail("the creation was not cancelled")
        assert scope.cancelled_caught
    assert len(held.sessions) == 1
    held.expect_no_open_sessions()


@pytest.mark.anyio
async def test_cancelled_creation_that_is_not_found_is_a_warning_with_its_tag(
    held: Emulator, swallowed: list[warnings.WarningMessage]
) -> None:
    held.on_session(faults={"create": [Fault(status=502, delay=20)]})
    async with AsyncAnchor() as anchor:
        with pytest.warns(SessionNotEndedWarning, match="session list --tag awt-"), held.clock.move_on_after(5):
            await anchor.sessions.open()
    assert (held.sessions, swallowed) == ((), [])


def test_task_of_asyncio_that_is_cancelled_ends_its_session(held: Emulator) -> None:
    opened = asyncio.Event()

    async def work(anchor: AsyncAnchor) -> None:
        async with anchor.sessions.open():
            opened.set()
            await asyncio.sleep(3600)

    async def main() -> None:
        async with AsyncAnchor() as anchor:
            task = asyncio.create_task(work(anchor))
            await opened.wait()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert task.cancelled()

    asyncio.run(main())
    held.expect_no_open_sessions()


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("is_async", [False, True], ids=["function", "coroutine"])
def test_interrupted_question_that_blocks_the_event_loop_is_not_answered_and_the_session_ends(
    held: Emulator, swallowed: list[warnings.WarningMessage], backend: str, times: int, is_async: bool
) -> None:
    """A first Ctrl-C only cancels the task, which sees it when the function returns; the function sees the second."""

    def ask(_: Question) -> str:
        for _each in range(times):
            signal.raise_signal(signal.SIGINT)
        return "yes"

    async def ask_without_waiting(question: Question) -> str:
        return ask(question)

    async def main() -> None:
        async with AsyncAnchor() as anchor, anchor.sessions.open() as session:
            await session.tasks.run("Read", on_question=ask_without_waiting if is_async else ask)

    held.on(asks=[Ask("Sure?")])
    held.on_session(faults={"end": [Fault(delay=1)]})
    with pytest.raises(KeyboardInterrupt):
        anyio.run(main, backend=backend)
    held.expect_no_open_sessions()
    assert (held.sessions[0].answers, swallowed) == ((), [])


@pytest.mark.parametrize(
    "error", [None, ValueError("mine"), asyncio.CancelledError("mine"), KeyboardInterrupt(), HangUp()], ids=repr
)
@pytest.mark.parametrize("end", [None, 401])
def test_cancellation_that_the_body_has_not_seen_does_not_interrupt_the_end(
    held: Emulator, error: BaseException | None, end: int | None
) -> None:
    caught: list[BaseException] = []

    async def work(anchor: AsyncAnchor) -> None:
        current: Any = asyncio.current_task()
        try:
            async with anchor.sessions.open():
                current.cancel()
                if error is not None:
                    raise error  # noqa: TRY301  it is what leaves the block
        except BaseException as raised:
            caught.append(raised)
            raise

    async def main() -> None:
        async with AsyncAnchor() as anchor:
            await asyncio.create_task(work(anchor))

    held.on_session(faults={"end": [Fault(end, delay=1)]})
    with pytest.raises((asyncio.CancelledError, KeyboardInterrupt, HangUp)):
        asyncio.run(main())
    if isinstance(error, KeyboardInterrupt | HangUp):
        assert caught[0] is error
    else:
        assert isinstance(caught[0], asyncio.CancelledError)
    notes = getattr(caught[0], "__notes__", [])
    assert [f"{held.sessions[0].id!r} may still be open (HTTP 401" in each for each in notes] == [True] * (
        end is not None
    )
    assert held.sessions[0].is_open == (end is not None)


def test_second_cancellation_has_the_notes_of_the_one_that_it_replaces(held: Emulator) -> None:
    caught: list[BaseException] = []

    async def work(anchor: AsyncAnchor, started: asyncio.Event) -> None:
        current: Any = asyncio.current_task()
        try:
            async with anchor.sessions.open() as session:
                try:
                    await session.tasks.run("Read", on_start=lambda _: started.set())
                except asyncio.CancelledError:
                    current.cancel()  # as by Ctrl-C while a function blocks the event loop
                    raise
        except BaseException as raised:
            caught.append(raised)
            raise

    async def main() -> None:
        async with AsyncAnchor() as anchor:
            started = asyncio.Event()
            task = asyncio.create_task(work(anchor, started))
            await started.wait()
            task.cancel()
            await task

    held.on(takes=3600)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    notes = "\n".join(getattr(caught[0], "__notes__", []))
    assert f"tasks.get({held.tasks[0].id!r}) finds it again" in notes
    assert f"the browser session {held.sessions[0].id!r} was ended with its block" in notes
    held.expect_no_open_sessions()


def notes_of_cancelled(work: Callable[[], Coroutine[Any, Any, None]]) -> str:
    """Run a function that is cancelled, and return the notes of the cancellation."""

    async def main() -> str:
        try:
            await work()
        except asyncio.CancelledError as raised:
            return "\n".join(getattr(raised, "__notes__", ()))
        raise AssertionError("the function was not cancelled")

    return asyncio.run(main())


def test_cancellation_has_the_id_of_the_task_whose_error_it_replaces(held: Emulator) -> None:
    async def work() -> None:
        current: Any = asyncio.current_task()
        async with AsyncAnchor() as anchor, anchor.sessions.open() as session:
            try:
                await session.tasks.run("Read", timeout=1)
            except TaskTimeoutError:
                current.cancel()
                raise

    held.on(takes=3600)
    notes = notes_of_cancelled(work)
    assert f"tasks.get({held.tasks[0].id!r}) finds it again" in notes
    held.expect_no_open_sessions()


class UnequalText(str):
    """A text that cannot be compared."""

    __slots__ = ()

    def __eq__(self, _: object) -> bool:
        raise RuntimeError("no comparison")

    __hash__ = str.__hash__


@pytest.mark.parametrize("notes", [None, 5, "text", [b"bytes"], [UnequalText("x")]], ids=repr)
def test_error_whose_notes_are_no_texts_leaves_the_block(held: Emulator, notes: Any) -> None:
    error = KeyError("mine")
    error.__notes__ = notes

    async def leave() -> None:
        async with AsyncAnchor() as anchor, anchor.sessions.open():
            raise error

    with pytest.raises(KeyError) as raised, Anchor() as anchor, anchor.sessions.open():
        raise error
    assert raised.value is error
    with pytest.raises(KeyError) as raised:
        asyncio.run(leave())
    assert raised.value is error
    held.expect_no_open_sessions()


class UnreadableError(Exception):
    """An exception of the user with an attribute that cannot be read."""

    @property
    def task_id(self) -> str:
        raise RuntimeError("no id yet")


@pytest.mark.parametrize(
    "error", [TaskFailedError("no", task_id=SecretTaskId("t-hunter2", "t-[redacted]")), UnreadableError()], ids=repr
)
def test_cancellation_does_not_say_that_a_task_runs_if_the_error_that_it_replaces_does_not(
    held: Emulator, error: Exception
) -> None:
    async def work() -> None:
        current: Any = asyncio.current_task()
        async with AsyncAnchor() as anchor, anchor.sessions.open():
            current.cancel()
            raise error

    assert "finds it again" not in notes_of_cancelled(work)
    held.expect_no_open_sessions()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_what_leaves_a_cancelled_block_has_the_notes_of_an_error_with_an_unreadable_id(
    held: Emulator, backend: str
) -> None:
    """A cancellation of asyncio replaces the error; in trio, the error itself leaves the block."""

    async def main() -> BaseException:
        with anyio.CancelScope() as scope:
            task = asyncio.current_task() if backend == "asyncio" else None

            def cancel_and_fail(_: object) -> None:
                scope.cancel() if task is None else task.cancel()
                raise UnreadableError

            async with AsyncAnchor() as anchor:
                try:
                    async with anchor.sessions.open() as session:
                        await session.tasks.run("Read", on_start=cancel_and_fail)
                except BaseException as raised:  # noqa: BLE001  the test looks at it
                    return raised
        raise AssertionError("nothing left the block")

    left = anyio.run(main, backend=backend)
    assert isinstance(left, asyncio.CancelledError if backend == "asyncio" else UnreadableError)
    notes = "\n".join(getattr(left, "__notes__", ()))
    assert f"tasks.get({held.tasks[0].id!r}) finds it again" in notes
    assert f"the browser session {held.sessions[0].id!r} was ended with its block" in notes
    held.expect_no_open_sessions()


def test_timeout_that_becomes_due_while_the_event_loop_is_blocked_does_not_interrupt_the_end(
    held: Emulator, swallowed: list[warnings.WarningMessage]
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        async with AsyncAnchor() as anchor, asyncio.timeout(None) as limit, anchor.sessions.open():
            due = loop.time() + 1e-4
            limit.reschedule(due)
            while loop.time() <= due:
                pass

    held.on_session(faults={"end": [Fault(delay=1)]})
    with pytest.raises(TimeoutError):
        asyncio.run(main())
    held.expect_no_open_sessions()
    assert swallowed == []


@pytest.mark.anyio
async def test_warning_of_an_interrupted_end_points_to_the_line_of_the_user(
    held: Emulator, swallowed: list[warnings.WarningMessage]
) -> None:
    held.on_session(faults={"end": [Fault(delay=20)]})
    async with AsyncAnchor() as anchor:
        session = await anchor.sessions.open()
        with held.clock.move_on_after(5):
            await session.end()
    (warned,) = swallowed
    assert (warned.filename, getline(__file__, warned.lineno).strip()) == (__file__, "await session.end()")


def test_coroutine_that_is_dropped_says_the_id(held: Emulator) -> None:
    """Nothing can be awaited any more in a coroutine that is closed."""

    async def work(session: AsyncSession) -> None:
        async with session:
            await asyncio.sleep(3600)

    async def main() -> None:
        async with AsyncAnchor() as anchor:
            coroutine = work(await anchor.sessions.open())
            coroutine.send(None)
            with pytest.warns(SessionNotEndedWarning, match="may still be open"):
                coroutine.close()

    asyncio.run(main())
    assert held.sessions[0].is_open


def test_sync_body_that_is_interrupted_ends_its_session(held: Emulator) -> None:
    with Anchor() as anchor, pytest.raises(InterruptionError), anchor.sessions.open():
        raise InterruptionError
    assert len(held.sessions) == 1
    held.expect_no_open_sessions()


class EveryLine:
    """Interrupts the n-th line that functions of these names run."""

    def __init__(self, *names: str) -> None:
        self._names = names
        self._left = 0

    def interrupt(self, frame: FrameType, event: str, _: object) -> Any:
        if frame.f_code.co_name not in self._names or "_sessions" not in frame.f_code.co_filename:
            return None
        # Nothing happens at the line of a `try`, and what is raised there is still the caller's.
        if event == "line" and getline(frame.f_code.co_filename, frame.f_lineno).strip() != "try:":
            self._left -= 1
            if self._left == 0:
                raise InterruptionError
        return self.interrupt

    @contextmanager
    def at(self, line: int) -> Iterator[None]:
        before = sys.gettrace()
        self._left = line
        sys.settrace(self.interrupt)
        try:
            yield
        finally:
            sys.settrace(before)

    @property
    def has_interrupted(self) -> bool:
        return self._left <= 0


def is_said(emulator: Emulator, *errors: BaseException) -> bool:
    """Return whether the last session has ended, or an error says its id."""
    session = emulator.sessions[-1]
    notes = [note for error in errors for note in getattr(error, "__notes__", ())]
    said = (f"session end {session.id}", f"session list --tag {session.tags[1]}")
    return not session.is_open or any(text in note for note in notes for text in said)


OPENING = (
    *(
        "open",
        "_open",
        "_opened",
        "__await__",
        "__init__",
        "__enter__",
        "__aenter__",
        "_prepare",
        "_creation",
        "_created",
    ),
    *("creation_steps", "new_exchange"),
)


def test_interruption_of_each_line_of_the_opening_ends_the_session_or_says_it(held: Emulator) -> None:
    lines, count, interruptions = EveryLine(*OPENING), 0, []
    with Anchor() as anchor:
        anchor.sessions.open().end()
        while True:
            count += 1
            try:
                with lines.at(count), anchor.sessions.open():
                    sys.settrace(None)
            except InterruptionError as error:
                interruptions.append(error)
            assert is_said(held, *interruptions[-1:]), count
            if not lines.has_interrupted:
                break
    assert count > 40


@pytest.mark.anyio
async def test_interruption_of_each_line_of_the_async_opening_ends_the_session_or_says_it(held: Emulator) -> None:
    lines, count, interruptions = EveryLine(*OPENING), 0, []
    async with AsyncAnchor() as anchor:
        await (await anchor.sessions.open()).end()
        while True:
            count += 1
            try:
                with lines.at(count):
                    async with anchor.sessions.open():
                        sys.settrace(None)
            except InterruptionError as error:
                interruptions.append(error)
            assert is_said(held, *interruptions[-1:]), count
            if not lines.has_interrupted:
                break
    assert count > 40


def test_interruption_of_each_line_of_the_end_says_the_id(held: Emulator) -> None:
    lines, count = EveryLine("_end", "__exit__"), 0
    interruptions: list[InterruptionError] = []
    with Anchor() as anchor:
        while True:
            count += 1
            session = anchor.sessions.open()
            session.__enter__()
            try:
                with lines.at(count):
                    session.__exit__(None, None, None)
            except InterruptionError as error:
                interruptions.append(error)
            assert is_said(held, *interruptions[-1:]), count
            if not lines.has_interrupted:
                break
    assert count > 5


@pytest.mark.anyio
async def test_interruption_of_each_line_of_the_async_end_says_the_id(held: Emulator) -> None:
    lines, count = EveryLine("_end", "__aexit__"), 0
    interruptions: list[InterruptionError] = []
    async with AsyncAnchor() as anchor:
        while True:
            count += 1
            opening = anchor.sessions.open()
            await opening.__aenter__()
            try:
                with lines.at(count):
                    await opening.__aexit__(None, None, None)
            except InterruptionError as error:
                interruptions.append(error)
            assert is_said(held, *interruptions[-1:]), count
            if not lines.has_interrupted:
                break
    assert count > 8
