"""Decides what a session proves about a start in it whose outcome is not known; without I/O.

Upstream has no list of tasks. But a session counts the steps of its agents: in a session that has had no other task, a
step is a proof that the start was accepted. Whether another client has started one in it cannot be known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchor_webtask._api.session_requests import session_request
from anchor_webtask._api.session_responses import read_used
from anchor_webtask._polling.outcomes import Failure
from anchor_webtask._tasks.steps import Pause, Send

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._config import Settings
    from anchor_webtask._errors import StartOutcomeUnknownError
    from anchor_webtask._tasks.steps import Steps

PATIENCE: Final = 30.0
"""Seconds for which the session is asked for a step."""
MAX_DELAY: Final = 5.0
LIMIT: Final = 10.0


def proof_steps(
    error: StartOutcomeUnknownError, settings: Settings, session_id: str, now: float, is_only: Callable[[], bool]
) -> Steps[None]:
    """Yield the steps that ask the session, and add to the error what it proves.

    Args:
        error: The error of the start.
        settings: The client's settings.
        session_id: The session.
        now: The time.
        is_only: Whether no other start was sent to the session, as far as is known; otherwise nothing is proven.
    """
    request = session_request(settings.base_url, "get_session", session_id)
    until, delay, steps = now + PATIENCE, 1.0, None
    while True:
        now, outcome = yield Send(request, min(settings.http_timeout, LIMIT), settings.redact)
        used = None if outcome is None or isinstance(outcome, Failure) else read_used(outcome)
        if used is not None and used.steps is not None:
            steps = used.steps
        if steps or now >= until:
            break
        now, _ = yield Pause(min(delay, until - now))
        delay = min(delay * 2, MAX_DELAY)
        if not is_only():
            break
    if not is_only():
        return
    error.steps = steps
    if steps:
        said = (
            f"The session has made {steps} steps, and this session object has sent no other start: so the task has "
            "started, unless another object or program has started one in the session"
        )
        error.args = (f"{error.args[0]}. {said}", *error.args[1:])
    elif steps == 0:
        said = f"The session has made no step in {PATIENCE:.0f} s, so the task has probably not started"
        error.args = (f"{error.args[0]}. {said}", *error.args[1:])
