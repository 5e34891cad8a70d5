"""The commands for one task: `run`, `start`, `wait` and `result`; and `status`, for any number of tasks."""

from __future__ import annotations

import dataclasses
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anchor_webtask._cli import exit_status, signals
from anchor_webtask._cli.client import connected
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.ledger_place import ledger_place
from anchor_webtask._cli.live import LiveTask
from anchor_webtask._cli.mistakes import Interruption, OutputClosed, Signalled, UsageMistake
from anchor_webtask._cli.options import (
    AnswerArguments,
    AsJson,
    ConnectionArguments,
    Prompt,
    TaskArguments,
    TaskId,
    WaitArguments,
)
from anchor_webtask._cli.output_types import output_type
from anchor_webtask._cli.own_session import OwnSession
from anchor_webtask._cli.reports import TaskReport, error_fields, error_text
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.task_fields import prompt_text, seconds, task_options
from anchor_webtask._cli.text_files import decoded, json_or_file, read_stdin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask import Anchor, Question, QuestionField, Tasks, WebTask
    from anchor_webtask._redaction.secrets import Sealed

STATUS_THREADS = 8


@dataclasses.dataclass(frozen=True)
class KeyedArguments:
    """The task's name in a ledger."""

    key: Annotated[
        str | None,
        typer.Option("--key", metavar="KEY", help="Your name for the task in the ledger."),
    ] = None
    ledger: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A file that remembers the task by its key: the same command starts it once, and later waits for it "
            "or writes its stored answer. After a lost terminal or a kill, it finds the task again. Or the URL of a "
            "PostgreSQL database, without a password.",
        ),
    ] = None


@dataclasses.dataclass(frozen=True)
class DataArguments:
    """What is repeated in the output."""

    data: Annotated[
        str | None,
        typer.Option(
            metavar="JSON|@FILE", help="Anything of your own; it is not sent, and is repeated in the JSON output."
        ),
    ] = None

    def value(self) -> Any:
        """Return the data."""
        return None if self.data is None else json_or_file(self.data, "--data")


def run(
    prompt: Prompt,
    task: TaskArguments,
    answer: AnswerArguments,
    waiting: WaitArguments,
    keyed: KeyedArguments,
    data: DataArguments,
    connection: ConnectionArguments,
    *,
    in_session: Annotated[
        bool,
        typer.Option(
            "--in-session",
            help="Run the task in a browser session of its own, which is ended with the command: then Ctrl-C stops the "
            "task, and on a terminal the agent may ask you questions.",
        ),
    ] = False,
) -> int:
    """Start a task, wait until it ends, and write its answer.

    On a terminal, a line shows how far the task is, and then the answer is written for a person. Elsewhere, or with
    --json, standard output has one line of JSON. Ctrl-C ends the wait, and not the task, unless it runs --in-session;
    the command that goes on is printed.
    """
    if (keyed.key is None) != (keyed.ledger is None):
        raise UsageMistake("--key and --ledger belong together: the key is the name of the task in the ledger")
    if in_session and (task.session_id is not None or keyed.key is not None):
        raise UsageMistake("--in-session makes a session of its own: leave out --session-id, --key and --ledger")
    text, output, timeout = prompt_text(prompt), output_type(answer.output), seconds(waiting.timeout)
    options: Sealed[Any] = task_options(task)
    ledger = None if keyed.ledger is None else ledger_place(keyed.ledger)
    own = OwnSession(connection) if in_session else None
    report = TaskReport(answer, connection, data.value(), ledger, keyed.key, own)
    live = LiveTask()
    has_session = in_session or task.session_id is not None
    asks = has_session and task.human_intervention is not False and screen.can_ask()

    def check(tasks: Tasks) -> None:
        tasks._prepare_run(
            text,
            output,
            options,
            timeout=timeout,
            wait=None,
            on_start=None,
            on_update=None,
            on_question=None,
            callbacks_may_be_async=False,
        )

    def on_start(handle: WebTask[Any]) -> None:
        live.started(handle)
        if own is not None:
            screen.say(f"task {live.shown_id} has started, and ends with this command")
            return
        screen.say(
            f"task {live.shown_id} has started; if this ends early, go on with:\n  {report.wait_command(handle.id)}"
        )

    with (
        _reporting(report, live),
        connected(connection, waiting.check_every) as anchor,
        nullcontext(anchor.tasks) if own is None else own.tasks(anchor, check) as tasks,
        screen.live(live.line),
    ):
        result = tasks.run(
            text,
            output=output,
            timeout=timeout,
            on_start=on_start,
            on_update=live.updated,
            on_question=_ask if asks else None,
            key=keyed.key,
            ledger=ledger,
            **options.open(),
        )
        live.result = result
    return live.status if live.result is None else report.result(live.result)


def _ask(question: Question) -> str | dict[str, str] | None:
    """Ask the person at the terminal; nothing typed is no answer."""
    if not question.fields:
        return screen.ask(f"The agent asks: {question.message}\nYour answer:") or None
    screen.say(f"The agent asks: {question.message}")
    typed = {each.name: screen.ask(_field_text(each)) for each in question.fields}
    answers = {name: answer for name, answer in typed.items() if answer}
    missing = [each for each in question.fields if each.required and each.default is None and each.name not in answers]
    if answers and missing:
        screen.say(f"no answer was sent: {harmless_line(missing[0].label or missing[0].name)} is required")
        return None
    return answers or None


def _field_text(field: QuestionField) -> str:
    """Return what is shown beside a field of a question."""
    described = "" if field.description is None else f" ({field.description})"
    default = "" if field.default is None else f" [{field.default}]"
    return f"{field.label or field.name}{described}{default}:"


def start(
    prompt: Prompt, task: TaskArguments, answer: AnswerArguments, data: DataArguments, connection: ConnectionArguments
) -> int:
    """Start a task, and write its id alone, so that id=$(anchor-webtask start ...) works.

    To go on with the id, also on another machine: `anchor-webtask status "$id"` checks the task once; `anchor-webtask
    wait "$id"` waits until it ends, and writes its answer; `anchor-webtask result "$id"` writes the answer if it has
    ended already. With --output, pass it to `wait` and `result` as well.
    """
    text, output, options = prompt_text(prompt), output_type(answer.output), task_options(task)
    report = TaskReport(answer, connection, data.value())
    live = LiveTask(is_start=True)
    with _reporting(report, live), connected(connection, 2.0) as anchor, screen.live(live.line):
        handle = anchor.tasks.start(text, output=output, **options.open())
        live.started(handle)
        if live.task_id is None:  # the API has answered at once
            live.result = handle.result()
    if live.result is not None:
        screen.say("the API has responded with the answer, and without an id")
        return TaskReport(dataclasses.replace(answer, as_json=True), connection, report.data).result(live.result)
    if live.task_id is None:
        return live.status
    try:
        with signals.raising():
            if answer.as_json:
                line = {"state": "running", "task_id": live.task_id}
                screen.put_json(line if report.data is None else line | {"data": report.data})
            else:
                screen.put(harmless_line(live.task_id))
    except (OutputClosed, KeyboardInterrupt):  # nothing else has the id of a task that costs
        report.say_running(live.task_id)
        raise
    if sys.stdout.isatty():
        screen.say(f"to wait for it:\n  {report.wait_command(live.task_id)}")
    return exit_status.DONE


def wait(task_id: TaskId, answer: AnswerArguments, waiting: WaitArguments, connection: ConnectionArguments) -> int:
    """Wait until a task ends that was started before, and write its answer as `run` does."""
    return _found(task_id, answer, connection, seconds(waiting.timeout), waiting.check_every)


def result(task_id: TaskId, answer: AnswerArguments, connection: ConnectionArguments) -> int:
    """Check a task once, and write its answer if it has ended; exit status 3 says that it still runs."""
    return _found(task_id, answer, connection, 0, 2.0)


def status(
    task_ids: Annotated[
        list[str], typer.Argument(metavar="ID...", help="The tasks' ids; - reads them from standard input, one a line.")
    ],
    connection: ConnectionArguments,
    *,
    as_json: AsJson = False,
) -> int:
    """Check tasks once each, and write their statuses; exit status 0 says that all could be checked."""
    ids = [each for given in task_ids for each in (_ids_of_stdin() if given == "-" else [given])]
    statuses = []
    with (
        signals.raising(),
        connected(connection, 2.0) as anchor,
        ThreadPoolExecutor(STATUS_THREADS) as threads,
    ):
        try:
            for line in threads.map(lambda task_id: _checked(anchor, task_id), ids):
                statuses.append(exit_status.DONE if "error" not in line else exit_status.REFUSED)
                _put_status(line, as_json=as_json)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            raise
    return exit_status.of_many(statuses)


def _found(
    task_id: str,
    answer: AnswerArguments,
    connection: ConnectionArguments,
    timeout: float | None,
    check_every: float,
) -> int:
    output = output_type(answer.output)
    report, live = TaskReport(answer, connection), LiveTask(is_found=True)
    live.task_id = task_id
    with _reporting(report, live, is_start=False), connected(connection, check_every) as anchor:
        given = task_id.strip()
        handle = (anchor.tasks.resume if given.startswith("{") else anchor.tasks.get)(given, output=output)
        live.started(handle)
        with screen.live(live.line):
            for update in handle.updates(timeout):
                live.updated(update)
        live.result = handle.result(0)
    return live.status if live.result is None else report.result(live.result)


@contextmanager
def _reporting(report: TaskReport, live: LiveTask, *, is_start: bool = True) -> Iterator[None]:
    """Report the error or the interruption that ends the block; the status is in `live` then."""
    from anchor_webtask import AnchorError

    try:
        with signals.raising():
            yield
    except AnchorError as error:
        live.status = report.error(error, is_start=is_start)
    except KeyboardInterrupt as raised:
        report.interrupted(raised, live.task_id)
        number = raised.number if isinstance(raised, Signalled) else None
        raise Interruption(exit_status.INTERRUPTED if number is None else 128 + number) from None


def _ids_of_stdin() -> list[str]:
    return decoded(read_stdin(), "standard input").split()


def _checked(anchor: Anchor, task_id: str) -> dict[str, Any]:
    """Return the status of a task for a line of JSON."""
    from anchor_webtask import AnchorError

    try:
        found = anchor.tasks.get(task_id).refresh()
    except AnchorError as error:
        return {"task_id": task_id, "status": None, "error": error_fields(error) | {"message": error_text(error)}}
    return {"task_id": task_id, "status": None if found.status is None else found.status.value}


def _put_status(line: dict[str, Any], *, as_json: bool) -> None:
    if not screen.is_for_people(as_json=as_json):
        screen.put_json(line)
    elif "error" in line:
        screen.say(f"{harmless_line(line['task_id'])}: {line['error']['message']}")
    else:
        screen.put(f"{harmless_line(line['task_id'])}  {line['status']}")
