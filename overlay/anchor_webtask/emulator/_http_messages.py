"""The emulator's HTTP requests and responses as plain values, and the address of its server; without I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

Cut = bool | Literal["midway"]


@attrs.frozen
class Request:
    """An HTTP request; its repr shows nothing that could contain a key or a secret."""

    method: str
    path: str  # percent-encoded, as the client sent it
    query: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)  # header names are in lower case
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Response:
    """An HTTP response, and how the transport or the server must send it.

    Attributes:
        hold: Seconds to wait before the response is sent.
        cut: True closes the connection before any byte of the response is sent, `"midway"` in the middle of the body.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    hold: float = 0.0
    cut: Cut = False

    @property
    def sent_body(self) -> bytes:
        """The part of the body that is sent: all of it, or the first half if the connection is cut."""
        return self.body[: len(self.body) // 2] if self.cut else self.body


@attrs.frozen
class EmulatorServer:
    """The address of a running emulator server: `base_url` is for instance `http://127.0.0.1:40123`."""

    base_url: str


def json_response(
    status: int, content: object, *, headers: Mapping[str, str] | None = None, hold: float = 0.0
) -> Response:
    """Return a response with a JSON body."""
    body = json.dumps(content).encode()
    return Response(status, {"content-type": "application/json", **(headers or {})}, body, hold)


def error_response(
    status: int, message: str, *, headers: Mapping[str, str] | None = None, hold: float = 0.0
) -> Response:
    """Return a response with the API's error body, which the spec calls `ErrorResponse`."""
    return json_response(status, {"error": {"code": status, "message": message}}, headers=headers, hold=hold)
