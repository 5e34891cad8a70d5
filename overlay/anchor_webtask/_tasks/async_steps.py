"""Executes steps for the async client."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, TypeVar

from anchor_webtask._errors import AnchorError
from anchor_webtask._redaction.secrets import release_frames
from anchor_webtask._tasks.steps import Call, Pause, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._clock import Clock
    from anchor_webtask._http.sender import AsyncSender
    from anchor_webtask._tasks.asked import Question
    from anchor_webtask._tasks.steps import Steps

R = TypeVar("R")


async def run_steps(
    steps: Steps[R], sender: AsyncSender, clock: Clock, on_question: Callable[[Question], object] | None = None
) -> R:
    """Execute steps, and return their result."""
    outcome: Any
    try:
        step = next(steps)
        while True:
            outcome = None
            match step:
                case Pause(seconds=seconds):
                    await clock.sleep_async(seconds)
                case Send():
                    outcome = await sender.exchange(
                        step.request, step.limit, slot=step.slot, redact=step.redact, record=step.record
                    )
                case Call(question=question) if on_question is not None:
                    outcome = on_question(question)
                    if inspect.isawaitable(outcome):
                        outcome = await outcome
                    await _interruption()
            step = steps.send((clock.now(), outcome))
    except StopIteration as end:
        result: R = end.value
        return result
    except AnchorError:
        raise
    except BaseException as raised:
        release_frames(raised)
        raise
    finally:
        steps.close()  # an exception of the user's function is kept with its frames, and these keep the steps


async def _interruption() -> None:
    """Raise a cancellation, such as by Ctrl-C, that has come while the user's function has blocked the event loop."""
    import anyio.lowlevel

    await anyio.lowlevel.checkpoint()
