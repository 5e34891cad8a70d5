from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tools.compose import operation_names
from tools.compose.composition import compose
from tools.compose.read_overlay import CompositionError
from tools.openapi import yaml

if TYPE_CHECKING:
    from pathlib import Path

NO_ACTIONS = "overlay: 1.0.0\ninfo: {title: none, version: 1.0.0}\nactions: []\n"


@pytest.fixture
def named(tmp_path: Path) -> Any:
    """Return a function that composes a spec with an empty overlay, and returns the composed spec."""

    def named(spec: dict[str, Any]) -> Any:
        (tmp_path / "spec.json").write_text(yaml.to_json(spec), encoding="utf-8")
        (tmp_path / "overlay.yaml").write_text(NO_ACTIONS, encoding="utf-8")
        return yaml.plain(compose(tmp_path / "spec.json", tmp_path / "overlay.yaml").document)

    return named


def spec(*operations: str, **parts: Any) -> dict[str, Any]:
    """Return a spec with operations such as `get /v1/things`."""
    paths: dict[str, Any] = {}
    for operation in operations:
        method, path = operation.split()
        paths.setdefault(path, {})[method] = {"responses": {}}
    return {"openapi": "3.1.0", "info": {"title": "kept", "version": "1"}, "paths": paths, **parts}


@pytest.mark.parametrize(
    ("operation", "name", "tag"),
    [
        ("get /v1/sessions", "get_v1_sessions", "sessions"),
        ("get /v1/sessions/{session_id}", "get_v1_sessions_item", "sessions"),
        ("get /v1/sessions/{sessionId}", "get_v1_sessions_item", "sessions"),
        ("post /v1/sessions/{id}/mouse/doubleClick", "post_v1_sessions_item_mouse_double_click", "sessions"),
        ("delete /v2/task/{a}/{b}", "delete_v2_task_item_item", "task"),
        ("get /v1/files/{name}.json", "get_v1_files_item", "files"),
        ("get /v1/batch-sessions/", "get_v1_batch_sessions", "batch_sessions"),
        ("get /", "get", "root"),
        ("get /v1", "get_v1", "root"),
    ],
)
def test_operation_is_named_by_its_method_and_path(named: Any, operation: str, name: str, tag: str) -> None:
    method, path = operation.split()
    assert named(spec(operation))["paths"][path][method] == {"responses": {}, "operationId": name, "tags": [tag]}


def test_operation_keeps_its_own_id_and_its_tags_are_kept_as_an_extension(named: Any) -> None:
    document = spec("get /v1/things")
    document["paths"]["/v1/things"]["get"].update(operationId="listThings", tags=["Things (Legacy)"])
    operation = named(document)["paths"]["/v1/things"]["get"]
    assert operation["operationId"] == "listThings"
    assert (operation["tags"], operation["x-upstream-tags"]) == (["things"], ["Things (Legacy)"])


@pytest.mark.parametrize(
    "operations",
    [
        ("get /v1/things/{id}", "get /v1/things/item"),
        ("get /v1/some-things", "get /v1/some_things"),
        ("get /v1/things/{id}.json", "get /v1/things/{id}.xml"),
    ],
)
def test_two_operations_with_the_same_name_are_refused(named: Any, operations: tuple[str, ...]) -> None:
    one, other = (f"{method.upper()} {path}" for method, path in (operation.split() for operation in operations))
    with pytest.raises(CompositionError) as caught:
        named(spec(*operations))
    (problem,) = caught.value.problems
    assert problem.reason.startswith(f"{one} and {other} would both be called get_v1_")
    assert problem.remedy == "Give it an operationId in the overlay."


def test_operation_ids_with_the_same_python_name_are_refused(named: Any) -> None:
    document = spec("get /v1/things", "post /v1/things")
    document["paths"]["/v1/things"]["post"]["operationId"] = "getV1Things"
    with pytest.raises(CompositionError, match="would both be called get_v1_things"):
        named(document)


def test_titles_are_removed_from_schemas_only(named: Any) -> None:
    titled = {
        "title": "A Title",
        "type": "object",
        "properties": {"title": {"title": "Another", "type": "string"}, "inner": {"items": [{"title": "x"}]}},
        "default": {"title": "kept"},
        "example": {"title": "kept"},
        "examples": [{"title": "kept"}],
        "enum": [{"title": "kept"}],
        "discriminator": {"propertyName": "title", "mapping": {"title": "#/components/schemas/title"}},
        "x-own": {"title": "kept"},
    }
    flow = {"tokenUrl": "https://api.example", "scopes": {"title": "kept"}}
    schemes = {"title": {"type": "oauth2", "flows": {"password": flow}}}
    document = spec("get /v1/things", components={"schemas": {"title": titled}, "securitySchemes": schemes})
    document["paths"]["/v1/things"]["get"]["responses"] = {
        "200": {"content": {"text/plain": {"schema": titled, "examples": {"title": {"value": {"title": "kept"}}}}}}
    }
    composed = named(document)
    expected = {
        **titled,
        "properties": {"title": {"type": "string"}, "inner": {"items": [{}]}},
    }
    del expected["title"]
    assert composed["components"] == {"schemas": {"title": expected}, "securitySchemes": schemes}
    content = composed["paths"]["/v1/things"]["get"]["responses"]["200"]["content"]["text/plain"]
    assert content == {"schema": expected, "examples": {"title": {"value": {"title": "kept"}}}}
    assert composed["info"]["title"] == "kept"


def test_operation_id_does_not_depend_on_parameter_names() -> None:
    assert operation_names.operation_id("get", "/v1/a/{workflowId}/status") == operation_names.operation_id(
        "get", "/v1/a/{workflow_id}/status"
    )


def test_const_with_quotes_becomes_an_enum(named: Any) -> None:
    schemas = {"Quoted": {"const": 'a "b"'}, "Plain": {"const": "a b"}, "Path": {"const": "a\\b", "type": "string"}}
    assert named(spec("get /v1/things", components={"schemas": schemas}))["components"]["schemas"] == {
        "Quoted": {"enum": ['a "b"']},
        "Plain": {"const": "a b"},
        "Path": {"type": "string", "enum": ["a\\b"]},
    }
