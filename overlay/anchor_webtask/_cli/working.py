"""The command `worker`, which runs the tasks of batches in a database."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from anchor_webtask._cli import exit_status, signals
from anchor_webtask._cli.client import connected_async
from anchor_webtask._cli.ledger_place import ledger_place
from anchor_webtask._cli.mistakes import Interruption, UsageMistake
from anchor_webtask._cli.options import ConnectionArguments, WaitArguments
from anchor_webtask._cli.reports import refused, usage_mistake
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.task_fields import seconds
from anchor_webtask._cli.user_code import imported

if TYPE_CHECKING:
    from anchor_webtask import Ledger
    from anchor_webtask._workers.worker import Worker, WorkerOptions

DRAINING: Final = "nothing more is started, and what runs is handed back; a second signal does not wait for that"


def worker(
    url: Annotated[
        str, typer.Argument(metavar="URL", help="The URL of the database, as postgresql://…, without a password.")
    ],
    waiting: WaitArguments,
    connection: ConnectionArguments,
    *,
    max_running: Annotated[
        int,
        typer.Option(
            "--max-running", metavar="NUMBER", min=1, help="How many tasks may run at once, over all workers."
        ),
    ],
    queue: Annotated[
        str | None, typer.Option("--queue", metavar="NAME", help="Only the tasks of the batch with this name.")
    ] = None,
    attempts: Annotated[
        int,
        typer.Option(
            "--attempts",
            metavar="NUMBER",
            min=1,
            help="How often a task may be started in all, if it fails or its answer does not fit the stored schema.",
        ),
    ] = 1,
    secrets: Annotated[
        str | None,
        typer.Option(
            "--secrets",
            metavar="MODULE:FUNCTION",
            help="A function of yours that looks up secrets: it gets a name and the task's url, and returns values by "
            "domain.",
        ),
    ] = None,
) -> int:
    """Run the tasks of batches in a PostgreSQL database, together with all other workers, until SIGTERM or Ctrl-C.

    Then nothing more is started, and within seconds the other workers wait for what runs. SIGUSR1 writes a line of JSON
    that says how the worker is. Exit status: 0 after SIGTERM; 130 after Ctrl-C; 2 wrong usage; 5 there is no valid key,
    or the ledger cannot be used.

    A database that goes away is waited for; tables that another version has changed end the worker. If the API refuses
    the key or the credit, no worker starts anything more until you run `ledger resume`, or start a worker anew.
    """
    from anchor_webtask import AnchorError, ConfigurationError, Ledger

    lookup = _function(secrets)
    try:
        ledger = Ledger(ledger_place(url))
        options = _options(max_running, queue, seconds(waiting.timeout), attempts, lookup)
        # What it has learned is stored before it ends, or a warning has said that the database hangs, so that this
        # does not wait for it again; the server frees the locks of a process that has ended.
        ended_by = asyncio.run(_work(ledger, options, waiting, connection))
    except ConfigurationError as error:
        raise usage_mistake(error) from None
    except AnchorError as error:
        raise refused(error) from None
    if ended_by == signal.SIGINT:
        raise Interruption
    return exit_status.DONE


def _options(max_running: int, queue: str | None, timeout: float | None, attempts: int, lookup: Any) -> WorkerOptions:
    try:
        from anchor_webtask._workers.worker import WorkerOptions
    except ImportError as error:
        message = f"a worker needs the extra ({error}): pip install 'anchor-webtask[cli,postgres]'"
        raise UsageMistake(message) from None
    return WorkerOptions(max_running=max_running, queue=queue, timeout=timeout, attempts=attempts, secrets=lookup)


async def _work(
    ledger: Ledger, options: WorkerOptions, waiting: WaitArguments, connection: ConnectionArguments
) -> int | None:
    """Run a worker until a signal comes, and return that; None if it ends without one."""
    from anchor_webtask._workers.engine import quiet_loggers
    from anchor_webtask._workers.worker import Worker

    quiet_loggers()
    async with connected_async(connection, waiting.check_every) as anchor:
        worker = Worker(anchor, ledger, options)
        loop, ended_by = asyncio.get_running_loop(), None
        drains: list[asyncio.Task[None]] = []  # a loop alone does not keep a task

        def stop(number: int) -> None:
            nonlocal ended_by
            ended_by = number
            screen.say(DRAINING)
            signals.call_soon(loop, lambda: drains.append(loop.create_task(worker.drain())))

        # What `entry` has set must not come back after the block: it would end a worker with 0 that has failed.
        with signals.stopping(stop, SIGTERM=signal.SIG_DFL), _telling(worker, loop):
            text = f"the worker runs tasks of {ledger!r}, at most {options.max_running} over all workers"
            await worker.run(on_ready=lambda: screen.say(text))
    return ended_by


def _telling(worker: Worker, loop: asyncio.AbstractEventLoop) -> Any:
    """A block in which SIGUSR1 writes how the worker is."""
    return signals.telling(lambda: signals.call_soon(loop, lambda: screen.put_json(worker.health())))


def _function(given: str | None) -> Any:
    if given is None:
        return None
    module, colon, name = given.partition(":")
    if not colon:
        raise UsageMistake(f"--secrets {given}: write MODULE:FUNCTION, such as shop.secrets:look_up")
    found = imported(module, name, f"--secrets {given}")
    if not callable(found):
        raise UsageMistake(f"--secrets {given}: it is not a function")
    return found
