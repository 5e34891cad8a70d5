"""Reads responses about sessions, in every reading of the documents that contradict each other.

The generated parsers would refuse a session whose `created_at` or `steps` they do not expect, although it costs. So
each value is read where any document has it, and is None where it is not what any document says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anchor_webtask._addresses import SecretUrl, secret_url
from anchor_webtask._api.requests import task_id_problem
from anchor_webtask._api.responses import read_json
from anchor_webtask._redaction.secrets import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anchor_webtask._http.body import BoundedResponse

_ID_NAMES: Final = ("session_id", "id", "sessionId")
_QUESTION_IDS: Final = ("requestId", "request_id", "id")
_FIRST_FIELDS: Final = re.compile(
    r'\s*+\{\s*+(?P<data>"data"\s*+:\s*+\{\s*+)?'
    r'(?:"(?!(?:id|session_id|sessionId)")[^"\\]*+"\s*+:\s*+(?:"(?:[^"\\]|\\.)*+"|[\w.+-]++)\s*+,\s*+)*+'
    r'"(?P<name>id|session_id|sessionId)"\s*+:\s*+"(?P<id>[^"\\]++)"'
)
"""The id in the beginning of a response, with plain values before it: an id deeper inside may be another thing's."""
_OVER: Final = frozenset(
    {
        "canceled",
        "cancelled",
        "closed",
        "completed",
        "deleted",
        "ended",
        "expired",
        "failed",
        "finished",
        "stopped",
        "terminated",
        "timed_out",
        "timeout",
    }
)
"""The words for a session that has ended: the documents have no list of them, and name some in other places."""
_LISTS: Final = ("items", "requests", "sessions", "data")


class CreatedSession(NamedTuple):
    """A session that was created, or found by its tag; then its addresses are not known."""

    id: str
    live_view_url: SecretUrl | None = None
    cdp_url: SecretUrl | None = None


class ListedSession(NamedTuple):
    """A session of a list; its status is the API's word."""

    id: str
    status: str | None
    tags: tuple[str, ...]
    created_at: str | None


class Used(NamedTuple):
    """What a session has used, as far as the API says it."""

    status: str | None
    duration: float | None
    steps: int | None
    credits: Decimal | None
    tokens: Mapping[str, Any]
    proxy_bytes: int | None
    tags: tuple[str, ...]
    is_recorded: bool | None


class ListedFile(NamedTuple):
    """A download or a recording of a session; its address may have a secret of its own."""

    id: str | None
    link: Sealed[str] | None
    name: str
    size: int | None
    created_at: str | None
    is_primary: bool


class AskedQuestion(NamedTuple):
    """A question that waits for an answer; its fields are those of the API."""

    id: str
    message: str
    fields: tuple[Mapping[str, Any], ...]


def session_id_problem(session_id: object) -> str | None:
    """Return what is wrong with the id of a session; None if it is valid in a URL path, and names one session."""
    # DELETE /v1/sessions/all ends all sessions of the key.
    if isinstance(session_id, str) and session_id.strip().lower() == "all":
        return "is 'all', by which the API means every session of the key, also those of others"
    return task_id_problem(session_id)


def read_created(response: BoundedResponse) -> CreatedSession | None:
    """Read the response to a creation; None if it has no id."""
    return created_in(read_json(response)[0])


def arrived_session(bodies: Iterable[bytes], *, is_success: bool = True) -> CreatedSession | None:
    """Return the session that the response to a creation names, from the first body that names one.

    A body may be incomplete; then the field of the id is enough.

    Args:
        bodies: The body in each reading.
        is_success: Whether the status is a success; otherwise an `id` outside of `data` may be that of the request.
    """
    for body in bodies:
        content: Any = None
        with suppress(ValueError, RecursionError):
            content = json.loads(body)
        if content is None:
            found = _FIRST_FIELDS.match(body.decode("utf-8", "replace"))
            fields = None if found is None else {found["name"]: found["id"]}
            content = {"data": fields} if found is not None and found["data"] else fields
        if not is_success and isinstance(content, Mapping):
            content = {name: value for name, value in content.items() if name != "id"}
        if (created := created_in(content)) is not None:
            return created
    return None


def created_in(content: Any) -> CreatedSession | None:
    """Return the session that JSON names; None if it names none."""
    for fields in _objects(content):
        for name in ("id", "session_id", "sessionId"):
            if session_id_problem(fields.get(name)) is None:
                urls = (secret_url(_text(fields, key)) for key in ("live_view_url", "cdp_url"))
                return CreatedSession(str(fields[name]), *urls)
    return None


def read_listed(response: BoundedResponse) -> list[ListedSession] | None:
    """Read a list of sessions; None if it is not a list."""
    items = _items(read_json(response)[0])
    if items is None:
        return None
    found = []
    for each in items:
        session_id = next((each[name] for name in _ID_NAMES if session_id_problem(each.get(name)) is None), None)
        if session_id is not None:
            found.append(
                ListedSession(
                    str(session_id), _text(each, "status"), _tags(each.get("tags")), _text(each, "created_at")
                )
            )
    return found


def read_used(response: BoundedResponse) -> Used | None:
    """Read what is known of one session; None if the response says nothing about a session."""
    for fields in _objects(read_json(response)[0]):
        if any(name in fields for name in (*_ID_NAMES, "status", "steps", "duration")):
            tokens = fields.get("tokens")
            return Used(
                status=_text(fields, "status"),
                duration=_float(fields.get("duration")),
                steps=_count(fields.get("steps")),
                credits=_decimal(fields.get("credits_used", fields.get("used_credits"))),
                tokens=tokens if isinstance(tokens, Mapping) else {},
                proxy_bytes=_count(fields.get("proxy_bytes")),
                tags=_tags(fields.get("tags")),
                is_recorded=recorded(fields.get("configuration")),
            )
    return None


def recorded(configuration: Any) -> bool | None:
    """Return whether a session of this configuration is recorded; None if it does not say it."""
    found = configuration
    for name in ("session", "recording", "active"):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, bool) else None


def is_over(status: str | None) -> bool:
    """Return whether the API's word for a session's status says that it has ended."""
    return status is not None and status.strip().lower().replace("-", "_") in _OVER


def read_files(response: BoundedResponse) -> list[ListedFile] | None:
    """Read the downloads or the recordings of a session; None if it is not a list."""
    items = _items(read_json(response)[0])
    if items is None:
        return None
    return [
        ListedFile(
            id=_text(each, "id"),
            link=_sealed(_text(each, "file_link")),
            name=_text(each, "suggested_file_name") or _text(each, "original_file_name") or "",
            size=_count(each.get("size")),
            created_at=_text(each, "created_at"),
            is_primary=each.get("is_primary") is True,
        )
        for each in items
    ]


def read_questions(response: BoundedResponse) -> list[AskedQuestion] | None:
    """Read the questions that wait for an answer: a list of them, or a single one; None if it is neither."""
    content = read_json(response)[0]
    items = _items(content)
    if items is None:
        items = list(_objects(content))
        if not items:
            return None
    found = []
    for each in items:
        question_id = next((each[name] for name in _QUESTION_IDS if isinstance(each.get(name), str)), None)
        if question_id:
            fields = each.get("fields")
            named = [part for part in fields if _is_field(part)] if isinstance(fields, list) else []
            found.append(AskedQuestion(question_id, _text(each, "message") or "", tuple(named)))
    return found


def _is_field(part: Any) -> bool:
    return isinstance(part, Mapping) and isinstance(part.get("name"), str)


def _objects(content: Any) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that may describe a thing: inside `data`, which may be nested, or at the top."""
    if isinstance(content, Mapping):
        if "data" in content:
            yield from _objects(content["data"])
        if content.keys() - {"data"}:
            yield content


def _items(content: Any) -> list[Mapping[str, Any]] | None:
    """Return the objects of a list, which may be at the top, in `data`, or under another of the API's names."""
    if isinstance(content, list):
        return [each for each in content if isinstance(each, Mapping)]
    if isinstance(content, Mapping):
        for name in _LISTS:
            if name in content and (found := _items(content[name])) is not None:
                return found
    return None


def _text(fields: Mapping[str, Any], name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def _sealed(text: str | None) -> Sealed[str] | None:
    return None if text is None else Sealed(text)


def _tags(value: Any) -> tuple[str, ...]:
    """Return tags: a list of texts, or an object whose keys or values are the texts."""
    if isinstance(value, Mapping):
        return (*value, *(each for each in value.values() if isinstance(each, str)))
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()


def _count(value: Any) -> int | None:
    """Return a number of things, which may be a list of them."""
    if isinstance(value, list):
        return len(value)
    number = _float(value)
    return None if number is None else int(number)


def _float(value: Any) -> float | None:
    number = _decimal(value)
    return None if number is None else float(number)


def _decimal(value: Any) -> Decimal | None:
    """Return a number of 0 or more, which may be written as text; None for others, such as "N/A"."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and 0 <= number < 10**18 else None
