"""`tasks.run` with a key and a ledger: however often it is called, the task is started once."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing, nullcontext
from typing import TYPE_CHECKING, Any

import attrs
import httpx
import pytest

from anchor_webtask import (
    BadRequestError,
    ConfigurationError,
    InvalidOutputError,
    Ledger,
    LedgerBusyError,
    NotFoundError,
    RateLimitError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskRequest,
    TaskTimeoutError,
)
from anchor_webtask.emulator import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from anchor_webtask.emulator import Emulator
    from tests.support.postgres_server import Place
    from tests.support.runners import Runner


@attrs.define
class Price:
    amount: float


def test_second_call_returns_the_stored_answer(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=100, answer={"amount": 3})
    started: list[str] = []
    for _ in range(2):
        result = runner.call(
            tasks.run, "Read", output=Price, key="a", ledger=place, on_start=lambda task: started.append(task.id)
        )
        assert result.value == Price(3)
        assert result.task_id == anchor_emulator.tasks[0].id
    assert anchor_emulator.starts == 1
    assert started == [anchor_emulator.tasks[0].id]


def test_call_after_a_timeout_waits_for_the_same_task(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(takes=100, answer=1)
    with pytest.raises(TaskTimeoutError) as raised:
        runner.call(tasks.run, "Read", key="a", ledger=place, timeout=10)
    row = ledger.get("a")
    assert row is not None
    assert (row.state, row.task_id) == ("running", raised.value.task_id)
    updates: list[Any] = []
    assert runner.call(tasks.run, "Read", key="a", ledger=place, on_update=updates.append).value == 1
    assert updates
    assert anchor_emulator.starts == 1


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        ({"fails": "no price"}, TaskFailedError),
        ({"answer": "?"}, InvalidOutputError),
        ({"start_faults": [Fault(502, accepted=True)]}, StartOutcomeUnknownError),
    ],
)
def test_error_is_raised_again_and_nothing_is_sent(
    anchor_emulator: Emulator,
    runner: Runner,
    tasks: Any,
    place: Place,
    scenario: dict[str, Any],
    expected: type[Exception],
) -> None:
    anchor_emulator.on(**scenario)
    with pytest.raises(expected) as first:
        runner.call(tasks.run, "Read", output=Price, key="a", ledger=place)
    sent = len(anchor_emulator.requests)
    with pytest.raises(expected) as second:
        runner.call(tasks.run, "Read", output=Price, key="a", ledger=place)
    assert getattr(second.value, "reason", None) == getattr(first.value, "reason", None)
    assert getattr(second.value, "raw", None) == getattr(first.value, "raw", None)
    assert len(anchor_emulator.requests) == sent


def test_refusals_that_started_nothing_are_repeated_and_leave_no_row_meanwhile(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    seen: list[Any] = []

    def takes(_: dict[str, Any]) -> float:
        seen.append(ledger.get("a"))
        return 1.0

    anchor_emulator.on(takes=takes, answer=1, start_faults=[Fault(429, headers={"Retry-After": "20"})] * 3)
    assert runner.call(tasks.run, "Read", key="a", ledger=place).value == 1
    assert anchor_emulator.elapsed >= 60
    assert [(row.state, row.attempt) for row in seen] == [("starting", 1)]


def test_refusal_until_the_deadline_leaves_no_row(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(start_faults=[429] * 1000)
    with pytest.raises(RateLimitError):
        runner.call(tasks.run, "Read", key="a", ledger=place, timeout=60)
    assert ledger.get("a") is None


def test_refused_start_is_tried_again(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    anchor_emulator.on(answer=1, start_faults=[400])
    with pytest.raises(BadRequestError):
        runner.call(tasks.run, "Read", key="a", ledger=place)
    row = ledger.get("a")
    assert row is not None
    assert row.state == "refused"
    assert runner.call(tasks.run, "Read", key="a", ledger=place).value == 1


def test_run_and_map_share_a_task(anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place) -> None:
    anchor_emulator.on(takes=100, answer=1)
    with pytest.raises(TaskTimeoutError):
        runner.call(tasks.run, "Read", url="https://shop.example", key="a", ledger=place, timeout=10)
    request = TaskRequest("Read", url="https://shop.example", key="a")
    (outcome,) = runner.call(tasks.map, [request], ledger=place)
    assert outcome.result().value == 1
    assert runner.call(tasks.run, "Read", url="https://shop.example", key="a", ledger=place).value == 1
    assert anchor_emulator.starts == 1


def test_run_waits_for_no_place_but_takes_one(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(takes=100, answer=1)
    with pytest.raises(TaskTimeoutError):
        runner.call(tasks.run, "Read", key="a", ledger=place, timeout=10)
    before = anchor_emulator.elapsed
    runner.call(tasks.map, [TaskRequest("Read", key="b")], max_running=1, ledger=place)
    assert anchor_emulator.max_running_seen == 1
    assert anchor_emulator.elapsed > before + 90


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"key": "a"}, "key= and ledger= together"),
        ({"ledger": "x.ledger"}, "key= and ledger= together"),
        ({"key": " ", "ledger": "x.ledger"}, "not blank"),
        ({"key": 3, "ledger": "x.ledger"}, "must be text"),
        ({"key": "a", "ledger": 3}, "must be the path of a file, the URL of a database, or a Ledger"),
    ],
)
def test_invalid_arguments_are_refused(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ConfigurationError, match=says):
        runner.call(tasks.run, "Read", **arguments)
    assert len(anchor_emulator.requests) == 0


@pytest.mark.parametrize(("answer", "expected"), [({"amount": 3}, None), ("?", InvalidOutputError)])
def test_dropped_answer_is_fetched_again(
    anchor_emulator: Emulator,
    runner: Runner,
    tasks: Any,
    place: Place,
    answer: object,
    expected: type[InvalidOutputError] | None,
) -> None:
    anchor_emulator.on(answer=answer)
    with Ledger(place, answers="drop") as ledger:
        for _ in range(2):
            sent = len(anchor_emulator.requests)
            with nullcontext() if expected is None else pytest.raises(expected):
                assert runner.call(tasks.run, "Read", output=Price, key="a", ledger=ledger).value == Price(3)
            row = ledger.get("a")
            assert row is not None
            assert (row.state, row.answer, row.attempt) == ("completed", None, 1)
            assert len(anchor_emulator.requests) > sent
    assert anchor_emulator.starts == 1


def test_start_of_a_call_that_has_died_is_unknown_at_once(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, path: Path
) -> None:
    anchor_emulator.on(start_faults=[Fault(502, accepted=True)])
    with pytest.raises(StartOutcomeUnknownError):
        runner.call(tasks.run, "Read", key="a", ledger=path)
    with closing(sqlite3.connect(path)) as db, db:  # as a process leaves it that is killed
        db.execute("UPDATE attempts SET state = 'starting', owner = 'dead', error = NULL")
    elapsed = anchor_emulator.elapsed
    with pytest.raises(StartOutcomeUnknownError, match="the process that started the task ended before"):
        runner.call(tasks.run, "Read", key="a", ledger=path)
    assert (anchor_emulator.elapsed, anchor_emulator.start_requests) == (elapsed, 1)


def test_stored_answer_is_dropped_by_a_call_that_is_to_drop_answers(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    anchor_emulator.on(fails="not yet")
    with pytest.raises(TaskFailedError):
        runner.call(tasks.run, "Read", key="a", ledger=place)
    with Ledger(place, answers="drop") as ledger:
        ledger.retry("a")
        anchor_emulator.on(answer=1)
        assert runner.call(tasks.run, "Read", key="a", ledger=place).value == 1
        assert [row.answer for row in ledger.rows()] == [None, 1]
        sent = len(anchor_emulator.requests)
        assert runner.call(tasks.run, "Read", key="a", ledger=ledger).value == 1
        assert [row.answer for row in ledger.rows()] == [None, None]
    assert len(anchor_emulator.requests) == sent


def test_dropped_answer_that_the_api_does_not_have_any_more_is_not_found(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place
) -> None:
    done = Fault(body='{"data": {"status": "COMPLETED", "result": 1}}')
    anchor_emulator.on(faults=[done, *[404] * 200])
    with Ledger(place, answers="drop") as ledger:
        assert runner.call(tasks.run, "Read", key="a", ledger=ledger).value == 1
        with pytest.raises(NotFoundError, match="has dropped the answer of this task, and the API does not have it"):
            runner.call(tasks.run, "Read", key="a", ledger=ledger)


def test_key_of_another_request_is_refused(anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place) -> None:
    anchor_emulator.on(answer=1)
    runner.call(tasks.run, "Read", key="a", ledger=place)
    with pytest.raises(ConfigurationError, match="the key 'a' with another prompt"):
        runner.call(tasks.run, "Read something else", key="a", ledger=place)
    assert anchor_emulator.starts == 1


def test_start_of_another_call_is_waited_for_until_the_deadline(
    anchor_emulator: Emulator, runner: Runner, tasks: Any, place: Place, ledger: Ledger
) -> None:
    """The start of the first call takes longer than the second call waits."""
    calls: list[Exception] = []

    def takes(_: dict[str, Any]) -> float:
        if not calls:
            with pytest.raises(LedgerBusyError, match="still starting the task with the key 'a'") as raised:
                other_call()
            calls.append(raised.value)
        return 1.0

    def other_call() -> None:
        from anchor_webtask import Anchor

        with Anchor() as other:
            other.tasks.run("Read", key="a", ledger=place, timeout=0)

    anchor_emulator.on(takes=takes, answer=1)
    assert runner.call(tasks.run, "Read", key="a", ledger=place).value == 1
    assert len(calls) == 1
    assert anchor_emulator.starts == 1
    assert ledger.counts()["completed"] == 1


def test_result_that_came_at_once_is_paid_for_once_though_the_call_is_interrupted(
    runner: Runner, place: Place, ledger: Ledger
) -> None:
    """The API responds to the start with the result, and a log filter of the user raises then."""
    requests: list[httpx.Request] = []

    def respond(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"data": {"status": "COMPLETED", "result": {"result": 1}}})

    class FilterError(Exception):
        pass

    def refuse(record: logging.LogRecord) -> bool:
        raise FilterError(record.getMessage())

    logger = logging.getLogger("anchor_webtask")
    level = logger.level
    with runner.anchor(base_url="https://api.example", transport=httpx.MockTransport(respond)) as anchor:
        logger.setLevel(logging.INFO)
        logger.addFilter(refuse)
        try:
            with pytest.raises(FilterError):
                runner.call(anchor.tasks.run, "Read", key="a", ledger=place)
        finally:
            logger.removeFilter(refuse)
            logger.setLevel(level)
        row = ledger.get("a")
        assert row is not None
        assert row.state in {"unknown", "completed"}
        with pytest.raises(StartOutcomeUnknownError):
            runner.call(anchor.tasks.run, "Read", key="a", ledger=place)
    assert len(requests) == 1
