"""Numbers of answers: NaN and infinities are refused, and Decimals keep their digits."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import math
from decimal import Decimal  # noqa: TC003  the types are read at run time
from typing import TYPE_CHECKING, Annotated, Any

import attrs
import msgspec
import pydantic
import pytest

from anchor_webtask import InvalidOutputError, JsonSchema, TaskResult
from tests.support.raw_server import http_response, raw_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.runners import Runner

pytestmark = pytest.mark.usefixtures("clock")

PADDING = "x" * 20_000
"""Makes a response so large that another decoder reads it."""

SCHEMA = {
    "type": "object",
    "properties": {"number": {"type": "number", "minimum": 0, "maximum": 9}},
    "required": ["number"],
}


@attrs.define
class AttrsAmount:
    number: Decimal
    share: float = 0.0


@attrs.define
class LimitedAmount:
    number: Annotated[Decimal, msgspec.Meta(ge=-1)]


@dataclasses.dataclass
class DataAmount:
    number: Decimal
    rest: Any = None
    others: list[Decimal] = dataclasses.field(default_factory=list)


class ModelAmount(pydantic.BaseModel):
    number: Decimal
    share: float = 0.0
    text: float | str = ""


@attrs.define
class Share:
    number: float


@contextlib.contextmanager
def answering(
    runner: Runner, number: str, more: str = ""
) -> Iterator[Callable[[Any], list[TaskResult[Any] | InvalidOutputError]]]:
    """Return a function that gets an answer with a field `number` in each way; it returns the results or the errors."""
    body = f'{{"data": {{"status": "COMPLETED", "result": {{"number": {number}{more}}}}}}}'.encode()

    def results(output: Any) -> list[TaskResult[Any] | InvalidOutputError]:
        found: list[TaskResult[Any] | InvalidOutputError] = []
        for call in (
            anchor.tasks.get("task-1", output=output).result,
            functools.partial(anchor.tasks.run_in_one_request, "Read the price", output=output),
        ):
            try:
                found.append(runner.call(call))
            except InvalidOutputError as error:
                found.append(error)
        return found

    script = http_response(200, body)
    with raw_server(start=[script], check=[script]) as server, runner.anchor(base_url=server.base_url) as anchor:
        yield results


@pytest.mark.parametrize("more", ["", f', "more": "{PADDING}"'], ids=["small", "large"])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
@pytest.mark.parametrize(
    "output", [None, Share, AttrsAmount, ModelAmount, SCHEMA, JsonSchema(SCHEMA)], ids=lambda it: str(it)[:40]
)
def test_answer_with_nan_or_infinity_is_refused(runner: Runner, output: Any, number: str, more: str) -> None:
    with answering(runner, number, more) as results:
        for error in results(output):
            assert isinstance(error, InvalidOutputError)
            assert error.path == "$.number"
            assert "JSON, which has no NaN and no infinities" in str(error)
            assert not math.isfinite(error.raw["number"])


@pytest.mark.parametrize("more", ["", f', "more": "{PADDING}"'], ids=["small", "large"])
@pytest.mark.parametrize("output", [AttrsAmount, LimitedAmount, DataAmount, ModelAmount])
@pytest.mark.parametrize("number", ["12345678901234567.89", "0.29999999999999998", "12.50", "3", "-0.10"])
def test_decimal_keeps_digits_of_number(runner: Runner, output: Any, number: str, more: str) -> None:
    more = f', "share": 2.50, "text": 1.50, "rest": [1.50], "others": [0.10]{more}'
    with answering(runner, number, more) as results:
        for found in results(output):
            assert isinstance(found, TaskResult)
            assert str(found.value.number) == number
            assert type(found.raw["number"]) is (int if number == "3" else float)
            assert repr(found.raw["others"]) == "[0.1]"
            match found.value:
                case AttrsAmount(share=share):
                    assert repr(share) == "2.5"
                case DataAmount(rest=rest, others=others):
                    assert repr(rest) == "[1.5]"
                    assert str(others[0]) == "0.10"
                case ModelAmount(share=share, text=text):
                    assert (repr(share), repr(text)) == ("2.5", "1.5")


def test_decimal_out_of_its_limits_is_refused(runner: Runner) -> None:
    with answering(runner, "-1.01") as results:
        for error in results(LimitedAmount):
            assert isinstance(error, InvalidOutputError)
            assert "at $.number: Expected `decimal` >= -1; found -1.01" in str(error)


def test_error_shows_number_whose_digits_are_kept(runner: Runner) -> None:
    with answering(runner, '"x"', ', "others": [1.50]') as results:
        for error in results(DataAmount):
            assert "at $.number: Invalid decimal string" in str(error)
        for error in results(list[DataAmount]):
            assert 'found {"number": "x", "others": [1.5]}' in str(error)


@pytest.mark.parametrize("padding", ["", PADDING], ids=["small", "large"])
def test_text_of_answer_arrives_unchanged(runner: Runner, padding: str) -> None:
    more = rf', "text": "\ud83d\ude00 \u00e4 \ud83d {padding}", "big": {10**30}, "zero": -0, "same": 1, "same": 2'
    text = f"\U0001f600 ä \ud83d {padding}"
    with answering(runner, "1E2", more) as results:
        for found in results(None):
            assert found.raw == {"number": 100.0, "text": text, "big": 10**30, "zero": 0, "same": 2}
