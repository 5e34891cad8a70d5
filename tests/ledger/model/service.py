"""The simulated service: it starts tasks, counts what was paid for, and answers checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from anchor_webtask import NotFoundError
from anchor_webtask._polling.outcomes import Completed, Failed, Failure, Fault, Reply, Running

SLOWEST_REQUEST = 15.0
"""Seconds after which the network has lost a request that was not delivered; fewer than any hold of the scenarios."""


@dataclass(eq=False)
class Request:
    """A request that starts a task, on its way to the service or back.

    Attributes:
        claim: The claim in whose name it was sent.
        key: The key of its task.
        sender: The call that sent it.
        process: The process that sent it.
        sent: When, in seconds since the machine was started.
        response: What comes back; None while the service has not answered.
        has_arrived: Whether the response has arrived.
    """

    claim: str
    key: str
    sender: Any
    process: Any
    sent: float
    response: tuple[Any, ...] | None = None
    has_arrived: bool = False


@dataclass(eq=False)
class Task:
    """A task that was started, and has to be paid for.

    Attributes:
        id: Its id.
        request: The request that has started it.
        status: "running", "completed", "invalid", "failed" or "gone".
        has_id: Whether the service has told an id; otherwise it answered the start with the result.
    """

    id: str
    request: Request
    status: str = "running"
    has_id: bool = True

    @property
    def key(self) -> str:
        return self.request.key


class Service:
    """The service.

    Args:
        plan: How many tasks it runs at once; None for any number.
        credit: How many starts it accepts; None for any number.
        full: The status by which it refuses a task too many.
    """

    def __init__(self, plan: int | None, credit: int | None, full: int) -> None:
        self.plan, self.credit, self.full = plan, credit, full
        self.tasks: dict[str, Task] = {}
        self.requests: list[Request] = []

    def running(self) -> list[Task]:
        return [task for task in self.tasks.values() if task.status == "running"]

    def handle(self, request: Request) -> Task | None:
        """Answer a request, and return the task that it has started."""
        if self.credit == 0:
            request.response = (402,)
        elif self.plan is not None and len(self.running()) >= self.plan:
            request.response = (self.full,)
        else:
            return self.start(request)
        return None

    def start(self, request: Request, *, at_once: bool = False) -> Task:
        if self.credit is not None:
            self.credit -= 1
        task = Task(f"task-{len(self.tasks)}", request, has_id=not at_once)
        self.tasks[task.id] = task
        if at_once:
            task.status = "completed"
            request.response = ("result", answer(task))
        else:
            request.response = ("id", task.id)
        return task

    def check(self, task_id: str) -> Reply | Failure:
        """Answer a status check."""
        task = self.tasks[task_id]
        match task.status:
            case "running":
                return Running(raw_status="RUNNING")
            case "completed" | "invalid":
                return Completed(answer(task), "COMPLETED")
            case "failed":
                return Failed(f"{task_id} failed", "FAILED")
        error = NotFoundError("not found", status=404)
        return Failure(Fault.STATUS, error, status=404)


def answer(task: Task) -> dict[str, Any]:
    """Return the answer of a task, which names it; `Answer` does not admit an invalid one."""
    return {"of": task.id, "key": task.key, "good": "no" if task.status == "invalid" else True}
