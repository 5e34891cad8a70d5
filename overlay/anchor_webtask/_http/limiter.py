"""Limits concurrency: 100 starts and 100 checks in flight; others queue for a slot."""

from __future__ import annotations

import math
import threading
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._http.connect_errors import NotConnected
from anchor_webtask._http.lifecycle import CLOSED
from anchor_webtask._http.prepared_request import CONNECT_SHARE, build_request
from anchor_webtask._http.record import MIN_READ_TIMEOUT
from anchor_webtask._polling.start import MIN_CONNECT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from queue import SimpleQueue

    import anyio

    from anchor_webtask._clock import Clock
    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._http.clients import GuardedAsyncClient, GuardedClient
    from anchor_webtask._http.failures import Guard
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._polling.outcomes import Failure
    from anchor_webtask._redaction.secrets import Sealed

MAX_IN_FLIGHT: Final = 100
"""The maximum number of starts in flight, and the maximum number of checks; httpx has the same limit for connections.

If a request takes half a millisecond of CPU time, and a tenth of a second until its response, then 100 requests in
flight keep the process busy half of the time. Also, each connection is one of the files that the process may open.
"""


class Slot(Enum):
    """Which slot a request needs, and whether queueing for it counts against the request's timeout."""

    START = auto()
    """A slot for starts. A start queues for as long as connecting may take, or forever if it has no deadline. Its
    timeout begins when it has the slot."""
    CHECK = auto()
    """A slot for checks. The time in the queue counts against the check's timeout, since a wait has a deadline."""
    NONE = auto()
    """No slot: the server holds such requests open until their tasks end, so they must not delay other requests."""

    def max_queue_time(self, limit: float, connect: float | None) -> float:
        """Return the number of seconds that a request may queue."""
        if self is Slot.START:
            return math.inf if connect is None else connect
        return CONNECT_SHARE * limit

    def remaining(self, limit: float, connect: float | None, queued: float) -> tuple[float, float | None]:
        """Return the seconds that are left for the request and for connecting, after `queued` seconds in the queue."""
        if self is Slot.CHECK:
            limit = max(limit - queued, MIN_READ_TIMEOUT)
        return limit, None if connect is None else max(connect - queued, MIN_CONNECT_TIMEOUT)


class Limiter:
    """Sends the requests of the sync client, at most `MAX_IN_FLIGHT` of each kind at once."""

    def __init__(self, client: GuardedClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._slots = {slot: _new_slots() for slot in (Slot.START, Slot.CHECK)}

    @property
    def is_broken(self) -> bool:
        """Whether an interruption broke the client."""
        return self._client.is_broken

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed."""
        return self._client.is_closed

    def exchange(
        self, prepared: Sealed[PreparedRequest], guard: Guard, slot: Slot, limit: float, connect: float | None
    ) -> BoundedResponse | Failure:
        """Send a request once it has its slot, and return the complete, successful response, or the failure."""
        import queue

        if slot is Slot.NONE:
            return self._exchange(prepared, guard, limit, connect)
        slots, clock = self._slots[slot], self._clock
        # One operation takes a slot and records it: between two operations, a signal's exception would lose the slot.
        taken: list[None] = []
        try:
            try:
                taken.extend(map(slots.get, (False,)))
            except queue.Empty:
                asked, max_queue_time = clock.now(), slot.max_queue_time(limit, connect)
                try:
                    limit_of_queue = min(max_queue_time, threading.TIMEOUT_MAX)
                    taken.extend(map(clock.get, (slots,), (True,), (limit_of_queue,)))
                except queue.Empty:
                    return guard.not_sent(max_queue_time)
                limit, connect = slot.remaining(limit, connect, clock.now() - asked)
            return self._exchange(prepared, guard, limit, connect)
        finally:
            for token in taken:
                slots.put(token)

    def _exchange(
        self, prepared: Sealed[PreparedRequest], guard: Guard, limit: float, connect: float | None
    ) -> BoundedResponse | Failure:
        client = self._client
        if client.is_closed:
            raise ConfigurationError(CLOSED)

        def trace(event: str, info: Mapping[str, Any]) -> None:
            _check_open(client, event)
            guard.trace(event, info)

        return client.exchange(build_request(prepared, client.client_headers, limit, connect, trace), guard)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()


def _check_open(client: GuardedClient | GuardedAsyncClient, event: str) -> None:
    """Stop a request whose connection was still being made when the client was closed."""
    if client.is_closed and event.endswith(".send_request_headers.started"):
        raise NotConnected(CLOSED)


def _new_slots() -> SimpleQueue[None]:
    """Return a queue that serves as a semaphore: a signal can interrupt `threading.Semaphore`, which is Python code."""
    from queue import SimpleQueue

    slots: SimpleQueue[None] = SimpleQueue()
    for _ in range(MAX_IN_FLIGHT):
        slots.put(None)
    return slots


class AsyncLimiter:
    """The async `Limiter`, in the event loop that uses it first."""

    def __init__(self, client: GuardedAsyncClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._slots: dict[Slot, anyio.Semaphore] = {}

    @property
    def is_broken(self) -> bool:
        """Whether an interruption broke the client."""
        return self._client.is_broken

    @property
    def is_closed(self) -> bool:
        """Whether the client was closed."""
        return self._client.is_closed

    async def exchange(
        self, prepared: Sealed[PreparedRequest], guard: Guard, slot: Slot, limit: float, connect: float | None
    ) -> BoundedResponse | Failure:
        """Send a request once it has its slot, and return the complete, successful response, or the failure."""
        import anyio

        self._client.loop.check()
        if slot is Slot.NONE:
            return await self._exchange(prepared, guard, limit, connect)
        slots, clock = self._slots.get(slot), self._clock
        if slots is None:
            # Not a CapacityLimiter: before anyio 4.10, it loses the slot of a waiter that is cancelled as it gets it.
            slots = self._slots[slot] = anyio.Semaphore(MAX_IN_FLIGHT)
        try:
            slots.acquire_nowait()
        except anyio.WouldBlock:
            asked, max_queue_time = clock.now(), slot.max_queue_time(limit, connect)
            with clock.move_on_after(max_queue_time) as scope:
                await slots.acquire()
            if scope.cancelled_caught:
                return guard.not_sent(max_queue_time)
            limit, connect = slot.remaining(limit, connect, clock.now() - asked)
        try:
            return await self._exchange(prepared, guard, limit, connect)
        finally:
            slots.release()

    async def _exchange(
        self, prepared: Sealed[PreparedRequest], guard: Guard, limit: float, connect: float | None
    ) -> BoundedResponse | Failure:
        client = self._client
        if client.is_closed:
            raise ConfigurationError(CLOSED)

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            _check_open(client, event)
            guard.trace(event, info)

        return await client.exchange(build_request(prepared, client.client_headers, limit, connect, trace), guard)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()
