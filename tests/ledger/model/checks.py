"""What must always hold, checked after each step of the model; the numbers are those of the rules.

1. No key is started twice without the user's word. 2. An id that has arrived is stored. 3. The limit holds, with the
exceptions stated. 4. Every key has its outcome, once, if the service answers. 5. Starts are rows with an id or with a
result, and unknown ones that were paid for.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn

from anchor_webtask._ledger.start import MAX_CLAIM_AGE
from anchor_webtask._ledger.transitions import REPLACED
from anchor_webtask._models import TaskResult

if TYPE_CHECKING:
    from anchor_webtask._ledger.models import Row
    from tests.ledger.model.calls import Call, Exchange
    from tests.ledger.model.processes import Process
    from tests.ledger.model.service import Task
    from tests.ledger.model.world import World

ALLOWED = {
    "absent": {"starting", "running"},
    "starting": {"starting", "running", "completed", "failed", "unknown", "refused", "absent"},
    "running": {"running", "completed", "failed"},
    "completed": {"completed", "retried"},
    "failed": {"failed", "retried"},
    "unknown": {"unknown", "running", "completed", "failed", "retried", "absent"},
    "refused": {"refused", "absent"},
    "retried": {"retried", "running", "completed", "failed"},
}
MAY_RUN = {"starting", "running", "unknown", "retried"}


class BrokenRuleError(AssertionError):
    """A rule is broken."""


class Checks:
    """The checks of one model."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._rows: dict[str, Row] = {}
        self._arrived: dict[str, Process] = {}
        self._exempt: set[str] = set()
        self._given_up: dict[str, float] = {}  # when a row has ceased to be `starting`
        self._wall_was_set = False
        self._retries: dict[str, int] = {}
        self._has_wrong_id = False

    def fail(self, rule: str, about: object) -> NoReturn:
        trace = "\n  ".join(self._world.trace)
        raise BrokenRuleError(f"{rule}: {about}\n  {trace}\nrows: {self._world.rows()}")

    # What the model tells

    def wall_was_set(self) -> None:
        self._wall_was_set = True

    def allowed_again(self, key: str) -> None:
        self._retries[key] = self._retries.get(key, 0) + 1

    def attached_wrongly(self, key: str) -> None:
        self._has_wrong_id = True
        self.allowed_again(key)  # if the other task fails, the key is started again

    def freed(self, key: str) -> None:
        self._exempt |= {row.claim for row in self._rows.values() if row.key == key}

    def arrived(self, task_id: str, process: Process) -> None:
        self._arrived[task_id] = process

    def passed_on(self, task_id: str, process: Process) -> None:
        if not process.has_late_records and not any(row.task_id == task_id for row in self._world.rows()):
            self.fail("2: an id was passed on before it was stored", task_id)

    def between_repeats(self, claim: str, process: Process) -> None:
        if claim in self._rows and not process.queue:
            self.fail("a start that is repeated is not pending in the meantime", self._rows[claim])

    def may_send(self, claim: str) -> None:
        """Check a start that is sent next: its claim was confirmed in the last 5 seconds, and its call was not left."""
        if self._exchange(claim).call.is_left:
            self.fail("sent though its call was left before", claim)
        if self._world.clock.boot() - self._given_up.get(claim, math.inf) > MAX_CLAIM_AGE:
            self.fail("3: sent though its claim was lost", claim)

    def started(self, task: Task) -> None:
        """Check a start that the service has accepted."""
        key, call = task.key, task.request.sender
        earlier = [each for each in self._world.service.tasks.values() if each.key == key and each is not task]
        retries = self._retries.get(key, 0)
        ended_badly = sum(each.status in {"failed", "invalid"} for each in earlier)
        if len(earlier) > retries + min(ended_badly, self._world.most_attempts - 1):
            self.fail("1: started again without the user's word", task)
        row = self._rows.get(task.request.claim)
        if row is None:
            self.fail("5: a start without a row", task)
        elif row.state != "starting" and not self._wall_was_set and self._world.clock.wall() >= row.stamped + row.hold:
            self.fail("3: sent after its hold", row)
        most = call.spec.max_starts
        paid = sum(each.request.sender is call for each in self._world.service.tasks.values())
        if most is not None and paid > most:
            self.fail("1: more starts than max_starts", task)

    def stopped_for_credit(self, call: Call) -> None:
        if self._world.service.credit != 0:
            self.fail("402 was believed though there is credit, and other tasks were busy", call.name)

    # After each step

    def check(self) -> None:
        """Check each change of the table."""
        rows = {row.claim: row for row in self._world.rows()}
        before, self._rows = self._rows, rows
        self._exempt |= {row.claim for row in rows.values() if self._is_exempt(row)}
        for claim in before.keys() | rows.keys():
            old, new = before.get(claim), rows.get(claim)
            if old != new:
                self._check_change(old, new)
        self._check_ids()

    def _check_change(self, old: Row | None, new: Row | None) -> None:
        was, becomes = "absent" if old is None else old.state, "absent" if new is None else new.state
        one = new or old
        allowed = ALLOWED[was]
        if old is not None and old.attached:
            allowed = {*allowed, "unknown"} - ({"absent"} if was == "unknown" else set())
        if becomes not in allowed:
            self.fail(f"states: {was} becomes {becomes}", one)
        if old is None and new is not None:
            if becomes == "starting":
                self._check_claim(new)
            elif new.task_id is None:
                self.fail("states: absent becomes running without an id", new)
            return
        if old is None:
            return
        if new is None:
            if was != "refused":
                self._check_withdrawal(old)
            return
        if (old.key, old.attempt, old.fingerprint) != (new.key, new.attempt, new.fingerprint):
            self.fail("identity: a row has changed its task", new)
        if old.task_id not in {None, new.task_id} and not old.attached:
            self.fail("2: an id was removed", new)
        if was == "retried" and becomes != "retried" and old.ended is not None:
            self.fail("states: the user's retry is undone", new)
        if was == "starting" != becomes:
            self._given_up[new.claim] = self._world.clock.boot()
        if was == "starting" and becomes == "unknown":
            self._check_taken_away(new)
        if old.task_id is None and new.task_id is not None and not new.attached:
            self._check_id(new)
        if new.answer is not None and new.answer != old.answer:
            self._check_answer(new)

    def _check_claim(self, new: Row) -> None:
        others = [row for row in self._rows.values() if row.key == new.key and row is not new]
        exchange = self._exchange(new.claim)
        attempts = exchange.call.spec.attempts
        if any(row.attempt > new.attempt for row in others):
            self.fail("1: an earlier attempt is claimed", new)
        last = next((row for row in others if row.attempt == new.attempt - 1), None)
        if any(row.state == "completed" and row.valid for row in others):
            self.fail("1: claimed though it is completed", new)
        # A row that has lost the id which the user had attached is unknown forever: its start is a later attempt.
        if any(row.state in {"starting", "unknown"} and row.error != REPLACED for row in others):
            self.fail("1: claimed though it may be running", new)
        if last is None:
            if others:
                self.fail("1: an attempt is left out", new)
        elif last.state not in {"retried", "failed", "completed"}:
            self.fail("1: claimed though the attempt before it has not ended", new)
        elif last.state != "retried" and attempts < new.attempt:
            self.fail("1: more attempts than the call allows", new)
        if exchange.call.spec.kind == "map":
            limit = exchange.call.spec.limit
            busy = self._busy() - {new.claim}
            if len(busy) >= limit:
                self.fail("3: the limit is passed", (new, busy))

    def _busy(self) -> set[str]:
        """Return the claims of all tasks that run, or that a request that is under way may start."""
        service = self._world.service
        claims = {task.request.claim for task in service.running()}
        claims |= {request.claim for request in service.requests if request.response is None}
        for claim, row in self._rows.items():
            if row.state == "starting" and not self._exchange(claim).call.process.is_dead:
                claims.add(claim)
        return claims - self._exempt

    def _is_exempt(self, row: Row) -> bool:
        """Whether a task of the row may run beyond the limit from now on."""
        if row.attached:
            return True
        if row.state in {"unknown", "retried"}:
            return self._hold_is_over(row)
        # A task that is past its deadline keeps its place for one further timeout.
        return row.state == "running" and not row.place and self._world.clock.wall() - row.claimed >= row.hold

    def _hold_is_over(self, row: Row) -> bool:
        return self._wall_was_set or not row.place or self._world.clock.wall() >= row.stamped + row.hold

    def _exchange(self, claim: str) -> Exchange:
        return self._world.exchange_of[claim]

    def _check_withdrawal(self, old: Row) -> None:
        service = self._world.service
        tasks = [task for task in service.tasks.values() if task.request.claim == old.claim]
        requests = [each for each in service.requests if each.claim == old.claim and each.response is None]
        if tasks or requests:
            self.fail("5: withdrawn though it was sent", old)

    def _check_taken_away(self, new: Row) -> None:
        """A `starting` row belongs to its exchange: nobody else decides about it while its process lives."""
        exchange = self._exchange(new.claim)
        if exchange.call.process.is_dead or self._world.owners[exchange.call.call.owner.id].has_lost_lock:
            return
        has_response = exchange.has_ended or (exchange.sent is not None and exchange.sent.has_arrived)
        if not (has_response and exchange.may_have_started):
            self.fail("a starting row was taken from its exchange", new)

    def _check_id(self, new: Row) -> None:
        if self._world.service.tasks[new.task_id or ""].request.claim != new.claim:
            self.fail("5: an id is in the row of another start", new)

    def _check_answer(self, new: Row) -> None:
        raw = json.loads(new.answer or "")
        if new.task_id not in {None, raw["of"]}:
            self.fail("an answer is in the row of another task", new)

    def _check_ids(self) -> None:
        """An id that has arrived is stored, once its exchange has ended and its process has written."""
        if not self._arrived:
            return
        stored = {row.task_id for row in self._rows.values()}
        for task_id, process in [*self._arrived.items()]:
            if process.is_dead or task_id in stored:
                del self._arrived[task_id]
            elif not process.queue and not any(
                each.arrived == task_id and not each.has_ended for each in self._world.exchanges
            ):
                self.fail("2: an id was lost", task_id)

    # At the end

    def check_end(self) -> None:
        """Check what must hold once nothing more happens."""
        self._check_sum()
        self._check_refusals()
        for call in self._world.calls:
            self._check_outcomes(call)
        for row in self._rows.values():
            if row.state == "starting":
                self.fail("4: a start never ends", row)
            task = self._world.service.tasks.get(row.task_id or "")
            if row.state == "running" and task is not None and task.status != "gone":
                self.fail("4: a task is never seen to have ended", row)

    def _check_sum(self) -> None:
        rows, tasks = self._rows.values(), self._world.service.tasks.values()
        shown = {row.task_id for row in rows}
        results = {json.loads(row.answer)["of"] for row in rows if row.answer is not None}
        unknown = {row.claim for row in rows if row.task_id is None or row.attached}
        for task in tasks:
            if not (task.id in shown or task.id in results or task.request.claim in unknown):
                self.fail("5: a start is in no row", task)

    def _check_refusals(self) -> None:
        """A start that certainly did not happen leaves no row, or a refused one; a retried row has no place then."""
        for each in self._world.exchanges:
            row = self._rows.get(each.start.claim)
            if row is None or each.call.process.is_dead or each.may_have_started:
                continue
            if row.task_id is not None or row.error == REPLACED:
                continue  # the user has attached another task before the refusal
            if row.state not in {"refused", "retried"} or row.place:
                self.fail("a certain no is not stored", row)

    def _check_outcomes(self, call: Call) -> None:
        if call.process.is_dead or call.is_left:
            return
        if not call.is_over:
            self.fail("4: a call never ends", call.name)
        wanted = range(1 if call.spec.kind == "run" else len(call.spec.keys))
        got = {index: len(each) for index, each in call.outcomes.items()}
        if got != dict.fromkeys(wanted, 1):
            self.fail("4: not one outcome for each key", (call.name, got))
        for index, (outcome,) in call.outcomes.items():
            self._check_result(call, index, outcome)

    def _check_result(self, call: Call, index: int, outcome: Any) -> None:
        result = outcome if isinstance(outcome, TaskResult) else getattr(outcome, "_result", None)
        if isinstance(result, TaskResult) and not self._has_wrong_id:
            key = call.spec.keys if call.spec.kind == "run" else call.spec.keys[index]
            if result.raw["key"] != key:
                self.fail("an outcome has the answer of another task", (key, result))
