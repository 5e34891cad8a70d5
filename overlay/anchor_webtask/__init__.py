"""Hand a web task to AnchorBrowser in plain words and get its answer back.

A start is never sent twice; a task whose id is known is never lost; where an outcome can't be known, the error says so.

    from anchor_webtask import Anchor

    with Anchor() as anchor:  # key from ANCHORBROWSER_API_KEY
        answer = anchor.tasks.run("Read the page's title", url="https://example.com").value
"""

from anchor_webtask._async_tasks import AsyncTasks
from anchor_webtask._async_web_task import AsyncWebTask
from anchor_webtask._client import Anchor, AsyncAnchor
from anchor_webtask._errors import (
    AnchorError,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InvalidOutputError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    RequestTimeoutError,
    ServerError,
    StartOutcomeUnknownError,
    StatusError,
    TaskFailedError,
    TaskTimeoutError,
    TransportError,
    UnexpectedResponseError,
)
from anchor_webtask._json_schema import JsonSchema
from anchor_webtask._tasks import Tasks
from anchor_webtask._types import TaskOptions, TaskResult, TaskStatus, TaskUpdate, WaitPolicy
from anchor_webtask._version import __version__
from anchor_webtask._web_task import WebTask

__all__ = [
    "Anchor",
    "AnchorError",
    "AsyncAnchor",
    "AsyncTasks",
    "AsyncWebTask",
    "AuthenticationError",
    "BadRequestError",
    "ConfigurationError",
    "InvalidOutputError",
    "JsonSchema",
    "NotFoundError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "RateLimitError",
    "RequestTimeoutError",
    "ServerError",
    "StartOutcomeUnknownError",
    "StatusError",
    "TaskFailedError",
    "TaskOptions",
    "TaskResult",
    "TaskStatus",
    "TaskTimeoutError",
    "TaskUpdate",
    "Tasks",
    "TransportError",
    "UnexpectedResponseError",
    "WaitPolicy",
    "WebTask",
    "__version__",
]

# Tracebacks and pickles name the errors from here, wherever they are written.
for _name in __all__:
    _public = globals()[_name]
    if isinstance(_public, type) and issubclass(_public, Exception):
        _public.__module__ = __name__
