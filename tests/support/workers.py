"""Workers of batches, in threads of the tests' process."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import AsyncAnchor, Ledger
from anchor_webtask._workers import engine
from anchor_webtask._workers.worker import Worker, WorkerOptions
from tests.support.ledger_work import OFTEN
from tests.support.patience import PATIENCE
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator

HEARTBEAT: Final = 0.3
LOST_JOBS: Final = 1.0


@contextmanager
def working(url: str, base_url: str, **options: Any) -> Iterator[Worker]:
    """Run a worker in a thread, drain it at the end of the block, and raise what has ended it."""
    made: list[tuple[Worker, asyncio.AbstractEventLoop]] = []
    raised: list[BaseException] = []
    drains: list[asyncio.Task[None]] = []
    is_made = threading.Event()
    given = WorkerOptions(
        **{"max_running": 5, "timeout": 20, "heartbeat": HEARTBEAT, "lost_jobs": LOST_JOBS, **options}
    )

    async def work() -> None:
        async with AsyncAnchor(KEY, base_url=base_url, wait=OFTEN) as anchor:
            ledger = Ledger(url)
            made.append((Worker(anchor, ledger, given), asyncio.get_running_loop()))
            is_made.set()
            try:
                await made[0][0].run()
            finally:
                ledger._store.close(wait=False)  # as the command does, since the database may hang

    def run() -> None:
        try:
            asyncio.run(work())
        except BaseException as error:  # noqa: BLE001  the test's thread raises it
            raised.append(error)

    with pytest.MonkeyPatch.context() as monkeypatch:
        # What is not closed in time is left to the end of the process: the test that collects it would fail.
        monkeypatch.setattr(engine, "CLOSE_SECONDS", PATIENCE)
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        assert is_made.wait(PATIENCE)
        worker, loop = made[0]
        try:
            yield worker
        finally:
            if thread.is_alive():
                with suppress(RuntimeError):  # it has ended just now
                    loop.call_soon_threadsafe(lambda: drains.append(loop.create_task(worker.drain())))
            thread.join(2 * PATIENCE)
            assert not thread.is_alive()
    if raised:
        raise raised[0]
