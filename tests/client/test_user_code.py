"""Log filters and wait policies of the user may raise: the task's id is then in a note, and a handle is not lost."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import ConfigurationError, WaitPolicy
from tests.support.raw_server import COMPLETED, RUNNING, STARTED, TASK_ID, raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

NOTE = f"this does not stop the task; tasks.get({TASK_ID!r}) finds it again"


class BrokenFilter(logging.Filter):
    """A filter that expects an attribute which other records lack."""

    def filter(self, record: logging.LogRecord) -> bool:
        raise KeyError(record.getMessage())


class BrokenPolicy(WaitPolicy):
    """A policy with a mistake."""

    def delay(self, elapsed: float, chance: float) -> float:
        return elapsed * chance / 0


@pytest.fixture
def _broken_filter() -> Iterator[None]:
    logger, broken = logging.getLogger("anchor_webtask"), BrokenFilter()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addFilter(broken)
    yield
    logger.removeFilter(broken)
    logger.setLevel(level)


@pytest.mark.usefixtures("_broken_filter")
@pytest.mark.parametrize("method", ["start", "run"])
def test_exception_of_a_log_filter_at_a_start_has_a_note_with_the_id(runner: Runner, method: str) -> None:
    with raw_server(start=[STARTED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        with pytest.raises(KeyError) as caught:
            runner.call(getattr(anchor.tasks, method), "Read")
        assert server.starts == 1
    assert caught.value.args == (f"task {TASK_ID} started",)
    assert caught.value.__notes__ == [NOTE]


@pytest.mark.usefixtures("_broken_filter")
def test_end_that_a_log_filter_interrupts_is_known_to_the_handle(runner: Runner) -> None:
    with raw_server(check=[COMPLETED]) as server, runner.anchor(base_url=server.base_url) as anchor:
        task = anchor.tasks.get(TASK_ID)
        with pytest.raises(KeyError) as caught:
            runner.call(task.result)
        assert caught.value.__notes__ == [NOTE]
        assert runner.call(task.result).value == "done"
    assert server.checks == 1


def test_wait_policy_that_raises_does_not_lose_the_handle_of_a_start(runner: Runner, clock: InstantClock) -> None:
    del clock
    policy: Any = BrokenPolicy()
    with (
        raw_server(start=[STARTED], check=[RUNNING]) as server,
        runner.anchor(base_url=server.base_url, wait=policy) as anchor,
    ):
        task = runner.call(anchor.tasks.start, "Read")
        assert task.id == TASK_ID
        with pytest.raises(ZeroDivisionError) as of_result:
            runner.call(task.result)
        with pytest.raises(ZeroDivisionError) as of_run:
            runner.call(anchor.tasks.run, "Read")
    assert [caught.value.__notes__ for caught in (of_result, of_run)] == [[NOTE], [NOTE]]


@pytest.mark.parametrize("name", ["fraction", "minimum", "maximum", "jitter"])
@pytest.mark.parametrize("value", [86_401, 10**400, 1e308])
def test_value_of_a_wait_policy_above_a_day_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigurationError, match=f"^WaitPolicy: {name} must be at most 86400$"):
        WaitPolicy(**{name: value})
