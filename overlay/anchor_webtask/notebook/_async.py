"""`watch` for async handles: each is waited for by a task of the event loop."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Generic

import anyio

from anchor_webtask._batch.requests import was_cancelled
from anchor_webtask._errors import AnchorError
from anchor_webtask._event_loops import spawn
from anchor_webtask._models import T
from anchor_webtask._tasks.interruptions import add_running_note
from anchor_webtask.notebook._board import Board
from anchor_webtask.notebook._output import output

if TYPE_CHECKING:
    from collections.abc import Sequence

    from anchor_webtask._models import TaskResult
    from anchor_webtask._tasks.async_handle import AsyncWebTask


async def watch_async(tasks: Sequence[AsyncWebTask[T]], timeout: float | None) -> list[TaskResult[T]]:
    """Wait until all tasks have ended, and return their results.

    Args:
        tasks: The handles; at least one.
        timeout: Seconds to wait for each; None for no deadline.

    Raises:
        AnchorError: A task has no answer.
    """
    waits = Waits(tasks, timeout)
    try:
        await waits.run()
    except BaseException as raised:
        waits.leave(raised)
        raise
    return waits.board.results()


class Waits(Generic[T]):
    """The waits of one call.

    Args:
        tasks: The handles.
        timeout: Seconds to wait for each; None for no deadline.

    Attributes:
        board: What is known of the tasks.
    """

    def __init__(self, tasks: Sequence[AsyncWebTask[T]], timeout: float | None) -> None:
        self.board = Board(tasks)
        self._tasks = [(task, task._deadline(timeout)) for task in tasks]
        self._clock = tasks[0]._setup.settings.clock
        self._output = output()
        self._changed = anyio.Event()
        self._raised: BaseException | None = None

    async def run(self) -> None:
        """Wait until all tasks have ended, and show them.

        Raises:
            BaseException: The user's code, such as a log filter, has raised it in a check.
        """
        async with anyio.create_task_group() as group:
            try:
                for index in range(len(self._tasks)):
                    spawn(group, self._wait, index)
                await self._show()
            except BaseException as raised:
                if was_cancelled(raised):
                    raise
                self._raised = raised  # out of the group, which would wrap it
            group.cancel_scope.cancel()
        if self._raised is not None:
            raise self._raised

    def leave(self, raised: BaseException) -> None:
        """Show what goes on after an interruption, and add it to the exception."""
        self.board.leave()
        for task_id in self.board.left_ids():
            add_running_note(raised, task_id)
        with suppress(Exception):  # the interruption counts
            self._output.show(self.board, self._clock.now())

    async def _show(self) -> None:
        while self._raised is None:
            self._changed = anyio.Event()
            self._output.show(self.board, self._clock.now())
            if self.board.is_over:
                return
            tick = self._output.tick
            with nullcontext() if tick is None else self._clock.move_on_after(tick):
                await self._changed.wait()

    async def _wait(self, index: int) -> None:
        task, deadline = self._tasks[index]
        try:
            async for update in task._updates(deadline):
                self.board.update(index, update)
                self._changed.set()
            self.board.end(index)
        except AnchorError as error:
            self.board.fail(index, error)
        except BaseException as raised:
            if was_cancelled(raised):
                raise
            self._raised = self._raised or raised
        self._changed.set()
