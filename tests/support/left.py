"""What a call of `tasks.map` that is left early tells of its tasks: in notes of exceptions, and in the log."""

from __future__ import annotations

import gc
import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchor_webtask._batch import scheduler
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask.emulator import Emulator


@contextmanager
def warnings_logged() -> Iterator[tuple[list[str], threading.Event]]:
    """Collect the warnings of the package, and tell of the first.

    The calls that earlier tests have left end first, since their last warnings are not this test's.
    """
    gc.collect()
    for thread in threading.enumerate():
        if thread.name.startswith(scheduler.NAME):
            thread.join(PATIENCE)
            assert not thread.is_alive(), f"{thread.name}: an earlier test has left it"
    texts: list[str] = []
    has_logged = threading.Event()

    class Collect(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            texts.append(record.getMessage())
            has_logged.set()

    handler = Collect(logging.WARNING)
    logging.getLogger("anchor_webtask").addHandler(handler)
    try:
        yield texts, has_logged
    finally:
        logging.getLogger("anchor_webtask").removeHandler(handler)


def running_ids(emulator: Emulator) -> set[str]:
    return {task.id for task in emulator.tasks if task.status == "RUNNING"}


def notes(raised: BaseException) -> str:
    return "\n".join(getattr(raised, "__notes__", ()))
