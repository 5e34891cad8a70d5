"""The sync interface to browser sessions: it opens them, and finds them again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchor_webtask._errors import AnchorError
from anchor_webtask._misuse import refuse_positional
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._sessions.creation import CreationRecord
from anchor_webtask._sessions.models import SessionOptions
from anchor_webtask._sessions.sessions_base import SessionsBase
from anchor_webtask._sessions.steps import QUICK_END
from anchor_webtask._sessions.sync_session import Session
from anchor_webtask._signatures import shows
from anchor_webtask._tasks.sync_steps import run_steps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, Unpack

    from anchor_webtask._config import Settings
    from anchor_webtask._http.sender import Sender
    from anchor_webtask._sessions.models import SessionInfo


class Sessions(SessionsBase):
    """Opens browser sessions and finds them again; the type of `Anchor().sessions`."""

    def __init__(self, settings: Settings, sender: Sender) -> None:
        super().__init__(settings)
        self._sender = sender

    @shows(SessionOptions)
    def open(self, *_positional: Any, **options: Unpack[SessionOptions]) -> Session:
        """Create a browser session; a `with` block ends it, also after an error or Ctrl-C.

        ::

            with anchor.sessions.open(initial_url="https://shop.example") as session:
                session.tasks.run("Log in", secret_values={"PASSWORD": "correct horse"})

        Without `with`, call `end`. A session costs from its creation until it ends, or until its idle time has passed.

        A creation is never sent twice. If its response is lost, the session is looked for by its own tag for half a
        minute.

        Args:
            **options: The API's optional fields; see `SessionOptions`.

        Returns:
            The session. Its `tasks` run in it.

        Raises:
            ConfigurationError: An option is invalid; nothing was sent.
            SessionOutcomeUnknownError: The session may or may not have been created.
            AnchorError: The creation was refused, or the API could not be reached.
        """
        sealed, others = Sealed(options), Sealed(_positional)
        del options, _positional
        refuse_positional("sessions.open", None, others)
        record = CreationRecord()
        try:
            try:
                creation = self._prepare(sealed)
                created = run_steps(self._creation(creation, record), self._sender, self._settings.clock)
                return Session(self._created(creation, created), self._sender)
            except BaseException as raised:
                self._settle(record, raised)
                record.is_settled = True
                raise
        except BaseException as raised:  # an interruption of the lines above
            if not record.is_settled:
                record.say(raised)
            raise

    def get(self, session_id: str) -> Session:
        """Return a handle of a session that runs or has ended; this sends nothing. Leaving its `with` does not end it.

        Args:
            session_id: The session's id.

        Raises:
            ConfigurationError: The id is invalid.
        """
        return Session(self._found(session_id), self._sender)

    def list(self, *, tags: Sequence[str] | None = None) -> tuple[SessionInfo, ...]:
        """Return the sessions of the API key that have all of these tags, also those that have ended.

        Args:
            tags: The tags; by default `["anchor-webtask"]`, which all sessions of this package have.

        Raises:
            ConfigurationError: The tags are invalid.
            AnchorError: The request failed.
        """
        return run_steps(self._list(tags), self._sender, self._settings.clock)

    def _settle(self, record: CreationRecord, raised: BaseException) -> None:
        """End a session whose creation was interrupted, if its id has arrived or can be found; else say its tag."""
        if record.is_conclusion(raised):
            return
        session_id = record.known_id()
        if session_id is None and record.may_have_been_created():
            session_id = run_steps(self._lookup(record), self._sender, self._settings.clock)
        if session_id is None:
            record.say(raised)
            return
        session = Session(self._lost(record, session_id), self._sender)
        try:
            session._end(QUICK_END)
        except AnchorError as error:
            session._end_failed(error, raised)
