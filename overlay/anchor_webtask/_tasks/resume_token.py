"""Encodes and decodes resume tokens, which are texts with which another process finds a task again.

A token is versioned JSON: the task's id, the base URL, when the task started, and whether the answer is wrapped in
an object. It never holds the key, the prompt or secret values, so it may be stored with an application's jobs.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._redaction.secrets import REDACTED

VERSION = 1
DAMAGED: Final = (
    "the token is damaged: pass the text that task.token() returned, unchanged; to find a task by its id, use tasks.get"
)


class Token(NamedTuple):
    """The contents of a token; `started` is in seconds since 1970, None if the start time is unknown."""

    task_id: str
    base_url: str
    started: float | None
    wrapped: bool

    def encode(self) -> str:
        """Return the token as text."""
        started = None if self.started is None else datetime.fromtimestamp(self.started, UTC).isoformat()
        fields = {
            "version": VERSION,
            "task_id": self.task_id,
            "base_url": self.base_url,
            "started": started,
            "wrapped": self.wrapped,
        }
        return json.dumps(fields, separators=(",", ":"))


def decode(text: object, base_url: str) -> Token:
    """Decode a token for a client of `base_url`.

    Raises:
        ConfigurationError: The token is damaged, has a later version, or belongs to another base URL.
    """
    if not isinstance(text, str):
        raise ConfigurationError(
            f"the token must be the text that task.token() returned, not {type(text).__name__}{_advice(text)}"
        )
    try:
        fields: Any = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict) or not _is_version(fields.get("version")):
        raise ConfigurationError(DAMAGED)
    if fields["version"] > VERSION:
        raise ConfigurationError(
            f"the token has version {fields['version']}, but this package reads only versions up to {VERSION}: "
            "upgrade the package"
        )
    token = _read(fields)
    if token is None:
        raise ConfigurationError(DAMAGED)
    if REDACTED in token.task_id:
        raise ConfigurationError(
            "the token holds only a redacted task id, since the id contains the API key or a secret value: "
            "pass the handle's .id to tasks.get"
        )
    if token.base_url != base_url:
        raise ConfigurationError(
            f"the token belongs to base_url {token.base_url!r}, but this client uses {base_url!r}: "
            "make a client for the token's base_url"
        )
    return token


def _advice(given: object) -> str:
    """Return what to pass instead of something that is no text."""
    if hasattr(given, "token"):
        return ": pass its token()"
    if hasattr(given, "task_id"):
        return ": pass its .task_id to tasks.get"
    if isinstance(given, dict):
        return ": pass the text itself, without json.loads"
    return ": pass its text, .decode()" if isinstance(given, bytes) else ""


def _is_version(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _read(fields: dict[str, Any]) -> Token | None:
    match fields:
        case {
            "task_id": str(task_id),
            "base_url": str(base_url),
            "started": str() | None as started,
            "wrapped": bool(wrapped),
        }:
            pass
        case _:
            return None
    if started is None:
        return Token(task_id, base_url, None, wrapped)
    with _importing.lock:
        from dateutil.parser import isoparse

    try:
        moment = isoparse(started)
        if moment.tzinfo is None:
            return None
        token = Token(task_id, base_url, moment.timestamp(), wrapped)
        token.encode()  # raises if the date can be read but not written, such as 0001-01-01T00:00+01:00
    except (ValueError, OverflowError, OSError):
        return None
    return token
