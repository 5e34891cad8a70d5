"""Requests and replies as the emulator's core sees them: plain values, no I/O."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping

Cut = bool | Literal["midway"]


@attrs.frozen
class Request:
    """One request; its repr shows nothing that could hold a key or a secret."""

    method: str
    path: str  # as it was sent, percent-encoded
    query: str = attrs.field(repr=False)
    headers: Mapping[str, str] = attrs.field(repr=False)  # names in lower case
    body: bytes = attrs.field(repr=False)


@attrs.frozen
class Reply:
    """What a door sends back: after `hold` seconds, and not or not wholly if the connection is cut."""

    status: int
    headers: Mapping[str, str]
    body: bytes = attrs.field(repr=False)
    hold: float = 0.0
    cut: Cut = False

    @property
    def sent_body(self) -> bytes:
        """The part of the body that is sent before the connection is cut, or all of it."""
        return self.body[: len(self.body) // 2] if self.cut else self.body


@attrs.frozen
class EmulatorServer:
    """Where an emulator is served: `base_url` is for instance `http://127.0.0.1:40123`."""

    base_url: str


def json_reply(status: int, content: object, *, headers: Mapping[str, str] | None = None, hold: float = 0.0) -> Reply:
    """Return a reply with a JSON body."""
    body = json.dumps(content).encode()
    return Reply(status, {"content-type": "application/json", **(headers or {})}, body, hold)


def error_reply(status: int, message: str, *, headers: Mapping[str, str] | None = None, hold: float = 0.0) -> Reply:
    """Return a reply with the API's error body, the spec's `ErrorResponse`."""
    return json_reply(status, {"error": {"code": status, "message": message}}, headers=headers, hold=hold)
