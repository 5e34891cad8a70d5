"""What the emulator remembers of requests. Secret values stay sealed, so that no report of a test shows them."""

from __future__ import annotations

from typing import Any

import attrs


class SecretValue:
    """A secret value of a request; only `reveal` shows it."""

    __slots__ = ("_value",)

    def __init__(self, value: object) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "<secret value: use reveal()>"

    def reveal(self) -> Any:
        """Return the value that the client sent."""
        return self._value


@attrs.frozen
class LoggedRequest:
    """A request that the emulator received. Query and headers may hold secrets and are left out.

    Attributes:
        status: The status of the response; None if the request is still held, or if the connection was cut before the
            response was sent.
        body: The JSON of the request, None if it has none. Each of its `secret_values` is a `SecretValue`.
    """

    method: str
    path: str
    status: int | None
    body: Any = None


def sealed(body: Any) -> Any:
    """Return JSON of a request with sealed secret values; they may be grouped by domain."""
    if not isinstance(body, dict) or "secret_values" not in body:
        return body
    return {**body, "secret_values": _sealed_leaves(body["secret_values"])}


def _sealed_leaves(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sealed_leaves(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_sealed_leaves(each) for each in value]
    return SecretValue(value)
