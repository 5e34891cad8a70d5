"""Adds to whatever interrupts a call what is known of its task: its id, or that the task may have started.

An interruption is an exception that is not ours: Ctrl-C, cancellation, the exception of a signal handler, a callback or
a log filter. It is never replaced. It can end a call before any line, so what is known of a start is recorded from the
first line on, and is read only if the start is interrupted.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

from anchor_webtask import _importing
from anchor_webtask._api.responses import arrived_id
from anchor_webtask._errors import AnchorError, StartOutcomeUnknownError
from anchor_webtask._http.record import ExchangeRecord
from anchor_webtask._notes import add_note, notes_of
from anchor_webtask._polling.outcomes import Completed, Failed, Failure, Running
from anchor_webtask._polling.start import is_certainly_not_started
from anchor_webtask._redaction.secrets import release_frames
from anchor_webtask._secret_task_id import HIDDEN_ID_HINT, SecretTaskId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from anchor_webtask._polling.outcomes import Reply
    from anchor_webtask._redaction.secrets import Redactor

R = TypeVar("R")

ENDED_NOTE: Final = "interrupted after the task had ended: its answer had arrived, and was not returned"
START_NOTE: Final = "interrupted while starting a task: the task may or may not have started; check the dashboard"


RUNNING: Final = "does not stop the task"


def running_note(task_id: str) -> str:
    """Return the note for an exception that interrupts the wait for a task."""
    note = f"this {RUNNING}; tasks.get({task_id!r}) finds it again"
    return f"{note} ({HIDDEN_ID_HINT})" if isinstance(task_id, SecretTaskId) else note


def add_running_note(raised: BaseException, task_id: str) -> None:
    """Attach the task's id to an exception: in a note, and as an attribute if the note must not show the id."""
    add_note(raised, running_note(task_id))
    if isinstance(task_id, SecretTaskId):
        with suppress(Exception):  # a class may have an attribute of this name that cannot be set
            raised.task_id = task_id  # type: ignore[attr-defined]  # an exception takes any attribute


def add_notes_of(replaced: BaseException | None, raised: BaseException) -> None:
    """Add to an exception the notes of the one that it replaces, and the id of the task that runs, if that has one."""
    with suppress(Exception):  # a `task_id` that cannot be read must not cost the notes, which may have the id
        task_id = getattr(replaced, "task_id", None)
        # An exception of another kind has a hidden id from `add_running_note` alone.
        is_secret = isinstance(task_id, SecretTaskId)
        says_running = replaced._says_running() if isinstance(replaced, AnchorError) else is_secret
        if task_id is not None and says_running:
            add_running_note(raised, task_id)
    for note in notes_of(replaced):
        add_note(raised, note)


def add_end_of_session(raised: BaseException, session_id: str) -> None:
    """Add to an exception that says that a task runs that its browser session has been ended since."""
    says_running = isinstance(raised, AnchorError) and raised._says_running()
    if says_running or any(RUNNING in note for note in notes_of(raised)):
        add_note(raised, f"the browser session {session_id!r} was ended with its block, and with it each task in it")


def annotate(raised: BaseException, task_id: str | None) -> None:
    """Prepare an exception to be re-raised: attach the task's id, and remove the frames that hold the request.

    Args:
        raised: The exception that ended a step of a start or of a wait.
        task_id: The task's id; None at a start, whose `StartRecord` adds the note.
    """
    if isinstance(raised, AnchorError):
        raised.task_id = task_id or raised.task_id
        return
    release_frames(raised)
    if task_id is not None:
        add_running_note(raised, task_id)


@contextmanager
def adding_session(session_id: str | None) -> Iterator[None]:
    """Add the id of the browser session, if it is known, to the errors of a request in it or about it."""
    try:
        yield
    except AnchorError as error:
        error.session_id = error.session_id or session_id
        raise


class AddingTaskId:
    """A context manager for the user's code, such as a callback, a log filter or a wait policy.

    An exception of that code ends the wait, and gets a note with the task's id. It is not replaced.
    """

    __slots__ = ("_task_id",)

    def __init__(self, task_id: str | None) -> None:
        self._task_id = task_id

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, raised: BaseException | None, __: object) -> None:
        if raised is None or self._task_id is None or isinstance(raised, StopIteration):
            return
        if not isinstance(raised, AnchorError) or raised.task_id != self._task_id:
            add_running_note(raised, self._task_id)


class StartRecord:
    """What is known of a start, from before its request is built until the call returns.

    Args:
        before_sending: See `ExchangeRecord`.
        not_started: Called with the failure of each attempt that certainly has not started a task.

    Attributes:
        task_id: The task's id, once the response to the start has been read.
        exchange: The exchange that may have started the task; None if there is none, or if its reply is known.
        failure: The failure of the latest attempt, if it certainly has not started a task.
        has_ended: Whether the reply to the start was the task's end, without an id.
    """

    __slots__ = ("_before_sending", "_not_started", "_redact", "exchange", "failure", "has_ended", "task_id")

    def __init__(
        self,
        before_sending: Callable[[], Any] | None = None,
        not_started: Callable[[Failure], None] | None = None,
    ) -> None:
        self._before_sending = before_sending
        self._not_started = not_started
        self.task_id: str | None = None
        self.exchange: ExchangeRecord | None = None
        self.failure: Failure | None = None
        self.has_ended = False
        self._redact: Redactor | None = None

    def new_exchange(self, redact: Redactor) -> ExchangeRecord:
        """Return the record of an attempt that is about to be made; the attempts before it have not started a task."""
        self._redact = redact
        self.failure = None
        self.exchange = exchange = ExchangeRecord(self._before_sending)
        return exchange

    def judged(self, outcome: Reply | Failure) -> Reply | Failure:
        """Record the outcome of an attempt, and return it."""
        if isinstance(outcome, Running) and outcome.task_id is not None:
            self.task_id = outcome.task_id  # first, since an interruption may follow any line
            self.exchange = None  # it holds the request, which must not stay in memory while the task runs
        elif isinstance(outcome, Completed | Failed):
            self.has_ended = True
            self.exchange = None
        elif isinstance(outcome, Failure) and outcome.task_id is None and is_certainly_not_started(outcome):
            self.failure = outcome
            self.exchange = None
            if self._not_started is not None:
                self._not_started(outcome)
        return outcome

    def watch(self, call: Callable[[StartRecord], R]) -> R:
        """Return the result of a call that starts a task; add to an interruption what is known of the task."""
        try:
            try:
                return call(self)
            except BaseException as raised:
                self._note(raised)
                raise
        except BaseException as raised:  # an interruption of the lines above
            self._note(raised)
            raise

    async def watch_async(self, call: Callable[[StartRecord], Awaitable[R]]) -> R:
        """Do the same for an async call."""
        try:
            try:
                return await call(self)
            except BaseException as raised:
                self._note(raised)
                raise
        except BaseException as raised:
            self._note(raised)
            raise

    def _note(self, raised: BaseException) -> None:
        task_id = self.known_id()
        if task_id is not None:
            if not isinstance(raised, AnchorError):
                add_running_note(raised, task_id)
            elif raised.task_id is None:
                raised.task_id = task_id
        elif self.has_ended:
            if not isinstance(raised, AnchorError):
                add_note(raised, ENDED_NOTE)
        elif self.may_have_started and not isinstance(raised, StartOutcomeUnknownError):
            add_note(raised, START_NOTE)

    @property
    def may_have_started(self) -> bool:
        """Whether a byte of the request may have left, and its outcome is not known."""
        return self.exchange is not None and self.exchange.may_have_left

    def known_id(self) -> str | None:
        """Return the task's id if it has arrived, in whatever way the start has ended."""
        return self.task_id or self._arrived_id()

    def _arrived_id(self) -> str | None:
        """Return the id that the interrupted exchange has received; None if there is none."""
        if self.exchange is None:
            return None
        with suppress(Exception):  # nothing may replace the user's exception
            with _importing.lock:
                from anchor_webtask._http.arrived import arrived_bodies

            task_id, _ = arrived_id(arrived_bodies(self.exchange))
            return task_id if task_id is None or self._redact is None else self._redact.task_id(task_id)
        return None
