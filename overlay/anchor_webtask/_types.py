"""The values that users pass in and get back."""

from __future__ import annotations

import math
from collections.abc import Mapping  # noqa: TC003  get_type_hints(TaskOptions) evaluates it
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypedDict, TypeVar

from anchor_webtask._errors import ConfigurationError

if TYPE_CHECKING:
    from anchor_webtask._errors import AnchorError

T = TypeVar("T")

Agent: TypeAlias = Literal["anthropic-cua", "browser-use", "gemini-computer-use", "openai-cua"] | str
Provider: TypeAlias = Literal["azure", "gemini", "groq", "openai", "xai"] | str


class TaskOptions(TypedDict, total=False):
    """The API's further fields of a web task, under their own names; None is the same as leaving one out.

    The facts are those of the API's reference page "Perform Web Task", unless a line says otherwise.

    Attributes:
        url: The page to start from, with its scheme. Without it the agent takes the session's current page.
        session_id: The id of a running browser session to work in.
        agent: The agent that does the task, `browser-use` if not given. Sent unchecked: the API adds agents.
        provider: The provider of the agent's model. Sent unchecked as well.
        model: The model, by its provider's name for it.
        detect_elements: Whether elements are detected, for better interaction.
        human_intervention: Whether the agent may ask a human.
        max_steps: How many steps the agent may take, at least 1.
        secret_values: Secrets for the agent, by name, or by domain pattern and name (the documentation shows both).
            They show up nowhere in this package's reprs, errors and logs.
        highlight_elements: Whether the page shows what the agent works on.
        extra_body: Further body fields, for what the API has and the spec doesn't know yet; any JSON.
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
    """A task's status, whatever case the API spells it in."""

    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """A status that this package doesn't know; the task is taken to be running."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskUpdate:
    """What one check of a task brought.

    Attributes:
        task_id: The task's id.
        status: The task's status; after a check that brought none, the one known before.
        raw_status: The status as the API spells it; None if none has come yet.
        elapsed: Seconds since the task's start, or, where that isn't known, since the handle was made.
        checks: How many checks the handle has made, this one included.
        next_check: Seconds until the next check; None if there will be none.
        deadline: Seconds until the wait's deadline, negative past it; None if it has none.
        last_error: Why this check brought no status; None if it did.
    """

    task_id: str | None
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
        value: The answer as `output` asks for it. Without one, as it came, less a wrapping of one or two lone
            `result` keys.
        raw: The answer's JSON as it came.
        task_id: The task's id; None if the API answered without giving one.
    """

    value: T
    raw: Any
    task_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitPolicy:
    """How often a wait looks: after a fraction of the time that the task has run, within bounds.

    Attributes:
        fraction: The next check comes after this share of the time that the task has run.
        minimum: But not before this many seconds,
        maximum: and not after this many.
        jitter: Each delay is lengthened or shortened by up to this share, so that many waits spread out.

    Raises:
        ConfigurationError: A value is out of range.
    """

    fraction: float = 0.09
    minimum: float = 2.0
    maximum: float = 60.0
    jitter: float = 0.1

    def __post_init__(self) -> None:
        for name in ("fraction", "minimum", "maximum", "jitter"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigurationError(f"WaitPolicy: {name} must be a number that is not negative, not {value!r}")
        if self.minimum == 0 or self.maximum < self.minimum:
            raise ConfigurationError("WaitPolicy: minimum must be above 0 and maximum not below minimum")
        if self.jitter >= 1:
            raise ConfigurationError("WaitPolicy: jitter must be below 1")

    def delay(self, elapsed: float, chance: float) -> float:
        """Return the seconds until the next check.

        Args:
            elapsed: Seconds that the task has run.
            chance: A random number from 0 to 1 that places the delay within the jitter.
        """
        plain = min(max(self.fraction * elapsed, self.minimum), self.maximum)
        return plain * (1 + self.jitter * (2 * chance - 1))
