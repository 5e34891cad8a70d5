"""A start gets an id that another task has, or whose row has another id: all say what is known of which task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from anchor_webtask import Ledger, StartOutcomeUnknownError, TaskRequest, TaskStatus
from anchor_webtask.emulator import Fault
from tests.support.many import loop, states

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask.emulator import Emulator
    from tests.support.postgres_server import Place
    from tests.support.runners import Runner


@pytest.fixture(params=[200, 502])
def first_id(
    request: pytest.FixtureRequest, anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> str:
    """The id of the task of the key `a`, which runs; the start of `Read b` returns it, too, perhaps with an error."""
    anchor_emulator.on(takes=100, answer=1)
    outcomes = tasks.map([TaskRequest("Read", key=key) for key in ("quick", "a")], ledger=place, timeout=10)
    loop(runner, outcomes, lambda _: None)
    row = ledger.get("a")
    assert row is not None
    task_id = row.task_id
    assert task_id is not None
    body = f'{{"data": {{"status": "running", "workflow_id": "{task_id}"}}}}'
    anchor_emulator.on(prompt="Read b", start_faults=[Fault(request.param, body=body)])
    return task_id


def test_outcome_says_what_the_row_says(
    runner: Runner, tasks: Any, place: Place, ledger: Ledger, first_id: str
) -> None:
    requests = [TaskRequest("Read b", key="b")]
    for is_stored in (False, True):
        outcome = runner.call(tasks.map, requests, ledger=place)[0]
        assert (outcome.state, outcome.task_id, outcome.stored) == ("unknown", None, is_stored)
        assert isinstance(outcome.error, StartOutcomeUnknownError)
        assert f"the id of another task of this ledger, '{first_id}'" in str(outcome.error)
        assert "retry('b')" in str(outcome.error)
        row = ledger.get("b")
        assert row is not None
        assert (row.state, row.task_id) == ("unknown", None)


def test_run_raises_what_the_row_says(runner: Runner, tasks: Any, place: Place, first_id: str) -> None:
    started: list[object] = []
    for _ in range(2):
        with pytest.raises(StartOutcomeUnknownError, match=f"another task of this ledger, '{first_id}'") as raised:
            runner.call(tasks.run, "Read b", key="b", ledger=place, on_start=started.append)
        assert raised.value.task_id is None
    assert not started


def test_task_that_had_the_id_before_keeps_it(
    runner: Runner, tasks: Any, place: Place, ledger: Ledger, first_id: str
) -> None:
    requests = [TaskRequest("Read b", key="b"), TaskRequest("Read", key="a")]
    outcomes = runner.call(tasks.map, requests, ledger=place, max_running=1)
    assert states(outcomes) == {"unknown": 1, "completed": 1}
    row = ledger.get("a")
    assert row is not None
    assert (row.state, row.task_id) == ("completed", first_id)


class Checked(NamedTuple):
    """A handle of a task that was checked."""

    id: str
    status: TaskStatus = TaskStatus.RUNNING


@pytest.fixture
def late(anchor_emulator: Emulator, place: Place) -> Iterator[Ledger]:
    """A ledger that drops answers, and whose user attaches an id to the task before the API returns another one."""
    with Ledger(place, answers="drop") as opened:

        def takes(_: object) -> float:
            # As if the process had been given up in the meantime.
            unknown = "UPDATE attempts SET state = 'unknown', owner = NULL"
            opened._store.change(lambda db: db.execute(unknown) and None)
            opened.attach("a", Checked("the id of another task"))
            return 1

        anchor_emulator.on(takes=takes, answer=3)
        yield opened


def test_answer_of_an_id_that_arrived_late_is_dropped(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, late: Ledger
) -> None:
    (outcome,) = runner.call(tasks.map, [TaskRequest("Read", key="a")], ledger=late)
    assert outcome.result().raw == 3
    rows = [(row.attempt, row.state, row.task_id, row.answer) for row in late.rows()]
    assert rows == [
        (1, "running", "the id of another task", None),
        (2, "completed", anchor_emulator.tasks[0].id, None),
    ]


def test_run_drops_the_answer_of_an_id_that_arrived_late(runner: Runner, tasks: Any, late: Ledger) -> None:
    assert runner.call(tasks.run, "Read", key="a", ledger=late).raw == 3
    assert [(row.state, row.answer) for row in late.rows()] == [("running", None), ("completed", None)]
