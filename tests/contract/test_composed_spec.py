"""The composed spec: it is valid, the package contains it, and its fields accept future values."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from tools.compose.composition import compose
from tools.generate import config
from tools.openapi.operations import operations
from tools.repository import CONFIG, GENERATED, OVERLAY, ROOT, SPEC


@pytest.fixture(scope="module")
def shipped() -> str:
    path = ROOT / GENERATED / config.read(ROOT / CONFIG).package / "openapi.json"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def spec(shipped: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(shipped)
    return loaded


def test_composed_spec_is_valid_openapi_3_1(spec: dict[str, Any]) -> None:
    validate(spec, cls=OpenAPIV31SpecValidator)


def test_spec_in_the_package_equals_the_newly_composed_spec(shipped: str) -> None:
    assert shipped == compose(ROOT / SPEC, ROOT / OVERLAY).to_json()


def test_composed_spec_has_both_task_operations_with_their_ids(spec: dict[str, Any]) -> None:
    """Versions of upstream's document differ in the path parameter's name and in other operations; all are accepted."""
    found = {operation["operationId"]: (method, path) for method, path, operation in operations(spec)}
    assert found["perform_web_task"] == ("post", "/v1/tools/perform-web-task")
    method, path = found["get_perform_web_task_status"]
    assert method == "get"
    assert re.fullmatch(r"/v1/tools/perform-web-task/\{workflow_?[Ii]d\}/status", path)


def test_both_task_operations_have_the_documented_errors(spec: dict[str, Any]) -> None:
    ours = [
        op for _, _, op in operations(spec) if op["operationId"] in {"perform_web_task", "get_perform_web_task_status"}
    ]
    assert len(ours) == 2
    for operation in ours:
        errors = {status: response for status, response in operation["responses"].items() if status != "200"}
        assert errors.keys() >= {"400", "401", "402", "403", "404", "429", "500"}
        schemas = [response["content"]["application/json"]["schema"]["$ref"] for response in errors.values()]
        assert set(schemas) == {"#/components/schemas/ErrorResponse"}


def test_fields_named_status_result_and_error_accept_future_values(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]
    start, sync, status = (
        schemas[f"PerformWebTask{name}"]["properties"]
        for name in ("AsyncResponseData", "SyncResponseData", "StatusData")
    )
    assert (start["status"]["type"], status["status"]["type"]) == ("string", "string")
    for found in (start["status"], status["status"], status["result"], status["error"], sync["result"]):
        assert not {"enum", "oneOf", "anyOf", "$ref"} & found.keys()
    assert "type" not in sync["result"]
    assert "type" not in status["result"]
    assert "type" not in status["error"]
