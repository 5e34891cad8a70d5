"""Each transition of the ledger's rows, sentence by sentence of its rules; `test_model.py` has them in any order."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Literal

import pytest

from anchor_webtask._ledger import capacity, decisions, transitions
from anchor_webtask._ledger.models import Claimed, Free, Full, Intent, OtherRequest, Places, Row, Taken
from anchor_webtask._ledger.patience import Patience
from anchor_webtask._ledger.rows import rows_of
from anchor_webtask._ledger.sqlite.schema import CREATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask._ledger.database import Connection

EPOCH = 1_800_000_000.0
HOLD = 60.0

Way = Literal["starting", "running", "completed", "invalid", "failed", "unknown", "refused", "retried"]


class Table:
    """A ledger in memory or in a database, with the clocks of one machine.

    Args:
        db: The connection to its tables.

    Attributes:
        now: Seconds on a monotonic clock.
        wall: Seconds since 1970.
    """

    def __init__(self, db: Connection) -> None:
        self.now, self.wall = 0.0, EPOCH
        self.db = db
        self.patience = self.new_patience()

    def new_patience(self) -> Patience:
        return Patience(lambda: self.now, lambda: self.wall)

    def elapse(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds

    def intent(self, key: str, claim: str, **changes: Any) -> Intent:
        return Intent(key, "f", claim, "me", 1, HOLD, False, False, 9)._replace(**changes)

    def claim(self, key: str, claim: str, **changes: Any) -> Claimed | Full | Taken | OtherRequest:
        return transitions.claim(self.db, self.intent(key, claim, **changes), self.patience)

    def find(self, key: str, attempts: int = 1, fingerprint: str = "f") -> Free | Taken | OtherRequest:
        return transitions.find(self.db, key, fingerprint, attempts)

    def arrive(self, key: str, claim: str, task_id: str, attempt: int = 1, owner: str | None = "me") -> str | None:
        intent = self.intent(key, claim)
        return transitions.start(self.db, intent, attempt, task_id, owner=owner, now=self.wall)

    def end(self, claim: str, task_id: str | None, *, is_valid: bool | None = True) -> None:
        transitions.end(self.db, claim, "completed", task_id, now=self.wall, answer="{}", is_valid=is_valid)

    def fail(self, claim: str, task_id: str) -> None:
        transitions.end(self.db, claim, "failed", task_id, now=self.wall, error="why")

    def lose(self, claim: str) -> None:
        transitions.lose(self.db, claim, "lost")

    def retry(self, key: str) -> None:
        row = decisions.deciding(self.db, key)
        assert row is not None
        decisions.retry(self.db, row)

    def attach(self, claim: str, task_id: str) -> None:
        decisions.attach(self.db, self.row(claim), task_id, self.wall)

    def is_full(self, claim: str, *, is_certain: bool, limit: int | None = 8, pause: float = 0.0) -> bool:
        return transitions.refuse_for_lack_of_room(
            self.db, claim, is_certain=is_certain, limit=limit, pause=pause, now=self.wall
        )

    def bring(self, key: str, claim: str, state: Way, **changes: Any) -> None:
        """Make the next attempt of a key, and bring it to a state."""
        assert isinstance(self.claim(key, claim, **changes), Claimed)
        if state in {"running", "completed", "invalid", "failed"}:
            self.arrive(key, claim, f"task of {claim}")
        match state:
            case "completed" | "invalid":
                self.end(claim, f"task of {claim}", is_valid=state == "completed")
            case "failed":
                self.fail(claim, f"task of {claim}")
            case "unknown" | "retried":
                self.lose(claim)
            case "refused":
                transitions.refuse(self.db, claim, "400")
        if state == "retried":
            self.retry(key)

    def row(self, claim: str) -> Row:
        (row,) = rows_of(self.db, "claim = ?", claim)
        return row

    def rows(self) -> dict[str, str]:
        """Return the state of each row, by its claim."""
        return {row.claim: row.state for row in rows_of(self.db, "true ORDER BY key, attempt")}

    def window(self) -> int | None:
        room: int | None = self.db.execute("SELECT room FROM ledger").fetchone()[0]
        return room

    def busy(self) -> int:
        return capacity.places(self.db, self.patience).busy


@pytest.fixture
def memory() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as db:
        for statement in CREATE:
            db.execute(statement)
        db.execute("INSERT INTO ledger VALUES ('', 0, NULL, 0, 0, 0)")
        yield db


@pytest.fixture(params=["memory", "postgres_tables"])
def table(request: pytest.FixtureRequest) -> Table:
    return Table(request.getfixturevalue(request.param))


# Identity


def test_same_key_with_other_request_is_neither_found_nor_claimed(table: Table) -> None:
    table.bring("a", "1", "running")
    assert table.find("a", fingerprint="g") == OtherRequest()
    assert table.claim("a", "2", fingerprint="g") == OtherRequest()


def test_refused_row_does_not_bind_key_to_its_request(table: Table) -> None:
    table.bring("a", "1", "refused")
    assert table.claim("a", "2", fingerprint="g") == Claimed(1, None)
    assert (table.rows(), table.row("2").fingerprint) == ({"2": "starting"}, "g")


# States


@pytest.mark.parametrize("state", ["starting", "running", "completed", "failed", "unknown"])
def test_key_with_an_attempt_is_not_claimed(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    found = table.claim("a", "2")
    assert isinstance(found, Taken)
    assert (found.row, table.rows()) == (table.row("1"), {"1": state})


@pytest.mark.parametrize("state", ["unknown", "starting", "running", "completed"])
def test_more_attempts_start_only_what_has_ended_without_valid_answer(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    assert isinstance(table.claim("a", "2", attempts=5), Taken)


@pytest.mark.parametrize("state", ["failed", "invalid"])
def test_attempts_are_counted_in_all(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    first = table.row("1")
    assert table.claim("a", "2", attempts=2) == Claimed(2, first)
    table.arrive("a", "2", "t2", 2)
    table.fail("2", "t2")
    assert table.find("a", attempts=2) == Taken(table.row("2"))
    assert isinstance(table.find("a", attempts=3), Free)


@pytest.mark.parametrize("state", ["unknown", "failed", "completed", "invalid"])
def test_retry_adds_one_attempt_beyond_attempts(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    table.retry("a")
    assert table.claim("a", "2") == Claimed(2, None)
    assert table.rows() == {"1": "retried", "2": "starting"}
    table.arrive("a", "2", "t2", 2)
    table.fail("2", "t2")
    assert isinstance(table.find("a"), Taken)


def test_retry_concerns_the_outcome_that_a_refused_attempt_has_left(table: Table) -> None:
    table.bring("a", "1", "failed")
    table.bring("a", "2", "refused", attempts=2)
    assert isinstance(table.find("a"), Taken)
    table.retry("a")
    assert table.rows() == {"1": "retried", "2": "refused"}
    assert table.claim("a", "3") == Claimed(2, None)


def test_retry_concerns_also_an_answer_of_an_earlier_attempt(table: Table) -> None:
    table.bring("a", "1", "retried")
    table.bring("a", "2", "failed")
    table.arrive("a", "1", "t1")
    table.end("1", "t1")
    assert table.find("a") == Taken(table.row("1"))
    table.retry("a")
    assert table.claim("a", "3") == Claimed(3, None)


@pytest.mark.parametrize("state", ["failed", "unknown", "refused"])
def test_answer_that_nobody_has_judged_comes_before_another_attempt(table: Table, state: Way) -> None:
    table.bring("a", "1", "retried")
    table.bring("a", "2", state)
    table.arrive("a", "1", "t1")
    table.end("1", "t1", is_valid=None)
    assert table.claim("a", "3", attempts=5) == Taken(table.row("1"))
    transitions.judge(table.db, "1", is_valid=False)
    assert table.find("a", attempts=5) != Taken(table.row("1"))


@pytest.mark.parametrize(("attempts", "is_claimed"), [(1, False), (2, True)])
def test_refused_attempt_is_made_again_only_if_attempts_allows_it(
    table: Table, attempts: int, *, is_claimed: bool
) -> None:
    table.bring("a", "1", "failed")
    table.bring("a", "2", "refused", attempts=2)
    first = table.row("1")
    assert table.claim("a", "3", attempts=attempts) == (Claimed(2, first) if is_claimed else Taken(first))


def test_refused_attempt_is_not_made_again_while_the_one_before_runs(table: Table) -> None:
    table.bring("a", "1", "retried")
    table.bring("a", "2", "refused")
    table.arrive("a", "1", "late")
    assert table.claim("a", "3", attempts=2) == Taken(table.row("1"))


def test_failed_attempt_is_not_repeated_while_another_one_runs(table: Table) -> None:
    table.bring("a", "1", "retried")
    table.bring("a", "2", "failed")
    table.arrive("a", "1", "late")
    assert table.claim("a", "3", attempts=3) == Taken(table.row("1"))


def test_refused_attempt_after_a_failed_one_is_not_made_again_while_another_one_runs(table: Table) -> None:
    table.bring("a", "1", "retried")
    table.bring("a", "2", "failed")
    table.bring("a", "3", "refused", attempts=3)
    table.arrive("a", "1", "late")
    assert table.claim("a", "4", attempts=3) == Taken(table.row("1"))


def test_outcome_is_the_first_completed_attempt_else_the_latest(table: Table) -> None:
    table.bring("a", "1", "retried")
    table.bring("a", "2", "failed")
    assert table.find("a") == Taken(table.row("2"))
    table.bring("a", "3", "completed", attempts=3)
    assert table.find("a", 9) == Taken(table.row("3"))
    table.arrive("a", "1", "late")
    table.end("1", "late")
    assert table.find("a", 9) == Taken(table.row("1"))


@pytest.mark.parametrize(("state", "rows"), [("starting", {}), ("unknown", {}), ("retried", {"1": "retried"})])
def test_certain_no_returns_row_to_pending_or_frees_its_place(table: Table, state: Way, rows: dict[str, str]) -> None:
    table.bring("a", "1", state)
    transitions.withdraw(table.db, "1")
    assert (table.rows(), table.busy()) == (rows, 0)


@pytest.mark.parametrize(
    ("state", "rows"), [("starting", {"1": "refused"}), ("unknown", {}), ("retried", {"1": "retried"})]
)
def test_late_refusal_moves_unknown_to_pending(table: Table, state: Way, rows: dict[str, str]) -> None:
    table.bring("a", "1", state)
    transitions.refuse(table.db, "1", "400")
    assert (table.rows(), table.busy()) == (rows, 0)


@pytest.mark.parametrize("state", ["running", "completed", "failed", "refused"])
def test_certain_no_changes_nothing_else(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    before = table.row("1")
    transitions.withdraw(table.db, "1")
    transitions.refuse(table.db, "1", "400")
    table.lose("1")
    assert table.row("1") == before


@pytest.mark.parametrize("state", ["starting", "unknown", "retried"])
def test_id_that_arrives_is_stored(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    decisions.free(table.db, [table.row("1")])
    assert table.arrive("a", "1", "t", owner=None) == "1"
    row = table.row("1")
    assert (row.state, row.task_id, row.owner, row.place, row.error) == ("running", "t", None, 1, None)


def test_response_concerns_only_the_row_with_its_claim(table: Table) -> None:
    table.bring("a", "1", "retried")
    table.bring("a", "2", "starting")
    second = table.row("2")
    table.arrive("a", "1", "t1")
    table.end("1", "t1")
    transitions.withdraw(table.db, "1")
    assert (table.rows(), table.row("2")) == ({"1": "completed", "2": "starting"}, second)


def test_id_that_arrives_is_stronger_than_one_that_was_attached(table: Table) -> None:
    table.bring("a", "1", "unknown")
    table.attach("1", "wrong")
    new = table.arrive("a", "1", "right")
    assert new not in {"1", None}
    assert (table.row("1").task_id, table.row("1").state) == ("wrong", "running")
    row = table.row(str(new))
    assert (row.key, row.attempt, row.state, row.task_id, row.owner) == ("a", 2, "running", "right", "me")


def test_row_elsewhere_that_was_attached_to_an_id_goes_back_to_unknown(table: Table) -> None:
    table.bring("a", "1", "unknown")
    table.attach("1", "t")
    table.end("1", "t")
    table.bring("b", "2", "starting")
    table.arrive("b", "2", "t")
    row = table.row("1")
    assert (row.state, row.task_id, row.place, row.attached) == ("unknown", None, 1, 0)
    assert (row.answer, row.valid, row.ended, row.error) == (None, None, None, transitions.REPLACED)
    assert table.row("2").task_id == "t"


def test_retry_of_a_row_with_another_id_stays(table: Table) -> None:
    table.bring("a", "1", "unknown")
    table.attach("1", "t")
    table.fail("1", "t")
    table.retry("a")
    table.bring("b", "2", "starting")
    table.arrive("b", "2", "t")
    assert (table.rows(), table.row("1").task_id) == ({"1": "retried", "2": "running"}, None)


def test_id_that_was_attached_rightly_arrives(table: Table) -> None:
    table.bring("a", "1", "unknown")
    table.attach("1", "t")
    table.end("1", "t")
    assert table.arrive("a", "1", "t") == "1"
    assert (table.rows(), table.row("1").attached) == ({"1": "completed"}, 0)


def test_id_of_another_task_leaves_unknown(table: Table) -> None:
    table.bring("a", "1", "running")
    table.bring("b", "2", "starting")
    for _ in range(2):  # it may be stored twice
        assert table.arrive("b", "2", "task of 1") is None
        assert table.rows() == {"1": "running", "2": "unknown"}
    table.end("2", "task of 1")
    assert table.rows() == {"1": "running", "2": "unknown"}


@pytest.mark.parametrize("is_attached", [False, True])
def test_id_may_be_stored_twice(table: Table, *, is_attached: bool) -> None:
    table.bring("a", "0", "starting")
    assert table.is_full("0", is_certain=True, limit=4)
    table.bring("a", "1", "unknown")
    if is_attached:
        table.attach("1", "wrong")
    first = table.arrive("a", "1", "t")
    rows = rows_of(table.db, "true")
    assert table.arrive("a", "1", "t") == first
    assert rows_of(table.db, "true") == rows
    assert table.window() == 3  # it grows once


def test_id_without_row_makes_one(table: Table) -> None:
    assert table.arrive("a", "1", "t") == "1"
    assert (table.rows(), table.row("1").attempt) == ({"1": "running"}, 1)


@pytest.mark.parametrize("state", ["starting", "unknown", "retried"])
def test_start_that_is_answered_with_the_result_has_ended(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    table.end("1", None)
    row = table.row("1")
    assert (row.state, row.task_id, row.answer, row.place) == ("completed", None, "{}", 0)


@pytest.mark.parametrize("state", ["completed", "failed", "invalid"])
def test_end_is_stored_once(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    table.retry("a")
    before = table.row("1")
    table.end("1", "task of 1")
    table.fail("1", "task of 1")
    assert table.row("1") == before


def test_end_belongs_to_its_task(table: Table) -> None:
    table.bring("a", "1", "unknown")
    table.attach("1", "wrong")
    table.bring("b", "2", "starting")
    table.arrive("b", "2", "wrong")
    table.end("1", "wrong")
    assert table.rows() == {"1": "unknown", "2": "running"}


def test_gone_task_frees_its_place(table: Table) -> None:
    table.bring("a", "1", "running")
    transitions.free_place(table.db, "1")
    assert (table.rows(), table.busy()) == ({"1": "running"}, 0)


def test_unknown_keeps_its_place_though_a_task_is_gone(table: Table) -> None:
    table.bring("a", "1", "unknown")
    transitions.free_place(table.db, "1")
    assert table.busy() == 1


def test_refused_start_has_no_end(table: Table) -> None:
    table.bring("a", "1", "refused")
    table.end("1", None)
    assert table.rows() == {"1": "refused"}


@pytest.mark.parametrize("is_retried", [False, True])
def test_answer_is_dropped(table: Table, *, is_retried: bool) -> None:
    table.bring("a", "1", "completed")
    table.bring("b", "2", "completed")
    if is_retried:
        table.retry("a")
    transitions.drop_answer(table.db, "1")
    assert (table.row("1").answer, table.row("2").answer) == (None, "{}")


# Starting


def test_claim_is_stamped_again_only_while_it_is_starting(table: Table) -> None:
    table.bring("a", "1", "starting")
    table.elapse(10)
    assert transitions.stamp(table.db, "1", table.wall)
    assert table.row("1").stamped == table.wall
    table.lose("1")
    assert not transitions.stamp(table.db, "1", table.wall + 10)
    assert not transitions.stamp(table.db, "nobody's", table.wall)
    assert table.row("1").stamped == table.wall


# Owners


def test_starting_rows_of_the_dead_become_unknown_and_running_ones_are_adopted(table: Table) -> None:
    table.bring("a", "1", "starting", owner="dead")
    table.bring("b", "2", "starting", owner="dead")
    table.arrive("b", "2", "t2", owner="dead")
    table.bring("c", "3", "starting", owner="alive")
    table.bring("d", "4", "starting", owner="alive")
    table.arrive("d", "4", "t4", owner="alive")
    adopted = transitions.adopt(table.db, "me", lambda owner: owner in {"alive", "me"})
    assert [row.claim for row in adopted] == ["2"]
    assert table.rows() == {"1": "unknown", "2": "running", "3": "starting", "4": "running"}
    assert (table.row("1").error, table.row("2").owner, table.row("4").owner) == (
        transitions.OWNER_ENDED,
        "me",
        "alive",
    )


def test_running_rows_are_released_when_their_call_ends_and_starting_ones_stay(table: Table) -> None:
    table.bring("a", "1", "running")
    table.bring("b", "2", "starting")
    transitions.release(table.db, "me")
    assert (table.row("1").owner, table.row("2").owner) == (None, "me")
    assert [row.claim for row in transitions.adopt(table.db, "other", lambda _: True)] == ["1"]


def test_adoption_whose_result_was_lost_is_found_again(table: Table) -> None:
    table.bring("a", "1", "running")
    table.bring("b", "2", "running")
    transitions.release(table.db, "me")
    transitions.adopt(table.db, "other", lambda _: True)
    table.end("2", "task of 2")
    assert transitions.adopt(table.db, "other", lambda _: True) == []
    found = transitions.adopt(table.db, "other", lambda _: True, ["1", "2"])
    assert [row.claim for row in found] == ["1"]


# Limit and capacity


@pytest.mark.parametrize("state", ["starting", "running", "unknown", "retried"])
def test_busy_row_holds_a_place_for_everyone(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    assert table.claim("b", "2", limit=1) == Full(None)
    assert table.claim("b", "2", limit=2) == Claimed(1, None)


@pytest.mark.parametrize("state", ["completed", "failed", "refused"])
def test_ended_row_holds_no_place(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    assert table.claim("b", "2", limit=1) == Claimed(1, None)


def test_run_waits_for_no_place_but_counts(table: Table) -> None:
    table.bring("a", "1", "running")
    assert table.is_full("none", is_certain=True, pause=10)
    assert table.claim("b", "2", limit=None) == Claimed(1, None)
    assert table.busy() == 2


@pytest.mark.parametrize("state", ["unknown", "retried"])
def test_unknown_holds_its_place_from_its_last_stamp(table: Table, state: Way) -> None:
    table.bring("a", "1", "starting")
    table.elapse(30)
    transitions.stamp(table.db, "1", table.wall)
    table.lose("1")
    if state == "retried":
        table.retry("a")
    table.elapse(HOLD - 1)
    held = capacity.places(table.db, table.patience)
    assert held == Places(1, 1, table.wall + 1, 1)
    table.elapse(1)
    assert capacity.places(table.db, table.patience) == Places(0, 0, None)


@pytest.mark.parametrize("state", ["unknown", "retried", "running"])
def test_user_frees_a_place(table: Table, state: Way) -> None:
    table.bring("a", "1", state)
    decisions.free(table.db, [table.row("1")])
    assert table.busy() == 0


def test_call_waits_for_a_hold_no_longer_than_its_length(table: Table) -> None:
    table.bring("a", "1", "unknown")
    table.wall -= 1_000_000
    assert table.busy() == 1
    table.elapse(HOLD)
    assert table.busy() == 0
    table.patience = table.new_patience()  # another call sees it for the first time
    assert table.busy() == 1


def test_call_waits_for_a_pause_no_longer_than_its_length(table: Table) -> None:
    table.bring("a", "1", "starting")
    table.is_full("1", is_certain=True, pause=30)
    assert table.claim("b", "2") == Full(30)
    table.wall -= 1_000_000
    assert table.claim("b", "2") == Full(30)
    table.now += 30
    assert table.claim("b", "2") == Claimed(1, None)


def test_shorter_pause_does_not_end_a_longer_one(table: Table) -> None:
    for claim in "123":
        table.bring(claim, claim, "starting")
    for claim, pause in [("1", 30.0), ("2", 10.0), ("3", 0.0)]:
        table.is_full(claim, is_certain=True, pause=pause)
    assert table.claim("b", "4") == Full(30)


def test_pause_that_a_wrong_clock_has_stored_is_replaced(table: Table) -> None:
    table.bring("a", "1", "starting")
    table.bring("b", "2", "starting")
    table.wall += 1_000_000
    table.is_full("1", is_certain=True, pause=30)
    table.wall -= 1_000_000
    table.is_full("2", is_certain=True, pause=10)
    assert table.claim("c", "3") == Full(10)


def test_run_waits_for_a_pause_though_for_no_place(table: Table) -> None:
    table.bring("a", "1", "starting")
    table.is_full("1", is_certain=True, pause=30)
    assert table.claim("b", "2", limit=None) == Full(30)
    table.elapse(30 - 1e-6)  # seconds since 1970 are not more exact
    assert table.claim("b", "2", limit=None) == Claimed(1, None)


def test_refusal_of_run_halves_what_was_busy(table: Table) -> None:
    for claim in "1234":
        table.bring(claim, claim, "running")
    table.bring("5", "5", "unknown")
    table.bring("6", "6", "starting", limit=None)
    assert table.is_full("6", is_certain=True, limit=None)
    assert table.window() == 3


def test_window_halves_once_for_all_starts_since_the_last_halving(table: Table) -> None:
    for claim in "123":
        table.bring(claim, claim, "starting")
    assert table.is_full("1", is_certain=True, limit=8)
    assert table.is_full("2", is_certain=True, limit=8)
    assert table.window() == 4
    table.bring("4", "4", "starting")
    assert table.is_full("4", is_certain=True, limit=8)
    assert table.is_full("3", is_certain=True, limit=8)
    assert (table.window(), table.rows()) == (2, {})


def test_window_is_at_least_one_and_grows_by_one_with_each_success(table: Table) -> None:
    for claim in "123":
        table.bring(claim, claim, "starting")
        table.is_full(claim, is_certain=True, limit=2)
    assert table.window() == 1
    table.bring("4", "4", "running")
    assert table.claim("5", "5", limit=2) == Claimed(1, None)
    assert table.claim("6", "6", limit=9) == Full(None)


def test_window_is_no_larger_than_the_limit(table: Table) -> None:
    table.bring("1", "1", "starting")
    table.is_full("1", is_certain=True, limit=40)
    table.bring("2", "2", "running")
    assert table.claim("3", "3", limit=1) == Full(None)
    table.bring("3", "3", "starting")
    table.is_full("3", is_certain=True, limit=4)
    assert table.window() == 2


def test_402_means_full_if_another_was_busy_at_the_claim(table: Table) -> None:
    table.bring("a", "1", "running")
    table.bring("b", "2", "starting")
    table.end("1", "task of 1")
    assert table.is_full("2", is_certain=False)
    assert table.rows() == {"1": "completed"}


def test_402_means_full_if_another_was_claimed_in_the_meantime(table: Table) -> None:
    table.bring("a", "1", "starting")
    table.bring("b", "2", "starting")
    transitions.withdraw(table.db, "2")
    assert table.is_full("1", is_certain=False)


def test_402_means_full_if_another_is_busy_now(table: Table) -> None:
    table.bring("b", "2", "starting")
    table.arrive("a", "1", "late")  # its claim was lost
    assert table.is_full("2", is_certain=False)


def test_402_with_nothing_else_busy_means_no_credit(table: Table) -> None:
    table.bring("a", "1", "unknown")
    table.elapse(HOLD)  # it may run no longer
    table.bring("b", "2", "starting")
    assert not table.is_full("2", is_certain=False)
    assert (table.window(), table.rows()) == (None, {"1": "unknown", "2": "starting"})


@pytest.mark.parametrize("is_certain", [False, True])
def test_lack_of_room_may_be_stored_twice(table: Table, *, is_certain: bool) -> None:
    table.bring("a", "1", "running")
    table.bring("b", "2", "starting")
    assert table.is_full("2", is_certain=is_certain, limit=8)
    assert table.is_full("2", is_certain=is_certain, limit=8)
    assert table.window() == 4


QUESTIONS: dict[str, Callable[[Table], object]] = {
    "places": lambda table: capacity.places(table.db, table.patience),
    "freed": lambda table: transitions.freed(table.db, "me"),
    "settle": lambda table: transitions.settle(table.db, lambda _: True),
    "counts": lambda table: decisions.counts(table.db),
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_each_claim_and_sweep_asks_does_not_read_all_rows(memory: sqlite3.Connection, question: str) -> None:
    table = Table(memory)
    table.bring("a", "1", "completed")
    statements: list[str] = []
    memory.set_trace_callback(statements.append)
    QUESTIONS[question](table)
    memory.set_trace_callback(None)
    assert statements
    for statement in statements:
        plan = " ".join(row[3] for row in memory.execute(f"EXPLAIN QUERY PLAN {statement}"))
        assert "USING" in plan
        assert "INDEX by_state" in plan
