"""The work of processes that die: `tasks.map` over all keys of a program, with a ledger, and forks that run it.

A fork of a process that has imported all that the work needs begins at once. No thread may run in that process.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import random
import sys
import traceback
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import trio

from anchor_webtask import Anchor, AsyncAnchor, StartOutcomeUnknownError, TaskRequest, WaitPolicy
from tests.support.patience import PATIENCE
from tests.support.postgres_server import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from anchor_webtask import TaskOutcome
    from tests.support.postgres_server import Place

CLIENTS: Final = ("sync", "asyncio", "trio")
OFTEN: Final = WaitPolicy(fraction=0.2, minimum=0.01, maximum=0.05)
NEVER: Final = 10.0 * PATIENCE
"""Seconds after which a request would be given up: only a signal ends one that hangs."""


@dataclass(frozen=True)
class Work:
    """What one process does.

    Attributes:
        client: The client: sync, asyncio or trio.
        ledger: Where the ledger is.
        keys: The keys of the tasks; each is the task's prompt, too.
        limit: How many tasks may run at once.
        timeout: Seconds that each task is waited for, and that an unknown start keeps its place.
        seed: Decides the order of the tasks.
        call: `map`, or `run` for one key after the other.
    """

    client: str
    ledger: Place
    keys: Sequence[str]
    limit: int
    timeout: float
    seed: int = 0
    call: Literal["map", "run"] = "map"


def keys_of(program: str, items: int) -> list[str]:
    """Return the keys of a program; `serve_faults.py` reads some of the words."""
    kinds = {0: " fails", 1: " hidden", 2: " hidden"}
    return [f"{program}{number}{kinds.get(number % 20, '')}" for number in range(items)]


def requests(work: Work) -> list[TaskRequest]:
    """Return the requests in their random order."""
    keys = [*work.keys]
    random.Random(work.seed).shuffle(keys)
    return [TaskRequest(key, key=key) for key in keys]


def run(work: Work) -> dict[str, str]:
    """Do the work, and return the state of each outcome by its key."""
    states: dict[str, str] = {}
    arguments: dict[str, Any] = {"ledger": work.ledger, "timeout": work.timeout}

    def take(outcome: TaskOutcome[Any]) -> None:
        assert outcome.key not in states, f"{outcome.key} has two outcomes"
        states[outcome.key] = outcome.state

    def check_stored(task: Any) -> None:
        assert (str(task.id),) in rows_of(work.ledger, "task_id"), "the id is not stored yet"

    @contextmanager
    def ending(key: str) -> Iterator[None]:
        try:
            yield
            states[key] = "completed"
        except StartOutcomeUnknownError:
            states[key] = "unknown"

    async def run_async() -> None:
        async with AsyncAnchor(wait=OFTEN, http_timeout=NEVER) as anchor:
            if work.call == "map":
                async for outcome in anchor.tasks.map(requests(work), max_running=work.limit, **arguments):
                    take(outcome)
                return
            for key in work.keys:
                with ending(key):
                    await anchor.tasks.run(key, key=key, on_start=check_stored, **arguments)

    def run_sync() -> None:
        with Anchor(wait=OFTEN, http_timeout=NEVER) as anchor:
            if work.call == "map":
                for outcome in anchor.tasks.map(requests(work), max_running=work.limit, **arguments):
                    take(outcome)
                return
            for key in work.keys:
                with ending(key):
                    anchor.tasks.run(key, key=key, on_start=check_stored, **arguments)

    if work.client == "sync":
        run_sync()
    elif work.client == "asyncio":
        asyncio.run(run_async())
    else:
        trio.run(run_async)
    assert set(states) == set(work.keys), f"no outcome of {set(work.keys) - set(states)}"
    return states


def fork(function: Callable[[], object]) -> int:
    """Call a function in a fork, and return the fork's process id; its exit status is 1 if the function raises."""
    if process := os.fork():
        return process
    status = 1
    try:
        function()
        status = 0
    except BaseException:  # noqa: BLE001  it must not return into the parent's code
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def import_what_is_needed(function: Callable[[], object]) -> None:
    """Call a function in a fork, and import here all that it has imported there, so that later forks need not."""
    readable, writable = os.pipe()

    def tell() -> None:
        before = set(sys.modules)
        function()
        with os.fdopen(writable, "w") as pipe:
            pipe.write("\n".join(name for name in sys.modules if name not in before))

    process = fork(tell)
    os.close(writable)
    with os.fdopen(readable) as pipe:
        names = pipe.read().split("\n")
    assert os.waitpid(process, 0)[1] == 0
    for name in names:
        with suppress(ImportError):
            importlib.import_module(name)


def import_for(folder: Path, ledger: Place | None = None) -> None:
    """Import all that `run` needs, with a ledger and a task of its own for each client.

    Args:
        folder: A folder for a ledger.
        ledger: Another ledger, which is used, too.
    """

    def run_each() -> None:
        for client in CLIENTS:
            run(Work(client, folder / "first.ledger", [f"first {client}"], limit=1, timeout=60))
        if ledger is not None:
            run(Work("sync", ledger, [f"first in {ledger}"], limit=1, timeout=60))

    import_what_is_needed(run_each)
