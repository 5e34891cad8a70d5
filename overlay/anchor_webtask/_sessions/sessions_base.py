"""What `Sessions` and `AsyncSessions` share: they check arguments and build requests, without I/O."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final, NoReturn

from anchor_webtask._api.session_options import checked_tags
from anchor_webtask._api.session_requests import (
    OUR_TAG,
    checked_session_id,
    creation_request,
    list_request,
    redactor_with,
)
from anchor_webtask._api.session_responses import read_listed
from anchor_webtask._misuse import missing_attribute
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._secret_task_id import shown_id
from anchor_webtask._sessions.facts import NOT_PICKLED, Facts
from anchor_webtask._sessions.models import SessionInfo
from anchor_webtask._sessions.reads import read_steps
from anchor_webtask._sessions.steps import QUICK_END, creation_steps, lookup_steps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchor_webtask._api.session_requests import CreationRequest
    from anchor_webtask._api.session_responses import CreatedSession
    from anchor_webtask._config import Settings
    from anchor_webtask._http.body import BoundedResponse
    from anchor_webtask._sessions.creation import CreationRecord
    from anchor_webtask._tasks.steps import Steps

HINTS: Final = {
    **dict.fromkeys(("create", "start", "new"), "use open()"),
    **dict.fromkeys(("end", "delete", "close"), "use get(id).end()"),
    **dict.fromkeys(("find", "retrieve"), "use get(id)"),
}

logger = logging.getLogger("anchor_webtask")


class SessionsBase:
    """The parts of `Sessions` and `AsyncSessions` that do no I/O."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._settings.base_url}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(NOT_PICKLED)

    if not TYPE_CHECKING:  # type checkers must go on to refuse attributes that do not exist

        def __getattr__(self, name: str) -> NoReturn:
            raise missing_attribute(self, name, HINTS)

    def _prepare(self, options: Sealed[Any]) -> CreationRequest:
        return creation_request(options, self._settings)

    def _creation(self, creation: CreationRequest, record: CreationRecord) -> Steps[CreatedSession]:
        record.creation = creation
        settings = self._settings
        return creation_steps(creation, now=settings.clock.now(), http_timeout=settings.http_timeout, record=record)

    def _lookup(self, record: CreationRecord) -> Steps[str | None]:
        """Look for the session of an interrupted creation, for a short while."""
        settings = self._settings
        if record.creation is None:
            raise AssertionError("nothing was sent")
        return lookup_steps(
            record.creation,
            now=settings.clock.now(),
            http_timeout=settings.http_timeout,
            record=record,
            patience=QUICK_END,
        )

    def _lost(self, record: CreationRecord, session_id: str) -> Facts:
        """Return what is known of a session whose creation was interrupted, and which is ended therefore."""
        creation = record.creation
        idle = None if creation is None else creation.idle_minutes
        redact = self._settings.redact if creation is None else creation.redact
        return Facts(self._settings.knowing(redact), redact.task_id(session_id), idle_minutes=idle, is_owned=True)

    def _created(self, creation: CreationRequest, created: CreatedSession) -> Facts:
        """Return what is known of a new session."""
        urls = Sealed(tuple(str(url) for url in (created.live_view_url, created.cdp_url) if url is not None))
        redact = redactor_with(creation.redact, urls, created.id, self._settings.base_url)
        session_id = creation.redact.task_id(created.id)
        logger.info("session %s created", shown_id(session_id))
        return Facts(
            settings=self._settings.knowing(redact),
            id=session_id,
            live_view_url=created.live_view_url,
            cdp_url=created.cdp_url,
            tag=creation.tag,
            idle_minutes=creation.idle_minutes,
            is_recorded=creation.is_recorded,
            is_owned=True,
        )

    def _found(self, session_id: str) -> Facts:
        return Facts(self._settings, self._settings.redact.task_id(checked_session_id(session_id)))

    def _list(self, tags: Sequence[str] | None) -> Steps[tuple[SessionInfo, ...]]:
        wanted = [OUR_TAG] if tags is None else checked_tags(tags)
        settings = self._settings
        return read_steps(
            list_request(settings.base_url, wanted),
            settings.redact,
            settings.http_timeout,
            lambda response: self._listed(response, {*wanted}),
            problem="the response is not a list of sessions",
            now=settings.clock.now(),
        )

    def _listed(self, response: BoundedResponse, wanted: set[str]) -> tuple[SessionInfo, ...] | None:
        """Return the sessions of a list that have all tags, since the service may ignore the filter."""
        found = read_listed(response)
        if found is None:
            return None
        redact = self._settings.redact
        return tuple(
            SessionInfo(
                id=redact.task_id(each.id),
                status=each.status and redact.quote(each.status),
                tags=tuple(map(redact.task_id, each.tags)),
                created_at=each.created_at and redact.quote(each.created_at),
            )
            for each in found
            if wanted <= set(each.tags)
        )
