"""What a call of `watch` knows of its tasks, and what it shows of them; without I/O, for both kinds of handle."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, Generic

from anchor_webtask._display import html
from anchor_webtask._display.html import Html, visible
from anchor_webtask._errors import AnchorError, TaskFailedError
from anchor_webtask._models import T, TaskResult, TaskStatus
from anchor_webtask._redaction.secrets import shortened
from anchor_webtask._secret_task_id import SecretTaskId, shown_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from anchor_webtask._models import TaskUpdate
    from anchor_webtask._tasks.handle import Handle

MAX_ROWS: Final = 25
"""More tasks would make an output that nobody reads, and that is sent again each second."""
MAX_ID: Final = 20
HEAD: Final = ("task", "status", "elapsed", "next check")
GOES_ON: Final = "Not watched any more; the API goes on with {what}. To get {it} back:"
HIDDEN: Final = "(the id contains the key or a secret value, and is redacted here; the handle's .id is complete)"
OTHERS: Final = "{without} of {all} watched tasks have no answer; for each of the others, result() of its handle has it"


class Row(Generic[T]):
    """What is known of one task.

    Args:
        task: Its handle.

    Attributes:
        update: The result of the last check; None before the first.
        result: The answer; None if there is none.
        error: Why there is no answer; None if there is one, or if the task is still waited for.
    """

    def __init__(self, task: Handle[T]) -> None:
        self.task = task
        self.update: TaskUpdate | None = None
        self.result: TaskResult[T] | None = None
        self.error: AnchorError | None = None

    @property
    def short_id(self) -> str:
        """The end of the task's id: a real id has a hundred characters, and its beginning is always the same."""
        task_id = self.task._state.task_id
        shown = "without an id" if task_id is None else visible(shown_id(task_id))
        return shown if len(shown) <= MAX_ID else f"…{shown[1 - MAX_ID :]}"

    @property
    def is_over(self) -> bool:
        """Whether the task is not waited for any more."""
        return self.result is not None or self.error is not None

    @property
    def runs(self) -> bool:
        """Whether the task runs, as far as is known."""
        return self.task._state.ended is None

    @property
    def word(self) -> str:
        """The status in a word or two."""
        state = self.task._state
        if state.status is None:
            return "not checked yet"
        if state.status is TaskStatus.UNKNOWN and state.raw_status:
            return f"unknown ({visible(state.raw_status)})"
        return state.status.value

    def status(self) -> str:
        """Return the status, and what is wrong."""
        problem: Exception | None = self.error
        if problem is None and self.update is not None and self.update.last_error is not None:
            return f"{self.word}; the last check failed, and is repeated: {shortened(str(self.update.last_error))}"
        if isinstance(problem, TaskFailedError):
            return f"failed: {shortened(problem.reason)}" if problem.reason else "failed"
        return self.word if problem is None else f"{self.word}: {shortened(str(problem))}"

    def elapsed(self, now: float) -> str:
        """Return for how long the task has run, or ran, as far as is known."""
        if self.runs:
            return duration(now - self.task._state.begun)
        return "" if self.update is None else duration(self.update.elapsed)

    def next_check(self, now: float) -> str:
        """Return when the task is checked next."""
        due = self.task._state.due
        return "" if self.is_over or due is None or due <= now else f"in {duration(due - now)}"


class Board(Generic[T]):
    """All tasks of one call.

    Args:
        tasks: The handles.
    """

    def __init__(self, tasks: Sequence[Handle[T]]) -> None:
        self._rows = [Row(task) for task in tasks]
        self._is_left = False
        self._told: list[str] = ["" for _ in tasks]

    @property
    def is_over(self) -> bool:
        """Whether no task is waited for any more."""
        return self._is_left or all(row.is_over for row in self._rows)

    def update(self, index: int, update: TaskUpdate) -> None:
        """Record the result of a check."""
        self._rows[index].update = update

    def end(self, index: int) -> None:
        """Record that a task has ended."""
        row = self._rows[index]
        try:
            row.result = row.task._result()
        except AnchorError as error:
            row.error = error

    def fail(self, index: int, error: AnchorError) -> None:
        """Record that a task cannot be waited for any more."""
        self._rows[index].error = error

    def leave(self) -> None:
        """Record that an interruption has ended the call."""
        self._is_left = True

    def left_ids(self) -> list[str]:
        """Return the ids of the tasks that run, as far as is known."""
        return [row.task._state.task_id for row in self._rows if row.runs and row.task._state.task_id is not None]

    def results(self) -> list[TaskResult[T]]:
        """Return all answers.

        Raises:
            AnchorError: A task has none: the first error.
        """
        errors = [row.error for row in self._rows if row.error is not None]
        if errors:
            if len(self._rows) > 1:
                errors[0].add_note(OTHERS.format(without=len(errors), all=len(self._rows)))
            raise errors[0]
        return [row.result for row in self._rows if row.result is not None]

    # What is shown

    def html(self, now: float) -> Html:
        """Return the output of a notebook's cell."""
        is_over, shown = self.is_over, self._shown()
        rows = [[html.code(row.short_id), html.text(row.status()), html.text(row.elapsed(now))] for row in shown]
        if not is_over:
            for cells, row in zip(rows, shown, strict=True):
                cells.append(html.text(row.next_check(now)))
        if len(shown) < len(self._rows):
            rows.append([html.text(f"… and {len(self._rows) - len(shown):,} more")])
        first, *others = [*self._notes()] or [""]
        note = Html("".join((html.text(first), *map(html.block, others)))) if first else None
        return html.table(HEAD[:3] if is_over else HEAD, rows, title=self._title(), note=note)

    def text(self, now: float) -> str:
        """Return the same as plain text."""
        return "\n".join([self._title(), *(_line(row, now) for row in self._shown()), *self._notes()])

    def changes(self, now: float) -> Iterator[str]:
        """Yield a line for each task whose status has changed since the last call, and in the end what goes on."""
        for number, row in enumerate(self._rows):
            status = row.status()
            if status != self._told[number]:
                self._told[number] = status
                yield _line(row, now)
        if self.is_over:
            yield from self._notes()

    def _shown(self) -> list[Row[T]]:
        """Return the tasks that are shown, in their order; of too many, rather those that run or that failed."""
        if len(self._rows) <= MAX_ROWS:
            return self._rows
        numbers = sorted(range(len(self._rows)), key=lambda number: self._rows[number].result is not None)
        return [self._rows[number] for number in sorted(numbers[:MAX_ROWS])]

    def _title(self) -> str:
        words = Counter(row.word for row in self._rows)
        if len(self._rows) == 1:
            return f"1 task: {self._rows[0].word}"
        return f"{len(self._rows):,} tasks: {', '.join(f'{number:,} {word}' for word, number in words.items())}"

    def _notes(self) -> Iterator[str]:
        """Yield what goes on after the end of the call, and how to get it back."""
        ids = self.left_ids()
        if not self.is_over or not ids:
            return
        what, it = ("the task", "it") if len(ids) == 1 else (f"{len(ids):,} tasks", "one")
        yield GOES_ON.format(what=what, it=it)
        for task_id in ids[:MAX_ROWS]:
            hint = f" {HIDDEN}" if isinstance(task_id, SecretTaskId) else ""
            yield f"anchor.tasks.get({task_id!r}){hint}"  # the repr can be pasted, whatever is in the id
        if len(ids) > MAX_ROWS:
            yield f"… and {len(ids) - MAX_ROWS:,} more: .id of each handle"


def _line(row: Row[Any], now: float) -> str:
    elapsed = row.elapsed(now)
    return f"{row.short_id}: {row.status()}{f' ({elapsed})' if elapsed else ''}"


def duration(seconds: float) -> str:
    """Return a number of seconds in words."""
    whole = max(int(seconds), 0)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours:,} h {minutes:02} min"
    return f"{minutes} min {rest:02} s" if minutes else f"{rest} s"
