"""The arguments of `tasks.map` that limit it, and the checks that refuse invalid ones."""

from __future__ import annotations

from collections.abc import AsyncIterable, Iterable, Mapping
from typing import NamedTuple

from anchor_webtask._batch.models import TaskRequest
from anchor_webtask._errors import ConfigurationError


class Limits(NamedTuple):
    """How much a call may do.

    Attributes:
        max_running: How many tasks may run at once.
        timeout: Seconds that each task is waited for, from its start; None for no deadline.
        attempts: How often a task may be started whose earlier attempts failed or had an invalid answer.
        max_starts: How many tasks may be started and paid for; None for any number.
    """

    max_running: int
    timeout: float | None
    attempts: int
    max_starts: int | None


def checked_limits(max_running: object, timeout: float | None, attempts: object, max_starts: object) -> Limits:
    """Return the limits; `timeout` is checked already.

    Raises:
        ConfigurationError: A number is invalid.
    """
    starts = None if max_starts is None else _number("max_starts", max_starts, " or None for any number of starts,")
    return Limits(_number("max_running", max_running), timeout, _number("attempts", attempts), starts)


def _number(name: str, value: object, otherwise: str = "") -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{name} must be a whole number of at least 1,{otherwise} not {value!r}")
    return value


def check_requests(requests: object, *, may_be_async: bool) -> None:
    """Refuse what is not a collection of requests.

    Raises:
        ConfigurationError: `requests` cannot be iterated over, or it is a single request.
    """
    name = type(requests).__name__
    if isinstance(requests, str | bytes | TaskRequest | Mapping):
        raise ConfigurationError(f"requests must be many TaskRequests or prompts, such as a list of them, not {name}")
    if isinstance(requests, Iterable) or (may_be_async and isinstance(requests, AsyncIterable)):
        return
    if isinstance(requests, AsyncIterable):
        raise ConfigurationError("requests is an async iterable, which Anchor cannot read: use AsyncAnchor")
    raise ConfigurationError(f"requests must be an iterable of TaskRequests or prompts, not {name}")
