"""Says how a task has ended, for a person or as a line of JSON, and which command goes on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.client import go_on
from anchor_webtask._cli.mistakes import CommandError, UsageMistake
from anchor_webtask._cli.output_types import plain
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.wording import REPR, about_options, for_people, in_commands, value_of
from anchor_webtask._errors import StartOutcomeUnknownError, StatusError, TaskFailedError
from anchor_webtask._notes import notes_of
from anchor_webtask._redaction.secrets import shortened
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from pathlib import Path

    from anchor_webtask import AnchorError, ConfigurationError, TaskResult
    from anchor_webtask._cli.options import AnswerArguments, ConnectionArguments
    from anchor_webtask._cli.own_session import OwnSession

_ID_IN_NOTE: Final = re.compile(rf"tasks\.get\(({REPR})\) finds it again")
SAID: Final = {
    "completed": "the answer is invalid",
    "failed": "failed",
    "running": "still running",
    "unknown": "unknown",
    "refused": "not started",
    "not_started": "not started",
    None: "not checked",
}
ENDED_WITH_SESSION: Final = "its browser session was ended, and with it the task"
UNKNOWN_ADVICE: Final = "look in the dashboard before you start it again: it may cost a second time"


class TaskReport(NamedTuple):
    """What is needed to report on one task.

    Attributes:
        answer: How answers are written.
        connection: How the API is reached.
        data: What the user has passed as `--data`; None if there is none.
        ledger: The ledger that has the task; None if there is none.
        key: The task's key in the ledger.
        own: The browser session of the command, with which the task ends; None if there is none.
    """

    answer: AnswerArguments
    connection: ConnectionArguments
    data: Any = None
    ledger: Path | str | None = None
    key: str | None = None
    own: OwnSession | None = None

    def wait_command(self, task_id: str) -> str:
        """Return the command that goes on to wait for the task."""
        if self.ledger is not None:
            return go_on("ledger resume", self.ledger, connection=self.connection, output=self.answer.output)
        return go_on("wait", task_id, connection=self.connection, output=self.answer.output)

    def result(self, result: TaskResult[Any]) -> int:
        """Write the answer, and return the exit status."""
        value = plain(result.value, result.raw)
        if screen.is_for_people(as_json=self.answer.as_json):
            screen.put_answer(value)
        else:
            screen.put_json(self._line("completed", result.task_id) | {"value": value})
        return exit_status.DONE

    def error(self, error: AnchorError, *, is_start: bool) -> int:
        """Say why there is no answer, and return the exit status.

        Args:
            error: The error.
            is_start: Whether this command was to start the task.

        Raises:
            UsageMistake: An argument is invalid.
        """
        from anchor_webtask import ConfigurationError, InvalidOutputError, TaskTimeoutError

        if isinstance(error, ConfigurationError):
            raise usage_mistake(error)
        state = exit_status.state_of(error, is_start=is_start)
        is_stopped = state == "running" and self.own is not None and self.own.has_ended
        if is_stopped:
            state = "failed"  # it gives no answer any more
        if state is None and isinstance(error, TaskTimeoutError) and error.last_error is not None:
            error = error.last_error  # no check has succeeded: this says why, and the deadline nothing
        task_id = shown_id(error.task_id)
        if not screen.is_for_people(as_json=self.answer.as_json):
            line = self._line(state, task_id) | {"error": error_fields(error)}
            screen.put_json(line | ({"raw": error.raw} if isinstance(error, InvalidOutputError) else {}))
        elif isinstance(error, InvalidOutputError):
            screen.put_answer(error.raw)
        screen.say(f"{'stopped' if is_stopped else SAID[state]}: {error_text(error)}")
        if state == "unknown":
            screen.say(self._unknown_advice())
        elif error.task_id is not None and (is_stopped or state == "running"):
            self.say_running(error.task_id)
        elif task_id is not None and is_start:
            screen.say(f"the task is {task_id}")
        return exit_status.FAILED if is_stopped else exit_status.of_error(error, is_start=is_start)

    def say_running(self, task_id: str) -> None:
        """Say which task runs, and which command goes on."""
        if self.own is not None and self.own.has_ended:
            screen.say(f"{ENDED_WITH_SESSION}: task {shown_id(task_id)}")
            return
        screen.say(f"the task is {shown_id(task_id)}; to go on:\n  {self.wait_command(task_id)}")

    def interrupted(self, raised: KeyboardInterrupt, task_id: str | None) -> None:
        """Say what is known of the task whose start or wait was interrupted.

        Args:
            raised: The interruption, whose notes say what the client knows.
            task_id: The task's id; None if it is not known yet.
        """
        notes = notes_of(raised)
        known = task_id or next((found for note in notes if (found := _id_in(note)) is not None), None)
        if self.own is not None and (self.own.has_ended or known is None):
            screen.say("interrupted")  # the log has said which session may still be open
            if known is not None:
                self.say_running(known)
            return
        if known is not None:
            screen.say("interrupted: this does not stop the task")
            self.say_running(known)
            return
        screen.say_notes(raised)
        if not notes:
            screen.say("interrupted: nothing was started")
        elif any("may or may not have started" in note for note in notes):
            screen.say(self._unknown_advice())

    def _unknown_advice(self) -> str:
        if self.ledger is None or self.key is None:
            return UNKNOWN_ADVICE
        return (
            f"{UNKNOWN_ADVICE}. If it runs, give the ledger its id:\n"
            f"  {go_on('ledger attach', self.ledger, self.key, connection=self.connection)} ID\n"
            f"If not, allow another start, which costs:\n  {go_on('ledger retry', self.ledger, self.key)}"
        )

    def _line(self, state: str | None, task_id: str | None) -> dict[str, Any]:
        line: dict[str, Any] = {} if self.key is None else {"key": self.key}
        line |= {"state": state, "task_id": shown_id(task_id)}
        if self.own is not None:  # its files and its cost are found by it
            line["session_id"] = shown_id(self.own.session_id)
        return line if self.data is None else line | {"data": self.data}


def error_text(error: AnchorError) -> str:
    """Return an error's message, for a person."""
    return for_people(_message(error) or type(error).__name__, _said(error))


def error_fields(error: AnchorError) -> dict[str, Any]:
    """Return an error for a line of JSON."""
    fields: dict[str, Any] = {"type": type(error).__name__, "message": in_commands(_message(error), _said(error))}
    for name in ("reason", "path", "status"):
        if getattr(error, name, None) not in {None, 0}:
            fields[name] = getattr(error, name)
    return fields


def usage_mistake(error: ConfigurationError) -> UsageMistake:
    """Return what ends a command whose options the client has refused."""
    return UsageMistake(about_options(_message(error)))


def refused(error: AnchorError) -> CommandError:
    """Return what ends a command whose client or ledger cannot be used."""
    return CommandError(error_text(error), exit_status.of_error(error, is_start=False))


def _message(error: AnchorError) -> str:
    return str(error.args[0]) if error.args else ""


def _said(error: AnchorError) -> str | None:
    """Return the text of the service that is in an error's message."""
    if isinstance(error, TaskFailedError):
        return None if error.reason is None else shortened(error.reason)
    if isinstance(error, StatusError | StartOutcomeUnknownError) and error.message is not None:
        return f"HTTP {error.status}: {error.message}"
    return None


def _id_in(note: str) -> str | None:
    found = _ID_IN_NOTE.search(note)
    return None if found is None else value_of(found[1])
