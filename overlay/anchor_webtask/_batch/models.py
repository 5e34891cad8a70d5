"""The values of `tasks.map`: what is asked for, what comes back for each request, and how far all of them are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Generic, Literal, NoReturn, TypeAlias

from anchor_webtask import _importing
from anchor_webtask._models import T
from anchor_webtask._redaction.secrets import Redactor, Sealed
from anchor_webtask._signatures import shows_options

if TYPE_CHECKING:
    from datetime import datetime
    from typing import Unpack

    from anchor_webtask._errors import AnchorError
    from anchor_webtask._models import TaskOptions, TaskResult

OutcomeState: TypeAlias = Literal["completed", "failed", "running", "unknown", "refused", "not_started"]


@shows_options
class TaskRequest:
    """One of many tasks: a prompt, the API's optional fields, and what helps you to recognize the outcome.

    Nothing is checked here: `tasks.map` yields an outcome with a `ConfigurationError` for an invalid request.

    Args:
        prompt: The task, in plain words.
        key: Your name for the task. Requests with the same key in one call are one task. By default, a hash of the
            request; equal requests without a key are different tasks.
        data: Anything of your own; it is not sent.
        **options: The API's optional fields; see `TaskOptions`.

    Attributes:
        prompt: The prompt.
        key: The key; None if there is none.
        data: What you passed as `data`.
    """

    __slots__ = ("_options", "data", "key", "prompt")

    def __init__(
        self, prompt: str, /, *, key: str | None = None, data: Any = None, **options: Unpack[TaskOptions]
    ) -> None:
        self.prompt = prompt
        self.key = key
        self.data = data
        self._options: Sealed[TaskOptions] = Sealed(options)

    @property
    def sealed_options(self) -> Sealed[TaskOptions]:
        """The options, which may hold secrets."""
        return self._options

    def __repr__(self) -> str:
        key = "" if self.key is None else f" key={shown_part(self.key, self)}"
        names = ", ".join(map(str, self._options.open()))
        return f"<TaskRequest {shown_part(self.prompt, self)}{key}{f' with {names}' if names else ''}>"


def shown_part(part: object, request: TaskRequest) -> str:
    """Return the repr of a request's prompt or key as every text shows it: without the secrets of the request."""
    return _redactor(request).quote(repr(part))


def _redactor(request: TaskRequest) -> Redactor:
    return Redactor(secrets_of(request.sealed_options))


def secrets_of(options: Sealed[TaskOptions]) -> Sealed[tuple[str, ...]]:
    """Return the secret values of options that have not been checked."""
    texts: list[object] = []
    values = options.open().get("secret_values")
    for value in values.values() if isinstance(values, Mapping) else ():
        texts.extend(value.values() if isinstance(value, Mapping) else (value,))
    return Sealed(tuple(text for text in texts if isinstance(text, str)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutcome(Generic[T]):
    """What became of one request of `tasks.map`.

    Attributes:
        key: The request's key; the hash of the request if it has none.
        index: The place of the request among all requests, from 0.
        request: The request.
        state: `"completed"`: there is an answer, though it may not fit `output`. `"failed"`: the API reports that the
            task failed. `"running"`: as far as is known, the task still runs, but it is no longer waited for.
            `"unknown"`: the task may or may not have started. `"refused"`: the API refused to start it.
            `"not_started"`: no task was started.
        task_id: The task's id, as far as it is known.
        attempt: How often the task was started; 0 if it was not.
        stored: Whether the outcome comes from the ledger, and was stored before this call began.
        error: Why there is no result; None if there is one.
    """

    # `_claim` is the claim of its row in the ledger, whose answer may be dropped; empty if there is no row.

    key: str
    index: int
    request: TaskRequest
    state: OutcomeState
    task_id: str | None
    attempt: int
    stored: bool = False
    error: AnchorError | None
    _result: TaskResult[T] | None = field(default=None, repr=False)
    _claim: str = field(default="", repr=False, compare=False)

    def result(self) -> TaskResult[T]:
        """Return the task's answer.

        Raises:
            AnchorError: There is no answer that fits `output`: the exception is `error`.
        """
        if self._result is None:
            raise self.error or AssertionError("an outcome has a result or an error")
        return self._result

    def __repr__(self) -> str:
        shown = {each.name: repr(getattr(self, each.name)) for each in fields(self) if each.repr}
        shown["key"] = shown_part(self.key, self.request)
        return f"TaskOutcome({', '.join(f'{name}={text}' for name, text in shown.items())})"

    def _repr_html_(self) -> str:
        """Return what a notebook shows."""
        with _importing.lock:
            from anchor_webtask._display import objects

        return objects.outcome(self, _redactor(self.request).quote(self.key))

    if not TYPE_CHECKING:  # type checkers must go on to refuse attributes that do not exist

        def __getattr__(self, name: str) -> NoReturn:
            hint = f": it is result().{name}" if name in {"value", "raw"} else ""
            message = f"'TaskOutcome' object has no attribute {name!r}{hint}"
            raise AttributeError(message, name=name, obj=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a call of `tasks.map` is; the numbers count requests.

    Attributes:
        total: How many requests there are; None if that is not known, as for a generator.
        pending: Taken from the requests, and not started.
        running: Starting or running, and waited for.
        completed: Ended with an answer.
        failed: Failed, as the API reports.
        timed_out: Perhaps still running, and no longer waited for.
        unknown: Perhaps started.
        refused: Not started, since the API refused it.
        not_started: Not started for another reason.
        held: How many of the `max_running` places tasks have that timed out or are unknown: they may still run. With a
            ledger, these are the unknown ones of all its calls; `Ledger.free` frees the place of one.
        held_until: When the last place of an unknown task in the ledger becomes free; None without one.
        rate: Outcomes per second since the first start, or since this call began to wait for a task that was started
            before; outcomes that were stored before the call do not count. 0 before the first outcome.
        seconds_left: An estimate of the seconds until the last outcome; None if it cannot be estimated.
    """

    total: int | None
    pending: int
    running: int
    completed: int
    failed: int
    timed_out: int
    unknown: int
    refused: int
    not_started: int
    held: int
    held_until: datetime | None
    rate: float
    seconds_left: float | None


COUNTED_AS: Final[Mapping[OutcomeState, str]] = {
    "completed": "completed",
    "failed": "failed",
    "running": "timed_out",
    "unknown": "unknown",
    "refused": "refused",
    "not_started": "not_started",
}
"""The count of `Progress` for each state of an outcome."""
