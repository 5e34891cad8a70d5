"""Checks the options and ids of sessions, and builds the requests about them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import httpx

from anchor_webtask._addresses import MIN_USERNAME, secret_parts
from anchor_webtask._api import generated
from anchor_webtask._api.requests import (
    ENCODER,
    prepared_request,
)
from anchor_webtask._api.session_options import options_problem
from anchor_webtask._api.session_responses import recorded, session_id_problem
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._redaction.secrets import Redactor, ReleaseFrames, Sealed
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from anchor_webtask._config import Settings
    from anchor_webtask._http.prepared_request import PreparedRequest

OUR_TAG: Final = "anchor-webtask"
"""The tag of all sessions of this package, by which they are found after a crash."""
OWN_TAG: Final = "awt-"
"""The beginning of the tag that only one session has."""

MAX_DURATION: Final = 180
IDLE_TIMEOUT: Final = 40
"""Minutes; longer than the default deadline of a task, whose checks may be no connections of the session."""

_SECRET_NAMES: Final = frozenset({"password", "username", "secret", "token"})


class CreationRequest(NamedTuple):
    """A creation that is ready to be sent.

    Attributes:
        prepared: The request.
        lookup: The request that looks for the session by its own tag.
        tag: This tag.
        redact: The redactor that knows the request's secrets.
        idle_minutes: Minutes after which a session that nobody ends, ends on its own; None for never.
        is_recorded: Whether it is recorded; None if the request does not say it.
        given_base_url: The base URL, if a command that is said needs it.
    """

    prepared: Sealed[PreparedRequest]
    lookup: Sealed[PreparedRequest]
    tag: str
    redact: Redactor
    idle_minutes: int | None
    is_recorded: bool | None
    given_base_url: str | None = None


def creation_request(options: Sealed[Any], settings: Settings) -> CreationRequest:
    """Check the options of a new session, and build the request that creates it.

    Raises:
        ConfigurationError: An option is invalid; the traceback's frames hold no secret.
    """
    tag = f"{OWN_TAG}{uuid.uuid4().hex}"
    prepared: Sealed[PreparedRequest] | None = None
    with ReleaseFrames():
        given = Sealed({name: value for name, value in options.open().items() if value is not None})
        problem = options_problem(given) or _extra_problem(given, tag)
        if problem is None:
            prepared = _prepared_creation(settings.base_url, given, tag)
        secrets = Sealed(()) if problem else _secret_texts(given)
    if problem:
        raise ConfigurationError(problem)
    if prepared is None:
        raise ConfigurationError(
            "the options of a session must be JSON: text, finite numbers, booleans, lists and dicts"
        )
    redact = Redactor(Sealed((*settings.secrets.open(), *secrets.open()))) if secrets.open() else settings.redact
    idle = given.open().get("idle_timeout", IDLE_TIMEOUT)
    lookup = list_request(settings.base_url, [tag])
    return CreationRequest(
        prepared,
        lookup,
        tag,
        redact,
        idle_minutes=None if idle == -1 else idle,
        is_recorded=recorded(_body(given, tag)),
        given_base_url=settings.given_base_url,
    )


def checked_session_id(session_id: object) -> str:
    """Return the id of a session without the blanks around it, if it is valid in a URL path.

    Raises:
        ConfigurationError: The id is invalid.
    """
    given = session_id.strip() if isinstance(session_id, str) else session_id
    if problem := session_id_problem(given):
        advice = ": pass its .id" if hasattr(session_id, "id") else ""
        raise ConfigurationError(f"the session's id {problem}{advice}")
    if "://" in str(given):
        raise ConfigurationError("the session's id is a URL: pass only the id, as the .id of a session")
    return str(given)


def list_request(base_url: str, tags: Sequence[str]) -> Sealed[PreparedRequest]:
    """Build the request that lists the sessions with all of these tags."""
    arguments = {"tags": ",".join(tags)} if tags else {}
    return _request(base_url, generated.session_kwargs("list_sessions", **arguments))


def session_request(base_url: str, operation: str, session_id: str) -> Sealed[PreparedRequest]:
    """Build a request about one session that has no body."""
    return _request(base_url, generated.session_kwargs(operation, session_id=session_id))


def answer_request(base_url: str, session_id: str, question_id: str, response: Any) -> Sealed[PreparedRequest] | None:
    """Build the request that answers a question; None if the answer cannot be written as JSON."""
    try:
        kwargs = generated.answer_kwargs(session_id, question_id, response)
        kwargs["content"] = ENCODER.encode(kwargs.pop("json")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reraise_from_handler(error)
        return None
    return _request(base_url, kwargs)


def file_request(base_url: str, link: Sealed[str]) -> Sealed[PreparedRequest] | None:
    """Build the request for a file; None if its link is not an address of the API, which alone may receive the key."""
    base = httpx.URL(base_url)
    try:
        url = base.join(link.open())
    except (httpx.InvalidURL, ValueError):
        return None
    if (url.scheme, url.host, _port(url)) != (base.scheme, base.host, _port(base)) or url.userinfo:
        return None
    return Sealed(prepared_request(url, {"method": "get"}))


def redactor_with(known: Redactor, urls: Sealed[tuple[str, ...]], session_id: str, base_url: str) -> Redactor:
    """Return a redactor that also removes what makes addresses secret, except the id and the API's own address."""
    harmless = (session_id, *re.split("[/.:]", base_url))
    found = (part for url in urls.open() for part in secret_parts(url, known=harmless))
    return Redactor(Sealed((*known.secrets(), *found)))


def _port(url: httpx.URL) -> int | None:
    return url.port or {"https": 443, "http": 80}.get(url.scheme)


def _request(base_url: str, kwargs: dict[str, Any]) -> Sealed[PreparedRequest]:
    return Sealed(prepared_request(httpx.URL(base_url + kwargs["url"]), kwargs))


def _prepared_creation(base_url: str, options: Sealed[dict[str, Any]], tag: str) -> Sealed[PreparedRequest] | None:
    try:
        kwargs = generated.creation_kwargs(_body(options, tag))
        kwargs["content"] = ENCODER.encode(kwargs.pop("json")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reraise_from_handler(error)
        return None
    return _request(base_url, kwargs)


def _body(options: Sealed[dict[str, Any]], tag: str) -> dict[str, Any]:
    """Return the body of a creation; `extra_body` adds to it, also inside its objects."""
    given = dict(options.open())
    session: dict[str, Any] = {"tags": [OUR_TAG, tag, *given.get("tags", ())]}
    session["timeout"] = {
        "max_duration": given.get("max_duration", MAX_DURATION),
        "idle_timeout": given.get("idle_timeout", IDLE_TIMEOUT),
    }
    if "initial_url" in given:
        session["initial_url"] = given["initial_url"].strip()
    if "recording" in given:
        session["recording"] = {"active": given["recording"]}
    session |= {name: _plain(given[name]) for name in ("live_view", "proxy") if name in given}
    browser = dict(given.get("browser", {}))
    if "profile" in given:
        profile = given["profile"]
        browser["profile"] = {"name": profile} if isinstance(profile, str) else dict(profile)
    body: dict[str, Any] = {"session": session}
    if browser:
        body["browser"] = _plain(browser)
    if "identities" in given:
        body["identities"] = [{"id": each} for each in given["identities"]]
    if "integrations" in given:
        body["integrations"] = [_plain(each) for each in given["integrations"]]
    _add(body, given.get("extra_body", {}))
    return body


def _add(body: dict[str, Any], extra: Mapping[str, Any]) -> None:
    for name, value in extra.items():
        if isinstance(value, Mapping) and isinstance(body.get(name), dict):
            _add(body[name], value)
        elif name not in body:
            body[name] = _plain(value)


def _clash(body: Mapping[str, Any], extra: Mapping[str, Any], place: str = "") -> str | None:
    """Return the first field of `extra_body` that is set by an option already."""
    for name, value in extra.items():
        if name not in body:
            continue
        if not (isinstance(value, Mapping) and isinstance(body[name], Mapping)):
            return f"{place}{name}"
        if (found := _clash(body[name], value, f"{place}{name}.")) is not None:
            return found
    return None


def _plain(value: Any) -> Any:
    """Return JSON with dicts and lists in place of other mappings and sequences."""
    if isinstance(value, Mapping):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return value


def _secret_texts(options: Sealed[dict[str, Any]]) -> Sealed[tuple[str, ...]]:
    """Return what must not be shown of the options: the user and the password of a proxy, also in its address."""
    found: list[str] = []
    parts: list[Any] = [options.open().get(name) for name in ("proxy", "browser", "integrations", "extra_body")]
    while parts:
        part = parts.pop()
        if isinstance(part, Mapping):
            parts += part.values()
            for name, each in part.items():
                if isinstance(each, str):
                    found += secret_parts(each) if name == "server" else [each] if _is_secret(name, each) else []
        elif isinstance(part, Sequence) and not isinstance(part, str | bytes):
            parts += part
    return Sealed(tuple(found))


def _is_secret(name: object, value: str) -> bool:
    return name in _SECRET_NAMES and len(value) >= (MIN_USERNAME if name == "username" else 1)


def _extra_problem(options: Sealed[dict[str, Any]], tag: str) -> str | None:
    given = options.open()
    extra = given.get("extra_body")
    if extra is None:
        return None
    without = Sealed({name: value for name, value in given.items() if name != "extra_body"})
    clash = _clash(_body(without, tag), extra)
    return clash and f"extra_body must not have {clash!r}, which is set already: pass it as an option"
