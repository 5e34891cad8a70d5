"""What is known of one exchange while it runs: whether the request may have left, and what has arrived.

A signal or a cancellation can end a call between any two lines. The record is created before the first of them, and
each entry is made by a single operation of the interpreter. So whatever ends the call, the record says how far it got.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._http.connection import Connection

RECORD: Final = "anchor_webtask.record"
"""The key of a record in a request's extensions."""
DEADLINE: Final = "anchor_webtask.deadline"
"""The key of the time at which a sync request ends."""
MIN_READ_TIMEOUT: Final = 0.001
"""A socket's timeout at the deadline, in seconds; 0 would mean that the socket does not wait at all."""

# Compiled on first use, since most programs never need them.
_END_OF_HEAD: Final = rb"\n\r?\n"
_INTERIM: Final = rb"HTTP/[0-9.]+ +1[0-9][0-9]"


class ExchangeRecord:
    """How far one exchange has got.

    Attributes:
        before_sending: Called directly before the first byte may leave, once the connection is open, in the async
            client awaited too; if it raises, nothing is sent.
        is_custom: Whether the user's own transport has the request.
        is_unobserved: Whether a transport has the request that has not reported any progress, and perhaps never will.
        taken: The connections that the exchange has taken, and has neither closed nor given back.
        sent: Empty until directly before the first byte of the request may leave.
        pieces: The bytes of the response as they were received, with its head and its framing; empty for a transport
            that is not our own.
        buffer: Where the next bytes are received, if they do not go to `pieces` directly.
        head: The response, from the time when its head has arrived.
        response: The response with the part of its body that has arrived.
        piece: The latest piece of the body, which may not be a part of `response` yet.
        sink: Receives the body of a successful response piece by piece, which is then kept nowhere else.
        max_bytes: The maximum size of that body.
    """

    __slots__ = (
        "before_sending",
        "buffer",
        "head",
        "is_custom",
        "is_unobserved",
        "max_bytes",
        "piece",
        "pieces",
        "response",
        "sent",
        "sink",
        "taken",
    )

    def __init__(self, before_sending: Callable[[], Any] | None = None) -> None:
        self.before_sending = before_sending
        self.is_custom = self.is_unobserved = False
        self.taken: list[Connection] = []
        self.sent: list[bool] = []
        self.pieces: list[bytes] = []
        self.buffer = bytearray()
        self.head: httpx.Response | None = None
        self.response: BoundedResponse | None = None
        self.piece = b""
        self.sink: Callable[[bytes], object] | None = None
        self.max_bytes = 0

    def forget_pieces(self) -> None:
        """Forget the bytes that the sink has received, or the body of a file would be kept in memory."""
        if self.sink is not None:
            self.pieces.clear()

    @property
    def may_have_left(self) -> bool:
        """Whether a byte of the request may have left."""
        return bool(self.sent) or self.is_unobserved

    def received(self) -> bytes:
        """Return all bytes that have arrived, also those that were interrupted on their way into `pieces`."""
        return b"".join(self.pieces) + bytes(self.buffer.rstrip(b"\0"))

    def received_body(self) -> bytes:
        """Return the bytes after the response's head as they were received, perhaps chunked and compressed.

        Heads of interim responses (1xx) precede the response's own. A line may end without a carriage return. If the
        response's own head has no end, it is returned as well.
        """
        received, start = self.received(), 0
        end_of_head, interim = re.compile(_END_OF_HEAD), re.compile(_INTERIM)
        while end := end_of_head.search(received, start):
            if not interim.match(received, start):
                return received[end.end() :]
            start = end.end()
        return received[start:]
