"""The future result of an operation in a ledger's thread.

A signal's exception, such as that of Ctrl-C, can end a wait between any two operations of the interpreter. It can leave
the lock of a standard library's future locked forever, and then the ledger's thread hangs. This future has no lock.
"""

from __future__ import annotations

import queue
from collections import deque
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

R = TypeVar("R")


class Future(Generic[R]):
    """The future result of an operation. It is set once; any thread may wait for it."""

    __slots__ = ("_callbacks", "_outcome")

    def __init__(self) -> None:
        self._outcome: tuple[R | None, BaseException | None] | None = None
        self._callbacks: deque[Callable[[Future[R]], object]] = deque()

    def set_result(self, result: R) -> None:
        """Set the result, and call the callbacks."""
        self._outcome = (result, None)
        self._call_back()

    def set_exception(self, error: BaseException) -> None:
        """Set the exception that takes the place of a result, and call the callbacks."""
        self._outcome = (None, error)
        self._call_back()

    def done(self) -> bool:
        """Whether there is a result or an exception."""
        return self._outcome is not None

    def exception(self) -> BaseException | None:
        """Return the exception of a future that is done; None if it has a result."""
        return None if self._outcome is None else self._outcome[1]

    def result(self, timeout: float | None = None) -> R:
        """Wait for the result, and return it.

        Args:
            timeout: For how many seconds; None forever.

        Raises:
            TimeoutError: There is no result in time.
        """
        if self._outcome is None:
            done: SimpleQueue[object] = SimpleQueue()
            self.add_done_callback(done.put)
            with suppress(queue.Empty):
                done.get(timeout=timeout)
        if self._outcome is None:
            raise TimeoutError
        result, error = self._outcome
        if error is not None:
            raise error
        return cast("R", result)

    def add_done_callback(self, callback: Callable[[Future[R]], object]) -> None:
        """Call a function once this future is done: in the thread that sets it, or now.

        What it raises is raised there, once all other functions were called.
        """
        self._callbacks.append(callback)
        if self._outcome is not None:
            self._call_back()

    def _call_back(self) -> None:
        raised: BaseException | None = None
        while self._callbacks:
            try:
                callback = self._callbacks.popleft()
            except IndexError:  # two threads may be here at once; each takes other callbacks
                break
            try:
                callback(self)
            except BaseException as error:  # noqa: BLE001  such as that of an event loop that is closed
                raised = raised or error
        if raised is not None:
            raise raised
