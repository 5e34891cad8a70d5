"""What is known of a creation while it runs, so that an interruption says it, or ends the session."""

from __future__ import annotations

import inspect
import logging
import shlex
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from anchor_webtask import _importing
from anchor_webtask._api.session_responses import arrived_session
from anchor_webtask._errors import SessionNotEndedWarning
from anchor_webtask._http.record import ExchangeRecord
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from anchor_webtask._api.session_requests import CreationRequest
    from anchor_webtask._errors import AnchorError


_INNER: Final = frozenset({"anchor_webtask", "contextlib"})
"""The packages between the line of the user, such as a `with`, and the warning."""

logger = logging.getLogger("anchor_webtask")


class CreationRecord:
    """What is known of a creation, from before its request is built until the call returns.

    Attributes:
        creation: The creation; None until its arguments are checked.
        session_id: The id of the session, once it is known.
        named: The id of a session that an error names, which may be another one, so it is not ended; None if none does.
        is_settled: Whether an interruption has been dealt with: the session was ended, or its tag or id was said.
    """

    __slots__ = ("_conclusion", "_exchange", "creation", "is_settled", "named", "session_id")

    def __init__(self) -> None:
        self.creation: CreationRequest | None = None
        self.session_id: str | None = None
        self.named: str | None = None
        self.is_settled = False
        self._exchange: ExchangeRecord | None = None
        self._conclusion: AnchorError | None = None

    def new_exchange(self) -> ExchangeRecord:
        """Return the record of an attempt that is about to be made; the attempts before it have created nothing."""
        self._exchange = exchange = ExchangeRecord()
        return exchange

    def concluded(self, error: AnchorError) -> AnchorError:
        """Return the error that the creation ends with, which says all that is known; other errors are of user code."""
        self._conclusion = error
        return error

    def is_conclusion(self, raised: BaseException) -> bool:
        """Whether the creation itself has ended with this error, so that nothing is left to do or to say."""
        return raised is self._conclusion

    def known_id(self) -> str | None:
        """Return the session's id, also if its response was interrupted after the id had arrived."""
        if self.session_id is None and self.named is None and self._exchange is not None:
            with suppress(Exception):  # nothing may replace the user's exception
                with _importing.lock:
                    from anchor_webtask._http.arrived import arrived_bodies

                if (created := arrived_session(arrived_bodies(self._exchange))) is not None:
                    return created.id
        return self.session_id

    def may_have_been_created(self) -> bool:
        """Whether a session may exist whose id is not known."""
        return self.creation is not None and self._exchange is not None and self._exchange.may_have_left

    def say(self, raised: BaseException) -> None:
        """Say of an interruption that a session may be open, and its id, or its tag if the id is not known."""
        if self.creation is None or self.is_conclusion(raised):
            return
        if (session_id := self.known_id()) is not None:
            creation = self.creation
            shown = creation.redact.task_id(session_id)
            say(raised, still_open(shown, creation.idle_minutes, None, creation.given_base_url))
        elif self.may_have_been_created():
            say(raised, unknown_creation(self.creation, None, self.named))


def say(raised: BaseException, text: str) -> None:
    """Say something beside an exception, which is not replaced: in a note, a log record, and perhaps a warning.

    A cancellation ends where its scope ends, and nobody reads its notes.
    """
    with suppress(Exception):  # the user's exception counts, also if its class does not accept notes
        if text in getattr(raised, "__notes__", ()):
            return
        raised.add_note(text)
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
