"""Generating stops if a spec has parts that the generator would ignore without a warning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import repository
from tools.generate import ignored_parts
from tools.generate.__main__ import main
from tools.repository import GENERATED

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.capture import CaptureFixture

REFERENCE = {"$ref": "#/components/schemas/Other"}
PROPERTIES = {"a": {"type": "string"}, "b": {"type": "string"}}


def spec(schema: dict[str, Any]) -> dict[str, Any]:
    schemas = {"Thing": schema, "Other": {"type": "object", "properties": {"c": {"type": "string"}}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "title", "version": "1"},
        "paths": {"/v1/things": {"get": {"responses": {"200": {"description": "well"}}}}},
        "components": {"schemas": schemas},
    }


@pytest.mark.parametrize(
    ("beside", "reason"),
    [
        ({"oneOf": [REFERENCE]}, "beside `oneOf`; write them into each part of the `oneOf`"),
        ({"anyOf": [REFERENCE, REFERENCE]}, "beside `anyOf`; write them into each part of the `anyOf`"),
        ({"allOf": [REFERENCE]}, "beside a single `$ref`; write both as parts of an `allOf`"),
        (REFERENCE, "beside a single `$ref`; write both as parts of an `allOf`"),
        ({"type": "array", "items": {}}, "because the type is array; remove them"),
    ],
)
@pytest.mark.parametrize("inner", [False, True])
def test_properties_beside_a_keyword_that_replaces_them_are_reported(
    beside: dict[str, Any], reason: str, inner: bool
) -> None:
    schema = {"properties": PROPERTIES, **beside}
    place = "$['components']['schemas']['Thing']"
    if inner:
        schema, place = {"type": "object", "properties": {"x": schema}}, f"{place}['properties']['x']"
    assert list(ignored_parts.find(spec(schema))) == [f"{place}: the properties (a, b) are ignored {reason}"]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"anyOf": [REFERENCE, REFERENCE]}, "the `anyOf` in an `allOf` is ignored; write its parts out"),
        ({"oneOf": [REFERENCE]}, "the `oneOf` in an `allOf` is ignored; write its parts out"),
        ({"allOf": [REFERENCE]}, "an `allOf` in an `allOf` is ignored; move its parts into the outer one"),
        (
            {"additionalProperties": REFERENCE},
            "`additionalProperties` in an `allOf` are ignored; write them beside the `allOf`",
        ),
        (
            {"type": "string", "maxLength": 5},
            "the type string in an `allOf` is treated as an object; write the type beside the `allOf`",
        ),
    ],
)
def test_keyword_that_the_generator_ignores_in_a_part_of_an_allof_is_reported(
    part: dict[str, Any], problem: str
) -> None:
    place = "$['components']['schemas']['Thing']['allOf']"
    found = list(ignored_parts.find(spec({"allOf": [{"properties": PROPERTIES}, part, REFERENCE]})))
    assert found == [f"{place}[1]: {problem}"]


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (
            {"allOf": [REFERENCE, {"properties": PROPERTIES}], "oneOf": [REFERENCE]},
            "the `allOf` is ignored beside `oneOf`; write it into each part of the `oneOf`",
        ),
        (
            {"allOf": [REFERENCE], "nullable": True},
            "null is ignored beside a single `$ref`; write an `anyOf` of the `$ref` and `type: 'null'`",
        ),
        (
            {"allOf": [REFERENCE], "type": ["object", "null"]},
            "null is ignored beside a single `$ref`; write an `anyOf` of the `$ref` and `type: 'null'`",
        ),
    ],
)
def test_keyword_that_the_generator_ignores_beside_another_keyword_is_reported(
    schema: dict[str, Any], problem: str
) -> None:
    assert list(ignored_parts.find(spec(schema))) == [f"$['components']['schemas']['Thing']: {problem}"]


@pytest.mark.parametrize(
    ("parameter", "style"),
    [
        ({"explode": False}, "form (explode: false)"),
        ({"style": "pipeDelimited"}, "pipeDelimited (explode: false)"),
        ({"style": "deepObject", "explode": True}, "deepObject (explode: true)"),
    ],
)
def test_array_parameter_in_the_query_is_reported_if_its_style_is_not_supported(
    parameter: dict[str, Any], style: str
) -> None:
    document = spec({})
    schema = {"type": "array", "items": {"type": "string"}}
    operation = document["paths"]["/v1/things"]["get"]
    operation["parameters"] = [{"in": "query", "name": "ids", "schema": schema, **parameter}]
    place = "$['paths']['/v1/things']['get']['parameters'][0]"
    assert list(ignored_parts.find(document)) == [f"{place}: the style {style} is ignored; use form and true"]
    operation["parameters"] = [{"in": "query", "name": "ids", "schema": schema, "style": "form", "explode": True}]
    assert list(ignored_parts.find(document)) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": PROPERTIES},
        {"type": ["object", "null"], "properties": PROPERTIES},
        {"type": "object", "properties": PROPERTIES, "allOf": [REFERENCE, {"properties": PROPERTIES}]},
        {"properties": {}, "oneOf": [REFERENCE]},
        {"oneOf": [{"properties": PROPERTIES}, REFERENCE]},
        {"type": "object", "properties": {"properties": {"type": "string"}, "oneOf": {"type": "string"}}},
        {"type": "string", "allOf": [{"maxLength": 5}]},
        {"allOf": [REFERENCE, {"type": "object", "additionalProperties": True}]},
        {"type": "object", "example": {"properties": PROPERTIES, "oneOf": [REFERENCE]}},
    ],
)
def test_schema_that_the_generator_reads_completely_is_accepted(schema: dict[str, Any]) -> None:
    assert list(ignored_parts.find(spec(schema))) == []


def test_generating_stops_and_reports_all_ignored_parts(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    document = spec({"type": "object", "properties": PROPERTIES, "oneOf": [REFERENCE]})
    document["paths"]["/v1/others"] = {"$ref": "#/components/pathItems/Others"}
    document["paths"]["/v1/things"]["get"]["servers"] = [{"url": "https://other.example"}]
    document["webhooks"] = {"news": {"post": {"requestBody": document["components"]["schemas"]["Thing"]}}}
    document["components"]["pathItems"] = {"Others": document["paths"]["/v1/things"]}
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "make generate: the generator would ignore parts of the spec:",
        "$['paths']['/v1/others']: a `$ref` in place of operations is ignored; write the operations out",
        "$['paths']['/v1/things']['get']: servers of an operation are ignored; remove them",
        "$['components']['schemas']['Thing']: the properties (a, b) are ignored beside `oneOf`; "
        "write them into each part of the `oneOf`",
    ]
    assert not (root / GENERATED).exists()
