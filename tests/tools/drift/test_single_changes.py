"""One change of the vendored spec at a time: each has its kind, its severity, its place, and whom it hits."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tools import _yaml
from tools.compose import ROOT, SPEC
from tools.drift._document import compare
from tools.drift._kinds import KINDS
from tools.drift._rows import Severity

DOC, ADD, NAM, BEH, BRK = Severity
PATH = "/v1/tools/perform-web-task"
START: list[Any] = ["paths", PATH, "post"]
SCHEMAS: list[Any] = ["components", "schemas"]
SENT = [*SCHEMAS, "PerformWebTaskRequestSchema"]
READ = [*SCHEMAS, "PerformWebTaskSyncResponseData"]
BODY = [*START, "requestBody"]
OK = [*START, "responses", "200"]
QUERY = [*START, "parameters"]
NO: Any = object()
"""There is nothing at the place."""

TEXT = {"type": "string"}
LIST = {"type": "array", "items": TEXT}
OTHER = {"type": "object", "properties": {"a": TEXT}}
REFERENCE = {"$ref": "#/components/schemas/ErrorResponse"}
ANOTHER = {"$ref": "#/components/schemas/PerformWebTaskSyncResponseData"}
KEY = {"type": "apiKey", "in": "header", "name": "anchor-api-key"}


def limit(**more: Any) -> list[Any]:
    return [{"in": "query", "name": "limit", "schema": {"type": "integer"}, **more}]


class Change(NamedTuple):
    """What stands at a place of the old spec and of the new, and the row that says so."""

    place: list[Any]
    old: Any
    new: Any
    kind: str
    severity: Severity
    where: str
    hits: str = ""


def both(
    key: str, old: Any, new: Any, kind: str, request: Severity, answer: Severity, *, inside: tuple[str, ...] = ("x",)
) -> list[Change]:
    """Return one change of a property `x` in a request and in an answer."""
    places = ((SENT, request, "request"), (READ, answer, "answer"))
    return [
        Change([*place, "properties", *inside, key], old, new, kind, severity, f"{place[-1]}.x", hit)
        for place, severity, hit in places
    ]


X = {"type": "string", "x-kept": True}
SINGLE = [
    # -- operations, paths, methods, names -----------------------------------------------------------------------------
    Change(["paths", "/v1/more"], NO, {"get": {"responses": {}}}, "operation-added", ADD, "GET /v1/more"),
    Change(["paths", "/v1/more"], {"get": {"responses": {}}}, NO, "operation-removed", BRK, "GET /v1/more"),
    Change([*START, "operationId"], NO, "another", "operation-id", NAM, f"POST {PATH}"),
    Change([*START, "deprecated"], NO, True, "deprecated", BEH, f"POST {PATH}"),
    Change([*START, "deprecated"], True, False, "no-longer-deprecated", ADD, f"POST {PATH}"),
    Change([*START, "summary"], "Do it", "Do it now", "text", DOC, f"POST {PATH}"),
    Change([*START, "description"], "Do it", "Do it now", "text", DOC, f"POST {PATH}"),
    Change([*START, "tags"], ["A"], ["B"], "tags", DOC, f"POST {PATH}"),
    Change([*START, "callbacks"], NO, {"done": {}}, "not-understood", BRK, f"POST {PATH}"),
    Change([*START, "x-own"], NO, 1, "extension", DOC, f"POST {PATH}"),
    Change(["paths", PATH, "servers"], NO, [{"url": "https://a.example"}], "not-understood", BRK, PATH),
    # -- parameters ----------------------------------------------------------------------------------------------------
    Change(QUERY, NO, limit(), "parameter-added", ADD, f"POST {PATH}, query parameter limit", "request"),
    Change(QUERY, NO, limit(required=True), "required-parameter-added", BRK, f"POST {PATH}, query parameter limit"),
    Change(QUERY, limit(), NO, "parameter-removed", BRK, f"POST {PATH}, query parameter limit", "request"),
    Change(QUERY, limit(), limit(name="most"), "parameter-renamed", BRK, f"POST {PATH}, query parameter most"),
    Change(QUERY, limit(), limit(**{"in": "header"}), "parameter-moved", BRK, f"POST {PATH}, header parameter limit"),
    Change(QUERY, limit(), limit(required=True), "now-required", BRK, f"POST {PATH}, query parameter limit"),
    Change(QUERY, limit(required=True), limit(), "now-optional", ADD, f"POST {PATH}, query parameter limit"),
    Change(QUERY, limit(), limit(schema=TEXT), "type-changed", BRK, f"POST {PATH}, query parameter limit", "request"),
    Change(QUERY, limit(), limit(deprecated=True), "deprecated", BEH, f"POST {PATH}, query parameter limit"),
    Change(QUERY, limit(), limit(explode=False), "parameter-serialization", BRK, f"POST {PATH}, query parameter limit"),
    Change(
        [*QUERY],
        limit(),
        limit(schema={"type": "integer", "default": 5}),
        "default",
        BEH,
        f"POST {PATH}, query parameter limit",
        "request",
    ),
    Change(QUERY, limit(), limit(description="How many"), "text", DOC, f"POST {PATH}, query parameter limit"),
    # -- bodies and answers --------------------------------------------------------------------------------------------
    Change(BODY, NO, {"content": {}}, "body-added", ADD, f"POST {PATH}, body", "request"),
    Change(BODY, NO, {"content": {}, "required": True}, "required-body-added", BRK, f"POST {PATH}, body", "request"),
    Change(BODY, {"content": {}}, NO, "body-removed", BRK, f"POST {PATH}, body", "request"),
    Change([*BODY, "required"], False, True, "now-required", BRK, f"POST {PATH}, body", "request"),
    Change([*BODY, "required"], True, NO, "now-optional", ADD, f"POST {PATH}, body", "request"),
    Change([*BODY, "content", "text/plain"], NO, {}, "content-type-added", ADD, f"POST {PATH}, body", "request"),
    Change([*BODY, "content", "text/plain"], {}, NO, "content-type-removed", BRK, f"POST {PATH}, body", "request"),
    Change([*OK, "content", "text/plain"], NO, {}, "content-type-added", BEH, f"POST {PATH}, answer 200", "answer"),
    Change([*OK, "content", "text/plain"], {}, NO, "content-type-removed", BRK, f"POST {PATH}, answer 200", "answer"),
    Change([*START, "responses", "202"], NO, {}, "success-added", BEH, f"POST {PATH}, answer 202", "answer"),
    Change([*START, "responses", "202"], {}, NO, "success-removed", BRK, f"POST {PATH}, answer 202", "answer"),
    Change([*START, "responses", "418"], NO, {}, "failure-added", ADD, f"POST {PATH}, answer 418", "answer"),
    Change([*START, "responses", "default"], {}, NO, "failure-removed", BEH, f"POST {PATH}, answer default", "answer"),
    Change([*OK, "headers", "X"], NO, {}, "header-added", ADD, f"POST {PATH}, answer 200, header X", "answer"),
    Change([*OK, "headers", "X"], {}, NO, "header-removed", BRK, f"POST {PATH}, answer 200, header X", "answer"),
    Change([*OK, "description"], "Well", "Very well", "text", DOC, f"POST {PATH}, answer 200"),
    Change(
        [*OK, "content", "application/json", "example"],
        {"data": {"result": {"result": 1}}},
        {"data": {"result": 1}},
        "example-shape",
        BEH,
        f"POST {PATH}, answer 200",
        "answer",
    ),
    Change(
        [*OK, "content", "application/json", "example"], {"a": 1}, {"a": 2}, "example", DOC, f"POST {PATH}, answer 200"
    ),
    # -- properties ----------------------------------------------------------------------------------------------------
    *both("x", NO, TEXT, "property-added", ADD, ADD, inside=()),
    *both("x", TEXT, NO, "property-removed", BRK, BRK, inside=()),
    Change([*SENT, "required"], ["prompt"], ["prompt", "url"], "now-required", BRK, f"{SENT[-1]}.url", "request"),
    Change([*READ, "required"], [], ["result"], "now-required", ADD, f"{READ[-1]}.result", "answer"),
    Change([*SENT, "required"], ["prompt"], [], "now-optional", ADD, f"{SENT[-1]}.prompt", "request"),
    Change([*READ, "required"], ["result"], NO, "now-optional", BRK, f"{READ[-1]}.result", "answer"),
    *both("readOnly", NO, True, "read-only", BRK, BEH),
    *both("readOnly", True, False, "no-longer-read-only", ADD, BEH),
    *both("writeOnly", NO, True, "write-only", BEH, BRK),
    *both("writeOnly", True, NO, "no-longer-write-only", BEH, ADD),
    *both("deprecated", NO, True, "deprecated", BEH, BEH),
    *both("description", "One", "Two", "text", DOC, DOC),
    *both("title", "One", "Two", "text", DOC, DOC),
    *both("example", "one", "two", "example", DOC, DOC),
    *both("examples", [{"a": 1}], [{"b": 1}], "example-shape", BEH, BEH),
    # -- types ---------------------------------------------------------------------------------------------------------
    *both("type", "string", "integer", "type-changed", BRK, BRK),
    *both("type", "integer", "number", "type-wider", ADD, BRK),
    *both("type", "number", "integer", "type-narrower", BRK, ADD),
    *both("type", "string", ["string", "integer"], "type-wider", ADD, BRK),
    *both("type", "string", ["string", "null"], "null-allowed", ADD, BRK),
    *both("type", ["null", "string"], "string", "null-refused", BRK, ADD),
    *both("nullable", NO, True, "null-allowed", ADD, BRK),
    *both("type", "string", NO, "type-wider", ADD, BRK),
    *both("format", NO, "email", "format", BEH, BEH),
    *both("format", "date", "date-time", "format-and-type", BRK, BRK),
    *both("minLength", NO, 3, "bound-tighter", BRK, ADD),
    *both("minLength", 3, 2, "bound-looser", ADD, BEH),
    *both("maximum", 3, 2, "bound-tighter", BRK, ADD),
    *both("maximum", 3, NO, "bound-looser", ADD, BEH),
    *both("exclusiveMinimum", True, False, "not-understood", BRK, BRK),
    *both("uniqueItems", NO, True, "bound-tighter", BRK, ADD),
    *both("multipleOf", NO, 5, "pattern", BRK, BEH),
    *both("pattern", "^a", "^b", "pattern", BRK, BEH),
    *both("pattern", "^a", NO, "pattern-removed", ADD, BEH),
    *both("default", "a", "b", "default", BEH, BEH),
    *both("default", NO, "b", "default", BEH, BEH),
    *both("enum", ["a"], ["a", "b"], "values-added", ADD, BRK),
    *both("enum", ["a", "b"], ["b"], "values-removed", BRK, ADD),
    *both("enum", ["a", "b"], NO, "values-opened", ADD, BRK),
    *both("enum", NO, ["a"], "values-listed", BRK, BEH),
    *both("const", "a", NO, "values-opened", ADD, BRK),
    *both("x-own", 1, 2, "extension", DOC, DOC),
    *both("contentEncoding", NO, "base64", "not-understood", BRK, BRK),
    *both("patternProperties", NO, {"^a": TEXT}, "not-understood", BRK, BRK),
    *both("if", NO, {"type": "string"}, "not-understood", BRK, BRK),
    # -- compositions --------------------------------------------------------------------------------------------------
    *both("oneOf", [REFERENCE, TEXT], [REFERENCE, TEXT, LIST], "alternative-added", ADD, BRK),
    *both("anyOf", [REFERENCE, TEXT, LIST], [REFERENCE, TEXT], "alternative-removed", BRK, ADD),
    *both("oneOf", [REFERENCE, TEXT], [TEXT, REFERENCE], "alternatives-reordered", BEH, BEH),
    *both("oneOf", [REFERENCE, OTHER], NO, "type-changed", BRK, BRK),
    *both("allOf", [REFERENCE], [REFERENCE, OTHER], "part-added", BRK, ADD),
    *both("allOf", [REFERENCE, OTHER], [REFERENCE], "part-removed", BRK, BRK),
    *both("discriminator", NO, {"propertyName": "a"}, "discriminator", BRK, BRK),
    *both("additionalProperties", NO, False, "additional-properties-refused", BRK, ADD),
    *both("additionalProperties", False, True, "additional-properties-allowed", ADD, BEH),
    # -- components ----------------------------------------------------------------------------------------------------
    Change([*SCHEMAS, "More"], NO, OTHER, "schema-added", ADD, "More"),
    Change([*SCHEMAS, "More"], OTHER, NO, "schema-removed", NAM, "More"),
    Change([*SCHEMAS, "More"], {"type": "string"}, {"type": "integer"}, "type-changed", NAM, "More"),
    Change(["components", "headers"], NO, {"X": {}}, "schema-added", ADD, "components.headers.X"),
    Change(["components", "pathItems"], {"X": {}}, {"X": {"get": {}}}, "not-understood", NAM, "components.pathItems.X"),
    # -- the whole -----------------------------------------------------------------------------------------------------
    Change(["servers"], [{"url": "a"}], [{"url": "a"}, {"url": "b"}], "server-added", ADD, "server b"),
    Change(["servers"], [{"url": "a"}, {"url": "b"}], [{"url": "a"}], "server-removed", BRK, "server b"),
    Change(
        ["servers"],
        [{"url": "a"}, {"url": "b"}],
        [{"url": "b"}, {"url": "a"}],
        "servers-reordered",
        BEH,
        "the document",
    ),
    Change(["servers"], [{"url": "a"}], [{"url": "a", "description": "A"}], "text", DOC, "server a"),
    Change(["security"], NO, [{"key": []}], "security-asked", BRK, "the document"),
    Change(["security"], [{"key": []}], [], "security-not-asked", ADD, "the document"),
    Change(["security"], [{"a": []}], [{"a": []}, {"b": []}], "security-alternative-added", ADD, "the document"),
    Change(["security"], [{"a": []}, {"b": []}], [{"a": []}], "security-alternative-removed", BRK, "the document"),
    Change([*START, "security"], NO, [], "security-said", DOC, f"POST {PATH}"),
    Change([*START, "security"], [], [{"key": []}], "security-asked", BRK, f"POST {PATH}"),
    Change(
        ["components", "securitySchemes", "k"], NO, KEY, "security-scheme-added", ADD, "components.securitySchemes.k"
    ),
    Change(
        ["components", "securitySchemes", "k"], KEY, NO, "security-scheme-removed", BRK, "components.securitySchemes.k"
    ),
    Change(
        ["components", "securitySchemes", "k"],
        KEY,
        {**KEY, "name": "x-api-key"},
        "security-scheme",
        BRK,
        "components.securitySchemes.k",
    ),
    Change(
        ["components", "securitySchemes", "k"],
        KEY,
        {**KEY, "description": "A key"},
        "text",
        DOC,
        "components.securitySchemes.k",
    ),
    Change(["info", "version"], "1", "2", "text", DOC, "the document"),
    Change(["tags"], NO, [{"name": "a"}], "tags", DOC, "the document"),
    Change(["webhooks"], NO, {"done": {}}, "not-understood", BRK, "the document"),
    Change(["jsonSchemaDialect"], NO, "https://a.example", "not-understood", BRK, "the document"),
]
assert len(SINGLE) >= 60


@pytest.fixture(scope="module")
def spec() -> Any:
    """Return the vendored spec, with a property to change in what is sent and in what is read."""
    vendored: Any = _yaml.plain(_yaml.load(ROOT / SPEC))
    for name in (SENT[-1], READ[-1]):
        vendored["components"]["schemas"][name]["properties"]["x"] = copy.deepcopy(X)
    return vendored


def put(spec: Any, place: list[Any], value: Any) -> Any:
    changed = copy.deepcopy(spec)
    node = changed
    for key in place[:-1]:
        node = node.setdefault(key, {})
    if value is NO:
        node.pop(place[-1], None)
    else:
        node[place[-1]] = copy.deepcopy(value)
    return changed


@pytest.mark.parametrize("change", SINGLE, ids=[f"{each.kind}-{place}" for place, each in enumerate(SINGLE)])
def test_one_change_is_one_row(spec: Any, change: Change) -> None:
    old, new = (put(spec, change.place, value) for value in (change.old, change.new))
    (row,) = compare(old, new)
    assert (row.kind, row.severity, row.where) == (change.kind, change.severity, change.where)
    if change.hits:
        assert row.hits == {change.hits}
    assert compare(old, old) == compare(new, new) == []


def test_an_operation_at_another_path(spec: Any) -> None:
    moved = copy.deepcopy(spec)
    moved["paths"]["/v2/tools/perform-web-task"] = moved["paths"].pop(PATH)
    assert said(spec, moved) == {
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


def test_an_operation_with_another_method(spec: Any) -> None:
    moved = copy.deepcopy(spec)
    moved["paths"][PATH]["put"] = moved["paths"][PATH].pop("post")
    kinds = {(row.kind, row.severity, row.where) for row in compare(spec, moved)}
    assert kinds == {("method-changed", BRK, f"PUT {PATH}"), ("python-module", NAM, f"PUT {PATH}")}


def test_a_path_parameter_with_another_name() -> None:
    def spec(name: str) -> Any:
        parameters = [{"in": "path", "name": name, "required": True, "schema": TEXT}]
        return {"paths": {f"/v1/a/{{{name}}}": {"get": {"parameters": parameters, "responses": {}}}}}

    where = "GET /v1/a/{runId}"
    assert said(spec("workflowId"), spec("runId")) == {
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
        ("workflowId", "workflow_id", "PerformWebTaskSyncResponseData.workflow_id: as before"),
        ("timeoutMs", "timeoutMillis", "PerformWebTaskSyncResponseData.timeout_ms → timeout_millis"),
    ],
)
def test_a_property_with_another_name(spec: Any, before: str, after: str, python: str) -> None:
    old, new = (put(spec, [*READ, "properties", name], TEXT) for name in (before, after))
    old, new = (put(each, [*READ, "required"], [name]) for each, name in ((old, before), (new, after)))
    assert said(old, new) == {("property-renamed", BRK, f"{READ[-1]}.{after}", before, after, python)}


def test_a_property_with_another_name_and_other_words_than_before_is_another(spec: Any) -> None:
    old = put(spec, [*READ, "properties", "colour"], {"type": "string", "description": "Its colour"})
    new = put(spec, [*READ, "properties", "weight"], {"type": "string", "description": "Its weight"})
    assert {row.kind for row in compare(old, new)} == {"property-removed", "property-added"}


def test_a_required_property(spec: Any) -> None:
    for place, severity in ((SENT, BRK), (READ, ADD)):
        new = put(put(spec, [*place, "properties", "y"], TEXT), [*place, "required"], [*required(spec, place), "y"])
        (row,) = compare(spec, new)
        assert (row.kind, row.severity) == ("required-property-added", severity)


def required(spec: Any, place: list[Any]) -> list[str]:
    return list(spec["components"]["schemas"][place[-1]]["required"])


def test_properties_in_another_order(spec: Any) -> None:
    new = copy.deepcopy(spec)
    properties = new["components"]["schemas"][SENT[-1]]["properties"]
    properties["prompt"] = properties.pop("prompt")
    (row,) = compare(spec, new)
    assert (row.kind, row.severity, row.where) == ("properties-reordered", NAM, SENT[-1])


def test_a_schema_with_another_name(spec: Any) -> None:
    text = json.dumps(spec).replace("ErrorResponse", "Failure")
    (row,) = compare(spec, json.loads(text))
    assert (row.kind, row.severity, row.before, row.after) == ("schema-renamed", NAM, "ErrorResponse", "Failure")
    assert row.python == "models.ErrorResponse → Failure"


def test_another_schema_that_is_referred_to(spec: Any) -> None:
    old, new = (put(spec, [*READ, "properties", "x"], reference) for reference in (REFERENCE, ANOTHER))
    rows = {(row.kind, row.severity, row.where) for row in compare(old, new)}
    assert ("reference", NAM, f"{READ[-1]}.x") in rows
    assert ("property-removed", BRK, f"{READ[-1]}.x.error") in rows


def test_what_is_referred_to_is_what_stood_there(spec: Any) -> None:
    schemas = spec["components"]["schemas"]
    old = put(spec, [*READ, "properties", "x"], schemas["ErrorResponse"])
    new = put(spec, [*READ, "properties", "x"], REFERENCE)
    (row,) = compare(old, new)
    assert (row.kind, row.severity) == ("reference", NAM)


def test_values_are_compared_wherever_they_are_listed(spec: Any) -> None:
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
    assert rows == {("values-removed", ADD, "['b']", "None"), ("values-added", BRK, "None", "['d']")}


def test_an_alternative_that_has_changed_is_looked_into(spec: Any) -> None:
    old = put(spec, [*READ, "properties", "x"], {"oneOf": [REFERENCE, {"type": "object", "properties": {"a": TEXT}}]})
    new = put(spec, [*READ, "properties", "x"], {"oneOf": [REFERENCE, {"type": "object", "properties": {}}]})
    (row,) = compare(old, new)
    assert (row.kind, row.where) == ("property-removed", f"{READ[-1]}.x (object).a")


@pytest.mark.parametrize(
    ("key", "schema", "suffix"),
    [("items", LIST, "[]"), ("additionalProperties", {"type": "object", "additionalProperties": TEXT}, "{}")],
)
def test_what_is_inside_is_looked_into(spec: Any, key: str, schema: Any, suffix: str) -> None:
    old = put(spec, [*READ, "properties", "x"], schema)
    (row,) = compare(old, put(old, [*READ, "properties", "x", key], {"type": "integer"}))
    assert (row.kind, row.where) == ("type-changed", f"{READ[-1]}.x{suffix}")


def test_a_schema_is_one_row_however_many_use_it(spec: Any) -> None:
    (row,) = compare(spec, put(spec, [*SCHEMAS, "ErrorResponse", "properties", "code"], TEXT))
    assert (row.where, set(row.hits), row.operations) == ("ErrorResponse.code", {"answer"}, 1)
    twice = put(spec, ["paths", "/v1/more"], spec["paths"][PATH])
    (row,) = compare(twice, put(twice, [*SCHEMAS, "ErrorResponse", "properties", "code"], TEXT))
    assert row.operations == 2


def test_a_schema_that_is_sent_and_read_is_as_bad_as_the_worse(spec: Any) -> None:
    both_ways = put(spec, [*READ, "properties", "x"], {"$ref": f"#/components/schemas/{SENT[-1]}"})
    (row,) = compare(both_ways, put(both_ways, [*SENT, "properties", "x", "minLength"], 3))
    assert (row.severity, set(row.hits)) == (BRK, {"answer", "request"})


@pytest.mark.parametrize("kind", ["parameters", "headers", "requestBodies", "responses"])
def test_parts_that_are_components_are_compared_where_they_are_defined(spec: Any, kind: str) -> None:
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


def test_every_kind_is_somewhere_in_a_test() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    elsewhere = {"python-api"}  # test_command.py
    assert [kind for kind in KINDS if f'"{kind}"' not in text and kind not in elsewhere] == []


def said(old: Any, new: Any) -> set[tuple[object, ...]]:
    return {(row.kind, row.severity, row.where, row.before, row.after, row.python) for row in compare(old, new)}
