"""What `Session` and `AsyncSession` share: they build requests and read responses, without I/O."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, TypeVar

from anchor_webtask import _importing
from anchor_webtask._api.session_requests import session_request
from anchor_webtask._api.session_responses import read_files, read_used
from anchor_webtask._errors import (
    AnchorError,
    ConfigurationError,
    SessionError,
    SessionNotEndedWarning,
)
from anchor_webtask._http.failures import UNREADABLE_BODY
from anchor_webtask._misuse import missing_attribute
from anchor_webtask._sessions.facts import NOT_PICKLED
from anchor_webtask._sessions.models import SessionUsage
from anchor_webtask._sessions.notices import say, still_open, warn
from anchor_webtask._sessions.reads import NOT_RECORDED, read_steps, recording_steps
from anchor_webtask._sessions.steps import end_steps
from anchor_webtask._tasks.interruptions import add_end_of_session

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._api.session_responses import ListedFile
    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._redaction.secrets import Redactor
    from anchor_webtask._sessions.facts import Facts
    from anchor_webtask._tasks.steps import Steps

R = TypeVar("R")

NO_LIVE_VIEW: Final = (
    "the address of the live view is not known: only the call that creates a session receives it, with its response"
)
HINTS: Final = {
    **dict.fromkeys(("run", "start", "map", "resume", "run_in_one_request"), "it belongs to .tasks"),
    **dict.fromkeys(("close", "delete", "stop", "terminate", "kill", "cancel"), "use end()"),
    **dict.fromkeys(("cost", "steps", "credits", "tokens", "duration", "status"), "it belongs to usage()"),
    **dict.fromkeys(("session_id",), "use id"),
    **dict.fromkeys(("files",), "use downloads()"),
    **dict.fromkeys(("recordings", "video"), "use recording()"),
}

logger = logging.getLogger("anchor_webtask")


class SessionBase:
    """The parts of `Session` and `AsyncSession` that do no I/O."""

    _hints: ClassVar = HINTS

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._has_ended = False
        self._end_error: str | None = None

    @property
    def id(self) -> str:
        """The session's id."""
        return self._facts.id

    @property
    def tag(self) -> str | None:
        """The tag that only this session has; None for a session that `get` returned."""
        return self._facts.tag

    @property
    def live_view_url(self) -> str | None:
        """The address at which the browser can be watched and used; None if it is not known.

        Whoever has it uses the browser, with all its logins. So its repr is redacted, which is what notebooks and logs
        of variables show; `print` and `str` show it. It is known only to the call that created the session.
        """
        return self._facts.live_view_url

    @property
    def cdp_url(self) -> str | None:
        """The address for the Chrome DevTools Protocol, by which a program of yours can use the same browser.

        It holds the API key, so its repr is redacted. None if it is not known, as for `live_view_url`.
        """
        return self._facts.cdp_url

    def show(self) -> None:
        """Display the live view in a notebook, where a person can use the browser.

        The output holds the address of the live view: clear it before you share or commit the notebook.

        Raises:
            ConfigurationError: This is not a notebook.
            SessionError: The address is not known; see `live_view_url`.
        """
        if self._facts.live_view_url is None:
            raise SessionError(NO_LIVE_VIEW, session_id=self.id)
        with _importing.lock:
            try:
                from IPython.display import IFrame, display
            except ImportError:
                raise ConfigurationError("show needs IPython: in a terminal, print(session.live_view_url)") from None
        frame: Any = IFrame
        # what the documentation says of pages that embed the view
        extras = ['sandbox="allow-same-origin allow-scripts"', 'allow="clipboard-read; clipboard-write"']
        shown: Any = display
        shown(frame(str(self._facts.live_view_url), "100%", 600, extras=extras))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id!r}{': ended' if self._has_ended else ''}>"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        with _importing.lock:
            from anchor_webtask._display import objects

        return objects.session(type(self).__name__, self.id, has_ended=self._has_ended)

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_PICKLED)

    if not TYPE_CHECKING:  # type checkers must go on to refuse attributes that do not exist

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute(self, name, self._hints)

    def _usage_steps(self) -> Steps[SessionUsage]:
        return self._read_steps("get_session", self._usage, "the response says nothing about the session")

    def _screenshot_steps(self) -> Steps[bytes]:
        return self._read_steps("take_session_screenshot", _picture, UNREADABLE_BODY)

    def _download_steps(self) -> Steps[list[ListedFile]]:
        return self._read_steps("list_session_downloads", read_files, "the response is not a list of files")

    def _read_steps(self, operation: str, read: Callable[[BoundedResponse], R | None], problem: str) -> Steps[R]:
        settings = self._facts.settings
        return read_steps(
            session_request(settings.base_url, operation, self._facts.id),
            settings.redact,
            settings.http_timeout,
            read,
            problem=problem,
            now=settings.clock.now(),
        )

    def _end_steps(self, patience: float) -> Steps[None]:
        facts = self._facts
        settings = facts.settings
        return end_steps(
            session_request(settings.base_url, "end_session", facts.id),
            session_request(settings.base_url, "get_session", facts.id),
            settings.redact,
            now=settings.clock.now(),
            http_timeout=settings.http_timeout,
            exists=facts.is_owned,
            patience=patience,
        )

    def _usage(self, response: BoundedResponse) -> SessionUsage | None:
        used = read_used(response)
        return used and SessionUsage(
            steps=used.steps,
            duration=used.duration,
            credits=used.credits,
            tokens=_without_secrets(used.tokens, self._facts.settings.redact),
            proxy_bytes=used.proxy_bytes,
            status=used.status and self._facts.settings.redact.quote(used.status),
        )

    def _recording_steps(self, timeout: float | None) -> Steps[ListedFile]:
        facts, settings = self._facts, self._facts.settings
        now = settings.clock.now()
        if facts.is_recorded is False:
            raise SessionError(NOT_RECORDED)
        return recording_steps(
            session_request(settings.base_url, "list_session_recordings", facts.id),
            session_request(settings.base_url, "get_session", facts.id),
            facts.settings.redact,
            now=now,
            deadline=None if timeout is None else now + timeout,
            http_timeout=settings.http_timeout,
            exists=facts.is_owned or self._has_ended,
            has_ended=self._has_ended,
        )

    def _end_succeeded(self, raised: BaseException | None) -> None:
        """Add to what ends the context that the session has been ended, if it says that a task runs."""
        if raised is not None:
            add_end_of_session(raised, self.id)

    def _still_open(self) -> str:
        return still_open(self.id, self._facts.idle_minutes, self._end_error, self._facts.settings.given_base_url)

    def _end_failed(self, error: AnchorError, raised: BaseException | None) -> None:
        """Say that the session was perhaps not ended, at the end of its context.

        Args:
            error: Why.
            raised: What ends the context, if anything does; it is not replaced.
        """
        self._end_error = str(error)  # an exception that leaves the context passes several places that say it
        text = self._still_open()
        if raised is not None:
            say(raised, text)
            return
        logger.warning("%s", text)
        warn(text)

    def _end_interrupted(self, raised: BaseException, *, is_ending: bool = False) -> None:
        """Add to an interruption that the session may still be open.

        Args:
            raised: The interruption.
            is_ending: Whether the user has ended it, and not its context, which ends only a session that it has opened.
        """
        if not (is_ending or self._facts.is_owned):
            return
        if not self._has_ended and not isinstance(raised, SessionNotEndedWarning):  # which has said it
            say(raised, self._still_open())


def _picture(response: BoundedResponse) -> bytes | None:
    return response.content() if response.is_intact else None


def _without_secrets(counted: Mapping[str, Any], redact: Redactor) -> dict[str, Any]:
    """Return counts without secrets in names and texts; a list, which is no count, is left out."""
    return {
        redact.long_matches(name): (
            _without_secrets(value, redact)
            if isinstance(value, Mapping)
            else redact.quote(value)
            if isinstance(value, str)
            else value
        )
        for name, value in counted.items()
        if not isinstance(value, list)
    }
