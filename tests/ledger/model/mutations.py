"""Each rule taken out once: how, and the scenario in which the model sees that something is wrong."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from anchor_webtask._batch import ledger_starts, room
from anchor_webtask._ledger import capacity, transitions
from anchor_webtask._ledger import start as start_module
from anchor_webtask._ledger.call import LedgerCall
from anchor_webtask._ledger.models import Free, Places, Taken
from anchor_webtask._ledger.rows import row_of, rows_of
from anchor_webtask._ledger.start import LedgerStart
from tests.ledger.model.processes import ModelOwner

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from types import ModuleType

    import pytest

    Patch = Callable[[pytest.MonkeyPatch], None]


class Mutation(NamedTuple):
    """A rule that is taken out.

    Attributes:
        scenario: The name of the scenario.
        fails: What the model then says: the beginning of the text of its `BrokenRuleError`, as a regular expression.
        apply: Takes the rule out.
    """

    scenario: str
    fails: str
    apply: Patch


def _replace(name: str, function: object, module: ModuleType = transitions) -> Patch:
    """Replace a transition."""
    return lambda patch: patch.setattr(module, name, function)


def _method(owner: type[Any], name: str, function: object) -> Patch:
    return lambda patch: patch.setattr(owner, name, function)


def _sql(function: str, *changes: tuple[str, str], module: ModuleType = transitions) -> Patch:
    """Change the text of the statements that a transition executes."""
    real = getattr(module, function)

    def changed(db: sqlite3.Connection, *arguments: Any, **named: Any) -> Any:
        return real(_Rewriting(db, changes), *arguments, **named)

    return _replace(function, changed, module)


class _Rewriting:
    def __init__(self, db: sqlite3.Connection, changes: tuple[tuple[str, str], ...]) -> None:
        self._db, self._changes = db, changes

    def execute(self, sql: str, *arguments: Any) -> Any:
        for old, new in self._changes:
            sql = sql.replace(old, new)
        return self._db.execute(sql, *arguments)

    def executemany(self, sql: str, *arguments: Any) -> Any:
        return self._db.executemany(sql, *arguments)


# Identity of a claim


def _withdraw_any_row(start: LedgerStart) -> Any:
    key = start._intent.key
    return start._record(lambda db: db.execute("DELETE FROM attempts WHERE key = ?", (key,)) and None)


# Before a start


def _claim_without_look(patch: pytest.MonkeyPatch) -> None:
    real_claim, real_find = transitions.claim, transitions.find

    def find(*arguments: Any) -> Any:
        found = real_find(*arguments)
        return Free(found.row.attempt + 1, None) if isinstance(found, Taken) else found

    def claim(*arguments: Any) -> Any:
        with patch.context() as inner:
            inner.setattr(transitions, "find", find)
            return real_claim(*arguments)

    patch.setattr(transitions, "claim", claim)


def _find(states: set[str]) -> Patch:
    """Let attempts in these states be followed by another one, whatever the caller allows."""
    real = transitions.find

    def find(db: sqlite3.Connection, *arguments: Any) -> Any:
        found = real(db, *arguments)
        if isinstance(found, Taken) and found.row.state in states and not found.row.valid:
            return Free(found.row.attempt + 1, found.row)
        return found

    return _replace("find", find)


def _again_after_refusal(refused: Any, earlier: Any, _: int) -> Free:
    return Free(refused.attempt, earlier[-1] if earlier else None, is_refused=True)


def _no_places(*_: object) -> Places:
    return Places(0, 0, None)


def _places_without_holds(db: sqlite3.Connection, _: object) -> Places:
    (busy,) = db.execute("SELECT count(*) FROM attempts WHERE state IN ('starting', 'running') AND place").fetchone()
    return Places(busy, 0, None)


# After a start


def _withdraw_only_starting(db: sqlite3.Connection, claim: str) -> None:
    db.execute("DELETE FROM attempts WHERE claim = ? AND state = 'starting'", (claim,))


def _start_if(condition: Callable[[Any], bool]) -> Patch:
    """Store an id only if its row meets a condition."""
    real = transitions.start

    def start(db: sqlite3.Connection, intent: Any, *arguments: Any, **named: Any) -> Any:
        row = row_of(db, intent.claim)
        return real(db, intent, *arguments, **named) if row is not None and condition(row) else intent.claim

    return _replace("start", start)


def _pass_on_early(start: LedgerStart, task_id: str | None) -> Any:
    if task_id is not None:
        start.started(task_id)
    return
    yield


def _end_again(patch: pytest.MonkeyPatch) -> None:
    real = transitions.end

    def end(db: sqlite3.Connection, claim: str, *arguments: Any, **named: Any) -> None:
        db.execute("UPDATE attempts SET ended = NULL WHERE claim = ? AND state = 'retried'", (claim,))
        real(db, claim, *arguments, **named)

    patch.setattr(transitions, "end", end)


def _was_first(db: sqlite3.Connection, row: Any, _: float) -> bool:
    return not rows_of(db, "number < ? AND place AND state IN ('starting', 'running')", row.number)


# Owners


def _nothing(*_: object, **__: object) -> None:
    """Do nothing."""


def _withdraw_dead(patch: pytest.MonkeyPatch) -> None:
    real = transitions.settle

    def settle(db: sqlite3.Connection, is_alive: Any, **_: Any) -> list[str]:
        dead = real(db, is_alive)
        db.execute("DELETE FROM attempts WHERE error = ?", (transitions.OWNER_ENDED,))
        return dead

    patch.setattr(transitions, "settle", settle)


def _alive(condition: Callable[[ModelOwner], bool]) -> Patch:
    real: Any = vars(ModelOwner)["is_alive"].fget
    return _method(ModelOwner, "is_alive", property(lambda owner: real(owner) and condition(owner)))


MUTATIONS = {
    "a response concerns any row of its key": Mutation(
        "lost locks", "states: .* becomes absent|5: |1: ", _method(LedgerStart, "withdrawn", _withdraw_any_row)
    ),
    "a claim does not look again": Mutation("killed", "1: ", _claim_without_look),
    "unknown is started again": Mutation("killed", "1: ", _find({"unknown"})),
    "failed is started again whatever attempts says": Mutation("attempts", "1: ", _find({"failed"})),
    "refused is started again whatever attempts says": Mutation(
        "attempts", "1: more attempts", _replace("_find_again", _again_after_refusal)
    ),
    "the limit is not looked at": Mutation("killed", "3: ", _replace("places", _no_places, capacity)),
    "unknown holds no place": Mutation("holds", "3: ", _replace("places", _places_without_holds, capacity)),
    "a hold ends when the user retries": Mutation(
        "holds", "3: ", _sql("places", ("('unknown', 'retried')", "('unknown')"), module=capacity)
    ),
    "a hold is counted from the claim": Mutation("lost locks", "3: ", _sql("stamp", ("stamped = ?", "error = ?"))),
    "no stamp after 5 s": Mutation(
        "lost locks", "3: ", lambda patch: patch.setattr(start_module, "MAX_CLAIM_AGE", math.inf)
    ),
    "the age of a claim leaves out suspension": Mutation(
        "lost locks", "3: ", _method(LedgerStart, "_moments", lambda start: (start._clock.now(),))
    ),
    "a call that was left sends": Mutation(
        "left", "sent though its call was left", _method(LedgerCall, "leave", _nothing)
    ),
    "a start stays while run waits to repeat it": Mutation(
        "run beside map", "a start that is repeated", _method(LedgerStart, "not_started", _nothing)
    ),
    "a stamp is not compared with the state": Mutation(
        "lost locks", "3: sent though its claim was lost", _sql("stamp", ("AND state = 'starting'", ""))
    ),
    "a late no leaves unknown": Mutation("lost locks", "a certain no", _replace("withdraw", _withdraw_only_starting)),
    "nothing is withdrawn": Mutation(
        "writer", "4: |a starting row|a certain no", _method(LedgerStart, "withdrawn", _nothing)
    ),
    "a late id leaves retried": Mutation("late", "2: ", _start_if(lambda row: row.state != "retried")),
    "a late id leaves unknown": Mutation("lost locks", "2: ", _start_if(lambda row: row.state != "unknown")),
    "an attached id is stronger": Mutation("attached", "2: ", _start_if(lambda row: row.task_id is None)),
    "another row keeps an attached id": Mutation("attached", "5: ", _replace("_detach", _nothing)),
    "an id is passed on before it is stored": Mutation(
        "killed", "2: an id was passed on", lambda patch: patch.setattr(ledger_starts, "succeeded", _pass_on_early)
    ),
    "an end undoes the user's retry": Mutation("run beside map", "states: ", _end_again),
    "402 is always believed": Mutation("little credit", "402", _replace("was_alone", lambda *_: True, capacity)),
    "402 is judged by earlier starts only": Mutation(
        "little credit", "402", _replace("was_alone", _was_first, capacity)
    ),
    "everyone counts as dead": Mutation("killed", "a starting row was taken", _alive(lambda _: False)),
    "a paused process counts as dead": Mutation(
        "pauses", "a starting row was taken", _alive(lambda owner: not owner.process.is_paused)
    ),
    "a call that has ended gives up its starts": Mutation(
        "pauses", "a starting row was taken", _alive(lambda owner: not owner.has_ended)
    ),
    "an interrupted start counts as not sent": Mutation(
        "run beside map",
        "5: ",
        lambda patch: patch.setattr(ledger_starts, "interrupted", lambda start, *_, **__: start.withdrawn()),
    ),
    "a start of a dead owner is withdrawn": Mutation("killed", "5: ", _withdraw_dead),
    "a call that ends keeps its tasks": Mutation("left", "4: ", _replace("release", _nothing)),
    "nobody adopts": Mutation("killed", "4: ", _replace("adopt", lambda *_, **__: [])),
    "adopted once only": Mutation("killed", "4: ", lambda patch: patch.setattr(room, "SWEEP_SECONDS", math.inf)),
    "a task that is gone keeps its place": Mutation("forgotten", "4: ", _replace("free_place", _nothing)),
}
