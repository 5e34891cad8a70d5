"""Single changes of a spec: each gives the expected row, with its kind, severity, place and affected operations."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import changes, kinds_of_operations, kinds_of_schemas, kinds_of_security
from tests.support.changes import (
    ADD,
    ANOTHER,
    BEH,
    BODY,
    BRK,
    DOC,
    LIST,
    NAM,
    OK,
    OTHER,
    PATH,
    QUERY,
    READ,
    REFERENCE,
    SCHEMAS,
    SENT,
    SINGLE,
    START,
    TEXT,
    put,
    with_x,
)
from tools.drift.classification import KINDS
from tools.drift.documents import compare

if TYPE_CHECKING:
    from tests.support.changes import Change


@pytest.fixture(scope="module")
def spec() -> Any:
    return with_x()


@pytest.mark.parametrize("change", SINGLE, ids=[f"{each.kind}-{place}" for place, each in enumerate(SINGLE)])
def test_one_change_has_one_row(spec: Any, change: Change) -> None:
    old, new = (put(spec, change.place, value) for value in (change.old, change.new))
    (row,) = compare(old, new)
    assert (row.kind, row.severity, row.where) == (change.kind, change.severity, change.where)
    if change.hits:
        assert row.hits == {change.hits}
    assert compare(old, old) == compare(new, new) == []


def test_operation_that_moves_to_another_path_has_two_rows(spec: Any) -> None:
    moved = copy.deepcopy(spec)
    moved["paths"]["/v2/tools/perform-web-task"] = moved["paths"].pop(PATH)
    assert described(spec, moved) == {
        ("path-changed", BRK, "POST /v2/tools/perform-web-task", PATH, "/v2/tools/perform-web-task", ""),
        (
            "python-module",
            NAM,
            "POST /v2/tools/perform-web-task",
            "api.tools.post_v1_tools_perform_web_task",
            "api.tools.post_v2_tools_perform_web_task",
            "api.tools.post_v1_tools_perform_web_task → api.tools.post_v2_tools_perform_web_task",
        ),
    }


def test_operation_that_gets_another_method_has_two_rows(spec: Any) -> None:
    moved = copy.deepcopy(spec)
    moved["paths"][PATH]["put"] = moved["paths"][PATH].pop("post")
    kinds = {(row.kind, row.severity, row.where) for row in compare(spec, moved)}
    assert kinds == {("method-changed", BRK, f"PUT {PATH}"), ("python-module", NAM, f"PUT {PATH}")}


def test_renamed_path_parameter_has_two_rows() -> None:
    def spec(name: str) -> Any:
        parameters = [{"in": "path", "name": name, "required": True, "schema": TEXT}]
        return {"paths": {f"/v1/a/{{{name}}}": {"get": {"parameters": parameters, "responses": {}}}}}

    where = "GET /v1/a/{runId}"
    assert described(spec("workflowId"), spec("runId")) == {
        ("path-parameter-renamed", NAM, where, "/v1/a/{workflowId}", "/v1/a/{runId}", ""),
        (
            "path-parameter-renamed",
            NAM,
            f"{where}, path parameter runId",
            "workflowId",
            "runId",
            "workflow_id → run_id",
        ),
    }


@pytest.mark.parametrize(
    ("before", "after", "python"),
    [
        ("workflowId", "workflow_id", "PerformWebTaskSyncResponseData.workflow_id: unchanged"),
        ("timeoutMs", "timeoutMillis", "PerformWebTaskSyncResponseData.timeout_ms → timeout_millis"),
    ],
)
def test_renamed_property_has_one_row(spec: Any, before: str, after: str, python: str) -> None:
    old, new = (put(spec, [*READ, "properties", name], TEXT) for name in (before, after))
    old, new = (put(each, [*READ, "required"], [name]) for each, name in ((old, before), (new, after)))
    assert described(old, new) == {("property-renamed", BRK, f"{READ[-1]}.{after}", before, after, python)}


def test_property_with_a_new_name_and_a_new_description_is_not_a_renamed_property(spec: Any) -> None:
    old = put(spec, [*READ, "properties", "colour"], {"type": "string", "description": "Its colour"})
    new = put(spec, [*READ, "properties", "weight"], {"type": "string", "description": "Its weight"})
    assert {row.kind for row in compare(old, new)} == {"property-removed", "property-added"}


def test_new_required_property_breaks_requests_but_not_responses(spec: Any) -> None:
    for place, severity in ((SENT, BRK), (READ, ADD)):
        new = put(put(spec, [*place, "properties", "y"], TEXT), [*place, "required"], [*required(spec, place), "y"])
        (row,) = compare(spec, new)
        assert (row.kind, row.severity) == ("required-property-added", severity)


def required(spec: Any, place: list[Any]) -> list[str]:
    return list(spec["components"]["schemas"][place[-1]]["required"])


def test_new_order_of_properties_has_one_row(spec: Any) -> None:
    new = copy.deepcopy(spec)
    properties = new["components"]["schemas"][SENT[-1]]["properties"]
    properties["url"] = properties.pop("url")
    (row,) = compare(spec, new)
    assert (row.kind, row.severity, row.where) == ("properties-reordered", BEH, SENT[-1])


def test_new_order_of_properties_that_does_not_move_arguments_is_documentation(spec: Any) -> None:
    """The class takes the required arguments first, wherever their properties stand."""
    new = copy.deepcopy(spec)
    properties = new["components"]["schemas"][SENT[-1]]["properties"]
    properties["prompt"] = properties.pop("prompt")
    (row,) = compare(spec, new)
    assert (row.kind, row.severity, row.where) == ("document-place", DOC, SENT[-1])


def test_renamed_schema_has_one_row(spec: Any) -> None:
    text = json.dumps(spec).replace("ErrorResponse", "Failure")
    (row,) = compare(spec, json.loads(text))
    assert (row.kind, row.severity, row.before, row.after) == ("schema-renamed", NAM, "ErrorResponse", "Failure")
    assert row.python == "models.ErrorResponse → Failure"


def test_reference_to_another_schema_is_followed(spec: Any) -> None:
    old, new = (put(spec, [*READ, "properties", "x"], reference) for reference in (REFERENCE, ANOTHER))
    rows = {(row.kind, row.severity, row.where) for row in compare(old, new)}
    assert ("reference", NAM, f"{READ[-1]}.x") in rows
    assert ("property-removed", BRK, f"{READ[-1]}.x.error") in rows


def test_schema_that_a_reference_to_an_equal_schema_replaces_has_one_row(spec: Any) -> None:
    schemas = spec["components"]["schemas"]
    old = put(spec, [*READ, "properties", "x"], schemas["ErrorResponse"])
    new = put(spec, [*READ, "properties", "x"], REFERENCE)
    (row,) = compare(old, new)
    assert (row.kind, row.severity) == ("reference", NAM)


def test_enum_values_are_compared_across_references_and_unions(spec: Any) -> None:
    one, two = {"enum": ["a", "b"]}, {"enum": ["c"]}
    old = put(
        put(spec, [*SCHEMAS, "Two"], two),
        [*READ, "properties", "x"],
        {"oneOf": [one, {"$ref": "#/components/schemas/Two"}]},
    )
    new = put(
        put(spec, [*SCHEMAS, "Two"], two), [*READ, "properties", "x"], {"type": "string", "enum": ["a", "c", "d"]}
    )
    rows = {(row.kind, row.severity, str(row.before), str(row.after)) for row in compare(old, new)}
    assert rows == {
        ("values-removed", ADD, "['b']", "None"),
        ("values-added", BRK, "None", "['d']"),
    }


def test_changed_alternative_of_a_union_is_compared_in_detail(spec: Any) -> None:
    old = put(spec, [*READ, "properties", "x"], {"oneOf": [REFERENCE, {"type": "object", "properties": {"a": TEXT}}]})
    new = put(spec, [*READ, "properties", "x"], {"oneOf": [REFERENCE, {"type": "object", "properties": {}}]})
    (row,) = compare(old, new)
    assert (row.kind, row.where) == ("property-removed", f"{READ[-1]}.x (object).a")


LIMITED = {"type": "string", "maxLength": 3}
SPELLED = [
    ({"allOf": [REFERENCE], "description": "One"}, {**REFERENCE, "description": "One"}),
    ({"anyOf": [TEXT, {"type": "null"}], "default": "a"}, {"type": ["string", "null"], "default": "a"}),
    ({"type": "object", "properties": {"a": True}}, {"type": "object", "properties": {"a": {}}}),
    ({"type": "string", "enum": ["a", "b"]}, {"type": "string", "enum": ["b", "a", "a"]}),
]


@pytest.mark.parametrize(("one", "other"), SPELLED)
def test_schemas_that_are_written_differently_but_mean_the_same_do_not_differ(spec: Any, one: Any, other: Any) -> None:
    for place in (SENT, READ):
        old, new = (put(spec, [*place, "properties", "x"], schema) for schema in (one, other))
        assert compare(old, new) == []


def test_reordered_parameters_and_explicit_defaults_are_not_a_change(spec: Any) -> None:
    query = {"in": "query", "name": "a", "schema": LIST}
    header = {"in": "header", "name": "b", "schema": TEXT}
    spelled_out = [{**header, "style": "simple", "explode": False}, {**query, "style": "form", "explode": True}]
    assert compare(put(spec, QUERY, [query, header]), put(spec, QUERY, spelled_out)) == []


def test_changed_keyword_does_not_hide_another_change(spec: Any) -> None:
    """A row for a removed union, moved values or a changed reference does not replace the rows of other changes."""
    union = {"type": "object", "properties": {"p": TEXT}, "oneOf": [REFERENCE, ANOTHER]}
    cases: list[tuple[Any, Any, set[str]]] = [
        (union, REFERENCE, {"type-changed"}),
        (
            {"oneOf": [{"const": "a", "description": "x"}, {"const": "b"}]},
            {"oneOf": [{"const": "a", "description": "y"}, {"const": "b"}, {"const": "c"}]},
            {"values-added", "text"},
        ),
        ({"type": "string", "enum": ["a"], "default": "a"}, {"oneOf": [{"enum": ["a"]}]}, {"default"}),
        (
            {"oneOf": [OTHER, LIMITED]},
            {"oneOf": [{**OTHER, "title": "O"}, LIST, LIMITED]},
            {"alternative-added", "text"},
        ),
        ({"$ref": "a.yaml#/A"}, {"$ref": "b.yaml#/A"}, {"not-understood"}),
        ({"oneOf": [REFERENCE, TEXT]}, {"anyOf": [REFERENCE, TEXT]}, {"alternatives-kind"}),
    ]
    for old, new, kinds in cases:
        rows = compare(*(put(spec, [*READ, "properties", "x"], schema) for schema in (old, new)))
        assert {row.kind for row in rows} == kinds


@pytest.mark.parametrize(
    "reference",
    ["#/components/schemas/More/properties/a", "#/components/schemas/M~1ore", "#/components/schemas/M%2Fore"],
)
def test_component_counts_as_used_if_an_escaped_or_inner_reference_leads_to_it(spec: Any, reference: str) -> None:
    more = {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": TEXT}}}}
    old = put(put(spec, [*SCHEMAS, "More"], more), [*SCHEMAS, "M/ore"], more)
    old = put(old, [*READ, "properties", "x"], {"$ref": reference})
    name = "More" if "More" in reference else "M/ore"
    (row,) = compare(old, put(old, [*SCHEMAS, name, "properties", "a", "properties"], {}))
    assert (row.kind, row.severity, set(row.hits)) == ("property-removed", BRK, {"response"})


def test_row_shows_the_python_attribute_or_argument(spec: Any) -> None:
    (row,) = compare(spec, put(spec, [*SENT, "properties", "x", "type"], "integer"))
    assert row.python == "PerformWebTaskRequestSchema.x"
    (row,) = compare(spec, put(spec, [*SENT, "properties", "x", "description"], "More"))
    assert row.python == ""
    old, new = (
        put(spec, QUERY, [{"in": "query", "name": "maxAge", "schema": {"type": kind}}])
        for kind in ("string", "integer")
    )
    (row,) = compare(old, new)
    assert row.python == "max_age"


def test_schema_that_only_a_webhook_uses_counts_as_used(spec: Any) -> None:
    body = {"requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/More"}}}}}
    used = put(put(spec, [*SCHEMAS, "More"], OTHER), ["webhooks", "news"], {"post": body})
    (row,) = compare(used, put(used, [*SCHEMAS, "More", "properties"], {}))
    assert (row.kind, row.severity, row.operations) == ("property-removed", BRK, ("webhook news",))


def test_two_paths_that_differ_only_in_a_parameter_name_are_compared_separately() -> None:
    paths: Any = {f"/a/{{{name}}}": {"get": {"responses": {name: {}}}} for name in "xy"}
    assert compare({"paths": paths}, {"paths": paths}) == []


@pytest.mark.parametrize(
    ("key", "schema", "suffix"),
    [("items", LIST, "[]"), ("additionalProperties", {"type": "object", "additionalProperties": TEXT}, "{}")],
)
def test_items_and_additional_properties_are_compared(spec: Any, key: str, schema: Any, suffix: str) -> None:
    old = put(spec, [*READ, "properties", "x"], schema)
    (row,) = compare(old, put(old, [*READ, "properties", "x", key], {"type": "integer"}))
    assert (row.kind, row.where) == ("type-changed", f"{READ[-1]}.x{suffix}")


def test_change_of_a_schema_has_one_row_for_all_operations_that_use_the_schema(spec: Any) -> None:
    (row,) = compare(spec, put(spec, [*SCHEMAS, "ErrorResponse", "properties", "code"], TEXT))
    assert (row.where, set(row.hits), row.operations) == ("ErrorResponse.code", {"response"}, (f"POST {PATH}",))
    twice = put(spec, ["paths", "/v1/more"], spec["paths"][PATH])
    (row,) = compare(twice, put(twice, [*SCHEMAS, "ErrorResponse", "properties", "code"], TEXT))
    assert row.operations == ("POST /v1/more", f"POST {PATH}")


def test_change_that_affects_requests_and_responses_has_the_higher_of_the_two_severities(spec: Any) -> None:
    both_ways = put(spec, [*READ, "properties", "x"], {"$ref": f"#/components/schemas/{SENT[-1]}"})
    (row,) = compare(both_ways, put(both_ways, [*SENT, "properties", "x", "minLength"], 3))
    assert (row.severity, set(row.hits)) == (BRK, {"response", "request"})


@pytest.mark.parametrize("kind", ["parameters", "headers", "requestBodies", "responses"])
def test_change_in_a_component_has_only_one_row(spec: Any, kind: str) -> None:
    part = (
        {"in": "query", "name": "a", "schema": TEXT}
        if kind in {"parameters", "headers"}
        else {"content": {"application/json": {"schema": TEXT}}}
    )
    reference = {"$ref": f"#/components/{kind}/Part"}
    places: dict[str, tuple[list[Any], Any]] = {
        "parameters": (QUERY, [reference]),
        "headers": ([*OK, "headers", "X"], reference),
        "requestBodies": (BODY, reference),
        "responses": ([*START, "responses", "418"], reference),
    }
    old = put(put(spec, ["components", kind, "Part"], part), *places[kind])
    inner = ["schema"] if "schema" in part else ["content", "application/json", "schema"]
    (row,) = compare(old, put(old, ["components", kind, "Part", *inner, "type"], "integer"))
    assert (row.kind, row.severity) == ("type-changed", BRK)


def test_every_kind_of_change_is_tested() -> None:
    modules = (changes, kinds_of_operations, kinds_of_schemas, kinds_of_security)
    text = "".join(
        Path(str(each)).read_text(encoding="utf-8") for each in (__file__, *(one.__file__ for one in modules))
    )
    others = {"python-api", "surface"}  # tested in test_command.py
    assert [kind for kind in KINDS if f'"{kind}"' not in text and kind not in others] == []


def described(old: Any, new: Any) -> set[tuple[object, ...]]:
    return {(row.kind, row.severity, row.where, row.before, row.after, row.python) for row in compare(old, new)}
