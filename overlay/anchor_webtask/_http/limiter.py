"""Limits the requests in flight to 100 starts and 100 checks, and gives each request a separate httpx client.

httpcore's pool reads the state of all its connections twice for every request, so its cost grows with the square of the
requests in flight. A client with one request at a time avoids this cost. The client that was used last is reused first,
since the server is least likely to have closed its connection.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from contextlib import suppress
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import httpx

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._http.clients import CONNECT_SHARE, GuardedAsyncClient, GuardedClient, OneLoop, build_request
from anchor_webtask._http.failures import MIN_READ_TIMEOUT
from anchor_webtask._http.lifecycle import CLOSED, create
from anchor_webtask._polling.start import MIN_CONNECT_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from queue import SimpleQueue

    import anyio

    from anchor_webtask._clock import Clock
    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._http.clients import PreparedRequest
    from anchor_webtask._http.failures import Guard
    from anchor_webtask._polling.outcomes import Failure
    from anchor_webtask._redaction.secrets import Sealed

MAX_IN_FLIGHT: Final = 100
"""The maximum number of starts in flight, and the maximum number of checks; httpx has the same limit for connections.

If a request takes half a millisecond of CPU time, and a tenth of a second until its response, then 100 requests in
flight keep the process busy half of the time. Also, each connection is one of the files that the process may open.
"""
MAX_IDLE_SECONDS: Final = 5.0
"""Seconds after which an unused client is closed; servers close unused connections after about the same time."""

ClientT = TypeVar("ClientT", bound=GuardedClient | GuardedAsyncClient)


class Slot(Enum):
    """Which slot a request needs, and whether queueing for it counts against the request's timeout."""

    START = auto()
    """A slot for starts. A start queues for as long as connecting may take, or for ever if it has no deadline. Its
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


class _ClientPool(Generic[ClientT]):
    """The httpx clients of one process, each used by one request at a time; a custom transport has one shared client.

    Threads use it concurrently without a lock: each change of a set or a deque here is a single atomic operation.
    """

    is_broken = False  # an interruption breaks only one httpx client, not the pool

    def __init__(self, make: Callable[[], ClientT], clock: Clock, *, is_custom: bool) -> None:
        self.is_closed = False
        self._make = make
        self._now = clock.now
        self._shared = make() if is_custom else None
        self._in_use: set[ClientT] = set()
        self._idle: deque[tuple[float, ClientT]] = deque()

    def _acquire_client(self) -> ClientT:
        if self._shared is not None:
            return self._shared
        client = self._last_used() or create(self._make)
        self._in_use.add(client)
        return client

    def _last_used(self) -> ClientT | None:
        try:
            return self._idle.pop()[1]
        except IndexError:
            return None

    def _release_client(self, client: ClientT) -> None:
        if client is not self._shared:
            self._idle.append((self._now(), client))
            self._in_use.discard(client)

    def _expired(self) -> ClientT | None:
        """Remove and return a client that has been idle for too long; None if no client has."""
        with suppress(IndexError):
            if self._idle[0][0] < self._now() - MAX_IDLE_SECONDS:
                return self._idle.popleft()[1]
        return None

    def _all(self) -> list[ClientT]:
        shared = [] if self._shared is None or self._shared.is_broken else [self._shared]
        return [*shared, *self._in_use.copy(), *(client for _, client in self._idle.copy())]

    def _check_open(self, event: str) -> None:
        """Stop a request if the client was closed while the request was still connecting."""
        if self.is_closed and event.endswith(".send_request_headers.started"):
            raise httpx.ConnectError(CLOSED)


class Limiter(_ClientPool[GuardedClient]):
    """Sends the requests of the sync client, at most `MAX_IN_FLIGHT` of each kind at once."""

    def __init__(self, make: Callable[[], GuardedClient], clock: Clock, *, is_custom: bool) -> None:
        super().__init__(make, clock, is_custom=is_custom)
        self._slots = {slot: _new_slots() for slot in (Slot.START, Slot.CHECK)}

    def exchange(
        self, prepared: Sealed[PreparedRequest], guard: Guard, slot: Slot, limit: float, connect: float | None
    ) -> BoundedResponse | Failure:
        """Send a request once it has its slot, and return the complete, successful response, or the failure."""
        import queue

        if slot is Slot.NONE:
            return self._exchange(prepared, guard, limit, connect)
        slots = self._slots[slot]
        # One operation takes a slot and records it: between two operations, a signal's exception would lose the slot.
        taken: list[None] = []
        try:
            try:
                taken.extend(map(slots.get, (False,)))
            except queue.Empty:
                asked, max_queue_time = self._now(), slot.max_queue_time(limit, connect)
                try:
                    taken.extend(map(slots.get, (True,), (min(max_queue_time, threading.TIMEOUT_MAX),)))
                except queue.Empty:
                    return guard.not_sent(max_queue_time)
                limit, connect = slot.remaining(limit, connect, self._now() - asked)
            return self._exchange(prepared, guard, limit, connect)
        finally:
            for token in taken:
                slots.put(token)

    def _exchange(
        self, prepared: Sealed[PreparedRequest], guard: Guard, limit: float, connect: float | None
    ) -> BoundedResponse | Failure:
        # Idle clients are closed before the request: if an interruption stops this, nothing has been paid for.
        while (expired := self._expired()) is not None:
            expired.close()
        client = self._acquire_client()
        if self.is_closed:
            client.close()
            raise ConfigurationError(CLOSED)

        def trace(event: str, info: Mapping[str, Any]) -> None:
            self._check_open(event)
            guard.trace(event, info)

        try:
            outcome = client.exchange(build_request(prepared, client.client_headers, limit, connect, trace), guard)
        except BaseException:
            # The client is dropped, not closed: closing it could wait for an httpcore lock that is never released.
            self._in_use.discard(client)
            raise
        self._release_client(client)
        if self.is_closed:
            client.close()
        return outcome

    def close(self) -> None:
        """Close all connections."""
        self.is_closed = True
        for client in self._all():
            client.close()


def _new_slots() -> SimpleQueue[None]:
    """Return a queue that serves as a semaphore: a signal can interrupt `threading.Semaphore`, which is Python code."""
    from queue import SimpleQueue

    slots: SimpleQueue[None] = SimpleQueue()
    for _ in range(MAX_IN_FLIGHT):
        slots.put(None)
    return slots


class AsyncLimiter(_ClientPool[GuardedAsyncClient]):
    """The async `Limiter`; it can be used only in the event loop that uses it first."""

    def __init__(self, make: Callable[[], GuardedAsyncClient], clock: Clock, *, is_custom: bool) -> None:
        super().__init__(make, clock, is_custom=is_custom)
        self._loop = OneLoop()
        self._slots: dict[Slot, anyio.Semaphore] = {}

    async def exchange(
        self, prepared: Sealed[PreparedRequest], guard: Guard, slot: Slot, limit: float, connect: float | None
    ) -> BoundedResponse | Failure:
        """Send a request once it has its slot, and return the complete, successful response, or the failure."""
        import anyio

        self._loop.check()
        if slot is Slot.NONE:
            return await self._exchange(prepared, guard, limit, connect)
        slots = self._slots.get(slot)
        if slots is None:
            # Not a CapacityLimiter: before anyio 4.10, it loses the slot of a waiter that is cancelled as it gets it.
            slots = self._slots[slot] = anyio.Semaphore(MAX_IN_FLIGHT)
        try:
            slots.acquire_nowait()
        except anyio.WouldBlock:
            asked, max_queue_time = self._now(), slot.max_queue_time(limit, connect)
            with anyio.move_on_after(max_queue_time) as scope:
                await slots.acquire()
            if scope.cancelled_caught:
                return guard.not_sent(max_queue_time)
            limit, connect = slot.remaining(limit, connect, self._now() - asked)
        try:
            return await self._exchange(prepared, guard, limit, connect)
        finally:
            slots.release()

    async def _exchange(
        self, prepared: Sealed[PreparedRequest], guard: Guard, limit: float, connect: float | None
    ) -> BoundedResponse | Failure:
        while (expired := self._expired()) is not None:
            await expired.aclose()
        if self.is_closed:
            raise ConfigurationError(CLOSED)
        client = self._acquire_client()

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            self._check_open(event)
            guard.trace(event, info)

        request = build_request(prepared, client.client_headers, limit, connect, trace)
        try:
            return await client.exchange(request, guard)
        finally:  # also after a cancellation: it arrives at an `await` in httpcore, so the client stays usable
            self._release_client(client)

    async def aclose(self) -> None:
        """Close all connections."""
        self._loop.check()
        self.is_closed = True
        for client in self._all():
            await client.aclose()
