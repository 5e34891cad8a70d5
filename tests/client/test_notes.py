"""The notes on what ends a start: none of the user's exceptions is too unusual, and no paid answer is denied."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NoReturn

import pytest

from anchor_webtask import RateLimitError, TransportError
from tests.support.errors import raised
from tests.support.raw_server import STARTED, TASK_ID, Ending, json_response, raw_server, response_head

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.runners import Runner

NOTE: Final = "interrupted after the task had ended: its answer had arrived, and was not returned"
ENDED: Final = json_response({"data": {"result": "done"}})


class WithoutNotesError(Exception):
    """An exception that accepts no notes."""

    __notes__: Any = None

    def add_note(self, _: str) -> NoReturn:
        raise TypeError("no notes")


class Raising(logging.Filter):
    """A filter of the package's logger that raises its exception."""

    def __init__(self) -> None:
        super().__init__()
        self.exception: Exception = LookupError("a mistake in the filter")

    def filter(self, record: logging.LogRecord) -> bool:
        del record
        raise self.exception


@pytest.fixture(name="raising")
def raising_filter(caplog: pytest.LogCaptureFixture) -> Iterator[Raising]:
    """Add a filter that raises to the package's logger."""
    caplog.set_level(logging.INFO, logger="anchor_webtask")
    added = Raising()
    logging.getLogger("anchor_webtask").addFilter(added)
    yield added
    logging.getLogger("anchor_webtask").removeFilter(added)


def test_start_that_is_interrupted_after_the_task_has_ended_says_so(runner: Runner, raising: Raising) -> None:
    with (
        raw_server(start=[ENDED]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
        pytest.raises(LookupError) as caught,
    ):
        runner.call(anchor.tasks.run_in_one_request, "Read the price")
    assert caught.value is raising.exception
    assert caught.value.__notes__ == [
        "interrupted after the task had ended: its answer had arrived, and was not returned"
    ]


def test_exception_that_accepts_no_notes_is_raised_unchanged(runner: Runner, raising: Raising) -> None:
    raising.exception = WithoutNotesError()
    with (
        raw_server() as server,
        runner.anchor(base_url=server.base_url) as anchor,
        pytest.raises(WithoutNotesError) as caught,
    ):
        runner.call(anchor.tasks.start, "Read the price")
    assert caught.value is raising.exception


def test_error_of_this_package_that_user_code_raises_gets_the_id(runner: Runner, raising: Raising) -> None:
    raising.exception = TransportError("raised by the user's filter")
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        error = raised(TransportError, runner, anchor.tasks.start, "Read the price")
    assert error is raising.exception
    assert any(TASK_ID in note for note in error.__notes__)


def test_start_is_not_repeated_after_an_incomplete_429_whose_id_may_be_missing(runner: Runner) -> None:
    incomplete = (response_head(429, 500), b'{"error": {"message": "slow down"', Ending.CLOSE)
    with raw_server(start=[incomplete, STARTED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        error = raised(RateLimitError, runner, anchor.tasks.run, "Read the price", timeout=600)
    assert error.task_id is None
    assert server.starts == 1
