"""Loops over the outcomes of `tasks.map`, sync and async, and counts the tasks that run at once."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from anchor_webtask import WaitPolicy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask import TaskOutcome
    from anchor_webtask.emulator import Emulator
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


class MostAtOnce:
    """The largest number of tasks that ran at once, as the emulator sees it.

    Args:
        emulator: The emulator.
        takes: How long a task takes, by its prompt, or for all.
    """

    def __init__(self, emulator: Emulator, takes: float | Callable[[str], float]) -> None:
        self.number = 0
        self._emulator = emulator
        self._takes = takes

    def __call__(self, body: dict[str, Any]) -> float:
        running = sum(task.status == "RUNNING" for task in self._emulator.tasks)
        self.number = max(self.number, running + 1)
        return self._takes(body["prompt"]) if callable(self._takes) else self._takes
