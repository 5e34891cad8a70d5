"""The async interface to browser sessions, for asyncio and trio: it opens them, and finds them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from anchor_webtask._errors import AnchorError, ConfigurationError
from anchor_webtask._misuse import refuse_positional
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._sessions.async_session import AsyncSession
from anchor_webtask._sessions.creation import CreationRecord
from anchor_webtask._sessions.models import SessionOptions
from anchor_webtask._sessions.sessions_base import SessionsBase
from anchor_webtask._sessions.steps import QUICK_END
from anchor_webtask._signatures import shows
from anchor_webtask._tasks.async_steps import run_steps

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Sequence
    from types import TracebackType
    from typing import Any, Unpack

    from anchor_webtask._api.session_requests import CreationRequest
    from anchor_webtask._config import Settings
    from anchor_webtask._http.sender import AsyncSender
    from anchor_webtask._sessions.models import SessionInfo

WRITE_ASYNC: Final = "write `async with anchor.sessions.open() as session`"


class SessionOpening:
    """A session that is about to be created: use it by `async with`, or await it. It is created only then."""

    def __init__(self, open_: Callable[[], Awaitable[AsyncSession]]) -> None:
        self._open: Callable[[], Awaitable[AsyncSession]] | None = open_
        self._session: AsyncSession | None = None

    def __repr__(self) -> str:
        return f"<SessionOpening{'' if self._open else ': used'}: write `async with` or `await`>"

    def __await__(self) -> Generator[Any, None, AsyncSession]:
        return self._opened().__await__()

    async def __aenter__(self) -> AsyncSession:
        try:
            self._session = await self._opened()
            return self._session  # noqa: TRY300  an interruption of this line, too, is noted
        except BaseException as interruption:  # of the last line: then nothing leaves the context
            if self._session is not None:
                self._session._end_interrupted(interruption)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if self._session is not None:
                await self._session.__aexit__(kind, raised, traceback)
        except BaseException as interruption:  # of the lines around the end
            if self._session is not None:
                self._session._end_interrupted(interruption)
            raise

    if not TYPE_CHECKING:  # type checkers must go on to refuse these

        def __enter__(self) -> NoReturn:
            raise ConfigurationError(WRITE_ASYNC)

        def __exit__(self, *_: object) -> None: ...

        def __getattr__(self, name: str) -> NoReturn:
            raise AttributeError(f"{WRITE_ASYNC}; a session that is not open has no {name!r}", name=name, obj=self)

    async def _opened(self) -> AsyncSession:
        if self._open is None:
            raise ConfigurationError("this opening has been used already: call sessions.open again for another session")
        open_, self._open = self._open, None
        return await open_()


class AsyncSessions(SessionsBase):
    """Opens browser sessions and finds them again; the type of `AsyncAnchor().sessions`."""

    def __init__(self, settings: Settings, sender: AsyncSender) -> None:
        super().__init__(settings)
        self._sender = sender

    @shows(SessionOptions)
    def open(self, *_positional: Any, **options: Unpack[SessionOptions]) -> SessionOpening:
        """Create a browser session; an `async with` block ends it, also after an error, Ctrl-C or cancellation.

        ::

            async with anchor.sessions.open(initial_url="https://shop.example") as session:
                await session.tasks.run("Log in", secret_values={"PASSWORD": "correct horse"})

        `session = await anchor.sessions.open()` creates one that you end yourself, by `end`. A session costs from its
        creation until it ends, or until its idle time has passed.

        A creation is never sent twice. If its response is lost, the session is looked for by its own tag for half a
        minute.

        Args:
            **options: The API's optional fields; see `SessionOptions`.

        Returns:
            An async context manager, and what `await` makes a session of. The session's `tasks` run in it.

        Raises:
            ConfigurationError: An option is invalid; nothing was sent.
            SessionOutcomeUnknownError: The session may or may not have been created. This and the following are raised
                when the session is created.
            AnchorError: The creation was refused, or the API could not be reached.
        """
        sealed, others = Sealed(options), Sealed(_positional)
        del options, _positional
        refuse_positional("sessions.open", None, others)
        creation = self._prepare(sealed)
        return SessionOpening(lambda: self._open(creation))

    async def _open(self, creation: CreationRequest) -> AsyncSession:
        record = CreationRecord()
        try:
            try:
                created = await run_steps(self._creation(creation, record), self._sender, self._settings.clock)
                return AsyncSession(self._created(creation, created), self._sender)
            except BaseException as raised:
                await self._settle(record, raised)
                record.is_settled = True
                raise
        except BaseException as raised:  # an interruption of the lines above
            if not record.is_settled:
                record.say(raised)
            raise

    def get(self, session_id: str) -> AsyncSession:
        """Return a handle of a session that runs or has ended; this sends nothing.

        Leaving its `async with` does not end it.

        Args:
            session_id: The session's id.

        Raises:
            ConfigurationError: The id is invalid.
        """
        return AsyncSession(self._found(session_id), self._sender)

    async def list(self, *, tags: Sequence[str] | None = None) -> tuple[SessionInfo, ...]:
        """Return the sessions of the API key that have all of these tags, also those that have ended.

        Args:
            tags: The tags; by default `["anchor-webtask"]`, which all sessions of this package have.

        Raises:
            ConfigurationError: The tags are invalid.
            AnchorError: The request failed.
        """
        return await run_steps(self._list(tags), self._sender, self._settings.clock)

    async def _settle(self, record: CreationRecord, raised: BaseException) -> None:
        """End a session whose creation was interrupted, if its id has arrived or can be found; else say its tag."""
        if record.is_conclusion(raised):
            return
        import anyio

        session_id = record.known_id()
        if isinstance(raised, GeneratorExit):  # nothing can be awaited any more
            record.say(raised)
            return
        # A cancelled task must still end the session; asyncio's own `task.cancel()` interrupts only once.
        with anyio.CancelScope(shield=True):
            if session_id is None and record.may_have_been_created():
                session_id = await run_steps(self._lookup(record), self._sender, self._settings.clock)
            if session_id is None:
                record.say(raised)
                return
            session = AsyncSession(self._lost(record, session_id), self._sender)
            try:
                await session._end(QUICK_END)
            except AnchorError as error:
                session._end_failed(error, raised)
