from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.compose import operation_names
from tools.compose.composition import compose
from tools.compose.read_overlay import CompositionError
from tools.openapi import python_names

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def named(tmp_path: Path) -> Any:
    """Return a function that composes a spec with an overlay of these actions, and returns the composed spec."""

    def named(spec: dict[str, Any], *actions: dict[str, Any]) -> Any:
        overlay = {"overlay": "1.0.0", "info": {"title": "none", "version": "1.0.0"}, "actions": [*actions]}
        (tmp_path / "spec.json").write_text(json.dumps(spec), encoding="utf-8")
        (tmp_path / "overlay.yaml").write_text(json.dumps(overlay), encoding="utf-8")
        return compose(tmp_path / "spec.json", tmp_path / "overlay.yaml").document

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


# -- Operations with the same name -------------------------------------------------------------------------------------


def ids(composed: Any) -> dict[str, str]:
    """Return the id of each operation, such as `get /v1/things`."""
    return {
        f"{method} {path}": operation["operationId"]
        for path, item in composed["paths"].items()
        for method, operation in item.items()
    }


@pytest.mark.parametrize(
    ("one", "other", "names"),
    [
        (
            "post /v1/tools/fetch-webpage",
            "post /v1/tools/fetch/webpage",
            ("post_v1_tools_fetch_x2d_webpage", "post_v1_tools_fetch_x2f_webpage"),
        ),
        ("get /v1/things/{id}", "get /v1/things/item", ("get_v1_things_x2f7b7d", "get_v1_things_x2f_item")),
        ("get /v1/some-things", "get /v1/some_things", ("get_v1_some_x2d_things", "get_v1_some_x5f_things")),
        ("get /a/{id}.json", "get /a/{id}.xml", ("get_a_x2f7b7d2e_json", "get_a_x2f7b7d2e_xml")),
        ("get /v1/doThings", "get /v1/do/things", ("get_v1_do_x54_hings", "get_v1_do_x2f_things")),
        ("get /v1/things", "get /v1/things/", ("get_v1_x2f_things", "get_v1_things_x2f")),
        ("get /a1/b", "get /a/1/b", ("get_x2f_a1_x2f_b", "get_x2f_a_x2f_1_x2f_b")),
        ("get /a-b", "get /a/b", ("get_a_x2d_b", "get_a_x2f_b")),
    ],
)
def test_operations_of_one_name_get_distinct_names_in_which_the_path_is_spelled_out(
    named: Any, one: str, other: str, names: tuple[str, str]
) -> None:
    expected = dict(zip((one, other), names, strict=True))
    kept = "delete /v1/others"
    for order in ((one, other, kept), (kept, other, one)):
        assert ids(named(spec(*order))) == {**expected, kept: "delete_v1_others"}


def test_name_that_is_spelled_out_does_not_take_the_name_of_another_operation(named: Any) -> None:
    paths = ["/a/b-c", "/a/b/c", "/a/b_x2d_c", "/a/b/x2d/c", "/a/b/x2f/c", "/a-b-c", "/a/b/{c}"]
    found = ids(named(spec(*(f"get {path}" for path in paths))))
    assert len(set(found.values())) == len(paths)


def test_word_that_looks_like_a_separator_is_spelled_out() -> None:
    paths = ("/a-b/c", "/a/x2d/b/c", "/a/x2d-b/c", "/ax2d/b/c")
    assert [operation_names.spelled_id("get", path) for path in paths] == [
        "get_a_x2d_b_x2f_c",
        "get_a_x2f78_2d_b_x2f_c",
        "get_a_x2f78_2d_x2d_b_x2f_c",
        "get_ax2d_b_x2f_c",
    ]


def test_upstream_ids_with_the_same_python_name_are_ignored(named: Any) -> None:
    document = spec("get /v1/things", "post /v1/things", "put /v1/things", "get /v1/others")
    for method, name in (("get", "getThings"), ("post", "get_things"), ("put", "things")):
        document["paths"]["/v1/things"][method]["operationId"] = name
    document["paths"]["/v1/others"]["get"]["operationId"] = "---"
    assert ids(named(document)) == {
        "get /v1/things": "get_v1_things",
        "post /v1/things": "post_v1_things",
        "put /v1/things": "things",
        "get /v1/others": "get_v1_others",
    }


def test_id_of_the_overlay_stays_and_the_other_operation_gets_another_name(named: Any) -> None:
    document = spec("post /v1/tools/perform-web-task", "get /v1/perform", "post /perform/web/task")
    document["paths"]["/v1/perform"]["get"]["operationId"] = "performWebTask"
    update = {"operationId": "perform_web_task"}
    action = {
        "x-id": "a",
        "description": "Ours.",
        "target": "$.paths['/v1/tools/perform-web-task'].post",
        "update": update,
    }
    assert ids(named(document, action)) == {
        "post /v1/tools/perform-web-task": "perform_web_task",
        "get /v1/perform": "get_v1_perform",
        "post /perform/web/task": "post_perform_web_task",
    }


def test_two_operations_to_which_the_overlay_gives_the_same_id_are_refused(named: Any) -> None:
    actions = [
        {"x-id": method, "description": "Ours.", "target": f"$.paths['/a'].{method}", "update": {"operationId": name}}
        for method, name in (("get", "same"), ("put", "Same"))
    ]
    with pytest.raises(CompositionError) as caught:
        named(spec("get /a", "put /a"), *actions)
    (problem,) = caught.value.problems
    assert problem.reason == "GET /a and PUT /a would both be called same"
    assert problem.remedy == "Give it another operationId in the overlay."


PATHS = st.lists(
    st.lists(
        st.sampled_from(["a", "b", "1", "x", "2d", "2f", "x2d", "x2f", "-", "_", "/", ".", "B", "{c}", "item", "é"])
    )
    .map("".join)
    .map("/{}".format),
    max_size=8,
    unique_by=lambda path: re.sub(r"\{[^}]*\}", "{}", path),
)


@given(PATHS)
def test_any_paths_get_distinct_names_that_do_not_depend_on_their_order(paths: list[str]) -> None:
    found = []
    for order in (paths, paths[::-1]):
        document = spec(*(f"get {path}" for path in order))
        assert operation_names.rename(document) == []
        found.append(ids(document))
    assert found[0] == found[1]
    modules = {python_names.attribute(name) for name in found[0].values()}
    classes = {python_names.module(python_names.pascal(name)) for name in found[0].values()}
    assert len(modules) == len(classes) == len(paths)


# -- Titles, and names that do not depend on other names ---------------------------------------------------------------


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
