"""The generated code: it is up to date, and has the functions and models that the package uses."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import httpx
import pytest

from anchor_webtask.emulator._request_validation import task_id_field
from anchor_webtask_api import AuthenticatedClient, models
from anchor_webtask_api.api.tools import get_perform_web_task_status, perform_web_task
from anchor_webtask_api.models import (
    ErrorResponse,
    PerformWebTaskAsyncResponseData,
    PerformWebTaskRequestSchema,
    PerformWebTaskResponseSchema,
    PerformWebTaskStatusResponseSchema,
    PerformWebTaskSyncResponseData,
)
from tools.generate import import_check
from tools.generate.generated_folder import check
from tools.repository import GENERATED, ROOT


def test_generated_code_equals_the_code_that_make_generate_writes() -> None:
    assert check(ROOT) == []


def test_every_generated_module_can_be_imported() -> None:
    command = [sys.executable, import_check.__file__, str(ROOT / GENERATED), "anchor_webtask_api"]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")


ALL_MODELS = """
import sys
from anchor_webtask_api import models
print(sorted(name for name in sys.modules if name.startswith("anchor_webtask_api.models.")))
assert set(models.__all__) <= set(dir(models))
from anchor_webtask_api.models import *
assert all(getattr(models, name) is globals()[name] for name in models.__all__)
"""


def test_models_are_imported_at_their_first_use() -> None:
    ran = subprocess.run([sys.executable, "-c", ALL_MODELS], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("[]\n", "")


def test_unknown_model_is_an_error_at_run_time_and_for_type_checkers() -> None:
    with pytest.raises(AttributeError, match=r"^module 'anchor_webtask_api.models' has no attribute 'ErrorRespond'$"):
        _ = models.ErrorRespond  # type: ignore[attr-defined]  # mypy fails without this error


def client() -> AuthenticatedClient:
    return AuthenticatedClient(base_url="https://api.example", token="key")


def parameters(function: Any) -> list[tuple[str, str, bool]]:
    return [
        (name, parameter.kind.name, parameter.default is parameter.empty)
        for name, parameter in inspect.signature(function).parameters.items()
    ]


@pytest.mark.parametrize("endpoint", [perform_web_task, get_perform_web_task_status])
def test_generated_parser_accepts_the_arguments_client_and_response(endpoint: Any) -> None:
    assert parameters(endpoint._parse_response) == [
        ("client", "KEYWORD_ONLY", True),
        ("response", "KEYWORD_ONLY", True),
    ]


def test_generated_request_builder_for_starts_accepts_body_and_session_id() -> None:
    assert parameters(perform_web_task._get_kwargs) == [
        ("body", "KEYWORD_ONLY", True),
        ("session_id", "KEYWORD_ONLY", False),
    ]


def test_generated_request_builder_for_starts_returns_method_url_query_body_and_headers() -> None:
    body = PerformWebTaskRequestSchema(prompt="Read", async_=True)
    assert perform_web_task._get_kwargs(body=body, session_id="a b") == {
        "method": "post",
        "url": "/v1/tools/perform-web-task",
        "params": {"sessionId": "a b"},
        "json": {"prompt": "Read", "async": True},
        "headers": {"Content-Type": "application/json"},
    }


def test_generated_request_builder_for_starts_adds_no_field_that_is_not_passed() -> None:
    kwargs = perform_web_task._get_kwargs(body=PerformWebTaskRequestSchema(prompt="Read"))
    assert (kwargs["params"], kwargs["json"]) == ({}, {"prompt": "Read"})


def test_generated_request_builder_for_checks_accepts_the_workflow_id() -> None:
    assert parameters(get_perform_web_task_status._get_kwargs) == [("workflow_id", "POSITIONAL_OR_KEYWORD", True)]


def test_generated_request_builder_for_checks_encodes_the_workflow_id_in_the_path() -> None:
    assert get_perform_web_task_status._get_kwargs(workflow_id="a/b c?d#e%é") == {
        "method": "get",
        "url": "/v1/tools/perform-web-task/a%2Fb%20c%3Fd%23e%25%C3%A9/status",
    }


@pytest.mark.parametrize("result", ["text", None, 1, ["a"], [{"name": 1}], {"a": {}}], ids=repr)
def test_response_to_a_one_request_start_is_parsed_with_its_result(result: object) -> None:
    parsed = perform_web_task._parse_response(
        client=client(), response=httpx.Response(200, json={"data": {"result": result}})
    )
    assert isinstance(parsed, PerformWebTaskResponseSchema)
    assert isinstance(parsed.data, PerformWebTaskSyncResponseData)
    assert parsed.data.result == result


def test_response_to_an_asynchronous_start_is_parsed_with_status_and_id() -> None:
    parsed = perform_web_task._parse_response(
        client=client(), response=httpx.Response(200, json={"data": {"status": "queued", task_id_field(): "w"}})
    )
    assert isinstance(parsed, PerformWebTaskResponseSchema)
    assert isinstance(parsed.data, PerformWebTaskAsyncResponseData)
    assert (parsed.data.status, parsed.data.workflow_id) == ("queued", "w")


@pytest.mark.parametrize(
    "data", [{"status": "RUNNING"}, {"status": "COMPLETED", "result": [1]}, {"status": "new"}], ids=repr
)
def test_response_to_a_check_is_parsed_without_loss(data: dict[str, Any]) -> None:
    parsed = get_perform_web_task_status._parse_response(
        client=client(), response=httpx.Response(200, json={"data": data})
    )
    assert isinstance(parsed, PerformWebTaskStatusResponseSchema)
    assert parsed.to_dict() == {"data": data}


@pytest.mark.parametrize("endpoint", [perform_web_task, get_perform_web_task_status])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 429, 500])
def test_documented_error_response_is_parsed_without_loss(endpoint: Any, status: int) -> None:
    error = {"error": {"code": status, "message": "No"}}
    parsed = endpoint._parse_response(client=client(), response=httpx.Response(status, json=error))
    assert isinstance(parsed, ErrorResponse)
    assert parsed.to_dict() == error
