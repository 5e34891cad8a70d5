"""Both clients give the same results under each dialect of the emulator, and under several at once."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import (
    AuthenticationError,
    InvalidOutputError,
    NotFoundError,
    RateLimitError,
    StartOutcomeUnknownError,
    TaskFailedError,
)
from anchor_webtask.emulator import Emulator, Fault
from anchor_webtask.emulator._dialects import TASK_DIALECTS
from tests.support.errors import ErrorT, raised
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


@dataclass
class Price:
    amount: float
    currency: str = "USD"


@dataclass
class Total:
    amount: Decimal


ALL_BUT: Final = [frozenset(TASK_DIALECTS) - {name} for name in ("nested-result", "text-result")]
"""No document nests the text of an answer, so these two dialects are not combined."""


@pytest.fixture(
    params=[(), *((name,) for name in TASK_DIALECTS), *ALL_BUT], ids=["-", *TASK_DIALECTS, "texts", "nested"]
)
def emulator(request: pytest.FixtureRequest, clock: InstantClock) -> Emulator:
    return Emulator(KEY, takes=30, clock=clock, dialects=request.param)


@pytest.fixture
def anchor(runner: Runner, emulator: Emulator) -> Iterator[Any]:
    """A client that reaches the emulator without a server, whose end would take most of these tests' time."""
    with runner.anchor(transport=emulator.transport()) as made:
        yield made


WAYS: Final = ("run", "get", "one-request")


def call(runner: Runner, anchor: Any, way: str, output: Any) -> tuple[Callable[..., Any], dict[str, Any]]:
    """Return the call that gives the result of a new task, and its arguments."""
    arguments = {"prompt": "Read the price", "output": output}
    match way:
        case "run":
            return anchor.tasks.run, arguments
        case "one-request":
            return anchor.tasks.run_in_one_request, arguments
        case _:
            task = runner.call(anchor.tasks.start, **arguments)
            return anchor.tasks.get(task.id, output=output).result, {}


def result_of(runner: Runner, anchor: Any, way: str, output: Any = None) -> Any:
    function, arguments = call(runner, anchor, way, output)
    return runner.call(function, **arguments)


def error_of(kind: type[ErrorT], runner: Runner, anchor: Any, way: str, output: Any = None) -> ErrorT:
    function, arguments = call(runner, anchor, way, output)
    return raised(kind, runner, function, **arguments)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("output", "answer", "value"),
    [
        (Price, {"amount": 3.5, "currency": "EUR"}, Price(3.5, "EUR")),
        (list[Price], {"result": [{"amount": 3, "currency": "USD"}]}, [Price(3)]),
        (list[str], {"result": ["a", "b"]}, ["a", "b"]),
        (int, {"result": 3}, 3),
        (str, {"result": "3"}, "3"),
        (None, "The price is 3 USD.", "The price is 3 USD."),
        (None, "3", "3"),
        ({"type": "object", "properties": {"amount": {"type": "number"}}}, {"amount": 3}, {"amount": 3}),
    ],
    ids=["dataclass", "list of dataclasses", "list", "number", "text", "no output", "digits without output", "schema"],
)
def test_answer_has_the_same_value_under_each_dialect(
    runner: Runner, anchor: Any, emulator: Emulator, way: str, output: Any, answer: object, value: object
) -> None:
    emulator.on(answer=answer)
    result = result_of(runner, anchor, way, output)
    assert result.value == value
    assert type(result.value) is type(value)
    assert emulator.starts == 1


@pytest.mark.parametrize("way", WAYS)
def test_number_keeps_its_digits_under_each_dialect(runner: Runner, anchor: Any, emulator: Emulator, way: str) -> None:
    emulator.on(answer={"amount": 12345678901234567890123})
    assert result_of(runner, anchor, way, Total).value == Total(Decimal(12345678901234567890123))


@pytest.mark.parametrize("way", ["run", "get"])
def test_failure_of_a_task_has_its_reason_under_each_dialect(
    runner: Runner, anchor: Any, emulator: Emulator, way: str
) -> None:
    emulator.on(fails="no such page")
    error = error_of(TaskFailedError, runner, anchor, way)
    assert error.reason == "no such page"
    assert error.task_id == emulator.tasks[0].id


def test_task_that_fails_in_one_request_is_an_unknown_outcome_under_each_dialect(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(fails="no such page")
    error = error_of(StartOutcomeUnknownError, runner, anchor, "one-request")
    assert error.status == 500
    assert "no such page" in str(error)


@pytest.mark.parametrize("way", WAYS)
def test_answer_that_does_not_fit_is_an_invalid_output_under_each_dialect(
    runner: Runner, anchor: Any, emulator: Emulator, way: str
) -> None:
    emulator.on(answer={"amount": "much"})
    assert "amount" in str(error_of(InvalidOutputError, runner, anchor, way, Price))


@pytest.mark.parametrize("word", ["CANCELED", "Timed_Out"])
def test_task_that_ends_otherwise_is_a_failure_under_each_dialect(
    runner: Runner, anchor: Any, emulator: Emulator, word: str
) -> None:
    emulator.on(takes=1, fails="stopped", faults=[Fault(task_status=word)] * 2)
    error = error_of(TaskFailedError, runner, anchor, "run")
    assert error.reason in (f"{word}: stopped", "stopped")


def test_wrong_key_is_an_authentication_error_under_each_dialect(runner: Runner, emulator: Emulator) -> None:
    with runner.anchor(transport=emulator.transport(), api_key="another-key-0123456789") as anchor:
        error = error_of(AuthenticationError, runner, anchor, "run")
    assert error.status == 401
    assert "differs from the api_key of the emulator" in str(error)


def test_unknown_id_is_not_found_under_each_dialect(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    error = raised(NotFoundError, runner, anchor.tasks.get("unknown").result)
    assert error.status == 404
    assert "no task with this id" in str(error)
    assert emulator.starts == 0


def test_refused_start_says_how_long_to_wait_under_each_dialect(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(start_faults=[Fault(429, headers={"Retry-After": "7"})])
    error = raised(RateLimitError, runner, anchor.tasks.start, "Read the price")
    assert error.retry_after == 7
    assert "Too Many Requests" in str(error)
    assert emulator.starts == 0


def test_faults_of_starts_and_checks_are_survived_under_each_dialect(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(
        answer={"amount": 3},
        start_faults=[Fault(429, headers={"Retry-After": "7"})],
        faults=[502, 404, Fault(task_status="QUEUED"), Fault(429)],
    )
    assert result_of(runner, anchor, "run", Price).value == Price(3)
    assert (emulator.starts, emulator.start_requests) == (1, 2)
    assert len(emulator.requests) > 6
