"""The values that users pass and receive: task options, statuses, updates and results."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  get_type_hints(TaskOptions) evaluates it
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Literal, NoReturn, TypeAlias, TypedDict, TypeVar

from anchor_webtask import _importing

if TYPE_CHECKING:
    from anchor_webtask._errors import AnchorError

T = TypeVar("T")

Agent: TypeAlias = Literal["anthropic-cua", "browser-use", "gemini-computer-use", "openai-cua"] | str
Provider: TypeAlias = Literal["azure", "gemini", "groq", "openai", "xai"] | str


class TaskOptions(TypedDict, total=False):
    """The API's optional fields of a web task, under the API's names; None means the same as leaving a field out.

    The descriptions follow the API's reference page "Perform Web Task", unless a line says otherwise.

    Attributes:
        url: The page to start from, with its scheme; without it, the session's current page.
        session_id: The id of a running browser session in which the agent works.
        agent: The agent that does the task; the API's default is `browser-use`. Any text is accepted, since the API
            may add agents.
        provider: The provider of the agent's model. Any text is accepted.
        model: The name of the model, as its provider spells it.
        detect_elements: Whether the agent detects the page's elements, which improves interaction.
        human_intervention: Whether the agent may ask a human for help.
        max_steps: The maximum number of steps of the agent; at least 1.
        secret_values: Secrets for the agent, by name, or by domain pattern and name (the documentation shows both).
            This package's reprs, errors and logs do not show them.
        highlight_elements: Whether the page highlights the elements that the agent uses.
        extra_body: Other body fields, for what the API accepts and the spec does not describe yet; any JSON.
    """

    url: str | None
    session_id: str | None
    agent: Agent | None
    provider: Provider | None
    model: str | None
    detect_elements: bool | None
    human_intervention: bool | None
    max_steps: int | None
    secret_values: Mapping[str, str | Mapping[str, str]] | None
    highlight_elements: bool | None
    extra_body: Mapping[str, Any] | None


class TaskStatus(StrEnum):
    """A task's status; upper and lower case in the API's spelling are treated alike."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A status that this package does not know; the task is treated as running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUpdate:
    """The result of one check of a task.

    Attributes:
        task_id: The task's id.
        status: The task's status; after a failed check, the last known status.
        raw_status: The status as the API spells it; None before the first successful check.
        elapsed: Seconds since the task's start; if that is unknown, since the handle was made.
        checks: The number of checks that the handle has made, including this one.
        next_check: Seconds until the next check; None if there is no next check.
        deadline: Seconds until the wait's deadline, negative after it; None without a deadline.
        last_error: Why this check failed; None if it succeeded.
    """

    task_id: str
    status: TaskStatus
    raw_status: str | None
    elapsed: float
    checks: int
    next_check: float | None
    deadline: float | None
    last_error: AnchorError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult(Generic[T]):
    """A completed task's answer.

    Attributes:
        value: The answer, converted to the type of `output`. If there is no `output`, the answer's JSON, without the
            one or two objects with the single key `result` that may enclose the answer.
        raw: The answer's JSON as received.
        task_id: The task's id; None if the API returned the result without an id.
    """

    value: T
    raw: Any
    task_id: str | None

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        with _importing.lock:
            from anchor_webtask._display import objects

        return objects.result(self.value, self.task_id)

    if not TYPE_CHECKING:  # type checkers must go on to refuse attributes that do not exist

        def __getattr__(self, name: str) -> NoReturn:
            hint = "the task's id is its .task_id" if name == "id" else "the answer is its .value"
            message = f"'TaskResult' object has no attribute {name!r}: {hint}"
            raise AttributeError(message, name=name, obj=self)
