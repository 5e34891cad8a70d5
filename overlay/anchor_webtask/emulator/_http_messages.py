"""The emulator's HTTP requests and responses as plain values; without I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from anchor_webtask.emulator._holds import Hold

MAX_LINE = 1000  # characters; HTTP clients limit the size of a response's headers

Cut = bool | Literal["midway"]


@attrs.frozen
class Request:
    """An HTTP request; its repr shows nothing that could contain a key or a secret."""

    method: str
    path: str  # percent-encoded, as the client sent it
    query: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)  # header names are in lower case
    body: bytes = attrs.field(repr=False)
    origin: str = ""  # scheme, host and port that the client has called


@attrs.frozen
class Response:
    """An HTTP response, and how the transport or the server must send it.

    Attributes:
        cut: True closes the connection before any byte of the response is sent, `"midway"` in the middle of the body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    cut: Cut = False

    @property
    def sent_body(self) -> bytes:
        """The part of the body that is sent: all of it, or the first half if the connection is cut."""
        return self.body[: len(self.body) // 2] if self.cut else self.body


if TYPE_CHECKING:
    Play = Generator[Hold, None, Response]
    """How the emulator responds to a request: it yields the times for which it holds it, and returns the response."""
    Handle = Callable[[Request], Play]


def json_response(status: int, content: object, *, headers: Mapping[str, str] | None = None) -> Response:
    """Return a response with a JSON body."""
    body = json.dumps(content).encode()
    return Response(status, {"content-type": "application/json", **(headers or {})}, body)


def one_line(text: str) -> str:
    """Return text as printable ASCII of limited length, for a header or a log: line breaks and the like are escaped."""
    escaped = json.dumps(text)[1:-1].replace("\x7f", "\\u007f")
    return escaped[:MAX_LINE]
