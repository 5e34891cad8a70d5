"""An answer on its way, taken in no further than it is wanted."""

from __future__ import annotations

import zlib
from typing import Final

import httpx

PACKING: Final = "gzip"
"""How an answer may be packed."""

_OF_PACKING: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


class Answer:
    """An answer on its way: its head, and as much of its body as has come and is wanted.

    It is unpacked here, and no further than it is wanted: httpx would first unpack all that came in one piece, a
    thousandfold, and as often over as the head says.

    Args:
        response: The head.
        limit: How many bytes of the unpacked body are wanted.
        deadline: When it has to be here, on the clock of `add`.
    """

    def __init__(self, response: httpx.Response, limit: int, deadline: float) -> None:
        self.response = response
        packing = response.headers.get("content-encoding", "identity").strip().lower()
        self.is_too_large = self.is_late = False
        self.is_garbled = False
        # A custom transport may give an answer that has been read, and unpacked, already.
        is_packed = packing in {PACKING, "x-gzip"} and not response.is_stream_consumed
        self._unpacker = zlib.decompressobj(zlib.MAX_WBITS + 16) if is_packed else None
        self._limit = limit
        self._deadline = deadline
        self._chunks: list[bytes] = []
        self._size = 0

    @property
    def is_wanted(self) -> bool:
        """Whether to read the body at all."""
        return self._limit > 0

    def add(self, piece: bytes, now: float) -> bool:
        """Take one more piece as it was sent; False when the rest isn't wanted any more."""
        if self.is_too_large or self.is_garbled:
            return False
        try:
            chunk = piece if self._unpacker is None else self._unpacker.decompress(piece, self._limit - self._size + 1)
        except zlib.error:
            self.is_garbled = True
            return False
        self._size += len(chunk)
        self.is_too_large = self._size > self._limit
        # What has come in one piece is whole, most likely, and has been paid for: it counts late as well.
        self.is_late = now > self._deadline and bool(self._chunks)
        if self.is_too_large or self.is_late:
            return False
        self._chunks.append(chunk)
        return True

    def content(self) -> bytes:
        """Return what has come."""
        return b"".join(self._chunks)

    def as_read(self) -> httpx.Response:
        """Return it as an httpx response that has been read, and unpacked."""
        headers = [(name, value) for name, value in self.response.headers.raw if name.lower() not in _OF_PACKING]
        return httpx.Response(self.response.status_code, headers=headers, content=self.content())
