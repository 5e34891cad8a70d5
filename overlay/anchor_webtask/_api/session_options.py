"""Checks the options of a new session, and the tags by which sessions are listed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

from anchor_webtask._api.requests import flag_problem, text_problem, url_problem
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._misuse import unknown_argument

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._redaction.secrets import Sealed

MAX_MINUTES: Final = 1440


def checked_tags(tags: object) -> list[str]:
    """Return the tags by which sessions are listed.

    Raises:
        ConfigurationError: They are not a list of valid tags.
    """
    if problem := _tags_problem(tags):
        raise ConfigurationError(f"tags {problem}")
    return list(cast("Sequence[str]", tags))


def options_problem(options: Sealed[dict[str, Any]]) -> str | None:
    """Return what is wrong with an option; None if all are valid."""
    for name, value in options.open().items():
        check = _CHECKS.get(name)
        if check is None:
            otherwise = "Use extra_body for fields that the spec does not have yet"
            return unknown_argument("sessions.open", name, _CHECKS, otherwise=otherwise)
        if problem := check(value):
            return f"{name} {problem}"
    if "profile" in options.open() and "profile" in options.open().get("browser", {}):
        return "browser must not have 'profile', which is set already: leave one of them out"
    return None


def _minutes_problem(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"must be a whole number of minutes, not {type(value).__name__}"
    if value == -1 or 1 <= value <= MAX_MINUTES:
        return None
    if value > MAX_MINUTES:
        return f"is in minutes, and must be at most {MAX_MINUTES}, or -1 for no limit; it is {value}"
    return f"must be at least 1 minute, or -1 for no limit, not {value}"


def _mapping_problem(value: object) -> str | None:
    if not isinstance(value, Mapping):
        return f"must be a mapping under the API's names, not {type(value).__name__}"
    return None if all(isinstance(name, str) for name in value) else "must have text as keys"


def _profile_problem(value: object) -> str | None:
    return text_problem(value) if isinstance(value, str) else _mapping_problem(value)


def _tags_problem(value: object) -> str | None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return f"must be a list of texts, not {type(value).__name__}"
    for tag in value:
        if problem := text_problem(tag):
            return f"must be a list of texts: one {problem}"
        if "," in tag or tag != tag.strip():
            return f"must be without commas and without blanks around them: {tag!r}"
    return None


def _ids_problem(value: object) -> str | None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return f"must be a list of ids, not {type(value).__name__}"
    return next((f"must be a list of ids: one {problem}" for each in value if (problem := text_problem(each))), None)


def _mappings_problem(value: object) -> str | None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return f"must be a list of mappings, not {type(value).__name__}"
    return next((problem for each in value if (problem := _mapping_problem(each))), None)


_CHECKS: Final[Mapping[str, Callable[[object], str | None]]] = {
    "initial_url": url_problem,
    "max_duration": _minutes_problem,
    "idle_timeout": _minutes_problem,
    "recording": flag_problem,
    "live_view": _mapping_problem,
    "profile": _profile_problem,
    "tags": _tags_problem,
    "proxy": _mapping_problem,
    "browser": _mapping_problem,
    "identities": _ids_problem,
    "integrations": _mappings_problem,
    "extra_body": _mapping_problem,
}
