"""Reads what an interrupted exchange has received."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import h11
import httpx

from anchor_webtask._http.body import BoundedResponse
from anchor_webtask._http.connection import MAX_HEAD
from anchor_webtask._http.connections import response_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._http.record import ExchangeRecord

MAX_BODY: Final = 16 * 1024 * 1024
"""Of an interrupted exchange, at most this many bytes of the decompressed body are read."""


def arrived_bodies(record: ExchangeRecord) -> tuple[bytes, ...]:
    """Return what has arrived of a response's body: decoded as its head says, and as it was received."""
    if received := record.received():
        return _decoded(received), record.received_body()
    # A transport that is not our own shows the bytes only as parts of its response.
    if (head := record.head) is None:
        return ()
    try:
        piece = head.content
    except httpx.ResponseNotRead:
        piece = record.piece
    return (b"" if record.response is None else record.response.content(), _decompressed(head, [piece]))


def _decoded(received: bytes) -> bytes:
    protocol = h11.Connection(h11.CLIENT, max_incomplete_event_size=MAX_HEAD)
    protocol.send(h11.Request(method="POST", target="/", headers=[("Host", "host")]))
    protocol.send(h11.EndOfMessage())
    protocol.receive_data(received)
    head: httpx.Response | None = None
    pieces: list[bytes] = []
    with suppress(h11.RemoteProtocolError):
        while isinstance(event := protocol.next_event(), h11.Response | h11.InformationalResponse | h11.Data):
            if isinstance(event, h11.Response):
                head = response_of(event, None, httpx.ByteStream(b""))
            elif isinstance(event, h11.Data):
                pieces.append(bytes(event.data))
    return b"" if head is None else _decompressed(head, pieces)


def _decompressed(head: httpx.Response, pieces: Iterable[bytes]) -> bytes:
    response = BoundedResponse(head, MAX_BODY, math.inf)
    for piece in pieces:
        response.add(piece, 0.0)
    return response.content()
