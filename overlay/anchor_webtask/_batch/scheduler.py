"""Drives the plan of `tasks.map` with threads.

One thread, the scheduler, owns the plan and all other state. It receives messages, each a function that it calls, and
never waits for anything else. Requests are sent by helper threads. One more thread reads the user's iterable, which may
be slow. All are daemon threads: none keeps the process alive.
"""

from __future__ import annotations

import heapq
import itertools
import math
import queue
import threading
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, Generic, TypeAlias, TypeVar

from anchor_webtask._batch import left
from anchor_webtask._batch.at_exit import leave_at_exit
from anchor_webtask._batch.gate import STOPPED
from anchor_webtask._batch.helpers import Helpers, Message
from anchor_webtask._batch.items import StartFailed, as_request, prepared
from anchor_webtask._batch.models import Progress, TaskOutcome
from anchor_webtask._batch.progress import ProgressReports
from anchor_webtask._errors import AnchorError, NotFoundError
from anchor_webtask._models import T

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anchor_webtask._batch.calls import Calls, Watch
    from anchor_webtask._batch.helpers import Job
    from anchor_webtask._batch.items import Item, Verdict
    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._batch.plan import Plan

U = TypeVar("U")

NAME: Final = "anchor_webtask map"


class End:
    """The last message to the user's thread."""


Output: TypeAlias = TaskOutcome[T] | Progress | End


class Scheduler(Generic[T]):
    """The threads of one call.

    Args:
        plan: What the call does.
        calls: How to start and check a task.
        requests: The user's requests.
        max_helpers: How many requests may be under way at once.
        reports_progress: Whether the user's thread receives the progress.

    Attributes:
        outbox: What the user's thread receives: outcomes, progress, and in the end an `End`.
        raised: The first exception that has ended the call early.
        iterable_raised: An exception of the user's iterable.
        is_hurried: Whether the call is to end at once.
        is_over: Whether all outcomes are in the outbox, or were received.
    """

    def __init__(
        self, plan: Plan[T], calls: Calls[T], requests: Iterable[object], max_helpers: int, *, reports_progress: bool
    ) -> None:
        self.outbox: SimpleQueue[Output[T]] = SimpleQueue()
        self.raised: BaseException | None = None
        self.iterable_raised: BaseException | None = None
        self.is_hurried = False
        self.is_over = False
        self._plan, self._calls, self._clock = plan, calls, calls.clock
        self._requests: Iterable[object] = requests
        self._inbox: SimpleQueue[Message] = SimpleQueue()
        self._wishes: SimpleQueue[bool] = SimpleQueue()  # whether to take another request
        self._due: list[tuple[float, int, Job]] = []
        self._order = itertools.count()
        self._helpers = Helpers(f"{NAME}: helper", max_helpers, self._job_done)
        self._begins: dict[str, bool] = {}  # whether the call begins, once that is decided
        self._is_taking = self._is_abandoned = False
        self._reports = ProgressReports(plan) if reports_progress else None
        self._finished = threading.Event()

    # Called by the user's thread

    def begin(self) -> None:
        """Start the call."""
        leave_at_exit(self)
        threading.Thread(target=self._run, name=NAME, daemon=True).start()

    def call_off(self) -> bool:
        """Return whether the call has not begun; if it has not, it never will."""
        # One operation decides: an interruption of `begin` leaves it unknown whether the thread was started.
        return not self._begins.setdefault("begins", False)

    @property
    def is_left(self) -> bool:
        """Whether nothing more is started."""
        return self._plan.gate.is_closed

    @property
    def left_ids(self) -> dict[str, str]:
        """The ids of the tasks that still run after the call was left, by key."""
        return self._plan.left_ids

    def tell_read(self) -> None:
        """Say that an outcome was read."""
        self._inbox.put(self._plan.read)

    def took(self, outcome: TaskOutcome[T]) -> None:
        """Record that the loop has asked for the outcome after this one."""

    def tell_reported(self) -> None:
        """Say that the progress was reported."""
        if self._reports is not None:
            self._inbox.put(self._reports.reported)

    def leave(self) -> None:
        """Start nothing more from now on, and end within a few seconds; any thread may call this at any time."""
        self._plan.gate.is_closed = True
        self._inbox.put(self._leave)

    def hurry(self) -> None:
        """End at once a call that was left."""
        self.is_hurried = True
        self._inbox.put(partial(self._plan.give_up, math.inf))

    def abandon(self) -> None:
        """Leave the call, which nobody reads any more, and log what it leaves; any thread may call this at any time."""
        self._is_abandoned = True
        self.leave()
        if self.call_off():
            self._finished.set()
        elif self.is_over:  # then the scheduler has perhaps ended before it was abandoned
            self._log_unread()

    def wait(self, seconds: float) -> bool:
        """Wait until the call has ended, and return whether it has."""
        return self._finished.wait(seconds)

    def end_now(self) -> None:
        """End a call at once that was abandoned."""
        self.hurry()
        self.wait(left.HURRIED_ENDS_WITHIN)

    # The scheduler

    def _run(self) -> None:
        if not self._begins.setdefault("begins", True):
            return
        try:
            self._open()
            threading.Thread(target=self._feed, name=f"{NAME}: requests", daemon=True).start()
            self._drive()
        except BaseException as raised:  # noqa: BLE001  the user's thread raises it
            self._leave_by(raised)
        self._deliver()
        try:
            self._end()
        except BaseException as raised:  # noqa: BLE001  the user's thread raises it
            self._keep(raised)
        self._wishes.put(False)
        self._helpers.dismiss()
        self._deliver()
        if self._reports is not None:
            self._report(self._reports.last(self._clock.now()))
        self.is_over = True
        self._handle_messages()  # from now on, each helper handles its own
        self.outbox.put(End())
        if self._is_abandoned:
            self._log_unread()
        self._finished.set()

    def _drive(self) -> None:
        while not self._plan.is_over:
            self._act()

    def _leave_by(self, raised: BaseException) -> None:
        """Leave the call because of an exception of the scheduler itself."""
        self._keep(raised)
        try:
            self._leave()
            self._drive()
        except BaseException as again:  # noqa: BLE001  the user's thread raises the first
            self._keep(again)
            self._plan.leave(0.0)
            self._plan.give_up(math.inf)

    def _keep(self, raised: BaseException) -> None:
        """Keep an exception for the user's thread; of several, it raises the first, with the notes of the others."""
        if self.raised is None:
            self.raised = raised
        else:
            left.pass_notes(raised, self.raised)

    def _log_unread(self) -> None:
        left.log(each for each in _drained(self.outbox) if isinstance(each, TaskOutcome))

    def _open(self) -> None:
        """Do what is to be done before the first start."""

    def _end(self) -> None:
        """Do what is to be done after the last outcome."""

    def _act(self) -> None:
        plan, now = self._plan, self._clock.now()
        plan.give_up(now)
        while self._due and self._due[0][0] <= now:
            self._submit(heapq.heappop(self._due)[2])
        while (item := plan.next_start(now)) is not None:
            self._submit(partial(self._start, item))
        if not self._is_taking and plan.wants_request(now):
            self._is_taking = True
            self._wishes.put(True)
        self._deliver()
        if not plan.is_over:
            change = plan.next_change(now)
            self._receive(min(self._due[0][0] if self._due else math.inf, change))

    def _receive(self, until: float) -> None:
        """Handle all messages; if there is none, wait for one until a moment."""
        try:
            if until == math.inf:
                self._inbox.get()()
            else:
                seconds = min(max(until - self._clock.now(), 0.0), threading.TIMEOUT_MAX)
                self._clock.get(self._inbox, True, seconds)()
        except queue.Empty:
            return
        self._handle_messages()

    def _handle_messages(self) -> None:
        for message in _drained(self._inbox):
            message()

    def _deliver(self) -> None:
        while self._plan.outcomes:
            self.outbox.put(self._plan.outcomes.popleft())
        if self._reports is not None:
            self._report(self._reports.next(self._clock.now()))

    def _report(self, progress: Progress | None) -> None:
        if progress is not None:
            self.outbox.put(progress)

    def _submit(self, job: Job) -> None:
        self._helpers.submit(job)

    def _schedule(self, due: float, job: Job) -> None:
        if not self._plan.is_left:
            heapq.heappush(self._due, (due, next(self._order), job))

    def _leave(self) -> None:
        self._plan.leave(self._clock.now())
        self._due.clear()

    # Messages to the scheduler

    def _taken(self, request: TaskRequest, made: object) -> None:
        self._is_taking = False
        self._plan.take(request, made)

    def _exhausted(self, raised: BaseException | None) -> None:
        self.iterable_raised = raised
        self._plan.exhaust()

    def _done(self, message: Message) -> None:
        self._helpers.done()
        message()

    def _started(self, item: Item[T], watch: Watch[T]) -> None:
        if not self._plan.started(item, watch.task_id):
            left.log_late(watch.task_id)
        elif not self._plan.is_left:
            self._submit(partial(self._check, item, watch))

    def _ended_at_once(self, item: Item[T], ended: Message) -> None:
        if not self._plan.started(item, None):
            left.log_late(None)
        ended()

    def _start_failed(self, item: Item[T], failed: StartFailed) -> None:
        self._plan.start_failed(item, failed, self._clock.now())

    def _ended(self, item: Item[T], watch: Watch[T], verdict: Verdict[T]) -> None:
        self._plan.ended(item, verdict, self._clock.now())
        until = self._plan.held_until(item)
        if until is not None:
            self._schedule(self._clock.now(), partial(self._check_held, item, watch.held(until)))

    def _start_broke(self, item: Item[T], raised: BaseException) -> None:
        if item.task_id is not None and not self._plan.is_starting(item):
            left.log_late(item.task_id)
        self._broke(item, raised)

    def _broke(self, item: Item[T], raised: BaseException) -> None:
        self._keep(raised)
        self._plan.broke(item, self._clock.now())
        self._due.clear()

    # The helpers

    def _job_done(self, message: Message) -> None:
        self._inbox.put(partial(self._done, message))
        if self.is_over:  # then no scheduler handles it
            self._handle_messages()

    def _start(self, item: Item[T]) -> Message:
        if self._plan.gate.is_closed:
            return partial(self._start_failed, item, StartFailed(AnchorError(STOPPED), None))
        try:
            return self._send(item)
        except BaseException as raised:  # noqa: BLE001  the user's thread raises it
            return partial(self._start_broke, item, raised)

    def _send(self, item: Item[T]) -> Message:
        return self._after_start(item, self._calls.start(item))

    def _after_start(self, item: Item[T], started: Watch[T] | StartFailed) -> Message:
        if isinstance(started, StartFailed):
            return partial(self._start_failed, item, started)
        if started.task_id is None:  # the result counts, though the call may have been left meanwhile
            return partial(self._ended_at_once, item, self._check(item, started))
        return partial(self._started, item, started)

    def _check(self, item: Item[T], watch: Watch[T]) -> Message:
        verdict: Verdict[T]
        try:
            due = watch.advance()
            if due is not None:
                return partial(self._schedule, due, partial(self._check, item, watch))
            verdict = watch.result()
        except AnchorError as error:
            verdict = error
        except BaseException as raised:  # noqa: BLE001  the user's thread raises it
            return partial(self._broke, item, raised)
        return partial(self._ended, item, watch, verdict)

    def _check_held(self, item: Item[T], watch: Watch[T]) -> Message:
        try:
            due = watch.advance()
        except NotFoundError:
            due = None
        except AnchorError:
            return _nothing  # the task keeps its place until its time is over
        except BaseException as raised:  # noqa: BLE001  the user's thread raises it
            return partial(self._broke, item, raised)
        if due is None:
            return partial(self._plan.free, item)
        return partial(self._schedule, due, partial(self._check_held, item, watch))

    # The user's iterable

    def _feed(self) -> None:
        try:
            requests = iter(self._requests)
            del self._requests
            while self._wishes.get():
                try:
                    request = as_request(next(requests))
                except StopIteration:
                    break
                self._inbox.put(partial(self._taken, request, prepared(request, self._calls.prepare)))
                del request
        except BaseException as raised:  # noqa: BLE001  the user's thread raises it
            self._inbox.put(partial(self._exhausted, raised))
        else:
            self._inbox.put(partial(self._exhausted, None))


def _nothing() -> None:
    """Change nothing."""


def _drained(messages: SimpleQueue[U]) -> Iterator[U]:
    """Remove all messages of a queue, without waiting."""
    with suppress(queue.Empty):
        while True:
            yield messages.get_nowait()
