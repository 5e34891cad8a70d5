"""Threads that send requests for a call of `tasks.map`; each is made only if all others are busy."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

Message: TypeAlias = Callable[[], None]
Job: TypeAlias = Callable[[], Message]


class Helpers:
    """The helper threads of one call; they are daemons, so they do not keep the process alive.

    Args:
        name: The name of each thread.
        limit: How many threads there may be.
        report: Called in a helper with the message that a job has returned.
    """

    def __init__(self, name: str, limit: int, report: Callable[[Message], None]) -> None:
        self._name, self._limit, self._report = name, limit, report
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._number = self._busy = 0

    def submit(self, job: Job) -> None:
        """Let a helper do a job.

        Raises:
            RuntimeError: Not a single thread can be made.
        """
        self._busy += 1
        if self._busy > self._number and self._number < self._limit:
            self._add()
        self._jobs.put(job)

    def done(self) -> None:
        """Record that a job was done."""
        self._busy -= 1

    def dismiss(self) -> None:
        """End each helper once it has done its job."""
        for _ in range(self._number):
            self._jobs.put(None)

    def _add(self) -> None:
        try:
            threading.Thread(target=self._help, name=self._name, daemon=True).start()
        except (RuntimeError, MemoryError):  # the system allows no more threads
            if not self._number:
                raise
            self._limit = self._number  # those that exist do the jobs one after the other
        else:
            self._number += 1

    def _help(self) -> None:
        while (job := self._jobs.get()) is not None:
            message = job()
            del job
            self._report(message)
            del message
