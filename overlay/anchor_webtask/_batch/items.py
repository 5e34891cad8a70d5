"""One task of a call of `tasks.map`: what is known of it, and its outcome."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, cast

from anchor_webtask._batch.gate import Departure, Gate
from anchor_webtask._batch.models import TaskOutcome, TaskRequest, secrets_of, shown_part
from anchor_webtask._errors import AnchorError, ConfigurationError
from anchor_webtask._models import T, TaskResult

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._batch.models import OutcomeState
    from anchor_webtask._ledger.models import Row
    from anchor_webtask._polling.outcomes import Failure
    from anchor_webtask._redaction.secrets import LearningRedactor

Verdict: TypeAlias = TaskResult[T] | AnchorError
"""How the wait for a task has ended."""

NOT_PAID: Final = frozenset({"refused", "not_started"})
"""The states of an item whose latest attempt certainly started nothing."""


NOBODY: Final = TaskRequest("")
"""The request of a task that a call has adopted, and that none of its requests has asked for."""


@dataclass(slots=True)
class StartFailed:
    """A start that got no task.

    Attributes:
        error: Why.
        failure: The failure of its last request, if that certainly started nothing.
        is_full: Whether the API refused it since too many tasks run; None if the plan decides that.
    """

    error: AnchorError
    failure: Failure | None
    is_full: bool | None = None


@dataclass(slots=True, eq=False)
class Item(Generic[T]):
    """A task of the call: a request, or several equal ones.

    Attributes:
        prepared: What the driver needs to start the task; None while it is not needed. Each attempt sends the same.
        attempt: How many starts were sent and not certainly refused.
        begun: When the latest start was sent.
        place: The number of the latest start, in the order in which starts were sent.
        window: The number of the window in which the latest start was sent.
        twins: The other requests with the same key, and their indices.
        last: The outcome of the attempt before this one.
        fingerprint: The hash of the request.
        claim: The claim of the attempt in the ledger; empty if there is none.
        row: What the ledger has of a task that is to be watched, until the watch is made.
        redact: Removes the secrets of its request from what the API responds, if the task is watched before its request
            is known; None otherwise.
        is_guest: Whether it has no place of this call: another call has the task, or its place was freed.
        is_stored: Whether its outcome is from an earlier run.
        departure: Whether the latest start was sent.
        was_refused: Whether an earlier start is to be repeated.
    """

    index: int
    key: str
    request: TaskRequest
    prepared: Any
    attempt: int = 0
    begun: float = 0.0
    place: int = 0
    window: int = 0
    task_id: str | None = None
    twins: list[tuple[int, TaskRequest]] | None = None
    last: TaskOutcome[T] | None = None
    fingerprint: str = ""
    claim: str = ""
    row: Row | None = None
    redact: LearningRedactor | None = None
    is_guest: bool = False
    is_stored: bool = False
    was_refused: bool = False
    departure: Departure = field(default_factory=lambda: Departure(Gate()))

    def learn_secrets(self) -> None:
        """Let the watch of the task hide the secrets of the request, which is perhaps known only now."""
        if self.redact is not None and self.request is not NOBODY:
            self.redact.learn(secrets_of(self.request.sealed_options))

    @property
    def shown_key(self) -> str:
        """The key as texts show it."""
        return shown_part(self.key, self.request)

    def outcome(
        self, state: OutcomeState, error: AnchorError | None, result: TaskResult[T] | None = None
    ) -> TaskOutcome[T]:
        """Return the outcome: that of the attempt before if the latest one started nothing."""
        if self.last is not None and state in NOT_PAID:
            return self.last
        if error is not None:
            error.__traceback__ = None  # its frames hold the request, and would stay as long as the outcome
        return TaskOutcome(
            key=self.key,
            index=self.index,
            request=self.request,
            state=state,
            task_id=self.task_id,
            attempt=self.attempt,
            stored=self.is_stored,
            error=error,
            _result=result,
            _claim=self.claim,
        )


def invalid(key: str, index: int, request: TaskRequest, error: AnchorError) -> TaskOutcome[Any]:
    """Return the outcome of a request for which nothing was sent."""
    return Item[Any](index, key, request, None).outcome("not_started", error)


def as_request(given: object) -> TaskRequest:
    """Return a request that the user's iterable returned; a prompt, valid or not, becomes a request."""
    return given if isinstance(given, TaskRequest) else TaskRequest(cast("str", given))


def checked_key(name: str, key: object, request: TaskRequest) -> str:
    """Return the key of a request.

    Raises:
        ConfigurationError: The key is not text, is blank, or has half of a surrogate pair, which no file can hold.
    """
    if not (isinstance(key, str) and key.strip() and key == key.encode("utf-8", "replace").decode()):
        raise ConfigurationError(f"{name} must be text that is not blank, not {shown_part(key, request)}")
    return key


def prepared(request: TaskRequest, prepare: Callable[[TaskRequest], object]) -> object:
    """Return what the driver needs to start a task, or the error that says why the request is invalid."""
    try:
        if request.key is not None:
            checked_key("the key of a TaskRequest", request.key, request)
        return prepare(request)
    except AnchorError as error:
        return error
