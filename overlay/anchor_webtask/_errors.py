"""The errors that this package raises.

::

    AnchorError
    ├── ConfigurationError (ValueError)   refused before any request: key, base URL, options, output, token
    ├── TransportError                    no connection, or a connection lost outside a start
    │   └── RequestTimeoutError           … because one request took too long
    ├── StatusError                       the API answered with an HTTP status that is no success
    │   ├── BadRequestError               400, 422
    │   ├── AuthenticationError           401
    │   ├── PaymentRequiredError          402
    │   ├── PermissionDeniedError         403
    │   ├── NotFoundError                 404
    │   ├── RateLimitError                429
    │   └── ServerError                   500 to 599
    ├── UnexpectedResponseError           an answer that the spec doesn't know
    ├── StartOutcomeUnknownError          the start may or may not have happened
    ├── TaskFailedError                   the API says FAILED
    ├── TaskTimeoutError (TimeoutError)   the wait is over, the task is not
    └── InvalidOutputError                completed, but the answer is no `output`

All can be pickled and copied. None holds a request, a response or another library's exception, and none is chained to
one: those carry the key and the body.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AnchorError(Exception):
    """The root of this package's errors.

    Attributes:
        task_id: The id of the task that the error is about; None where there is none, or none is known.
    """

    _advice: ClassVar[str] = "the task goes on by itself; tasks.get({id!r}) finds it again"

    def __init__(self, message: str, *, task_id: str | None = None) -> None:
        super().__init__(message)
        self.task_id = task_id

    def __str__(self) -> str:
        message = super().__str__()
        return message if self.task_id is None else f"{message} [{self._advice.format(id=self.task_id)}]"


class ConfigurationError(AnchorError, ValueError):
    """Refused before any request was sent: a key, base URL, option, output, task id or token that can't be right."""


class TransportError(AnchorError):
    """There was no connection, or it was lost outside a start."""


class RequestTimeoutError(TransportError):
    """One request took longer than its `http_timeout`."""


class StatusError(AnchorError):
    """The API answered with an HTTP status that is no success.

    Attributes:
        status: The HTTP status code.
        message: What the API said, from its error body; None if it said nothing readable.
        code: The code in the API's error body, if any.
        request_id: The id that the API or its gateway gave the request, for a support case; None if none.
        retry_after: Seconds after which the API wants to be asked again; None if it didn't say.
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
    """400 or 422: the API doesn't accept the request as it is."""


class AuthenticationError(StatusError):
    """401: the API key is missing, unknown or revoked."""


class PaymentRequiredError(StatusError):
    """402: the account is out of credit, or over its plan's number of concurrent browsers."""


class PermissionDeniedError(StatusError):
    """403: the API key may not do this."""


class NotFoundError(StatusError):
    """404: the API knows no such task, or no such address."""

    _advice = "the API doesn't know task {id!r}: compare the id, the account of the key and the base URL"


class RateLimitError(StatusError):
    """429: too many requests; `retry_after` may say when to come back."""


class ServerError(StatusError):
    """500 to 599: the API or a gateway before it failed."""


class UnexpectedResponseError(AnchorError):
    """An answer that the spec doesn't know: a redirect, no JSON, the wrong shape, or more than the size limit."""


class StartOutcomeUnknownError(AnchorError):
    """The start may or may not have happened, and nothing tells which: the API has no list of tasks.

    It is never repeated by itself, since a task that is started twice is paid for twice. Look at the dashboard.

    Attributes:
        status: The HTTP status code of the answer; None if there was none.
        message: What the API said, from its error body; None if it said nothing readable.
        request_id: The id that the API or its gateway gave the request; None if none.
    """

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
    """The API says that the task failed.

    Attributes:
        reason: What the API gave as the reason, its text or its JSON; None if it gave none.
    """

    _advice = "task {id!r} has ended; starting it again is a new task, and costs again"

    def __init__(self, message: str, *, reason: str | None = None, task_id: str | None = None) -> None:
        super().__init__(message, task_id=task_id)
        self.reason = reason


class TaskTimeoutError(AnchorError, TimeoutError):
    """The wait reached its deadline before the task ended; the task goes on.

    Attributes:
        last_status: The status as the API last spelled it; None if no check was answered.
        last_error: Why the last check brought no status; None if it brought one.
    """

    _advice = "it is still running as far as is known; tasks.get({id!r}).result() goes on waiting"

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
    """The task completed, but its answer is not what `output` asks for.

    Attributes:
        raw: The answer as it came.
        path: Where the answer differs, as a JSONPath such as `$.nodes[3].cpu`.
    """

    _advice = "task {id!r} has ended; the error's .raw is its answer as it came"

    def __init__(self, message: str, *, raw: Any = None, path: str = "$", task_id: str | None = None) -> None:
        super().__init__(message, task_id=task_id)
        self.raw = raw
        self.path = path
