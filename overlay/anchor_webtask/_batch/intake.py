"""Gives each request of `tasks.map` its key, and delivers its outcome; requests with the same key are one task."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Generic

from anchor_webtask._batch.counts import Counts
from anchor_webtask._batch.identity import GivenKeys, fingerprint
from anchor_webtask._batch.items import Item, invalid
from anchor_webtask._batch.models import shown_part
from anchor_webtask._errors import AnchorError, ConfigurationError
from anchor_webtask._models import T

if TYPE_CHECKING:
    from anchor_webtask._batch.models import OutcomeState, TaskOutcome, TaskRequest
    from anchor_webtask._models import TaskResult

OTHER_REQUEST: Final = "another request of this call has the key {}: give each task a key of its own"


class Intake(Generic[T]):
    """The requests of one call, and their outcomes.

    Args:
        total: The number of requests; None if it is not known.

    Attributes:
        outcomes: New outcomes, which the driver removes and delivers.
        is_left: Whether the user has left the call: nothing is waited for any more.
        left_ids: The ids of the tasks that still run, by key, once the user has left the call.
    """

    def __init__(self, total: int | None) -> None:
        self.outcomes: deque[TaskOutcome[T]] = deque()
        self.is_left = False
        self.left_ids: dict[str, str] = {}
        self._counts = Counts(total)
        self._named: dict[str, tuple[str, Item[T] | TaskOutcome[T]]] = {}
        self._given_keys = GivenKeys()
        self._taken = self._unread = self._waiting_twins = 0

    def take(self, request: TaskRequest, prepared: object) -> None:
        """Take a request.

        Args:
            request: The request.
            prepared: What the driver needs to start the task, or the error that says why the request is invalid.
        """
        index = self._taken
        self._taken += 1
        if isinstance(prepared, AnchorError):
            key = request.key if isinstance(request.key, str) else f"invalid-{index}"
            self._deliver(invalid(key, index, request, prepared))
            return
        digest = self._fingerprint(request)
        refusal = self._refusal(request, digest) if request.key is None else None
        if refusal is not None:  # it gets no number, so that the keys of the others stay when the user corrects it
            self._deliver(invalid(f"invalid-{index}", index, request, refusal))
            return
        item: Item[T] = Item(index, "", request, prepared, fingerprint=digest)
        if request.key is None:
            item.key = self._given_keys.next(digest)
        else:
            item.key = request.key
            known, first = self._named.setdefault(item.key, (digest, item))
            if first is not item:
                self._take_again(index, request, first, is_equal=known == digest)
                return
        self._enqueue(item)

    def _fingerprint(self, request: TaskRequest) -> str:
        """Return the hash by which a request is recognized."""
        return fingerprint(request)

    def _refusal(self, request: TaskRequest, digest: str) -> ConfigurationError | None:  # noqa: ARG002  for subclasses
        """Return why a request must have a key; None if it need not."""
        return None

    def _enqueue(self, item: Item[T]) -> None:
        """Let a new item wait for its start."""
        raise NotImplementedError

    def _take_again(self, index: int, request: TaskRequest, first: Item[T] | TaskOutcome[T], *, is_equal: bool) -> None:
        """Take a request whose key an earlier one has."""
        if not is_equal:
            error = ConfigurationError(OTHER_REQUEST.format(shown_part(first.key, request)))
            self._deliver(invalid(first.key, index, request, error))
        elif isinstance(first, Item):
            first.twins = [*(first.twins or ()), (index, request)]
            self._waiting_twins += 1
        else:
            self._deliver(replace(first, index=index, request=request))

    def read(self) -> None:
        """Record that the user has read an outcome."""
        self._unread -= 1

    def _finish(
        self, item: Item[T], state: OutcomeState, error: AnchorError | None, result: TaskResult[T] | None = None
    ) -> None:
        """Deliver the outcome of an item, once for each of its requests."""
        outcome = item.outcome(state, error, result)
        item.prepared = None
        if item.request.key is not None:
            self._named[item.key] = (self._named[item.key][0], outcome)
        self._deliver(outcome)
        self._waiting_twins -= len(item.twins or ())
        for index, request in item.twins or ():
            self._deliver(replace(outcome, index=index, request=request))

    def _deliver(self, outcome: TaskOutcome[T]) -> None:
        self.outcomes.append(outcome)
        self._unread += 1
        self._counts.add(outcome.state, is_stored=outcome.stored)
        if self.is_left and outcome.state == "running" and outcome.task_id is not None:
            self.left_ids[outcome.key] = outcome.task_id
