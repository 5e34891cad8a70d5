"""Drives the plan of `tasks.map` in an event loop, of asyncio or trio.

A background task, the manager, asks the plan what to do. Each task of the call is started and waited for by a task of
the event loop. The manager is no child of the user's task, since the loop's body may be slow or be left at any time.
"""

from __future__ import annotations

import contextvars
import functools
import math
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import sniffio

from anchor_webtask._batch import left
from anchor_webtask._batch.at_exit import leave_at_exit
from anchor_webtask._batch.items import StartFailed, as_request, prepared
from anchor_webtask._batch.outbox import Outbox
from anchor_webtask._batch.requests import Requests, was_cancelled
from anchor_webtask._errors import AnchorError, NotFoundError
from anchor_webtask._event_loops import is_asyncio, spawn, this_loop
from anchor_webtask._models import T

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator

    from anyio.abc import TaskGroup

    from anchor_webtask._batch.calls import AsyncCalls, AsyncWatch
    from anchor_webtask._batch.items import Item, Verdict
    from anchor_webtask._batch.models import TaskOutcome
    from anchor_webtask._batch.plan import Plan


class Manager(Outbox[T]):
    """The background task of one call.

    Args:
        plan: What the call does.
        calls: How to start and check a task.
        requests: The user's requests.
        reports_progress: Whether the user's task receives the progress.

    Attributes:
        raised: The first exception that has ended the call early.
        iterable_raised: An exception of the user's iterable.
    """

    def __init__(
        self,
        plan: Plan[T],
        calls: AsyncCalls[T],
        requests: Iterable[object] | AsyncIterable[object],
        *,
        reports_progress: bool,
    ) -> None:
        super().__init__(plan, calls.clock, reports_progress=reports_progress)
        self.raised: BaseException | None = None
        self.iterable_raised: BaseException | None = None
        self._calls = calls
        self._requests = requests
        self._is_taking = self._is_abandoned = False
        self._begins: dict[str, bool] = {}  # whether the call begins, once that is decided
        self._scopes: set[anyio.CancelScope] = set()  # of what is cancelled when the call is left
        self._start_scopes: set[anyio.CancelScope] = set()
        self._changed, self._wished = anyio.Event(), anyio.Event()
        self._loop: Any = None
        self._abandon_soon: Callable[[], None] | None = None
        self._finished = threading.Event()
        self._task: Any = None  # asyncio itself does not keep a task alive

    # Called by the user's task

    def begin(self) -> None:
        """Start the call in the running event loop."""
        self._loop, soon = this_loop()
        leave_at_exit(self)
        self._abandon_soon = functools.partial(soon, self._abandon)
        if sniffio.current_async_library() == "trio":
            import trio

            trio.lowlevel.spawn_system_task(self._run, context=contextvars.copy_context())
        else:
            import asyncio

            self._task = asyncio.get_running_loop().create_task(self._run())

    def call_off(self) -> bool:
        """Return whether the call has not begun; if it has not, it never will."""
        # One operation decides: an interruption of `begin` leaves it unknown whether the background task was made.
        is_off = not self._begins.setdefault("begins", False)
        if is_off:
            self._finish()
        return is_off

    @property
    def is_left(self) -> bool:
        """Whether nothing more is started."""
        return self._plan.gate.is_closed

    @property
    def left_ids(self) -> dict[str, str]:
        """The ids of the tasks that still run after the call was left, by key."""
        return self._plan.left_ids

    def read(self) -> None:
        """Record that an outcome was read."""
        self._plan.read()
        self._changed.set()

    def took(self, outcome: TaskOutcome[T]) -> None:
        """Record that the loop has asked for the outcome after this one."""

    def reported(self) -> None:
        """Record that the progress was reported."""
        if self._reports is not None:
            self._reports.reported()
            self._changed.set()

    def leave(self) -> None:
        """Start nothing more, and end within a few seconds."""
        self._plan.leave(self._clock.now())
        self._cancel_waits()
        self._changed.set()

    def hurry(self) -> None:
        """End at once a call that was left."""
        self._plan.give_up(math.inf)
        self._finish()

    def abandon(self) -> None:
        """Leave the call, which nobody reads any more, and log what it leaves; any thread may call this at any time."""
        if self.has_ended:
            self._log_unread()
        elif self._abandon_soon is not None:
            self._abandon_soon()

    def wait(self, seconds: float) -> bool:
        """Wait in another thread than the event loop's until the call has ended, and return whether it has."""
        is_stopped = is_asyncio(self._loop) and not self._loop.is_running()
        return self._finished.wait(0.0 if is_stopped else seconds)

    def end_now(self) -> None:
        """End a call whose event loop does not run any more, or does not react, and log what it leaves."""
        self._plan.leave(0.0)
        self._plan.give_up(math.inf)
        self.has_ended = True
        self.outbox.extend(self._plan.outcomes)
        self._log_unread()

    # The manager

    async def _run(self) -> None:
        if not self._begins.setdefault("begins", True):
            return
        async with anyio.create_task_group() as group:
            try:
                await self._drive_until_end(group)
            finally:
                if not self._plan.is_over:  # a second exception has ended it
                    self._plan.leave(0.0)
                    self._plan.give_up(math.inf)
                self._deliver()
                try:
                    await self._end()
                except Exception as raised:  # noqa: BLE001  the user's task raises it
                    self._keep(raised)
                finally:
                    self._finish()

    async def _drive_until_end(self, group: TaskGroup) -> None:
        try:
            try:
                await self._open()
                spawn(group, self._feed)
                await self._drive(group)
            except Exception as raised:  # noqa: BLE001  the user's task raises it
                self._keep(raised)
                self.leave()
                await self._drive(group)
        except anyio.get_cancelled_exc_class():
            self._leave_with_loop()
            with anyio.CancelScope(shield=True):
                await self._drive(group)  # until the starts have their responses, for a moment
            raise

    async def _drive(self, group: TaskGroup) -> None:
        while not self._plan.is_over:
            self._changed = anyio.Event()
            until = self._act(group)
            await self._wait_until(until)

    def _leave_with_loop(self) -> None:
        """Leave the call since the event loop ends: nobody reads it any more, unless somebody leaves it already."""
        if not self._plan.is_left:
            self._is_abandoned = True
        self.leave()

    def _keep(self, raised: BaseException) -> None:
        """Keep an exception for the user's task; of several, it raises the first, with the notes of the others."""
        if self.raised is None:
            self.raised = raised
        else:
            left.pass_notes(raised, self.raised)

    async def _open(self) -> None:
        """Do what is to be done before the first start."""

    async def _end(self) -> None:
        """Do what is to be done after the last outcome."""

    def _act(self, group: TaskGroup) -> float:
        """Do what is to be done now, and return when the plan decides something though nothing has happened."""
        plan, now = self._plan, self._clock.now()
        plan.give_up(now)
        while (item := plan.next_start(now)) is not None:
            spawn(group, self._run_item, item)
        if not self._is_taking and plan.wants_request(now):
            self._is_taking = True
            self._wished.set()
        self._deliver()
        return plan.next_change(now)

    async def _wait_until(self, until: float) -> None:
        if self._plan.is_over:
            return
        if until == math.inf:
            await self._changed.wait()
        else:
            with self._clock.move_on_after(max(min(until - self._clock.now(), threading.TIMEOUT_MAX), 0.0)):
                await self._changed.wait()

    def _finish(self) -> None:
        if self.has_ended:
            return
        self._cancel_waits()
        self._deliver_last()
        for scope in self._start_scopes:
            scope.shield = False  # all outcomes are delivered; the event loop may end now
        if self._is_abandoned:
            self._log_unread()
        self._finished.set()

    def _abandon(self) -> None:
        self._is_abandoned = True
        if self.has_ended:
            self._log_unread()
        else:
            self.leave()

    def _cancel_waits(self) -> None:
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def _wait_scope(self) -> Iterator[None]:
        """A block that is cancelled when the call is left."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            if self._plan.is_left or self.has_ended:
                scope.cancel()
            try:
                yield
            finally:
                self._scopes.discard(scope)

    # The tasks of the event loop

    async def _run_item(self, item: Item[T]) -> None:
        try:  # not a context manager, which would need memory for each task that is waited for
            watch = await self._start_shielded(item)
            if watch is None:
                return
            if watch.task_id is None:  # the result counts, though the call may have been left meanwhile
                await self._wait(item, watch)
                return
            with self._wait_scope():
                await self._wait(item, watch)
        except BaseException as raised:
            if not self._ended_by(item, raised):
                raise

    async def _start_shielded(self, item: Item[T]) -> AsyncWatch[T] | None:
        """Start an item; the end of the event loop cancels this only once the call has ended, a moment later."""
        with anyio.CancelScope(shield=not self.has_ended) as scope:
            self._start_scopes.add(scope)
            try:
                return await self._start(item)
            except BaseException:
                if item.task_id is not None and not self._plan.is_starting(item):
                    left.log_late(item.task_id)
                raise
            finally:
                self._start_scopes.discard(scope)
        return None

    @contextmanager
    def _raising_for_user(self, item: Item[T]) -> Iterator[None]:
        """Keep an exception that ends the start or the wait of an item, and the call, for the user's task."""
        try:
            yield
        except BaseException as raised:
            if not self._ended_by(item, raised):
                raise

    def _ended_by(self, item: Item[T], raised: BaseException) -> bool:
        """End the call by an exception, and return whether it is kept for the user's task; it may be a cancellation."""
        is_kept = not was_cancelled(raised)
        if is_kept:
            self._keep(raised)
        else:
            self._leave_with_loop()
        self._broke(item)
        return is_kept

    def _broke(self, item: Item[T]) -> None:
        self._plan.broke(item, self._clock.now())
        self._cancel_waits()
        self._changed.set()

    async def _start(self, item: Item[T]) -> AsyncWatch[T] | None:
        return self._after_start(item, await self._calls.start(item))

    def _after_start(self, item: Item[T], started: AsyncWatch[T] | StartFailed) -> AsyncWatch[T] | None:
        self._changed.set()
        if isinstance(started, StartFailed):
            self._plan.start_failed(item, started, self._clock.now())
            return None
        if not self._plan.started(item, started.task_id):
            left.log_late(started.task_id)
        return started

    async def _wait(self, item: Item[T], watch: AsyncWatch[T]) -> None:
        verdict: Verdict[T]
        try:
            verdict = await watch.result()
        except AnchorError as error:
            verdict = error
        self._plan.ended(item, verdict, self._clock.now())
        self._changed.set()
        until = self._plan.held_until(item)
        if until is None:
            return
        try:
            await watch.hold(until)
        except NotFoundError:
            pass
        except AnchorError:
            return  # the task keeps its place until its time is over
        self._plan.free(item)
        self._changed.set()

    # The user's iterable

    async def _feed(self) -> None:
        with self._wait_scope():
            try:
                requests = Requests(self._requests)
                try:
                    await self._take_all(requests)
                finally:
                    await requests.aclose()
            except BaseException as raised:
                if was_cancelled(raised):
                    raise
                self.iterable_raised = raised
        self._plan.exhaust()
        self._changed.set()

    async def _take_all(self, requests: AsyncIterator[object]) -> None:
        while True:
            await self._wished.wait()
            self._wished = anyio.Event()
            try:
                request = as_request(await anext(requests))
            except StopAsyncIteration:
                return
            self._is_taking = False
            self._plan.take(request, prepared(request, self._calls.prepare))
            self._changed.set()
