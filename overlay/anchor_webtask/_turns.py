"""Turns: so many starts and checks are on their way at once, each with an httpx client of its own meanwhile.

httpcore's pool looks at each of its connections twice for every request, so what it costs grows with the square of what
is under way; a client that has one request at a time does without. The client used last is the first that is used
again: its connection is the least likely to have been closed meanwhile.
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
from anchor_webtask._guard import SHORTEST_READ
from anchor_webtask._guarded import CONNECT_SHARE, GuardedAsyncClient, GuardedClient, OneLoop, built
from anchor_webtask._lifecycle import CLOSED, made
from anchor_webtask._start import SHORTEST_CONNECT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from queue import SimpleQueue

    import anyio

    from anchor_webtask._answer import Answer
    from anchor_webtask._clock import Clock
    from anchor_webtask._guard import Guard
    from anchor_webtask._guarded import Prepared
    from anchor_webtask._outcome import Failure
    from anchor_webtask._secrets import Sealed

AT_ONCE: Final = 100
"""How many starts are on their way at once, and how many checks; httpx has the same limit. A process that sends a
request in half a millisecond is half busy then where an answer takes a tenth of a second; and each connection takes one
of the files that it may have open."""
IDLE: Final = 5.0
"""Seconds after which a client that nobody used is closed; servers do the same with its connection."""

ClientT = TypeVar("ClientT", bound=GuardedClient | GuardedAsyncClient)


class Turn(Enum):
    """What a request waits for before it's sent, and on whose time."""

    START = auto()
    """As long as it may take to connect, which without a deadline is for ever; the request's own time begins then."""
    CHECK = auto()
    """On its own time, since a wait has a deadline."""
    HELD = auto()
    """Nothing: the server is expected to hold it open. However many there are, they keep nobody waiting."""

    def patience(self, limit: float, connect: float | None) -> float:
        """Return for how many seconds a request waits for its turn."""
        if self is Turn.START:
            return math.inf if connect is None else connect
        return CONNECT_SHARE * limit

    def left(self, limit: float, connect: float | None, waited: float) -> tuple[float, float | None]:
        """Return what a request and its connection may take that has waited for its turn."""
        if self is Turn.CHECK:
            limit = max(limit - waited, SHORTEST_READ)
        return limit, None if connect is None else max(connect - waited, SHORTEST_CONNECT)


class _Clients(Generic[ClientT]):
    """The clients of one process, each lent to one request at a time; one with a custom transport is for all.

    Threads use it at once, and take no lock: what is done to a set or a deque here is done in one step.
    """

    is_spent = False  # an interruption costs the one client that it struck

    def __init__(self, make: Callable[[], ClientT], clock: Clock, *, is_custom: bool) -> None:
        self.is_closed = False
        self._make = make
        self._now = clock.now
        self._shared = make() if is_custom else None
        self._lent: set[ClientT] = set()
        self._idle: deque[tuple[float, ClientT]] = deque()

    def _lend(self) -> ClientT:
        if self._shared is not None:
            return self._shared
        client = self._last_used() or made(self._make)
        self._lent.add(client)
        return client

    def _last_used(self) -> ClientT | None:
        try:
            return self._idle.pop()[1]
        except IndexError:
            return None

    def _take_back(self, client: ClientT) -> None:
        if client is not self._shared:
            self._idle.append((self._now(), client))
            self._lent.discard(client)

    def _expired(self) -> ClientT | None:
        """Return a client that nobody has used for long, and that is to be closed; None if there is none."""
        with suppress(IndexError):
            if self._idle[0][0] < self._now() - IDLE:
                return self._idle.popleft()[1]
        return None

    def _all(self) -> list[ClientT]:
        shared = [] if self._shared is None or self._shared.is_spent else [self._shared]
        return [*shared, *self._lent.copy(), *(client for _, client in self._idle.copy())]

    def _check_open(self, event: str) -> None:
        """Keep a request from leaving on a connection that was still being made when the client was closed."""
        if self.is_closed and event.endswith(".send_request_headers.started"):
            raise httpx.ConnectError(CLOSED)


class Turns(_Clients[GuardedClient]):
    """How requests of the sync face take turns."""

    def __init__(self, make: Callable[[], GuardedClient], clock: Clock, *, is_custom: bool) -> None:
        super().__init__(make, clock, is_custom=is_custom)
        self._places = {turn: _places() for turn in (Turn.START, Turn.CHECK)}

    def exchange(
        self, prepared: Sealed[Prepared], guard: Guard, turn: Turn, limit: float, connect: float | None
    ) -> Answer | Failure:
        """Send when it is this request's turn, and return the whole answer, or why there is none."""
        import queue

        if turn is Turn.HELD:
            return self._exchange(prepared, guard, limit, connect)
        places = self._places[turn]
        # Taken and noted in one step: what a signal raises between two would lose the place.
        taken: list[None] = []
        try:
            try:
                taken.extend(map(places.get, (False,)))
            except queue.Empty:
                asked, patience = self._now(), turn.patience(limit, connect)
                try:
                    taken.extend(map(places.get, (True,), (min(patience, threading.TIMEOUT_MAX),)))
                except queue.Empty:
                    return guard.not_sent(patience)
                limit, connect = turn.left(limit, connect, self._now() - asked)
            return self._exchange(prepared, guard, limit, connect)
        finally:
            for place in taken:
                places.put(place)

    def _exchange(
        self, prepared: Sealed[Prepared], guard: Guard, limit: float, connect: float | None
    ) -> Answer | Failure:
        # Before the request: what ends this then ends nothing that has been paid for.
        while (expired := self._expired()) is not None:
            expired.close()
        client = self._lend()
        if self.is_closed:
            client.close()
            raise ConfigurationError(CLOSED)

        def trace(event: str, info: Mapping[str, Any]) -> None:
            self._check_open(event)
            guard.trace(event, info)

        try:
            outcome = client.exchange(built(prepared, client.own_headers, limit, connect, trace), guard)
        except BaseException:
            # An interruption may have left httpcore with a lock held for ever, which closing it would wait for.
            self._lent.discard(client)
            raise
        self._take_back(client)
        if self.is_closed:
            client.close()
        return outcome

    def close(self) -> None:
        """Close all connections."""
        self.is_closed = True
        for client in self._all():
            client.close()


def _places() -> SimpleQueue[None]:
    """Return what a semaphore is otherwise; that is Python's own code, which a signal may leave half-way."""
    from queue import SimpleQueue

    places: SimpleQueue[None] = SimpleQueue()
    for _ in range(AT_ONCE):
        places.put(None)
    return places


class AsyncTurns(_Clients[GuardedAsyncClient]):
    """The same for the async face, in the one event loop in which it is first used."""

    def __init__(self, make: Callable[[], GuardedAsyncClient], clock: Clock, *, is_custom: bool) -> None:
        super().__init__(make, clock, is_custom=is_custom)
        self._loop = OneLoop()
        self._places: dict[Turn, anyio.Semaphore] = {}

    async def exchange(
        self, prepared: Sealed[Prepared], guard: Guard, turn: Turn, limit: float, connect: float | None
    ) -> Answer | Failure:
        """Send when it is this request's turn, and return the whole answer, or why there is none."""
        import anyio

        self._loop.stay()
        if turn is Turn.HELD:
            return await self._exchange(prepared, guard, limit, connect)
        places = self._places.get(turn)
        if places is None:
            # A CapacityLimiter passes over a turn that is given up the moment it comes, before anyio 4.10.
            places = self._places[turn] = anyio.Semaphore(AT_ONCE)
        try:
            places.acquire_nowait()
        except anyio.WouldBlock:
            asked, patience = self._now(), turn.patience(limit, connect)
            with anyio.move_on_after(patience) as scope:
                await places.acquire()
            if scope.cancelled_caught:
                return guard.not_sent(patience)
            limit, connect = turn.left(limit, connect, self._now() - asked)
        try:
            return await self._exchange(prepared, guard, limit, connect)
        finally:
            places.release()

    async def _exchange(
        self, prepared: Sealed[Prepared], guard: Guard, limit: float, connect: float | None
    ) -> Answer | Failure:
        while (expired := self._expired()) is not None:
            await expired.aclose()
        if self.is_closed:
            raise ConfigurationError(CLOSED)
        client = self._lend()

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            self._check_open(event)
            guard.trace(event, info)

        request = built(prepared, client.own_headers, limit, connect, trace)
        try:
            return await client.exchange(request, guard)
        finally:  # cancellation comes only where httpcore awaits something, and it copes with that
            self._take_back(client)

    async def aclose(self) -> None:
        """Close all connections."""
        self._loop.stay()
        self.is_closed = True
        for client in self._all():
            await client.aclose()
