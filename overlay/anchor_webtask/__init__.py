"""Run web tasks on AnchorBrowser from plain-language prompts, and get typed answers.

The client never starts a task twice and never loses a task whose id it knows. If it cannot know whether a task has
started, the error says so.

    from anchor_webtask import Anchor

    with Anchor() as anchor:  # the API key comes from ANCHORBROWSER_API_KEY
        answer = anchor.tasks.run("Read the page's title", url="https://example.com").value

The public names are those in `__all__`, and the packages `emulator`, `notebook` and `testing`. A module is imported
when one of its names is first used.
"""

from typing import TYPE_CHECKING

from anchor_webtask import _importing
from anchor_webtask._version import __version__

if TYPE_CHECKING:
    from anchor_webtask._batch.async_ import AsyncTaskOutcomes
    from anchor_webtask._batch.models import Progress, TaskOutcome, TaskRequest
    from anchor_webtask._batch.sync import TaskOutcomes
    from anchor_webtask._client import Anchor, AsyncAnchor
    from anchor_webtask._errors import (
        AnchorError,
        AuthenticationError,
        BadRequestError,
        ConfigurationError,
        InvalidOutputError,
        LedgerBusyError,
        LedgerError,
        LedgerUnusableError,
        NoTaskIdError,
        NotFoundError,
        PaymentRequiredError,
        PermissionDeniedError,
        RateLimitError,
        RequestTimeoutError,
        ServerError,
        SessionError,
        SessionNotEndedWarning,
        SessionOutcomeUnknownError,
        StartOutcomeUnknownError,
        StatusError,
        TaskFailedError,
        TaskTimeoutError,
        TransportError,
        UnexpectedResponseError,
    )
    from anchor_webtask._ledger.ledger import Ledger
    from anchor_webtask._ledger.models import LedgerRow
    from anchor_webtask._models import TaskOptions, TaskResult, TaskStatus, TaskUpdate
    from anchor_webtask._output.json_schema import JsonSchema
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._sessions.async_ import AsyncSessions
    from anchor_webtask._sessions.async_session import AsyncSession, AsyncSessionFile
    from anchor_webtask._sessions.models import ListPrice, SessionInfo, SessionOptions, SessionUsage
    from anchor_webtask._sessions.sync import Sessions
    from anchor_webtask._sessions.sync_session import Session, SessionFile
    from anchor_webtask._tasks.asked import Question, QuestionField
    from anchor_webtask._tasks.async_ import AsyncTasks
    from anchor_webtask._tasks.async_handle import AsyncWebTask
    from anchor_webtask._tasks.sync import Tasks
    from anchor_webtask._tasks.sync_handle import WebTask
    from anchor_webtask._workers.async_batch import AsyncBatch
    from anchor_webtask._workers.batch import Batch

__all__ = [
    "Anchor",
    "AnchorError",
    "AsyncAnchor",
    "AsyncBatch",
    "AsyncSession",
    "AsyncSessionFile",
    "AsyncSessions",
    "AsyncTaskOutcomes",
    "AsyncTasks",
    "AsyncWebTask",
    "AuthenticationError",
    "BadRequestError",
    "Batch",
    "ConfigurationError",
    "InvalidOutputError",
    "JsonSchema",
    "Ledger",
    "LedgerBusyError",
    "LedgerError",
    "LedgerRow",
    "LedgerUnusableError",
    "ListPrice",
    "NoTaskIdError",
    "NotFoundError",
    "PaymentRequiredError",
    "PermissionDeniedError",
    "Progress",
    "Question",
    "QuestionField",
    "RateLimitError",
    "RequestTimeoutError",
    "ServerError",
    "Session",
    "SessionError",
    "SessionFile",
    "SessionInfo",
    "SessionNotEndedWarning",
    "SessionOptions",
    "SessionOutcomeUnknownError",
    "SessionUsage",
    "Sessions",
    "StartOutcomeUnknownError",
    "StatusError",
    "TaskFailedError",
    "TaskOptions",
    "TaskOutcome",
    "TaskOutcomes",
    "TaskRequest",
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

if not TYPE_CHECKING:  # type checkers that saw `__getattr__` would accept misspelled names
    _MODULES = {
        **dict.fromkeys(("Anchor", "AsyncAnchor"), "_client"),
        **dict.fromkeys(("TaskOptions", "TaskResult", "TaskStatus", "TaskUpdate"), "_models"),
        **dict.fromkeys((name for name in __all__ if name.endswith(("Error", "Warning"))), "_errors"),
        **dict.fromkeys(("Progress", "TaskOutcome", "TaskRequest"), "_batch.models"),
        "AsyncTaskOutcomes": "_batch.async_",
        "TaskOutcomes": "_batch.sync",
        "Ledger": "_ledger.ledger",
        "LedgerRow": "_ledger.models",
        "JsonSchema": "_output.json_schema",
        "WaitPolicy": "_polling.policy",
        "AsyncSessions": "_sessions.async_",
        "Sessions": "_sessions.sync",
        **dict.fromkeys(("AsyncSession", "AsyncSessionFile"), "_sessions.async_session"),
        **dict.fromkeys(("Session", "SessionFile"), "_sessions.sync_session"),
        **dict.fromkeys(("ListPrice", "SessionInfo", "SessionOptions", "SessionUsage"), "_sessions.models"),
        **dict.fromkeys(("Question", "QuestionField"), "_tasks.asked"),
        "AsyncBatch": "_workers.async_batch",
        "Batch": "_workers.batch",
        "AsyncTasks": "_tasks.async_",
        "AsyncWebTask": "_tasks.async_handle",
        "Tasks": "_tasks.sync",
        "WebTask": "_tasks.sync_handle",
    }

    def __getattr__(name: str) -> object:
        """Import a public name on its first use."""
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        with _importing.lock:
            from importlib import import_module

            value = globals()[name] = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
        return value

    def __dir__() -> list[str]:
        """List the public names, including those that are not imported yet."""
        return sorted({*globals(), *__all__})
