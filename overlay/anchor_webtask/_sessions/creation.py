"""What is known of a creation while it runs, so that an interruption says it, or ends the session."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from anchor_webtask import _importing
from anchor_webtask._api.session_responses import arrived_session
from anchor_webtask._http.record import ExchangeRecord
from anchor_webtask._sessions.notices import say, still_open, unknown_creation

if TYPE_CHECKING:
    from anchor_webtask._api.session_requests import CreationRequest
    from anchor_webtask._errors import AnchorError


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
