"""The public names of `anchor_webtask` and `anchor_webtask.emulator`."""

from __future__ import annotations

import importlib
import pickle

import pytest

import anchor_webtask

EXPORTS = [
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
EMULATOR_EXPORTS = [
    "DIALECTS",
    "Ask",
    "Download",
    "EmulatedSession",
    "EmulatedTask",
    "Emulator",
    "EmulatorServer",
    "Fault",
    "LoggedRequest",
    "ScenarioError",
    "ScenarioFileError",
    "SecretValue",
]
TESTING_EXPORTS = ["Clock", "SystemClock", "VirtualClock", "VirtualTimeError", "install"]


@pytest.mark.parametrize(
    ("module", "exports"),
    [
        ("anchor_webtask", EXPORTS),
        ("anchor_webtask.emulator", EMULATOR_EXPORTS),
        ("anchor_webtask.notebook", ["watch"]),
        ("anchor_webtask.testing", TESTING_EXPORTS),
    ],
    ids=["package", "emulator", "notebook", "testing"],
)
def test_module_exports_exactly_the_names_that_this_file_lists(module: str, exports: list[str]) -> None:
    assert importlib.import_module(module).__all__ == exports


def test_package_has_no_public_name_beyond_its_exports() -> None:
    submodules = {"emulator", "notebook", "testing"}
    assert {*dir(anchor_webtask)} >= {*EXPORTS}
    # pytest rewrites the asserts of packages with a plugin, and leaves names such as `@pytest_ar` in them.
    public = {name for name in vars(anchor_webtask) if not name.startswith(("_", "@"))}
    assert public - submodules - {"TYPE_CHECKING"} <= set(EXPORTS)


def test_access_to_an_unknown_name_raises_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'anchor_webtask' has no attribute 'Ancor'"):
        anchor_webtask.Ancor  # type: ignore[attr-defined]  # noqa: B018  the lookup itself raises


@pytest.mark.parametrize("name", EXPORTS)
def test_exported_class_can_be_imported_and_pickled_under_its_public_name(name: str) -> None:
    exported = getattr(anchor_webtask, name)
    if isinstance(exported, type):
        assert not issubclass(exported, Exception) or exported.__module__ == "anchor_webtask"
        assert pickle.loads(pickle.dumps(exported)) is exported
