"""The command for many tasks, `map`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from anchor_webtask._cli import exit_status, signals
from anchor_webtask._cli.batch_report import BatchReport
from anchor_webtask._cli.client import connected
from anchor_webtask._cli.confirming import confirm
from anchor_webtask._cli.ledger_keys import keys_of, started_keys
from anchor_webtask._cli.ledger_place import ledger_place, may_exist
from anchor_webtask._cli.map_file import MapFile, equal_without_keys
from anchor_webtask._cli.mistakes import CommandError, Interruption, OutputClosed
from anchor_webtask._cli.options import ConnectionArguments, Output, TaskArguments, WaitArguments
from anchor_webtask._cli.output_types import output_type
from anchor_webtask._cli.reports import refused
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.task_fields import seconds, task_options
from anchor_webtask._cli.templates import Template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchor_webtask import Anchor, TaskOutcomes
    from anchor_webtask._cli.map_file import Entry

WITHOUT_LEDGER = "a kill loses the ids of the tasks that run; with --ledger FILE, the same command goes on after it"


@dataclasses.dataclass(frozen=True)
class FileArguments:
    """How the file is read."""

    form: Annotated[
        Literal["jsonl", "csv"] | None,
        typer.Option("--format", help="The format of the file; by default, what its name says."),
    ] = None
    delimiter: Annotated[
        str, typer.Option("--delimiter", metavar="CHARACTER", help="What separates the cells of CSV.")
    ] = ","
    prompt: Annotated[
        str | None,
        typer.Option(
            "--prompt", metavar="TEMPLATE", help="The prompt of each line that has none, such as 'Read {url}'."
        ),
    ] = None
    key: Annotated[
        str | None,
        typer.Option("--key", metavar="TEMPLATE", help="The key of each line that has none, such as '{url}'."),
    ] = None


@dataclasses.dataclass(frozen=True)
class ManyArguments:
    """How many tasks may run, and be paid for."""

    ledger: Annotated[
        str | None,
        typer.Option(
            "--ledger",
            metavar="FILE",
            help="A file that remembers each start: after a kill or a crash, the same command goes on, and pays for "
            "nothing twice. It is made if it does not exist. Or the URL of a PostgreSQL database, without a password.",
        ),
    ] = None
    max_running: Annotated[
        int, typer.Option("--max-running", metavar="NUMBER", min=1, help="How many tasks may run at once.")
    ] = 5
    attempts: Annotated[
        int,
        typer.Option(
            "--attempts",
            metavar="NUMBER",
            min=1,
            help="How often a task may be started in all, if it fails or its answer is invalid.",
        ),
    ] = 1
    max_starts: Annotated[
        int | None,
        typer.Option("--max-starts", metavar="NUMBER", min=1, help="How many tasks may be started and paid for."),
    ] = None
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before many tasks are started.")] = False


def run_many(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The file of tasks; - is standard input.")],
    reading: FileArguments,
    task: TaskArguments,
    many: ManyArguments,
    waiting: WaitArguments,
    connection: ConnectionArguments,
    *,
    output: Output = None,
) -> int:
    """Run the tasks of a file, and write a line of JSON for each when it ends.

    The file has JSON Lines, with an object a line, or CSV, with a column a field. The fields are prompt, key, data
    (your own, not sent) and the options of a task; the options below apply to lines without a value of their own.
    --prompt, --key and --url may have names of columns in braces: --prompt 'Read the price at {url}'. To keep a column
    in the output, name it data. All lines are checked before anything is started.

    On a terminal, a line shows how far the batch is, and before more than 20 tasks are started that cost money, you are
    asked. Without a terminal, nothing is asked: use --max-starts. Ctrl-C starts nothing more; what runs keeps running.
    """
    kind, timeout, options = output_type(output), seconds(waiting.timeout), task_options(task)
    templates = {
        name: Template(f"--{name}", text)
        for name, text in (("prompt", reading.prompt), ("key", reading.key), ("url", options.open().pop("url", None)))
        if text is not None
    }
    source = MapFile(file, reading.form, reading.delimiter)
    entries = source.entries(templates, options)
    ledger = None if many.ledger is None else ledger_place(many.ledger)
    with connected(connection, waiting.check_every) as anchor:
        _check(anchor, source, entries, kind, has_ledger=many.ledger is not None)
        if not entries:
            screen.say(f"there are no tasks in {source.name}")
            return exit_status.DONE
        keys = keys_of(entry.request for entry in entries)
        if not anchor._settings.is_loopback:
            _confirm(keys, many, ledger)
        if many.ledger is None and len(entries) > 1:
            screen.say(WITHOUT_LEDGER)
        report = BatchReport(connection, output, ledger, keys)
        outcomes = anchor.tasks.map(
            [entry.request for entry in entries],
            output=kind,
            max_running=many.max_running,
            ledger=ledger,
            timeout=timeout,
            attempts=many.attempts,
            max_starts=many.max_starts,
            on_progress=report.updated,
        )
        return read_outcomes(outcomes, report, [entry.line for entry in entries])


def read_outcomes(outcomes: TaskOutcomes[Any], report: BatchReport, lines: Sequence[int]) -> int:
    """Write each outcome as a line of JSON, and return the exit status.

    The first Ctrl-C stops the batch, and all outcomes are written that are known by then; a second one ends it.

    Args:
        outcomes: The outcomes.
        report: Reports on them.
        lines: The lines of the file, in the order of the requests.

    Raises:
        CommandError: The batch was interrupted, its output is closed, or its ledger cannot be used.
    """
    from anchor_webtask import AnchorError

    ended: CommandError | None = None

    def stop(number: int) -> None:
        nonlocal ended
        ended = ended or Interruption(128 + number)
        screen.say("nothing more is started; a second Ctrl-C does not wait for the responses to starts")
        outcomes.stop()

    def read() -> None:
        nonlocal ended
        for outcome in outcomes:
            line = report.outcome(outcome, lines[outcome.index])
            try:
                if not isinstance(ended, OutputClosed):
                    screen.put_json(line)
                    continue
            except OutputClosed as closed:
                ended = closed
                outcomes.stop()
            report.unwritten(outcome)

    try:
        with signals.stopping(stop), screen.live(report.line), outcomes:
            read()
    except AnchorError as error:
        ended = refused(error)
        screen.say_notes(error)  # the ids of tasks whose outcomes were not read
    except KeyboardInterrupt as raised:  # the second one
        ended = ended or Interruption()
        before = report.count
        read()  # what the call has left: tasks that run, and starts without a response
        if report.count == before:
            screen.say_notes(raised)
    report.finish(ended)
    if isinstance(ended, Interruption | OutputClosed):
        raise ended
    if ended is None:
        return exit_status.of_many(report.statuses)
    screen.say(str(ended))
    return exit_status.of_many({*report.statuses, ended.status})


def _check(anchor: Anchor, source: MapFile, entries: list[Entry], output: Any, *, has_ledger: bool) -> None:
    """Check all requests as the client does when it starts them.

    Raises:
        UsageMistake: A request is invalid.
    """
    from anchor_webtask import ConfigurationError, TaskRequest, WaitPolicy
    from anchor_webtask._batch.identity import fingerprint
    from anchor_webtask._batch.items import prepared
    from anchor_webtask._batch.keyless import Keyless
    from anchor_webtask._output.schema import output_of

    kind, policy, keyless = output_of(output), WaitPolicy(), Keyless()

    def check(request: TaskRequest) -> None:
        made = prepared(request, lambda request: anchor.tasks._prepare_one_of_many(request, kind, policy))
        if isinstance(made, ConfigurationError):
            raise made
        if has_ledger and request.key is None:
            refusal = keyless.refusal(request, fingerprint(request))
            if refusal is not None:
                raise refusal

    source.check_requests(entries, check)
    for group in equal_without_keys(entries):
        lines = ", ".join(str(entry.line) for entry in group)
        screen.say(f"{source.name}, lines {lines}: equal lines without a key are different tasks, and each costs")


def _confirm(keys: Sequence[str], many: ManyArguments, place: Path | str | None) -> None:
    """Ask before many tasks are started; those that the ledger has already are not counted."""
    if many.yes:
        return
    starts = len(keys)
    if place is not None and may_exist(place):
        from anchor_webtask import AnchorError

        try:
            starts -= len(started_keys(place).intersection(keys))
        except AnchorError as error:
            if isinstance(place, Path):  # a database has perhaps no ledger yet, which the batch makes
                raise refused(error) from None
    starts *= many.attempts
    if many.max_starts is not None:
        starts = min(starts, many.max_starts)
    confirm(starts, lambda number: f"Start {'up to ' * (many.attempts > 1)}{number} tasks? Each costs money.")
