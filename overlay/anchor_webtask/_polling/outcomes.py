"""The outcomes of a request: a reply (what the API says about a task), or a failure with its kind and its error.

Each program makes these classes before its first call. A class with `__slots__` takes a tenth of the time of a
`NamedTuple`, and that takes less than a dataclass; so what nothing compares or shows is the first.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._errors import AnchorError


class Running(NamedTuple):
    """The task has started and has not ended.

    `raw_status` is the status as the API spells it, None if it is not text; `known` is False for a status that this
    package does not know; `retry_after` is the least number of seconds until the next check, if the response says so.
    """

    task_id: str | None = None
    raw_status: str | None = None
    known: bool = True
    retry_after: float | None = None


class Source:
    """The text that an answer was read from.

    Attributes:
        is_finite: Whether every number in the answer is finite: `json` reads NaN and 1e400, too.
        exact: Reads the answer again, with Decimals in place of the floats that lose digits.
    """

    __slots__ = ("exact", "is_finite")

    def __init__(self, is_finite: bool, exact: Callable[[], Any]) -> None:
        self.is_finite = is_finite
        self.exact = exact


class Completed:
    """The task has ended with an answer, which may be any JSON; `source` is the text that it was read from."""

    __slots__ = ("raw", "raw_status", "source")

    def __init__(self, raw: Any, raw_status: str | None = None, source: Source | None = None) -> None:
        self.raw = raw
        self.raw_status = raw_status
        self.source = source

    def __repr__(self) -> str:
        return f"Completed(raw={self.raw!r}, raw_status={self.raw_status!r})"


class Failed(NamedTuple):
    """The task has ended without an answer; `reason` is the API's reason as text."""

    reason: str | None
    raw_status: str | None = None


class Fault(Enum):
    """The kind of a failure: why a request got no reply. The next step of a start or a wait depends on it."""

    NOT_CONNECTED = auto()  # no byte of the request was sent
    CERTIFICATE = auto()  # no byte was sent, and a retry cannot help
    LOST = auto()  # the connection broke or the time ran out, after a byte may have been sent
    STATUS = auto()  # an HTTP status of 400 or more
    REDIRECTED = auto()
    TOO_LARGE = auto()
    UNREADABLE = auto()  # the status reports success, but the response is not what the spec describes


class Failure(NamedTuple):
    """A request that got no reply, and the error to raise for it.

    Attributes:
        fault: Why it got none.
        error: The error to raise.
        status: The HTTP status of the response; None if its head did not arrive.
        request_id: The id that the API or its gateway gave the request.
        retry_after: The least number of seconds until the next request, if the response says so.
        bodies: Returns what arrived of the response's body: decoded, and as received. A function, since a repr must not
            show it.
        task_id: The task's id, if it arrived all the same.
        is_complete: Whether the response is complete, so that nothing of it, such as an id, is missing.
    """

    fault: Fault
    error: AnchorError
    status: int | None = None
    request_id: str | None = None
    retry_after: float | None = None
    bodies: Callable[[], tuple[bytes, ...]] = tuple
    task_id: str | None = None
    is_complete: bool = True


Ended: TypeAlias = Completed | Failed
Reply: TypeAlias = Running | Completed | Failed
