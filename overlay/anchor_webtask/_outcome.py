"""What a request can come to, once read: a reply of the API, or a failure sorted by what it means for the task."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from anchor_webtask._errors import AnchorError


@dataclass(slots=True)
class Running:
    """The task has been started and hasn't ended.

    `raw_status` is the status as the API spells it, None where it is no text; `known` says that the status is one that
    means running.
    """

    task_id: str | None = None
    raw_status: str | None = None
    known: bool = True


@dataclass(slots=True)
class Completed:
    """The task has ended with an answer, any JSON."""

    raw: Any
    raw_status: str | None = None


@dataclass(slots=True)
class Failed:
    """The task has ended without an answer; `reason` is what the API gave as the reason, as text."""

    reason: str | None
    raw_status: str | None = None


class Fault(Enum):
    """Why a request brought no reply, as far as it matters for what to do next."""

    NOT_CONNECTED = auto()  # not one byte of the request has left
    CERTIFICATE = auto()  # the same, and asking again is no use
    LOST = auto()  # the connection broke or the time was over once a byte may have left
    STATUS = auto()  # an HTTP status of 400 or more
    REDIRECTED = auto()
    TOO_LARGE = auto()
    UNREADABLE = auto()  # a success by its status, and not what the spec says


class Failure(NamedTuple):
    """A request that brought no reply, and the error that says so.

    `status` and `request_id` are those of the answer, None where not even its head came.
    """

    fault: Fault
    error: AnchorError
    status: int | None = None
    request_id: str | None = None


Ended: TypeAlias = Completed | Failed
Reply: TypeAlias = Running | Completed | Failed
