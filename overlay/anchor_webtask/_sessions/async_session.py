"""The async handle of a browser session, and of its files, for asyncio and trio."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from anchor_webtask._config import checked_timeout
from anchor_webtask._errors import AnchorError
from anchor_webtask._sessions.file_base import FILE_TIMEOUT, FileBase
from anchor_webtask._sessions.files import MAX_FILE_BYTES, new_file
from anchor_webtask._sessions.session_base import SessionBase
from anchor_webtask._sessions.steps import END_TIME, QUICK_END
from anchor_webtask._tasks.async_ import AsyncTasks
from anchor_webtask._tasks.async_steps import run_steps
from anchor_webtask._tasks.interruptions import add_notes_of, adding_session

if TYPE_CHECKING:
    import os
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    from anchor_webtask._api.session_responses import ListedFile
    from anchor_webtask._http.sender import AsyncSender
    from anchor_webtask._sessions.facts import Facts
    from anchor_webtask._sessions.models import SessionUsage
    from anchor_webtask._tasks.steps import Steps

R = TypeVar("R")


class AsyncSessionFile(FileBase):
    """A file of a session: a download or a recording.

    Attributes:
        name: A safe name for the file, made from the one that the page suggested.
        suggested_name: The name that the page suggested, which may be anything, also a path.
        size: Its size in bytes, if the API says it.
        created_at: When it was made, as the API writes it.
    """

    def __init__(self, facts: Facts, sender: AsyncSender, listed: ListedFile, default: str) -> None:
        super().__init__(facts, listed, default)
        self._sender = sender

    async def save(
        self, folder: str | os.PathLike[str], *, max_bytes: int = MAX_FILE_BYTES, timeout: float = FILE_TIMEOUT
    ) -> Path:
        """Save the file in a folder, and return its path; a file that exists is never replaced.

        It is written piece by piece. It has its name only once it is complete. If its transfer breaks, it is fetched
        again, three times in all.

        Args:
            folder: The folder, which must exist.
            max_bytes: The maximum size of the file, in bytes.
            timeout: Seconds that all of it may take.

        Raises:
            ConfigurationError: An argument is invalid, or the folder does not exist.
            SessionError: The file is too large, or its address is not one of the API.
            OSError: The file cannot be written.
            AnchorError: The request failed.
        """
        with new_file(folder, self.name) as target, adding_session(self._facts.id):
            await run_steps(self._steps(target, max_bytes, timeout), self._sender, self._facts.settings.clock)
        return target.path


class AsyncSession(SessionBase):
    """A browser session, in which tasks run one after the other on the same page.

    A session that `sessions.open` returned is ended when its `async with` block is left, also after an error, Ctrl-C or
    cancellation; one that `sessions.get` returned is not.

    Attributes:
        tasks: Runs tasks in this session: `run`, `start`, `map` and so on, as of the client.
    """

    def __init__(self, facts: Facts, sender: AsyncSender) -> None:
        super().__init__(facts)
        self._sender = sender
        self.tasks: Final = AsyncTasks(facts.settings, sender, session_id=facts.id, is_new=facts.is_owned)

    async def usage(self) -> SessionUsage:
        """Return what the session has used so far: steps, time, credits and tokens, and their list price.

        Raises:
            AnchorError: The request failed.
        """
        with adding_session(self.id):
            return await self._drive(self._usage_steps())

    async def screenshot(self) -> bytes:
        """Return a picture of the browser as it is now, as a PNG file.

        Raises:
            AnchorError: The request failed, as for a session that has ended.
        """
        with adding_session(self.id):
            return await self._drive(self._screenshot_steps())

    async def downloads(self) -> list[AsyncSessionFile]:
        """Return the files that the browser has downloaded so far; `save` fetches one. They outlive the session.

        Raises:
            AnchorError: The request failed.
        """
        with adding_session(self.id):
            listed = await self._drive(self._download_steps())
        return [AsyncSessionFile(self._facts, self._sender, each, "download") for each in listed]

    async def recording(self, timeout: float | None = 300) -> AsyncSessionFile:
        """Wait until the recording is ready, and return it; `save` fetches it. It is ready some time after the end.

        Args:
            timeout: Seconds to wait; 0 asks once, None waits without a deadline.

        Raises:
            NotFoundError: The API does not know the session.
            SessionError: The recording is not ready in time, or the session is not recorded, or still runs.
            AnchorError: A request failed in a way that a retry cannot fix.
        """
        seconds = checked_timeout(timeout)
        with adding_session(self.id):
            listed = await self._drive(self._recording_steps(seconds))
        return AsyncSessionFile(self._facts, self._sender, listed, f"{self.id}.mp4")

    async def end(self) -> None:
        """End the session, and with it the browser and all that runs in it. What has ended already stays so.

        The service does not say what becomes of a task whose session is ended: it may fail, or look as if it ran
        forever.

        Raises:
            NotFoundError: The API does not know the session, which `sessions.get` has returned.
            AnchorError: The session was perhaps not ended, also after half a minute of retries, or a minute and a
                half if the service asked for pauses.
        """
        await self._end(END_TIME)

    async def _end(self, patience: float) -> None:
        try:
            if self._has_ended:
                return
            with adding_session(self.id):
                await self._drive(self._end_steps(patience))
            self._has_ended = True
        except AnchorError:
            raise
        except BaseException as raised:
            self._end_interrupted(raised, is_ending=True)
            raise

    async def _drive(self, steps: Steps[R]) -> R:
        return await run_steps(steps, self._sender, self._facts.settings.clock)

    async def __aenter__(self) -> Self:
        try:
            return self
        except BaseException as interruption:  # of the line above: then nothing leaves the context
            self._end_interrupted(interruption)
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, raised: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            leaving = raised
            if not self._facts.is_owned:
                return
            if isinstance(raised, GeneratorExit):  # nothing can be awaited any more
                self._end_interrupted(raised)
                return
            import anyio

            late = await _late_cancellation()
            # An exit or an interruption of the user's is never replaced; asyncio has a cancellation replace an error.
            if late is not None and (raised is None or isinstance(raised, Exception | type(late))):
                leaving = late
            try:
                # A cancelled task must still end the session; asyncio's own `task.cancel()` interrupts only once.
                with anyio.CancelScope(shield=True):
                    await self._end(END_TIME if leaving is None or isinstance(leaving, Exception) else QUICK_END)
            except AnchorError as error:
                self._end_failed(error, leaving)
            else:
                self._end_succeeded(raised)
        except BaseException as interruption:  # of the lines around the request
            self._end_interrupted(interruption)
            raise
        if leaving is not None and leaving is not raised:
            add_notes_of(raised, leaving)
            raise leaving


async def _late_cancellation() -> BaseException | None:
    """Return the cancellation of asyncio that the block has not received, since it has not awaited after it.

    Ctrl-C is one while a function blocks the event loop. A shield would not hold it back from the end of the session.
    """
    import anyio.lowlevel

    try:
        for _ in range(2):  # during the first one, the timers cancel that have become due meanwhile
            await anyio.lowlevel.cancel_shielded_checkpoint()
    except anyio.get_cancelled_exc_class() as cancelled:
        return cancelled
    return None
