"""What the emulator remembers of requests. Secret values stay sealed, so that no report of a test shows them."""

from __future__ import annotations

import json
from typing import Any

import attrs

from anchor_webtask._addresses import secret_parts


class SecretValue:
    """A secret value of a request; only `reveal` shows it.

    It equals what the client sent, so a test can compare it without showing it.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:
        self._value = value

    def __repr__(self) -> str:
        return "<secret value: use reveal()>"

    def __eq__(self, other: object) -> bool:
        return bool(self._value == (other._value if isinstance(other, SecretValue) else other))

    __hash__ = None  # type: ignore[assignment]  # a secret value may be JSON of any kind

    def reveal(self) -> Any:
        """Return the value that the client sent."""
        return self._value


@attrs.frozen
class LoggedRequest:
    """A request that the emulator received. Query and headers may hold secrets and are left out.

    Attributes:
        method: The HTTP method.
        path: The path, percent-encoded, as the client sent it; its repr hides what may be a secret.
        status: The status of the response; None if the request is still held, or if it ended without a response,
            because the client gave up or the connection was cut.
        body: The JSON object of the request, None if it has none. Each of its `secret_values` is a `SecretValue`, and
            so are the user and the password of a session's proxy, and its address if it has a password or a token.
        elapsed: When it arrived: the emulator's `elapsed`, in seconds.
    """

    method: str
    path: str
    status: int | None
    body: dict[str, Any] | None = None
    elapsed: float = 0.0


def sealed(body: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON object of a request with sealed secret values, which may be grouped by domain.

    The user and the password of a session's proxy are sealed, too, and its address if it has a password or a token.
    """
    if "secret_values" in body:
        body = {**body, "secret_values": _sealed_values(body["secret_values"])}
    session = body.get("session")
    proxy = session.get("proxy") if isinstance(session, dict) else None
    if isinstance(session, dict) and isinstance(proxy, dict):
        names = ["username", "password", *(["server"] if secret_parts(str(proxy.get("server"))) else [])]
        hidden = {name: SecretValue(proxy[name]) for name in names if name in proxy}
        body = {**body, "session": {**session, "proxy": {**proxy, **hidden}}}
    return body


def sealed_json(body: bytes) -> dict[str, Any] | None:
    """Return the JSON object of a request with sealed secret values; None if the body is no JSON object."""
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return sealed(content) if isinstance(content, dict) else None


def _sealed_values(values: object) -> object:
    if not isinstance(values, dict):
        return SecretValue(values)
    groups = {name: value if isinstance(value, dict) else SecretValue(value) for name, value in values.items()}
    return {
        name: {key: SecretValue(value) for key, value in group.items()} if isinstance(group, dict) else group
        for name, group in groups.items()
    }
