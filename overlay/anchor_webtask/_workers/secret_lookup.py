"""Looks up the values of secrets that a batch has named, in the function that the worker was told of."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import anyio

from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._workers.abandonable import in_thread

if TYPE_CHECKING:
    from anchor_webtask._workers.tables import StoredBatch, StoredRequest

Lookup: TypeAlias = Callable[[str, str | None], Mapping[str, Mapping[str, str]]]
"""Returns the values of a secret by domain pattern; it gets the secret's name and the url of the task."""

NO_FUNCTION: Final = (
    "the task {!r} needs the secret {!r}, and this worker was started without --secrets package.module:function"
)
HAS_RAISED: Final = "the secret {!r} of the task {!r} was not looked up: the function has raised {}"
TOO_SLOW: Final = "the secret {!r} of the task {!r} was not looked up: the function has returned nothing for {:g} s"
NOT_SCOPED: Final = (
    "the secret {!r} of the task {!r} was not used: the function must return values by domain, such as "
    '{{"*.shop.example": {{"PASSWORD": "…"}}}}, so that an agent cannot be led to use them elsewhere'
)


WAITS: Final = (
    "%s. This worker leaves the batch %r to other workers for a while, and tries again soon, and later each %d minutes"
)
LOOK_UP_SECONDS: Final = 30.0
"""Seconds after which a function is given up that has not returned; meanwhile, the worker starts nothing else."""
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 300.0
SAY_AGAIN: Final = 600.0
"""Seconds after which it is said again that the secrets of a batch are not looked up."""

logger = logging.getLogger("anchor_webtask")


class NotLookedUpError(Exception):
    """A secret was not looked up; the message has no values."""


class Pauses:
    """The batches whose secrets were not looked up, and whose jobs are left to other workers for a while.

    Each further failure of a batch doubles its pause: one request that lacks its secret does not hold up the others
    for long, and a batch that lacks all of them is not asked for again and again.
    """

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._said: dict[str, float] = {}

    def failed(self, batch: str, why: object, now: float) -> None:
        """Record that the secrets of a request were not looked up, and say so once, and again rarely.

        Args:
            batch: The batch of the request.
            why: What is wrong, without values.
            now: The time, in seconds.
        """
        failures = self._failures[batch] = self._failures.get(batch, 0) + 1
        self._until[batch] = now + min(FIRST_PAUSE * 2.0 ** min(failures - 1, 30), LONGEST_PAUSE)
        level = logging.DEBUG
        if now - self._said.get(batch, -math.inf) >= SAY_AGAIN:
            level, self._said[batch] = logging.WARNING, now
        logger.log(level, WAITS, why, batch, LONGEST_PAUSE / 60, extra={"task_id": None})

    def succeeded(self, batch: str) -> None:
        """Record that the secrets of a request were looked up."""
        self._until.pop(batch, None)
        self._failures.pop(batch, None)

    def paused(self, now: float) -> list[str]:
        """Return the batches that are paused now."""
        return [batch for batch, until in self._until.items() if until > now]


async def with_secrets(request: StoredRequest, batch: StoredBatch, lookup: Lookup | None) -> Sealed[dict[str, Any]]:
    """Return the options of a request, with the values of its secrets.

    Raises:
        NotLookedUpError: A secret was not looked up.
    """
    options = Sealed(dict(request.options))
    if not batch.secrets:
        return options
    if lookup is None:
        raise NotLookedUpError(NO_FUNCTION.format(request.user_key, batch.secrets[0]))
    values = options.open()["secret_values"] = {}
    for name in batch.secrets:
        problem: str | None = TOO_SLOW.format(name, request.user_key, LOOK_UP_SECONDS)
        with anyio.move_on_after(LOOK_UP_SECONDS):
            problem = await in_thread(_look_up, lookup, name, request, values)
        if problem is not None:
            raise NotLookedUpError(problem)
    return options


def _look_up(lookup: Lookup, name: str, request: StoredRequest, values: dict[str, Any]) -> str | None:
    """Add the values of one secret, and return what is wrong."""
    try:
        found = lookup(name, request.options.get("url"))
        if not isinstance(found, Mapping) or not all(isinstance(each, Mapping) for each in found.values()):
            return NOT_SCOPED.format(name, request.user_key)
        for domain, pairs in found.items():
            values.setdefault(domain, {}).update(pairs)
    except BaseException as raised:  # noqa: BLE001  all of it is the user's code; the message may have a value
        return HAS_RAISED.format(name, request.user_key, type(raised).__name__)
    return None
