"""`run --in-session`: the browser session that the command opens for its task, and ends."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchor_webtask._cli.client import go_on
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.screen import screen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anchor_webtask import Anchor, Session, Tasks
    from anchor_webtask._cli.options import ConnectionArguments


class OwnSession:
    """The session of one command, which decides what becomes of its task.

    A task is stopped with its session. But if the end of the session has failed, the session may be open, and then the
    task may go on as any other.

    Args:
        connection: Its base URL is repeated in the command that ends the session.
    """

    def __init__(self, connection: ConnectionArguments) -> None:
        self._connection = connection
        self._session: Session | None = None

    @property
    def has_ended(self) -> bool:
        """Whether the session was opened and certainly has ended."""
        return self._session is not None and self._session._has_ended

    @property
    def session_id(self) -> str | None:
        """Its id; None before it is open."""
        return None if self._session is None else self._session.id

    @contextmanager
    def tasks(self, anchor: Anchor, check: Callable[[Tasks], object]) -> Iterator[Tasks]:
        """A block whose tasks run in the session, which is ended with it.

        Args:
            anchor: The client.
            check: Refuses invalid arguments of the task, before a session is opened for it and paid for.
        """
        from anchor_webtask import SessionNotEndedWarning

        check(anchor.tasks)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SessionNotEndedWarning)  # the log says it, and so does the screen
            with anchor.sessions.open() as self._session:
                end = go_on("session end", self._session.id, connection=self._connection)
                shown = harmless_line(self._session.id)
                screen.say(
                    f"browser session {shown} is open, and ends with this command. If this command is killed, end it "
                    f"by:\n  {end}"
                )
                yield self._session.tasks
