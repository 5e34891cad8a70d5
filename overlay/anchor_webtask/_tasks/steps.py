"""The steps of what is decided without I/O besides a start and a wait: requests, pauses, and questions to the user."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from anchor_webtask._http.limiter import Slot

if TYPE_CHECKING:
    from collections.abc import Generator

    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._http.record import ExchangeRecord
    from anchor_webtask._polling.outcomes import Failure
    from anchor_webtask._redaction.secrets import Redactor, Sealed
    from anchor_webtask._tasks.asked import Question

R = TypeVar("R")


@dataclass(slots=True)
class Send:
    """Send a request, and return the response or the failure."""

    request: Sealed[PreparedRequest]
    limit: float
    redact: Redactor
    slot: Slot = Slot.CHECK
    record: ExchangeRecord | None = None


@dataclass(slots=True)
class Pause:
    """Wait for some seconds."""

    seconds: float


@dataclass(slots=True)
class Call:
    """Call the user's function with a question, and return what it returns."""

    question: Question


Step: TypeAlias = Send | Pause | Call
if TYPE_CHECKING:
    Outcome: TypeAlias = BoundedResponse | Failure
    Steps: TypeAlias = Generator[Step, tuple[float, Any], R]
    """A driver passes in the time and the outcome of the step, and gets the result at the end."""
