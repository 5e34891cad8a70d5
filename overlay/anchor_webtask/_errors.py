"""The errors that this package raises.

::

    AnchorError
    ├── ConfigurationError (ValueError)   refused before any request: key, base URL, options, output, token
    ├── TransportError                    no connection, or it was lost during a request that does not start a task
    │   └── RequestTimeoutError           … because one request exceeded its timeout
    ├── StatusError                       the API responded with an HTTP error status
    │   ├── BadRequestError               400, 422
    │   ├── AuthenticationError           401
    │   ├── PaymentRequiredError          402
    │   ├── PermissionDeniedError         403
    │   ├── NotFoundError                 404
    │   ├── RateLimitError                429
    │   └── ServerError                   500 to 599
    ├── UnexpectedResponseError           a response that the spec does not describe
    ├── StartOutcomeUnknownError          the task may or may not have started
    ├── TaskFailedError                   the API reports that the task failed
    ├── TaskTimeoutError (TimeoutError)   the wait reached its deadline, the task keeps running
    ├── InvalidOutputError                the task completed, but its answer does not fit `output`
    ├── NoTaskIdError (AttributeError)    the API responded to a start with the result, so the task has no id
    ├── SessionError                      a browser session, or what belongs to it, cannot be used
    │   └── SessionOutcomeUnknownError    the session may or may not have been created
    └── LedgerError                       the ledger of many tasks cannot be used; nothing was sent
        ├── LedgerBusyError               … at the moment: another process uses it
        └── LedgerUnusableError           … until somebody does what the message says

All errors can be pickled and copied. No error holds a request, a response or another library's exception, and no error
is chained to such an exception, since these objects carry the key and the request's body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from anchor_webtask._secret_task_id import HIDDEN_ID_HINT, SecretTaskId


class AnchorError(Exception):
    """The base class of this package's errors.

    Attributes:
        task_id: The id of the task that the error concerns; None if there is no task, or its id is unknown.
        session_id: The id of the browser session that the error concerns, or its task; None if not known.
    """

    session_id: str | None = None
    _advice: ClassVar[str] = "the task keeps running{until}; tasks.get({id!r}) finds it again"

    def __init__(self, message: str, *, task_id: str | None = None) -> None:
        super().__init__(message)
        self.task_id = task_id

    def __str__(self) -> str:
        message = super().__str__()
        if self.session_id is not None:
            message = f"{message} [browser session {self.session_id!r}]"
        if self.task_id is None:
            return message
        hint = f" ({HIDDEN_ID_HINT})" if isinstance(self.task_id, SecretTaskId) else ""
        until = "" if self.session_id is None else " until its browser session ends"
        return f"{message} [{self._advice.format(id=self.task_id, until=until)}{hint}]"

    def _says_running(self) -> bool:
        """Whether the message says that a task runs."""
        return self.task_id is not None and "{until}" in self._advice


class ConfigurationError(AnchorError, ValueError):
    """An invalid API key, base URL, option, output, task id or token; refused before any request was sent."""


class TransportError(AnchorError):
    """There was no connection, or it was lost during a request that does not start a task."""


class RequestTimeoutError(TransportError):
    """One request took longer than its `http_timeout`."""


class StatusError(AnchorError):
    """The API responded with an HTTP error status.

    Attributes:
        status: The HTTP status code.
        message: The API's message, from its error body; None if the body has no readable message.
        code: The code in the API's error body; None if the body has no code.
        request_id: The id that the API or its gateway gave the request, for a support case; None if there is no id.
        retry_after: Seconds after which the API allows another request; None if the response does not say.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        api_message: str | None = None,
        code: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message, task_id=task_id)
        self.status = status
        self.message = api_message
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class BadRequestError(StatusError):
    """400 or 422: the API does not accept the request's content."""


class AuthenticationError(StatusError):
    """401: the API key is missing, unknown or revoked."""


class PaymentRequiredError(StatusError):
    """402: the account is out of credit, or has reached its plan's limit of concurrent browsers."""


class PermissionDeniedError(StatusError):
    """403: the API key does not permit this request."""


class NotFoundError(StatusError):
    """404: the API does not know the task, or the URL's path."""

    _advice = "the API does not know task {id!r}: check the id, the base URL and the key's account"


class RateLimitError(StatusError):
    """429: too many requests; `retry_after` may say when to try again."""


class ServerError(StatusError):
    """500 to 599: the API, or a gateway in front of it, failed."""


class UnexpectedResponseError(AnchorError):
    """A response that the spec does not describe: a redirect, invalid JSON, an unknown shape, or too much data."""


class StartOutcomeUnknownError(AnchorError):
    """The task may or may not have started, and the client cannot find out, since the API has no list of tasks.

    The start is never retried automatically: a task that is started twice is paid for twice. Check AnchorBrowser's
    dashboard.

    Attributes:
        status: The HTTP status code of the response; None if there was no response.
        message: The API's message, from its error body; None if the body has no readable message.
        request_id: The id that the API or its gateway gave the request; None if there is no id.
        steps: The steps that the browser session has made, if the start was the only one that its object has sent. More
            than 0 proves that the task has started, unless another object or program has started one in the session.
            None if it is not known.
    """

    steps: int | None = None

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        api_message: str | None = None,
        request_id: str | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message, task_id=task_id)
        self.status = status
        self.message = api_message
        self.request_id = request_id


class TaskFailedError(AnchorError):
    """The API reports that the task failed.

    Attributes:
        reason: The API's reason as text; a reason that is not text is written as JSON; None if the API gave no reason.
    """

    _advice = "task {id!r} has ended; starting it again creates a new task, which costs again"

    def __init__(self, message: str, *, reason: str | None = None, task_id: str | None = None) -> None:
        super().__init__(message, task_id=task_id)
        self.reason = reason


class TaskTimeoutError(AnchorError, TimeoutError):
    """The wait reached its deadline before the task ended; the task keeps running.

    Attributes:
        task_id: The task's id.
        last_status: The last known status, as the API spells it; None if no check succeeded.
        last_error: Why the last check failed; None if it succeeded.
    """

    if TYPE_CHECKING:
        # Only a task with an id is waited for, so the type is narrower than in the base class.
        task_id: str  # pyright: ignore[reportIncompatibleVariableOverride]

    _advice = "as far as is known, the task is still running{until}; tasks.get({id!r}).result() continues to wait"

    def __init__(
        self,
        message: str,
        *,
        last_status: str | None = None,
        last_error: AnchorError | None = None,
        task_id: str | None = None,
    ) -> None:
        super().__init__(message, task_id=task_id)
        self.last_status = last_status
        self.last_error = last_error


class InvalidOutputError(AnchorError):
    """The task completed, but its answer does not fit `output`.

    Attributes:
        raw: The answer's JSON as received.
        path: The place in the answer that does not fit, as a JSONPath such as `$.nodes[3].cpu`.
    """

    _advice = "task {id!r} has ended; the error's .raw is its answer as received"

    def __init__(self, message: str, *, raw: Any = None, path: str = "$", task_id: str | None = None) -> None:
        super().__init__(message, task_id=task_id)
        self.raw = raw
        self.path = path


class NoTaskIdError(AnchorError, AttributeError):
    """A task has no id, since the API responded to its start with the result at once.

    It is an `AttributeError`, so that `hasattr(task, "id")` and `getattr(task, "id", None)` work.

    Attributes:
        task: The handle, a `WebTask` or an `AsyncWebTask`: its `result` returns the answer and sends nothing. None in a
            copy and after unpickling, since a handle belongs to its client.
    """

    def __init__(self, message: str, *, task: Any = None, task_id: str | None = None) -> None:
        super().__init__(message, task_id=task_id)
        # Python's own attribute for the object that lacks an attribute: it is neither pickled nor copied. The attribute
        # `name` stays empty, else a traceback would suggest a name that is spelled alike.
        self.obj = task

    @property
    def task(self) -> Any:
        """The handle."""
        return self.obj


class SessionError(AnchorError):
    """A browser session, or what belongs to it, cannot be used, such as a recording that is not ready in time.

    Attributes:
        session_id: The session's id; None if it is not known.
    """

    def __init__(self, message: str, *, session_id: str | None = None, task_id: str | None = None) -> None:
        super().__init__(message, task_id=task_id)
        self.session_id = session_id


class SessionOutcomeUnknownError(SessionError):
    """The browser session may or may not have been created, and was not found by its tag.

    The creation is never repeated: a second session costs again. If the session exists, it ends on its own when its
    idle time has passed.

    Attributes:
        tag: The tag of the session, by which it can be looked for again: `sessions.list(tags=[error.tag])`.
    """

    def __init__(
        self, message: str, *, tag: str | None = None, session_id: str | None = None, task_id: str | None = None
    ) -> None:
        super().__init__(message, session_id=session_id, task_id=task_id)
        self.tag = tag


class LedgerError(AnchorError):
    """A ledger cannot be used.

    Attributes:
        is_temporary: Whether the same may succeed later, such as when another process has ended, or when the disk has
            space again.
    """

    def __init__(self, message: str, *, is_temporary: bool = False, task_id: str | None = None) -> None:
        super().__init__(message, task_id=task_id)
        self.is_temporary = is_temporary


class LedgerBusyError(LedgerError):
    """Another process has locked the ledger, or starts the same task, for longer than the call may wait."""


class LedgerUnusableError(LedgerError):
    """The ledger's file cannot be used until somebody has done what the message says."""


class SessionNotEndedWarning(UserWarning):
    """A browser session could not be ended, and perhaps costs until its idle time has passed."""


# Tracebacks and pickles must name the public package, not the private module that defines the errors.
for _class in [
    each for each in globals().values() if isinstance(each, type) and issubclass(each, AnchorError | Warning)
]:
    _class.__module__ = "anchor_webtask"
