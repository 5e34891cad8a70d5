"""Reads and decompresses the body of a response, up to a maximum size and a deadline."""

from __future__ import annotations

import zlib
from bisect import bisect_left
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT_CODING: Final = "gzip"
"""The compression that the client accepts for responses."""

_ZLIB_CODINGS: Final = frozenset({CONTENT_CODING, "x-gzip", "deflate"})
"""The compressions that can be undone, since a server may use another one than it was asked for."""

_STEP: Final = 65_536
"""At most this many bytes are decompressed at once, and are decompressed again if there is a mistake in them."""

_MAX_OVERHEAD: Final = 65_536
"""So many bytes more than the maximum may be received, since compression can make a small body larger."""

_GZIP: Final = b"\x1f\x8b"
_MAX_LAYERS: Final = 2
_MAX_UNZIPPED: Final = 1 << 20

_FRAMING_HEADERS: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class BoundedResponse:
    """A response: its head, and the part of its body that has arrived, up to a maximum size.

    This class decompresses the body and stops at the maximum. httpx would decompress each received piece completely,
    which can make it a thousand times as large, and would do so once for each compression that the headers list.

    Args:
        head: The response of httpx; its body is not read yet.
        limit: The maximum size of the decompressed body, in bytes; 0 if the body is not needed.
        deadline: The time at which the complete body must have arrived, on the same clock as `now` of `add`.
        sink: Receives the body, instead of this object.
    """

    def __init__(
        self, head: httpx.Response, limit: int, deadline: float, sink: Callable[[bytes], object] | None = None
    ) -> None:
        self.head = head
        self.retry_after: float | None = None
        """The seconds that its `Retry-After` asks for, set by the guard."""
        self.received_body: Callable[[], bytes] = bytes
        """Returns the body as it was received, also beyond the end that the head announces; set by the guard."""
        self.is_too_large = self.is_late = False
        self.is_corrupt = False
        # A custom transport may return a response that has been read and decompressed already.
        codings = () if head.is_stream_consumed else _codings(head.headers)
        is_compressed = len(codings) == 1 and codings[0] in _ZLIB_CODINGS
        self._is_encoded = bool(codings) and not is_compressed
        self._decompressor = _new_decompressor() if is_compressed else None
        self._is_deflate = is_compressed and "deflate" in head.headers["content-encoding"].lower()
        self._limit = limit
        self._received = 0
        self._deadline = deadline
        self._chunks: list[bytes] = []
        self._keep: Callable[[bytes], object] = sink or self._chunks.append
        self._size = 0

    @property
    def needs_body(self) -> bool:
        """Whether the response's body is needed."""
        return self._limit > 0

    def add(self, piece: bytes, now: float) -> bool:
        """Add a piece of the body as it was received; return False if the rest of the body is not needed."""
        if self.is_too_large or self.is_corrupt:
            return False
        chunk = piece if self._decompressor is None else self._decompressed(piece)
        is_first = self._received == 0
        self._size += len(chunk)
        self._received += len(piece)
        # Empty blocks are compressed to something, so what is received has a limit too.
        self.is_too_large = max(self._size, self._received - _MAX_OVERHEAD) > self._limit
        # A body's first piece is accepted even if it is late: it is probably the complete body, and has been paid for.
        self.is_late = now > self._deadline and not is_first
        if self.is_too_large or self.is_late:
            return False
        self._keep(chunk)
        return not self.is_corrupt

    def _decompressed(self, piece: bytes) -> bytes:
        """Decompress a piece up to the maximum, or up to a mistake: what precedes it may be the complete body."""
        if self._is_deflate and self._received == 0 and _decompress(_new_decompressor(), piece, 1) is None:
            self._decompressor = zlib.decompressobj(-zlib.MAX_WBITS)  # some servers leave the header out
        decompressor = self._decompressor or _new_decompressor()
        chunks: list[bytes] = []
        left = self._limit - self._size + 1
        for start in range(0, len(piece), _STEP):  # zlib copies what it has not read yet after each step
            data = piece[start : start + _STEP]
            while left > 0 and not self.is_corrupt:
                if decompressor.eof:
                    if not _GZIP.startswith(data[: len(_GZIP)]):
                        break  # what follows a compressed body, such as padding, is ignored
                    decompressor = self._decompressor = _new_decompressor()  # the next member of a gzip file
                before, room = decompressor.copy(), min(left, _STEP)
                chunk = _decompress(decompressor, data, room)
                if chunk is None:
                    self.is_corrupt = True
                    chunk = _valid_part(before, data, room)
                chunks.append(chunk)
                left -= len(chunk)
                data = decompressor.unused_data or decompressor.unconsumed_tail
                if not data and len(chunk) < room:
                    break
        return b"".join(chunks)

    @property
    def is_intact(self) -> bool:
        """Whether the body is decompressed to its end, as the bytes of a file must be.

        JSON shows itself whether it is complete, and may be used although the end of its compression is missing.
        """
        is_cut = self._decompressor is not None and not self._decompressor.eof
        return not (is_cut or self._is_encoded or self.is_corrupt)

    def content(self) -> bytes:
        """Return the decompressed body as far as it has arrived."""
        return b"".join(self._chunks)

    def bodies(self) -> tuple[bytes, ...]:
        """Return what has arrived of the body: decoded as the head says, and as it was received."""
        return self.content(), self.received_body()

    def to_httpx(self, request: httpx.Request) -> httpx.Response:
        """Return an httpx response to this request, whose body is read and decompressed."""
        headers = [(name, value) for name, value in self.head.headers.raw if name.lower() not in _FRAMING_HEADERS]
        response = httpx.Response(self.head.status_code, headers=headers, content=self.content(), request=request)
        with suppress(RuntimeError):  # httpx knows the time only of a response that its client received and closed
            response.elapsed = self.head.elapsed
        return response


def unzipped(body: bytes) -> Iterator[bytes]:
    """Yield what a body holds that is compressed with gzip, although its head does not say so, or says it once."""
    for _ in range(_MAX_LAYERS):
        if not body.startswith(_GZIP):
            return
        body = _valid_part(_new_decompressor(), body, _MAX_UNZIPPED)
        yield body


def _new_decompressor() -> zlib._Decompress:
    """Return a decompressor for gzip and for zlib's own format, which the data tell apart."""
    return zlib.decompressobj(zlib.MAX_WBITS + 32)


def _codings(headers: httpx.Headers) -> tuple[str, ...]:
    """Return the compressions of a body in the order in which they were made."""
    codings = (each.strip().lower() for each in headers.get("content-encoding", "").split(","))
    return tuple(coding for coding in codings if coding not in {"", "identity"})


def _decompress(decompressor: zlib._Decompress, data: bytes, room: int) -> bytes | None:
    """Return at most `room` decompressed bytes; None if there is a mistake in the data."""
    try:
        return decompressor.decompress(data, room)
    except zlib.error:
        return None


def _valid_part(before: zlib._Decompress, data: bytes, room: int) -> bytes:
    """Decompress what precedes a mistake; zlib itself returns nothing if the mistake is in the last byte.

    Args:
        before: The decompressor as it was before the data.
        data: The data with the mistake.
        room: The maximum number of bytes that are decompressed.
    """
    mistake = bisect_left(
        range(len(data)), True, key=lambda last: _decompress(before.copy(), data[: last + 1], room) is None
    )
    return _decompress(before, data[:mistake], room) or b""
