"""The commands for a ledger."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.client import connected, go_on
from anchor_webtask._cli.escaping import harmless, json_harmless
from anchor_webtask._cli.ledger_place import ledger_place
from anchor_webtask._cli.ledger_rows import put_row, put_table, row_line, status_of
from anchor_webtask._cli.mistakes import UsageMistake
from anchor_webtask._cli.options import (
    AsJson,
    ConnectionArguments,
    Key,
    Keys,
    LedgerFile,
    Output,
    TaskId,
    WaitArguments,
)
from anchor_webtask._cli.output_types import output_type
from anchor_webtask._cli.reports import refused, usage_mistake
from anchor_webtask._cli.resuming import Resumption
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.task_fields import seconds
from anchor_webtask._cli.text_files import decoded, read_stdin
from anchor_webtask._workers.for_commands import clear_stop, stop_of, unstarted_request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask import Ledger
    from anchor_webtask._workers.for_commands import Stop

State = Literal["starting", "running", "completed", "failed", "unknown", "refused", "retried"]
EXPLAINED = {
    "starting": "being started, or the program was killed meanwhile",
    "running": "the id is known; wait with `ledger resume`",
    "completed": "there is an answer",
    "failed": "the API reports that the task failed",
    "unknown": "perhaps started, perhaps paid; decide with `ledger attach` or `ledger retry`",
    "refused": "not started, and nothing paid; the next run tries again, a worker after `ledger retry`",
    "retried": "you have allowed another start",
}

STOPPED = "no worker starts anything since {}: {}. To let them start tasks again:\n  {}"

CANCELLED = (
    "the task with the key {!r} was cancelled before it was started, and no worker starts it any more: nothing was "
    "paid. If you want it after all, submit its request again under another key"
)
PENDING = "the task with the key {!r} was not started yet, so a worker starts it in any case"


def show(file: LedgerFile, *, as_json: AsJson = False) -> int:
    """Write how many attempts are in each state."""
    with _opened(file) as ledger:
        counts, stop = ledger.counts(), stop_of(ledger)
    if stop is not None:
        screen.say(STOPPED.format(_moment(stop), harmless(stop.reason), go_on("ledger resume", file)))
    if not screen.is_for_people(as_json=as_json):
        screen.put_json(counts)
        return exit_status.DONE
    for state, count in counts.items():
        if count:
            screen.put(f"{count:6} {state:10} {EXPLAINED[state]}")
    if not any(counts.values()):
        screen.put("the ledger is empty")
    return exit_status.DONE


def list_rows(
    file: LedgerFile,
    *,
    state: Annotated[
        State | None,
        typer.Option("--state", metavar="STATE", help=f"Only those in this state: {', '.join(EXPLAINED)}."),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Write the attempts, in the order of their keys."""
    with _opened(file) as ledger:
        rows = ledger.rows(state)
        if screen.is_for_people(as_json=as_json):
            put_table(rows)
        else:
            for row in rows:
                screen.put_json(row_line(row))
    return exit_status.DONE


def get(file: LedgerFile, key: Key, *, as_json: AsJson = False) -> int:
    """Write the latest attempt of a key; the exit status says how it has ended."""
    with _opened(file) as ledger:
        row = ledger.get(key)
    if row is None:
        raise UsageMistake(f"the ledger has no task with the key {key!r}")
    if screen.is_for_people(as_json=as_json):
        put_row(row)
    else:
        screen.put_json(row_line(row))
    return status_of(row)


def retry(file: LedgerFile, keys: Keys) -> int:
    """Allow one more start of tasks that are unknown, failed or completed. The next run starts them, which costs.

    In a database, that may be a worker, which also starts again what the API has refused of a batch.

    Either all keys are changed, or none.
    """
    given = _keys(keys)
    with _opened(file) as ledger:
        if (found := unstarted_request(ledger, given)) is not None:
            key, is_cancelled = found
            raise UsageMistake((CANCELLED if is_cancelled else PENDING).format(key))
        ledger.retry(*given)
    screen.say(f"{_tasks(given)} will be started again, which costs: {_by_whom(file)}")
    return exit_status.DONE


def free(file: LedgerFile, keys: Keys) -> int:
    """End the places that tasks hold of which it is not known whether they run, so that others can start.

    Either all keys are changed, or none.
    """
    given = _keys(keys)
    with _opened(file) as ledger:
        ledger.free(*given)
    screen.say(f"{_tasks(given)} hold no place any more" if len(given) != 1 else "1 task holds no place any more")
    return exit_status.DONE


def attach(file: LedgerFile, key: Key, task_id: TaskId, connection: ConnectionArguments) -> int:
    """Give an unknown task the id that you have found for it, in the dashboard. The id is checked once."""
    with _opened(file) as ledger, connected(connection, 2.0) as anchor:
        ledger.attach(key, anchor.tasks.get(task_id).refresh())
    screen.say(
        f"the task is waited for {_by_whom(file)}, or only wait:\n  "
        f"{go_on('ledger resume', file, connection=connection)}"
    )
    return exit_status.DONE


def resume(file: LedgerFile, waiting: WaitArguments, connection: ConnectionArguments, *, output: Output = None) -> int:
    """Go on to wait for the tasks that run, and write a line of JSON for each that ends. Nothing is started.

    If the workers of a database have stopped, since the API has refused the key or the credit, they start tasks again.
    """
    kind, timeout = output_type(output), seconds(waiting.timeout)
    with _opened(file) as ledger, connected(connection, waiting.check_every) as anchor:
        if (stop := clear_stop(ledger)) is not None:
            screen.say(f"the workers start tasks again, which had stopped at {_moment(stop)}: {harmless(stop.reason)}")
        call = Resumption(anchor, ledger, kind, timeout)
        try:
            call.run()
        finally:
            if call.unfinished:
                screen.say(f"{_tasks([*call.unfinished])} still running; to go on:")
                screen.say(f"  {go_on('ledger resume', file, connection=connection, output=output)}")
        if not (call.statuses or call.unfinished):
            screen.say(f"no task of the ledger runs; to see those that have ended:\n  {go_on('ledger list', file)}")
        unknown = ledger.counts()["unknown"]
        if unknown:
            screen.say(f"{unknown} unknown; to see them:\n  {go_on('ledger list --state unknown', file)}")
    return exit_status.of_many([*call.statuses, *([exit_status.RUNNING] * bool(call.unfinished))])


def export(
    file: LedgerFile,
    target: Annotated[
        str, typer.Argument(metavar="[TARGET]", help="The file to write, readable for you alone; - is standard output.")
    ] = "-",
    *,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="As JSON Lines, which is the only format.")] = True,
) -> int:
    """Write all attempts as JSON Lines, with all that the ledger has of them."""
    del jsonl
    with _opened(file) as ledger:
        if target != "-":
            screen.say(f"{_exported(ledger, Path(target))} attempts are in {target}")
            return exit_status.DONE
        with tempfile.TemporaryDirectory(prefix="anchor-webtask-") as folder:
            copy = Path(folder) / "export"
            _exported(ledger, copy)
            with copy.open(encoding="utf-8") as lines:
                for line in lines:
                    screen.put(json_harmless(line.rstrip("\n")))
    return exit_status.DONE


def _exported(ledger: Ledger, target: Path) -> int:
    try:
        return ledger.export(target)
    except OSError as error:  # also a full disk
        raise UsageMistake(f"{target}: {error.strerror}") from None


def check(file: LedgerFile) -> int:
    """Check that the file is complete and consistent; exit status 5 says that it is not."""
    with _opened(file) as ledger:
        ledger.check()
    screen.say(f"{harmless(str(file))} is complete and consistent")
    return exit_status.DONE


@contextmanager
def _opened(file: str) -> Iterator[Ledger]:
    """Open a ledger; an error of it, or of the API, ends the command.

    Raises:
        CommandError: There was one.
    """
    from anchor_webtask import AnchorError, ConfigurationError, Ledger

    try:
        with Ledger(ledger_place(file)) as ledger:
            yield ledger
    except ConfigurationError as error:
        raise usage_mistake(error) from None
    except AnchorError as error:
        raise refused(error) from None


def _by_whom(file: str) -> str:
    """Return who goes on with a task about which the user has decided."""
    return "by workers at once, else by the next run" if "://" in file else "by the next run"


def _moment(stop: Stop) -> str:
    return datetime.fromtimestamp(stop.since, UTC).isoformat(timespec="seconds")


def _keys(given: list[str]) -> list[str]:
    """Return the keys, each once; a single - reads them from standard input, one a line."""
    if given == ["-"]:
        lines = [line.removesuffix("\r") for line in decoded(read_stdin(), "standard input").split("\n")]
        given = [key for key in lines if key]
    return [*dict.fromkeys(given)]


def _tasks(keys: list[str]) -> str:
    return f"{len(keys)} task{'s' * (len(keys) != 1)}"
