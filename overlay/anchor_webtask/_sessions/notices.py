"""What is said of a session that may be open, and how: it costs, so its id or its tag must not be lost."""

from __future__ import annotations

import inspect
import logging
import shlex
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from anchor_webtask._errors import SessionNotEndedWarning
from anchor_webtask._notes import add_note, notes_of
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from anchor_webtask._api.session_requests import CreationRequest
    from anchor_webtask._errors import AnchorError

_INNER: Final = frozenset({"anchor_webtask", "contextlib"})
"""The packages between the line of the user, such as a `with`, and the warning."""

logger = logging.getLogger("anchor_webtask")


def say(raised: BaseException, text: str) -> None:
    """Say something beside an exception, which is not replaced: in a note, a log record, and perhaps a warning.

    A cancellation ends where its scope ends, and nobody reads its notes.
    """
    if text in notes_of(raised):
        return
    add_note(raised, text)
    with suppress(Exception):  # of a user's handler, or of a filter that makes warnings errors
        logger.warning("%s", text)
        if not isinstance(raised, Exception | KeyboardInterrupt | SystemExit):
            warn(text)


def warn(text: str) -> None:
    """Issue the warning that a session may be open, at the line of the user, and not inside of this package."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").partition(".")[0] in _INNER:
        level, frame = level + 1, frame.f_back
    warnings.warn(text, SessionNotEndedWarning, stacklevel=level)


def unknown_creation(creation: CreationRequest, error: AnchorError | None, named: str | None = None) -> str:
    """Return what is said of a creation whose outcome is not known, and of the session that its response names."""
    why = "" if error is None else f": {error}"
    also = (
        ""
        if named is None
        else (
            f". The response is no success, but names the session {named!r}, which may be the new one; "
            f"this command ends it: {command('end', shown_id(named), creation.given_base_url)}"
        )
    )
    return (
        f"the browser session may or may not have been created{why}. If it exists, it costs until it is ended"
        f"{_or_idle(creation.idle_minutes)}. This command looks for it again: "
        f"{command('list', f'--tag {creation.tag}', creation.given_base_url)}{also}"
    )


def still_open(session_id: str, idle_minutes: int | None, error: object, base_url: str | None) -> str:
    """Return what is said of a session that could not be ended."""
    why = f" ({error})" if error else ""
    return (
        f"the browser session {session_id!r} may still be open{why}: it costs $0.05 an hour by list price until it is "
        f"ended{_or_idle(idle_minutes)}; this command ends it: {command('end', shown_id(session_id), base_url)}"
    )


def command(verb: str, argument: str, base_url: str | None) -> str:
    """Return a command for a session; without its base URL, it would ask another API, which does not know it."""
    place = "" if base_url is None else f"--base-url {shlex.quote(base_url)} "
    return f"anchor-webtask session {verb} {place}{argument}"


def _or_idle(idle_minutes: int | None) -> str:
    return "" if idle_minutes is None else f", or for {idle_minutes} minutes without a connection"
