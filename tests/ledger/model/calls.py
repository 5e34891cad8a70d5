"""Calls of `map` and `run` whose threads are steps of the model. Plan, items, starts and rows are the package's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict, cast

from anchor_webtask import (
    Anchor,
    AnchorError,
    BadRequestError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitError,
    StartOutcomeUnknownError,
    TaskRequest,
    TransportError,
    WaitPolicy,
)
from anchor_webtask._batch import ledger_starts
from anchor_webtask._batch.calls import HOLD_POLICY
from anchor_webtask._batch.items import StartFailed, prepared
from anchor_webtask._batch.limits import Limits
from anchor_webtask._batch.looked import Looked
from anchor_webtask._errors import LedgerError
from anchor_webtask._ledger.start import NotSentError
from anchor_webtask._models import TaskResult
from anchor_webtask._output.schema import output_of
from anchor_webtask._polling.outcomes import Completed, Failure, Fault, Running
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._tasks.base import TasksBase
from anchor_webtask._tasks.keyed import Keyed, Later, ToStart
from anchor_webtask._tasks.ledger import planned
from anchor_webtask._tasks.stored import recorded
from anchor_webtask._tasks.sync_handle import WebTask
from anchor_webtask._tasks.sync_many import TaskWatch
from anchor_webtask._world import World as Surroundings
from tests.ledger.model.service import SLOWEST_REQUEST, Request

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._batch.items import Item
    from anchor_webtask._batch.models import TaskOutcome
    from anchor_webtask._clock import Clock
    from anchor_webtask._config import Settings
    from anchor_webtask._ledger.call import LedgerCall
    from anchor_webtask._ledger.start import LedgerStart
    from anchor_webtask._polling.outcomes import Reply
    from anchor_webtask._polling.wait import Fetch
    from anchor_webtask._tasks.base import Start
    from anchor_webtask._tasks.ledger import LedgerItems
    from tests.ledger.model.processes import Process
    from tests.ledger.model.world import World


class Answer(TypedDict):
    of: str
    key: str
    good: bool


OUTPUT = output_of(Answer)
POLICY = WaitPolicy(fraction=0.5, minimum=5, maximum=60, jitter=0)
SETTINGS: Settings = Anchor(api_key="sk-model")._settings
REFUSALS: dict[int, type[AnchorError]] = {
    400: BadRequestError,
    402: PaymentRequiredError,
    429: RateLimitError,
}


@dataclass(frozen=True)
class Spec:
    """What a call is given.

    Attributes:
        process: The number of its process.
        keys: Its keys.
        limit: `max_running`.
        timeout: Its timeout.
        attempts: Its attempts.
        max_starts: How many tasks it may start.
        kind: "map" or "run".
    """

    process: int
    keys: str
    limit: int = 1
    timeout: float = 60.0
    attempts: int = 1
    max_starts: int | None = None
    kind: Literal["map", "run"] = "map"


class ModelTask(WebTask[Any]):
    """A handle whose checks the simulated service answers at once."""

    world: World

    def _fetch(self, step: Fetch) -> Reply | Failure:  # noqa: ARG002  as the base class names it
        return self.world.service.check(self._state.known_id())


class ModelWatch(TaskWatch[Any]):
    """A wait for a task; the wait that keeps its place goes on in the model."""

    __slots__ = ()

    def held(self, until: float) -> TaskWatch[Any]:
        task = self._task
        setup = task._setup._replace(policy=HOLD_POLICY)
        held = ModelTask(cast("Any", None), setup, task._state, started=task._started)
        held.world = cast("ModelTask", task).world
        return ModelWatch(held, until, self._record, is_held=True)


class Call:
    """A call that has begun.

    Attributes:
        began: When, in seconds since 1970.
        outcomes: The outcomes that its user has read, by index.
        ends: Whether it has all its outcomes.
        is_over: Whether it has returned to its user.
        is_left: Whether its user has left it early.
    """

    items: LedgerItems[Any]

    def __init__(self, world: World, process: Process, spec: Spec) -> None:
        self.world, self.process, self.spec = world, process, spec
        self.name = f"{spec.kind} {len(world.calls)}"
        self.clock = world.clock
        self.settings = SETTINGS._replace(world=Surroundings(cast("Clock", world.clock)))
        self.tasks = TasksBase(self.settings)
        self.began = world.clock.wall()
        self.outcomes: dict[int, list[TaskOutcome[Any] | TaskResult[Any] | AnchorError]] = {}
        self.is_over = self.is_left = self.ends = False

    @property
    def call(self) -> LedgerCall:
        return self.items.call

    def act(self) -> None:
        """Do what is due at once."""

    def leave(self) -> None:
        """End it early, as its user does."""
        raise NotImplementedError

    def next_change(self) -> float | None:
        """Return when it acts though nothing has happened."""
        return None

    def request(self, key: str) -> TaskRequest:
        return TaskRequest(f"do {key}", key=key)

    def owns(self, thread_name: str) -> bool:
        return thread_name.startswith(f"{self.name} ")

    def start(self, item: Item[Any], request: Start[Any]) -> Generator[Any, Any, Any]:
        """Do what `LedgerTasks.start` does."""
        start = self.items.new_start(item, request)
        exchange = Exchange(self, item, start, request)
        self.world.exchanges.append(exchange)
        try:
            outcome = yield from exchange.send()
            task = yield from self.items.concluded(item, start, outcome)
        except KeyboardInterrupt:
            ledger_starts.interrupted(start, exchange.arrived, may_have_started=exchange.may_have_started)
            raise
        finally:
            exchange.has_ended = True
            start.let_go()
        if isinstance(task, WebTask) and task._state.task_id is not None:
            self.world.checks.passed_on(task._state.task_id, self.process)
        return self.found(item) if task is None else task

    def found(self, item: Item[Any]) -> WebTask[Any]:
        return self.handle(self.items.watched(item))

    def handle(self, parts: Any) -> WebTask[Any]:
        made = ModelTask(cast("Any", None), parts.setup, parts.state, started=parts.started)
        made.world = self.world
        return made


class Exchange:
    """One start, from its place to its response; the thread that does it owns its row.

    Attributes:
        arrived: The id that has arrived.
        has_ended: Whether its thread has ended.
    """

    def __init__(self, call: Call, item: Item[Any], start: LedgerStart, request: Start[Any]) -> None:
        self.call, self.item, self.start = call, item, start
        self._request = request
        self.sent: Request | None = None
        self.arrived: str | None = None
        self.has_ended = False
        self.may_have_started = False

    def send(self) -> Generator[Any, Any, WebTask[Any] | StartFailed | NotSentError]:
        """Connect, claim, send and receive; a start of `run` is repeated while it certainly started nothing."""
        clock, begun = self.call.clock, self.call.clock.now()
        while True:
            failure = yield from self._send_once()
            if not isinstance(failure, Failure):
                return failure
            claim = self.start.claim
            self.start.not_started(failure)
            deadline = self._request.deadline
            is_repeated = failure.fault is Fault.NOT_CONNECTED or failure.status == 429
            now = clock.now()
            if deadline is None or not is_repeated or now >= deadline:
                return StartFailed(failure.error, failure)
            yield min(now + POLICY.delay(now - begun, 0.5), deadline)
            self.call.world.checks.between_repeats(claim, self.call.process)

    def _send_once(self) -> Generator[Any, Any, WebTask[Any] | StartFailed | NotSentError | Failure]:
        world, call = self.call.world, self.call
        if world.no_connection():
            return Failure(Fault.NOT_CONNECTED, TransportError("refused"))
        world.exchange_of[self.start.claim] = self
        try:
            yield from self.start.before_sending()
        except NotSentError as stopped:
            return stopped
        except LedgerError as error:
            return StartFailed(error, None)
        world.checks.may_send(self.start.claim)
        ready = world.clock.boot()
        yield None  # nothing of ours comes between, but the process may be stopped here
        self.may_have_started = True
        self.sent = request = Request(self.start.claim, self.item.key, call, call.process, ready)
        if world.clock.boot() - ready > SLOWEST_REQUEST:  # the service has closed the idle connection
            request.response, request.has_arrived = ("lost",), True
        else:
            world.service.requests.append(request)
        response = yield request
        return self._read(response)

    def _read(self, response: tuple[Any, ...]) -> WebTask[Any] | StartFailed | Failure:
        match response:
            case ("id", str() as task_id):
                self.arrived = task_id
                self.call.world.checks.arrived(task_id, self.call.process)
                return self.call.handle(self._request.handle_parts(Running(task_id)))
            case ("result", raw):
                return self.call.handle(self._request.handle_parts(Completed(raw)))
            case (int() as status,):
                self.may_have_started = False
                refusal = cast("Any", REFUSALS[status])(str(status), status=status)
                return Failure(Fault.STATUS, refusal, status=status)
        return StartFailed(StartOutcomeUnknownError("lost"), None)


class MapCall(Call):
    """A call of `map`; its user reads each outcome at once."""

    def __init__(self, world: World, process: Process, spec: Spec) -> None:
        super().__init__(world, process, spec)
        limits = Limits(spec.limit, spec.timeout, spec.attempts, spec.max_starts)
        self.plan, self.items = planned(
            Sealed[object](process.ledger), self.settings, limits, POLICY, cast("Any", OUTPUT), len(spec.keys)
        )
        self._to_take = [*spec.keys]
        self.call.open()

    def act(self) -> None:
        if self.ends:
            return
        plan, now = self.plan, self.clock.now()
        before: Any = None
        while before != (before := (len(self._to_take), len(self.process.threads), plan.outcomes and 1)):
            plan.give_up(now)
            if plan.next_sweep(now):
                self._begin("sweeps", self._sweep())
            while (item := plan.next_look(now)) is not None:
                self._begin(f"looks {item.key} up", self._look(item))
            while (item := plan.next_start(now)) is not None:
                self._begin(f"starts {item.key}", self._start(item))
            if plan.wants_request(now):
                self._take()
            while plan.outcomes:
                outcome = plan.outcomes.popleft()
                self.outcomes.setdefault(outcome.index, []).append(outcome)
                plan.read()
        if plan.is_over:
            self.ends = True
            self._begin("ends", self._end())

    def next_change(self) -> float | None:
        if self.ends:
            return None
        change = self.plan.next_change(self.clock.now())
        return change if change < float("inf") else None

    def leave(self) -> None:
        """Leave the loop."""
        self.is_left = True
        self.call.leave()
        self.plan.leave(self.clock.now())
        self.process.threads = [each for each in self.process.threads if not (each.is_watch and self.owns(each.name))]

    def _begin(self, what: str, steps: Generator[Any, Any, Any], *, is_watch: bool = False) -> None:
        if not (is_watch and self.plan.is_left):
            self.process.begin(f"{self.name} {what}", steps, is_watch=is_watch)

    def _take(self) -> None:
        if not self._to_take:
            self.plan.exhaust()
            return
        request = self.request(self._to_take.pop(0))
        self.plan.take(request, prepared(request, self._prepare))

    def _prepare(self, request: TaskRequest) -> Start[Any]:
        return self.tasks._prepare_one_of_many(request, cast("Any", OUTPUT), POLICY)

    def _sweep(self) -> Generator[Any, Any, None]:
        try:
            swept = yield self.call.sweep()
        except AnchorError as error:
            if self.plan.sweep_failed(error, self.clock.now()):
                self.leave()  # the user's loop raises the error
            return
        for item in self.plan.swept(swept, self.clock.now()):
            self._watch(item)

    def _look(self, item: Item[Any]) -> Generator[Any, Any, None]:
        try:
            found = yield self.call.find(item.key, item.fingerprint)
        except AnchorError as error:
            self.plan.look_failed(item, error, self.clock.now())
            return
        self._watch(self.plan.looked(item, self.items.looked(item, found), self.clock.now()))

    def _start(self, item: Item[Any]) -> Generator[Any, Any, None]:
        item.prepared = request = item.prepared or self._prepare(item.request)
        started = yield from self.start(item, request)
        now = self.clock.now()
        if isinstance(started, Looked):
            self._watch(self.plan.not_claimed(item, started, now))
        elif isinstance(started, StartFailed):
            if isinstance(started.error, PaymentRequiredError) and not started.is_full:
                self.world.checks.stopped_for_credit(self)
            self.plan.start_failed(item, started, now)
        elif self.plan.started(item, started._state.task_id):
            self._watch(item, started)

    def _watch(self, item: Item[Any] | None, task: WebTask[Any] | None = None) -> None:
        if item is not None:
            task = task or self.found(item)
            watch = ModelWatch(task, item.begun + self.spec.timeout, self.items.record(item))
            self._begin(f"waits for {item.key}", self._wait(item, watch), is_watch=True)

    def _wait(self, item: Item[Any], watch: TaskWatch[Any]) -> Generator[Any, Any, None]:
        verdict: Any = None
        while verdict is None:
            try:
                due = watch.advance()
                if due is not None:
                    yield due
                    continue
                verdict = watch.result()
            except AnchorError as error:
                verdict = error
        self.plan.ended(item, verdict, self.clock.now())
        if (until := self.plan.held_until(item)) is not None:
            self._begin(f"holds {item.key}", self._hold(item, watch.held(until)), is_watch=True)

    def _hold(self, item: Item[Any], watch: TaskWatch[Any]) -> Generator[Any, Any, None]:
        while True:
            try:
                due = watch.advance()
            except NotFoundError:
                due = None
            except AnchorError:
                return
            if due is None:
                self.plan.free(item)
                return
            yield due

    def _end(self) -> Generator[Any, Any, None]:
        yield self.call.end()
        self.process.threads = [each for each in self.process.threads if not (each.is_watch and self.owns(each.name))]
        self.is_over = True


class RunCall(Call):
    """A call of `run` with a key."""

    def __init__(self, world: World, process: Process, spec: Spec) -> None:
        super().__init__(world, process, spec)
        request = self.request(spec.keys)
        start: Start[Any] = self.tasks._prepare(
            request.prompt, cast("Any", OUTPUT), request.sealed_options, method="run", wait=POLICY
        )
        start = start._replace(deadline=self.clock.now() + spec.timeout, until_deadline=True)
        self.keyed = Keyed(request.prompt, spec.keys, Sealed[object](process.ledger), Sealed({}), start)
        self.items = self.keyed.items
        self._thread = process.begin(f"{self.name} runs", self._run())

    def leave(self) -> None:
        """Interrupt it."""
        self.is_left = True
        self._thread.interrupt()
        self.process.threads.remove(self._thread)

    def _run(self) -> Generator[Any, Any, None]:
        """Do what `run_keyed` does."""
        self.call.open()
        try:
            try:
                outcome: Any = yield from self._outcome()
            except AnchorError as error:
                outcome = error
        finally:
            self.ends = True
            ended = self.call.end()
        self.outcomes[0] = [outcome]
        yield ended
        self.is_over = True

    def _outcome(self) -> Generator[Any, Any, TaskResult[Any]]:
        task = yield from self._task()
        if isinstance(task, TaskResult):
            return task
        watch = ModelWatch(task, self.keyed.deadline)
        with recorded(self.items.record(self.keyed.item), task._state):
            while (due := watch.advance()) is not None:
                yield due
            return task._result()

    def _task(self) -> Generator[Any, Any, WebTask[Any] | TaskResult[Any]]:
        item = self.keyed.item
        looked = yield from self._look(item)
        while True:
            match self.keyed.next(looked):
                case Later(seconds):
                    yield self.clock.now() + seconds
                    looked = yield from self._look(item)
                case ToStart():
                    started = yield from self.start(item, self.keyed.start)
                    if isinstance(started, StartFailed):
                        if isinstance(started.error, PaymentRequiredError) and not started.is_full:
                            self.world.checks.stopped_for_credit(self)
                        yield self.clock.now() + self.keyed.failed(started).seconds
                        looked = yield from self._look(item)
                    elif isinstance(started, Looked):
                        looked = started
                    else:
                        return cast("WebTask[Any]", started)
                case TaskResult() as result:
                    return result
                case _:
                    return self.found(item)

    def _look(self, item: Item[Any]) -> Generator[Any, Any, Looked[Any]]:
        found = yield self.call.find(item.key, item.fingerprint)
        return self.items.looked(item, found)
