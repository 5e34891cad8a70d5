"""Says how many tasks have ended: a line of JSON for each, a live line with the counts, and a table in the end."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.client import go_on
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.ledger_keys import started_keys
from anchor_webtask._cli.live import duration, frame
from anchor_webtask._cli.mistakes import Interruption, OutputClosed
from anchor_webtask._cli.output_types import plain
from anchor_webtask._cli.reports import error_fields, error_text
from anchor_webtask._cli.screen import screen
from anchor_webtask._errors import AnchorError, ConfigurationError, InvalidOutputError, LedgerUnusableError
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from anchor_webtask import Progress, TaskOutcome
    from anchor_webtask._batch.models import OutcomeState
    from anchor_webtask._cli.mistakes import CommandError
    from anchor_webtask._cli.options import ConnectionArguments

WORDS: Final[dict[OutcomeState, str]] = {
    "unknown": "unknown",
    "running": "running",
    "refused": "refused",
    "not_started": "not started",
    "failed": "failed",
    "completed": "invalid",
}
"""The word for each outcome that is no answer; first those that matter most for the user's money."""
COMPLETED: Final = "completed"
UNREAD: Final = "not read from the ledger"
MAX_ROWS: Final = 20
MAX_KEYS: Final = 10


class Bad(NamedTuple):
    """An outcome that is no answer."""

    rank: int
    line: int
    state: OutcomeState
    key: str
    task_id: str | None
    why: str


class BatchReport:
    """Reports on the outcomes of a batch.

    Args:
        connection: How the API is reached.
        output: The value of `--output`.
        ledger: The ledger; None if there is none.
        keys: The keys of all tasks, in the order of the requests.

    Attributes:
        statuses: The exit status that each outcome means.
    """

    def __init__(
        self, connection: ConnectionArguments, output: str | None, ledger: Path | str | None, keys: Sequence[str]
    ) -> None:
        self._connection = connection
        self._output = output
        self._ledger = ledger
        self._total = len(keys)
        self._left = dict(enumerate(keys))  # those without an outcome, and those that this call did not start
        self._progress: Progress | None = None
        self._counts: Counter[str] = Counter()
        self._bad: list[Bad] = []
        self._unwritten: list[tuple[str, str | None]] = []
        self._others = 0
        self.statuses: set[int] = set()

    @property
    def count(self) -> int:
        """The number of outcomes."""
        return self._counts.total()

    def updated(self, progress: Progress) -> None:
        """Record how far the batch is."""
        self._progress = progress

    def line(self) -> str:
        """Return the live line."""
        progress = self._progress
        if progress is None:
            return f"{frame()} starting"
        troubles = self._troubles(progress)
        done = progress.completed + sum(count for _, count in troubles)
        parts = [
            f"{frame()} {done}/{'?' if progress.total is None else progress.total} done",
            f"{progress.running} running",
        ]
        parts += [f"{count} {name}" for name, count in troubles if count]
        if progress.held:
            until = progress.held_until
            free = "" if until is None else f" until {until.astimezone():%H:%M}"
            parts.append(f"{progress.held} place{'s' * (progress.held != 1)} held{free}")
        if progress.rate:
            parts.append(f"{progress.rate * 60:.1f}/min")
        if progress.seconds_left is not None:
            parts.append(f"about {duration(progress.seconds_left)} left")
        return ", ".join(parts)

    @staticmethod
    def _troubles(progress: Progress) -> list[tuple[str, int]]:
        return [
            ("unknown", progress.unknown),
            ("failed", progress.failed),
            ("timed out", progress.timed_out),
            ("refused", progress.refused),
            ("not started", progress.not_started),
        ]

    def outcome(self, outcome: TaskOutcome[Any], line: int) -> dict[str, Any]:
        """Record an outcome, and return its line of JSON.

        Args:
            outcome: The outcome.
            line: The line of the file that has asked for it.
        """
        status = exit_status.of_outcome(outcome.state, outcome.error)
        self.statuses.add(status)
        self._counts[COMPLETED if outcome.error is None else WORDS[outcome.state]] += 1
        # Of another request under a key of the ledger; without a ledger, keys were checked before.
        is_other = outcome.state == "not_started" and isinstance(outcome.error, ConfigurationError)
        self._others += is_other
        if outcome.state != "not_started" or is_other:
            self._left.pop(outcome.index, None)
        made: dict[str, Any] = {
            "key": outcome.key,
            "line": line,
            "state": outcome.state,
            "task_id": shown_id(outcome.task_id),
            "attempt": outcome.attempt,
            "stored": outcome.stored,
        }
        if outcome.request.data is not None:
            made["data"] = outcome.request.data
        if outcome.error is None:
            result = outcome.result()
            return made | {"value": plain(result.value, result.raw)}
        if isinstance(outcome.error, LedgerUnusableError):  # it was deleted, for instance: it cannot go on
            self._ledger = None
        rank = [*WORDS].index(outcome.state)
        self._bad.append(Bad(rank, line, outcome.state, outcome.key, outcome.task_id, error_text(outcome.error)))
        if isinstance(outcome.error, InvalidOutputError):
            made["raw"] = outcome.error.raw  # it was paid for
        return made | {"error": error_fields(outcome.error)}

    def unwritten(self, outcome: TaskOutcome[Any]) -> None:
        """Record that the line of an outcome could not be written: its answer was paid for, and is nowhere else."""
        if outcome.state == "completed":
            self._unwritten.append((outcome.key, outcome.task_id))

    def finish(self, ended: CommandError | None) -> None:
        """Say what has not ended well, and which commands go on.

        Args:
            ended: What has ended the batch early; None if nothing has. Tasks without an outcome were not started then,
                unless the ledger has them from an earlier run.
        """
        total, counts, is_closed = self._total, self._counts.copy(), isinstance(ended, OutputClosed)
        counts[WORDS["not_started"]] = len(self._left) + self._others
        if is_closed and self._ledger is not None:
            screen.say("standard output was closed before all was written, so nothing more was started")
        if isinstance(ended, Interruption | OutputClosed) and self._ledger is not None and self._left:
            stored = self._stored(self._ledger)
            counts[UNREAD] = len(stored)
            counts[WORDS["not_started"]] -= len(stored)
            self._bad = [each for each in self._bad if each.key not in stored]
        self._bad.sort()
        listed = [f"{counts[word]} {word}" for word in (COMPLETED, *WORDS.values(), UNREAD) if counts[word]]
        screen.say(f"{total} task{'s' * (total != 1)}: {', '.join(listed)}")
        if self._bad:
            rows = [(WORDS[each.state], each.key, each.why) for each in self._bad[:MAX_ROWS]]
            with suppress(OutputClosed):  # the lines on standard output tell the same
                screen.table(("what", "key", "why"), rows, sys.stderr)
            if len(self._bad) > MAX_ROWS:
                screen.say(f"… and {len(self._bad) - MAX_ROWS} more")
        for text in self._advice() if self._ledger is None else self._advice_for(self._ledger):
            screen.say(text)
        if self._ledger is None:
            return
        if is_closed or counts[UNREAD]:
            screen.say("to go on, run the same command again: it starts nothing that the ledger has already")
        elif counts[WORDS["not_started"]] - self._others or counts[WORDS["refused"]]:
            screen.say("to start what was not started, run the same command again")
        if self._others:
            screen.say("for other requests under keys that the ledger has, use other keys, or another ledger")

    def _stored(self, ledger: Path | str) -> set[str]:
        """Return the keys of the tasks without an outcome that the ledger has; all of them if it cannot be read."""
        try:
            return started_keys(ledger).intersection(self._left.values())
        except AnchorError:
            return {*self._left.values()}

    def _advice(self) -> Iterator[str]:
        for each in self._bad:
            if each.state == "running" and each.task_id is not None:
                command = go_on("wait", each.task_id, connection=self._connection, output=self._output)
                yield f"{harmless_line(each.key)} still runs; to go on:\n  {command}"
        for key, task_id in self._unwritten:
            if task_id is not None:
                command = go_on("wait", task_id, connection=self._connection, output=self._output)
                yield f"the answer to {harmless_line(key)} was not written; to get it:\n  {command}"
        if self._keys("unknown"):
            yield "look in the dashboard for what is unknown, before you start it again: it may cost twice"

    def _advice_for(self, ledger: Path | str) -> Iterator[str]:
        if self._unwritten:
            what, them = (
                ("1 answer was", "it")
                if len(self._unwritten) == 1
                else (f"{len(self._unwritten)} answers were", "them")
            )
            yield f"{what} not written; the ledger has {them}: run the same command again"
        if unknown := self._keys("unknown"):
            attach = go_on("ledger attach", ledger, unknown[0], connection=self._connection)
            yield (
                "look in the dashboard for what is unknown. If a task is there, give the ledger its id:\n"
                f"  {attach} ID\nif not, allow another start, which costs, and run the same command again:\n"
                f"{self._retry(ledger, unknown)}\nto give its place back at once, if it does not run:\n"
                f"  {go_on('ledger free', ledger, unknown[0])}"
            )
        if self._keys("running"):
            resume = go_on("ledger resume", ledger, connection=self._connection, output=self._output)
            yield f"to go on waiting, run the same command again, or only wait:\n  {resume}"
        if ended := self._keys("failed", "completed"):
            yield f"to start again what failed, which costs, run the same command after:\n{self._retry(ledger, ended)}"

    def _keys(self, *states: OutcomeState) -> list[str]:
        return [each.key for each in self._bad if each.state in states]

    @staticmethod
    def _retry(ledger: Path | str, keys: list[str]) -> str:
        more = f"\n  and so for {len(keys) - MAX_KEYS} more keys" if len(keys) > MAX_KEYS else ""
        return f"  {go_on('ledger retry', ledger, *keys[:MAX_KEYS])}{more}"
