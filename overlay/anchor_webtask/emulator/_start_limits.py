"""Limits of an account: how many tasks may run at once or be started in all, and how many sessions may be open."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

import attrs

from anchor_webtask.emulator._values import seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["running", "starts", "sessions"]


@attrs.frozen
class StartLimit:
    """A limit on starts.

    Attributes:
        kind: What is limited.
        most: How many tasks or sessions the limit admits.
        status: The HTTP status of the response to a start that it refuses.
        headers: Headers of this response.
    """

    kind: Kind
    most: float
    status: int
    headers: Mapping[str, str]

    @property
    def message(self) -> str:
        """Why a start or a creation is refused."""
        if self.kind == "sessions":
            return f"too many sessions are open: the emulator's limit is {self.most}"
        if self.kind == "running":
            return f"too many tasks are running: the emulator's limit is {self.most}"
        return f"out of credit: the emulator's limit is {self.most} starts"


class StartRefusedError(Exception):
    """A start exceeds a limit."""

    def __init__(self, limit: StartLimit) -> None:
        super().__init__(limit.message)
        self.limit = limit


def make_limit(
    *,
    running: float | None = None,
    starts: float | None = None,
    sessions: float | None = None,
    status: int | None = None,
    retry_after: int | None = None,
) -> StartLimit:
    """Return a limit.

    Args:
        running: As for `Emulator.limit`, like all others.
        starts: As there.
        sessions: As there.
        status: As there.
        retry_after: As there.

    Raises:
        ValueError: An argument is out of range, or not exactly one of `running`, `starts` and `sessions` is given.
    """
    if sum(each is not None for each in (running, starts, sessions)) > 1:
        raise ValueError("a limit is one of running, starts or sessions: set two limits, each with its own status")
    if running is not None:
        return StartLimit("running", _most("running", running), _status(status, 429), _headers(retry_after))
    if starts is not None:
        return StartLimit("starts", _most("starts", starts), _status(status, 402), _headers(retry_after))
    if sessions is not None:
        return StartLimit("sessions", _most("sessions", sessions), _status(status, 429), _headers(retry_after))
    raise ValueError("a limit needs running, starts or sessions, such as running=3")


def _most(name: str, most: float) -> float:
    if most == math.inf or (isinstance(most, int) and not isinstance(most, bool) and most >= 0):
        return most
    raise ValueError(f"{name} must be an integer, 0 or more, or math.inf for no limit, not {most!r}")


def _status(status: int | None, default: int) -> int:
    if status is None:
        return default
    if not isinstance(status, int) or not 400 <= status <= 599:
        raise ValueError(f"a limit's status must be an integer from 400 to 599, not {status!r}")
    return status


def _headers(retry_after: int | None) -> Mapping[str, str]:
    if retry_after is None:
        return {}
    if not isinstance(retry_after, int):
        raise ValueError(f"retry_after must be an integer, not {retry_after!r}")  # noqa: TRY004  as all invalid arguments
    return {"retry-after": str(seconds("retry_after", retry_after))}
