"""Watch tasks in a notebook: one output shows their status and elapsed time until they have ended.

    from anchor_webtask import Anchor
    from anchor_webtask.notebook import watch

    anchor = Anchor()
    task = anchor.tasks.start("Read the page's title", url="https://example.com")
    title = watch(task).value

In Jupyter, VS Code and Colab the output is updated in place. Elsewhere, each change is a line on standard error.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import TYPE_CHECKING, Any, TypeVar, overload

from anchor_webtask import _importing
from anchor_webtask._config import checked_timeout
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT
from anchor_webtask._tasks.async_handle import AsyncWebTask
from anchor_webtask._tasks.sync_handle import WebTask

if TYPE_CHECKING:
    from anchor_webtask._models import T, TaskResult

__all__ = ["watch"]

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")


@overload
def watch(task: WebTask[T], /, *, timeout: float | None = DEFAULT_TIMEOUT) -> TaskResult[T]: ...
@overload
def watch(
    first: WebTask[A], second: WebTask[B], /, *, timeout: float | None = DEFAULT_TIMEOUT
) -> tuple[TaskResult[A], TaskResult[B]]: ...
@overload
def watch(
    first: WebTask[A], second: WebTask[B], third: WebTask[C], /, *, timeout: float | None = DEFAULT_TIMEOUT
) -> tuple[TaskResult[A], TaskResult[B], TaskResult[C]]: ...
@overload
def watch(
    first: WebTask[T],
    second: WebTask[T],
    third: WebTask[T],
    fourth: WebTask[T],
    /,
    *more: WebTask[T],
    timeout: float | None = DEFAULT_TIMEOUT,
) -> tuple[TaskResult[T], ...]: ...
@overload
def watch(tasks: Iterable[WebTask[T]], /, *, timeout: float | None = DEFAULT_TIMEOUT) -> list[TaskResult[T]]: ...
@overload
def watch(
    task: AsyncWebTask[T], /, *, timeout: float | None = DEFAULT_TIMEOUT
) -> Coroutine[Any, Any, TaskResult[T]]: ...
@overload
def watch(
    first: AsyncWebTask[A], second: AsyncWebTask[B], /, *, timeout: float | None = DEFAULT_TIMEOUT
) -> Coroutine[Any, Any, tuple[TaskResult[A], TaskResult[B]]]: ...
@overload
def watch(
    first: AsyncWebTask[A],
    second: AsyncWebTask[B],
    third: AsyncWebTask[C],
    /,
    *,
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Coroutine[Any, Any, tuple[TaskResult[A], TaskResult[B], TaskResult[C]]]: ...
@overload
def watch(
    first: AsyncWebTask[T],
    second: AsyncWebTask[T],
    third: AsyncWebTask[T],
    fourth: AsyncWebTask[T],
    /,
    *more: AsyncWebTask[T],
    timeout: float | None = DEFAULT_TIMEOUT,
) -> Coroutine[Any, Any, tuple[TaskResult[T], ...]]: ...
@overload
def watch(
    tasks: Iterable[AsyncWebTask[T]], /, *, timeout: float | None = DEFAULT_TIMEOUT
) -> Coroutine[Any, Any, list[TaskResult[T]]]: ...
def watch(*tasks: Any, timeout: float | None = DEFAULT_TIMEOUT) -> Any:
    """Wait until tasks end, show their status and elapsed time meanwhile, and return their answers.

    Write `await watch(task)` for handles of an `AsyncAnchor`. An interruption, such as by the notebook's Stop button,
    ends the wait and not the tasks: the output then says how to get them back.

    Args:
        *tasks: The handles, of one kind of client: one, several, or one list of them.
        timeout: Seconds to wait for each task, by default 30 minutes; 0 makes one check, None waits without a deadline.

    Returns:
        For one handle its result, for several a tuple of results, for a list a list of results. Handles of an
        `AsyncAnchor` return a coroutine, which returns that.

    Raises:
        ConfigurationError: An argument is invalid.
        TaskTimeoutError: A task has not ended. It keeps running; another call continues the wait.
        TaskFailedError: The API reports that a task failed.
        InvalidOutputError: A task completed, but its answer does not fit `output`.
        AnchorError: A check failed in a way that a retry cannot fix. Of several errors, the first in the order of the
            tasks is raised, once all tasks have ended. The other answers are not lost: `result()` of their handles
            returns them at once.
    """
    seconds = checked_timeout(timeout)
    listed = _listed(tasks)
    if isinstance(listed[0], AsyncWebTask):
        return _watch_async(listed, seconds, tasks)
    with _importing.lock:
        from anchor_webtask.notebook._sync import watch_sync

    return _like(tasks, watch_sync(listed, seconds))


async def _watch_async(listed: list[Any], timeout: float | None, given: tuple[Any, ...]) -> Any:
    with _importing.lock:
        from anchor_webtask.notebook._async import watch_async

    return _like(given, await watch_async(listed, timeout))


def _listed(given: tuple[Any, ...]) -> list[Any]:
    """Return the handles in a list.

    Raises:
        ConfigurationError: There is none, one is not a handle, or they are of both kinds.
    """
    match given:
        case (Iterable() as tasks,) if not isinstance(tasks, str | bytes):
            listed = [*tasks]
        case _:
            listed = [*given]
    if not listed:
        raise ConfigurationError("there is no task to watch: pass a handle, which tasks.start and tasks.get return")
    for each in listed:
        if not isinstance(each, WebTask | AsyncWebTask):
            hint = 'of an id, pass tasks.get("…")' if isinstance(each, str) else "tasks.start and tasks.get return one"
            raise ConfigurationError(f"watch needs handles, not {type(each).__name__}: {hint}")
    if len({isinstance(each, AsyncWebTask) for each in listed}) > 1:
        raise ConfigurationError("watch needs handles of one kind: of Anchor, or of AsyncAnchor")
    return listed


def _like(given: tuple[Any, ...], results: list[TaskResult[Any]]) -> Any:
    """Return results in the form in which the handles were given."""
    is_list = not isinstance(given[0], WebTask | AsyncWebTask)
    return results if is_list else results[0] if len(results) == 1 else (*results,)
