"""`ledger resume`: goes on to wait for the tasks of a ledger that run, and starts nothing."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._cli import exit_status, signals
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.ledger_rows import ended_line, status_of
from anchor_webtask._cli.live import duration, frame
from anchor_webtask._cli.mistakes import Interruption
from anchor_webtask._cli.reports import error_fields, error_text
from anchor_webtask._cli.screen import screen
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask import Anchor, AnchorError, Ledger, LedgerRow, TaskRequest

UNFINISHED: Final = ("starting", "running")
POLL_SECONDS: Final = 0.5
LAST_CHECKS: Final = 6.0
"""Seconds after the timeout within which the last checks have ended."""
CHECKS: Final = 8
CHECK_AGAIN: Final = 60.0
"""Seconds after which it is found out again which tasks cannot be checked."""


class Resumption:
    """One call that watches what runs.

    Args:
        anchor: The client.
        ledger: The ledger.
        output: What the answers should be.
        timeout: Seconds to wait; None forever.

    Attributes:
        statuses: The exit status that each outcome means.
        unfinished: The rows that still run.
    """

    def __init__(self, anchor: Anchor, ledger: Ledger, output: Any, timeout: float | None) -> None:
        self._anchor = anchor
        self._ledger = ledger
        self._output = output
        self._timeout = timeout
        self._ended = threading.Event()
        self._begun = time.monotonic()
        self._total = 0
        self._check_again = 0.0
        self.statuses: list[int] = []
        self.unfinished: dict[str, LedgerRow] = {}

    def run(self) -> None:
        """Watch what runs until all has ended, or the timeout has passed; write a line for each that ends.

        Raises:
            Interruption: The user wants to leave.
            AnchorError: The ledger cannot be used.
        """
        self.unfinished = {row.key: row for row in self._rows()}
        self._total = len(self.unfinished)
        # A call of map adopts and watches what runs, also without requests, until the last one was taken: these never
        # come, and end with this call.
        outcomes = self._anchor.tasks.map(
            self._no_requests(),
            output=self._output,
            max_running=self._total + 1,
            ledger=self._ledger,
            timeout=self._timeout,
        )
        ended_by: list[int] = []

        def stop(number: int) -> None:
            ended_by.append(number)
            self._ended.set()

        with signals.stopping(stop), screen.live(self._line):
            self._check_once()
            if self.unfinished:
                try:
                    with outcomes:
                        self._watch()
                finally:
                    self._ended.set()
        if ended_by:
            raise Interruption(128 + ended_by[0])

    def _rows(self) -> Iterator[LedgerRow]:
        return (row for state in UNFINISHED for row in self._ledger.rows(state))

    def _no_requests(self) -> Iterator[TaskRequest]:
        self._ended.wait()
        yield from ()

    def _watch(self) -> None:
        while self.unfinished and not self._ended.is_set():
            still = {row.key for row in self._rows()}
            for key in [key for key in self.unfinished if key not in still]:
                row = self._ledger.get(key)
                if row is None or row.state in UNFINISHED:  # it was started again in this moment
                    continue
                del self.unfinished[key]
                line = ended_line(row, self._output)
                is_invalid = row.state == "completed" and "error" in line
                self.statuses.append(exit_status.FAILED if is_invalid else status_of(row))
                screen.put_json(line)
            if self._timeout is not None and time.monotonic() - self._begun > self._timeout + LAST_CHECKS:
                return
            if time.monotonic() > self._check_again:
                self._check_once()
            self._ended.wait(POLL_SECONDS)

    def _check_once(self) -> None:
        """Leave out the tasks that cannot be checked, such as with another account's key: no wait would end.

        A call of map stops watching a task whose check has failed for good, and tells nobody. So this is repeated.
        """
        self._check_again = time.monotonic() + CHECK_AGAIN
        running = [row for row in self.unfinished.values() if row.task_id is not None]
        with ThreadPoolExecutor(CHECKS) as threads:
            for row, error in zip(running, threads.map(self._problem, running), strict=True):
                if error is not None:
                    del self.unfinished[row.key]
                    self.statuses.append(exit_status.REFUSED)
                    line = {
                        "key": row.key,
                        "state": row.state,
                        "task_id": shown_id(row.task_id),
                        "attempt": row.attempt,
                    }
                    screen.put_json(line | {"error": error_fields(error)})
                    screen.say(f"{harmless_line(row.key)} cannot be checked: {error_text(error)}")

    def _problem(self, row: LedgerRow) -> AnchorError | None:
        """Return why a task cannot be checked, if that cannot be expected to change."""
        from anchor_webtask import AnchorError, NotFoundError, TaskTimeoutError

        try:
            for update in self._anchor.tasks.get(row.task_id or "").updates(0):
                if isinstance(update.last_error, NotFoundError):  # a wait would repeat it for a while
                    return update.last_error
        except TaskTimeoutError:
            return None
        except AnchorError as error:
            return error
        return None

    def _line(self) -> str:
        now, left = time.monotonic(), len(self.unfinished)
        counts = f"{self._total - left}/{self._total} ended, {left} running"
        return f"{frame()} {counts}, {duration(now - self._begun)}"
