"""Waits for futures of a ledger's thread in the calling thread. `loop_waits` does the same in an event loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from anchor_webtask._errors import AnchorError

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._ledger.future import Future

R = TypeVar("R")


def run(steps: Generator[Future[Any], Any, R]) -> R:
    """Wait for each future that a generator yields, and return the generator's result."""
    advance, value = steps.send, None
    while True:
        try:
            future = advance(value)
        except StopIteration as stop:
            result: R = stop.value
            return result
        advance, value = outcome(steps, future)


def outcome(steps: Generator[Future[Any], Any, Any], future: Future[Any]) -> tuple[Any, Any]:
    """Return the generator's method that receives a future's outcome, and the outcome."""
    try:
        return steps.send, future.result()
    except AnchorError as error:
        return steps.throw, error
