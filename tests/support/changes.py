"""A list of single changes of a spec, each with the row that `make drift` must report for this change.

The changed spec is `slice.yaml`, a part of an old upstream spec, so the list does not depend on the vendored spec.
"""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from tests.support.building import SLICE
from tools.drift.rows import Severity
from tools.openapi import reader

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
"""In place of a value: the spec has no value at this place."""

TEXT = {"type": "string"}
SAID = {"description": "What happened"}
LIST = {"type": "array", "items": TEXT}
OTHER = {"type": "object", "properties": {"a": TEXT}}
REFERENCE = {"$ref": "#/components/schemas/ErrorResponse"}
ANOTHER = {"$ref": "#/components/schemas/PerformWebTaskSyncResponseData"}
SCHEMES = ["components", "securitySchemes"]
KEY = {"type": "apiKey", "in": "header", "name": "anchor-api-key"}


def limit(**more: Any) -> list[Any]:
    return [{"in": "query", "name": "limit", "schema": {"type": "integer"}, **more}]


class Change(NamedTuple):
    """One change: a place in the spec, the values there in the old and the new spec, and the contents of the row."""

    place: list[Any]
    old: Any
    new: Any
    kind: str
    severity: Severity
    where: str
    hits: str = ""


def both(
    key: str, old: Any, new: Any, kind: str, request: Severity, response: Severity, *, inside: tuple[str, ...] = ("x",)
) -> list[Change]:
    """Return two changes: the same change of a property `x`, once in a request and once in a response."""
    places = ((SENT, request, "request"), (READ, response, "response"))
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
    Change([*START, "callbacks"], NO, {"done": {}}, "webhook-added", ADD, f"POST {PATH}, callback done"),
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
    Change(
        QUERY,
        limit(schema=LIST),
        limit(schema=LIST, explode=False),
        "parameter-serialization",
        BRK,
        f"POST {PATH}, query parameter limit",
    ),
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
    # -- bodies and responses ------------------------------------------------------------------------------------------
    Change(BODY, NO, {"content": {}}, "body-added", ADD, f"POST {PATH}, body", "request"),
    Change(BODY, NO, {"content": {}, "required": True}, "required-body-added", BRK, f"POST {PATH}, body", "request"),
    Change(BODY, {"content": {}}, NO, "body-removed", BRK, f"POST {PATH}, body", "request"),
    Change([*BODY, "required"], False, True, "now-required", BRK, f"POST {PATH}, body", "request"),
    Change([*BODY, "required"], True, NO, "now-optional", ADD, f"POST {PATH}, body", "request"),
    Change([*BODY, "content", "text/plain"], NO, {}, "content-type-added", ADD, f"POST {PATH}, body", "request"),
    Change([*BODY, "content", "text/plain"], {}, NO, "content-type-removed", BRK, f"POST {PATH}, body", "request"),
    Change([*OK, "content", "text/plain"], NO, {}, "content-type-added", BEH, f"POST {PATH}, response 200", "response"),
    Change(
        [*OK, "content", "text/plain"], {}, NO, "content-type-removed", BRK, f"POST {PATH}, response 200", "response"
    ),
    Change([*START, "responses", "202"], NO, SAID, "success-added", BEH, f"POST {PATH}, response 202", "response"),
    Change([*START, "responses", "202"], SAID, NO, "success-removed", BRK, f"POST {PATH}, response 202", "response"),
    Change([*START, "responses", "418"], NO, SAID, "failure-added", ADD, f"POST {PATH}, response 418", "response"),
    Change(
        [*START, "responses", "default"], {}, NO, "failure-removed", BEH, f"POST {PATH}, response default", "response"
    ),
    Change([*OK, "headers", "X"], NO, {}, "header-added", ADD, f"POST {PATH}, response 200, header X", "response"),
    Change([*OK, "headers", "X"], {}, NO, "header-removed", BRK, f"POST {PATH}, response 200, header X", "response"),
    Change([*OK, "description"], "Well", "Very well", "text", DOC, f"POST {PATH}, response 200"),
    Change(
        [*OK, "content", "application/json", "example"],
        {"data": {"result": {"result": 1}}},
        {"data": {"result": 1}},
        "example-shape",
        BEH,
        f"POST {PATH}, response 200",
        "response",
    ),
    Change(
        [*OK, "content", "application/json", "example"],
        {"a": 1},
        {"a": 2},
        "example",
        DOC,
        f"POST {PATH}, response 200",
    ),
    # -- properties ----------------------------------------------------------------------------------------------------
    *both("x", NO, TEXT, "property-added", ADD, ADD, inside=()),
    *both("x", TEXT, NO, "property-removed", BRK, BRK, inside=()),
    Change([*SENT, "required"], ["prompt"], ["prompt", "url"], "now-required", BRK, f"{SENT[-1]}.url", "request"),
    Change([*READ, "required"], [], ["result"], "now-required", ADD, f"{READ[-1]}.result", "response"),
    Change([*SENT, "required"], ["url"], [], "now-optional", ADD, f"{SENT[-1]}.url", "request"),
    Change([*SENT, "required"], ["prompt"], [], "now-optional-and-moved", BEH, f"{SENT[-1]}.prompt", "request"),
    Change([*READ, "required"], ["result"], NO, "now-optional", BRK, f"{READ[-1]}.result", "response"),
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
    *both("format", NO, "email", "format", BRK, BEH),
    *both("format", "email", NO, "format-removed", ADD, BEH),
    *both("format", "int32", "int64", "format-wider", ADD, BEH),
    *both("format", "date", "date-time", "format-and-type", BRK, BRK),
    *both("contentEncoding", "base64", "base16", "content-encoding", BRK, BRK),
    *both("contentEncoding", NO, "base64", "content-encoding-said", BRK, BEH),
    *both("contentEncoding", "base64", NO, "content-encoding-said", BRK, BEH),
    *both("contentMediaType", NO, "image/png", "text-content", BRK, BEH),
    *both("contentMediaType", "image/png", "image/jpeg", "text-content", BRK, BEH),
    *both("contentMediaType", "image/png", NO, "text-content-removed", ADD, BEH),
    *both("contentSchema", {"type": "string"}, {"type": "array"}, "text-content", BRK, BEH),
    *both("minLength", NO, 3, "bound-tighter", BRK, ADD),
    *both("minLength", 3, 2, "bound-looser", ADD, BEH),
    *both("maximum", 3, 2, "bound-tighter", BRK, ADD),
    *both("maximum", 3, NO, "bound-looser", ADD, BEH),
    *both("exclusiveMinimum", 3, 4, "bound-tighter", BRK, ADD),
    *both("exclusiveMaximum", 3, 4, "bound-looser", ADD, BEH),
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
    *both("ownKeyword", NO, "a", "not-understood", BRK, BRK),
    *both("patternProperties", NO, {"^a": TEXT}, "constraint-added", BRK, ADD),
    *both("if", NO, {"type": "string"}, "constraint-added", BRK, ADD),
    *both("if", {"type": "string"}, NO, "constraint-removed", ADD, BEH),
    *both("not", {"enum": ["a"]}, {"enum": ["b"]}, "constraint", BRK, BEH),
    *both("propertyNames", {"maxLength": 3}, NO, "constraint-removed", ADD, BEH),
    *both("dependentRequired", {"a": ["b"]}, NO, "constraint-removed", ADD, BEH),
    *both("unknown", NO, 1, "not-understood", BRK, BRK),
    # -- compositions --------------------------------------------------------------------------------------------------
    *both("oneOf", [REFERENCE, TEXT], [REFERENCE, TEXT, LIST], "alternative-added", ADD, BRK),
    *both("anyOf", [REFERENCE, TEXT, LIST], [REFERENCE, TEXT], "alternative-removed", BRK, ADD),
    *both("oneOf", [REFERENCE, TEXT], [TEXT, REFERENCE], "alternatives-reordered", BEH, BEH),
    *both("oneOf", [REFERENCE, OTHER], NO, "type-changed", BRK, BRK),
    *both("allOf", [REFERENCE, OTHER], [REFERENCE, OTHER, ANOTHER], "part-added", BRK, ADD),
    *both("allOf", [REFERENCE, OTHER], [REFERENCE], "part-removed", BRK, BRK),
    *both("discriminator", NO, {"propertyName": "a"}, "discriminator", BEH, BEH),
    *both("additionalProperties", NO, False, "additional-properties-refused", BRK, BRK),
    *both("additionalProperties", False, True, "additional-properties-allowed", ADD, BEH),
    # -- components ----------------------------------------------------------------------------------------------------
    Change([*SCHEMAS, "More"], NO, OTHER, "schema-added", ADD, "More"),
    Change([*SCHEMAS, "More"], OTHER, NO, "schema-removed", NAM, "More"),
    Change([*SCHEMAS, "More"], {"type": "string"}, {"type": "integer"}, "type-changed", NAM, "More"),
    Change(["components", "headers"], NO, {"X": {}}, "component-added", DOC, "components.headers.X"),
    Change(["components", "pathItems"], {"X": {}}, {"X": {"get": {}}}, "not-understood", NAM, "components.pathItems.X"),
    # -- the document --------------------------------------------------------------------------------------------------
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
    Change(["security"], NO, [{"key": []}], "security-place", DOC, "the document"),  # each operation has its own list
    Change([*START, "security"], NO, [], "security-place", DOC, f"POST {PATH}"),
    Change([*START, "security"], [], [{"key": []}], "security-asked", BRK, f"POST {PATH}"),
    Change([*START, "security"], [{"key": []}], [], "security-not-asked", ADD, f"POST {PATH}"),
    Change(
        [*START, "security"], [{"a": []}], [{"a": []}, {"b": []}], "security-alternative-added", ADD, f"POST {PATH}"
    ),
    Change(
        [*START, "security"], [{"a": []}, {"b": []}], [{"a": []}], "security-alternative-removed", BRK, f"POST {PATH}"
    ),
    Change(
        [*SCHEMES, "api_key_header"], NO, KEY, "security-scheme-added", ADD, "components.securitySchemes.api_key_header"
    ),
    Change(
        [*SCHEMES, "api_key_header"],
        KEY,
        NO,
        "security-scheme-removed",
        BRK,
        "components.securitySchemes.api_key_header",
    ),
    Change(
        [*SCHEMES, "api_key_header"],
        KEY,
        {**KEY, "name": "x-api-key"},
        "security-scheme",
        BRK,
        "components.securitySchemes.api_key_header",
    ),
    Change(
        [*SCHEMES, "api_key_header"],
        KEY,
        {**KEY, "description": "A key"},
        "text",
        DOC,
        "components.securitySchemes.api_key_header",
    ),
    Change([*SCHEMES, "unused"], KEY, NO, "security-scheme-removed", DOC, "components.securitySchemes.unused"),
    Change(["info", "version"], "1", "2", "text", DOC, "the document"),
    Change(["tags"], NO, [{"name": "a"}], "tags", DOC, "the document"),
    Change(["openapi"], "3.1.0", "3.1.1", "text", DOC, "the document"),
    Change(["webhooks"], NO, {"done": {}}, "webhook-added", ADD, "webhook done"),
    Change(["jsonSchemaDialect"], NO, "https://a.example", "not-understood", BRK, "the document"),
]


def slice_of_the_api() -> Any:
    """Return the spec in `slice.yaml`."""
    return reader.read(SLICE)


def with_x() -> Any:
    """Return the spec in `slice.yaml`, with an additional property `x` in a request and in a response."""
    spec = slice_of_the_api()
    for name in (SENT[-1], READ[-1]):
        spec["components"]["schemas"][name]["properties"]["x"] = copy.deepcopy(X)
    return spec


def put(spec: Any, place: list[Any], value: Any) -> Any:
    """Return a copy of the spec with this value at this place; `NO` removes the value that is there."""
    changed = copy.deepcopy(spec)
    node = changed
    for key in place[:-1]:
        node = node.setdefault(key, {})
    if value is NO:
        node.pop(place[-1], None)
    else:
        node[place[-1]] = copy.deepcopy(value)
    return changed
