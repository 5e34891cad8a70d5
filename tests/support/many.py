"""Loops over the outcomes of `tasks.map`, sync and async, and counts them by state."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from anchor_webtask import WaitPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask import TaskOutcome
    from tests.support.runners import Runner

FEW_CHECKS = WaitPolicy(fraction=0.5, minimum=10, maximum=600, jitter=0)


def loop(runner: Runner, outcomes: Any, body: Callable[[Any], object], *, with_block: bool = False) -> None:
    """Loop over outcomes until the body returns True, perhaps in a `with` block."""

    def run(each: Any) -> None:
        for outcome in each:
            if body(outcome):
                break

    async def run_async(each: Any) -> None:
        async for outcome in each:
            if body(outcome):
                break

    def in_block(each: Any) -> None:
        with each as entered:
            run(entered)

    async def in_block_async(each: Any) -> None:
        async with each as entered:
            await run_async(entered)

    if runner.name == "sync":
        (in_block if with_block else run)(outcomes)
    else:
        runner.call(in_block_async if with_block else run_async, outcomes)


def states(outcomes: Iterable[TaskOutcome[Any]]) -> Counter[str]:
    return Counter(outcome.state for outcome in outcomes)
