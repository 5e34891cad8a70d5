"""Executes steps for the sync client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from anchor_webtask._errors import AnchorError
from anchor_webtask._redaction.secrets import release_frames
from anchor_webtask._tasks.steps import Call, Pause, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._clock import Clock
    from anchor_webtask._http.sender import Sender
    from anchor_webtask._tasks.asked import Question
    from anchor_webtask._tasks.steps import Steps

R = TypeVar("R")


def run_steps(
    steps: Steps[R], sender: Sender, clock: Clock, on_question: Callable[[Question], object] | None = None
) -> R:
    """Execute steps, and return their result."""
    outcome: Any
    try:
        step = next(steps)
        while True:
            outcome = None
            match step:
                case Pause(seconds=seconds):
                    clock.sleep(seconds)
                case Send():
                    outcome = sender.exchange(
                        step.request, step.limit, slot=step.slot, redact=step.redact, record=step.record
                    )
                case Call(question=question) if on_question is not None:
                    outcome = on_question(question)
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
