"""What the generator reads over without a word stops it with one."""

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
        ({"oneOf": [REFERENCE]}, "beside its `oneOf`: write it into each part of that"),
        ({"anyOf": [REFERENCE, REFERENCE]}, "beside its `anyOf`: write it into each part of that"),
        ({"allOf": [REFERENCE]}, "beside a single `$ref`: make both parts of an `allOf`"),
        (REFERENCE, "beside a single `$ref`: make both parts of an `allOf`"),
        ({"type": "array", "items": {}}, "by its type array: take them out"),
    ],
)
@pytest.mark.parametrize("inner", [False, True])
def test_properties_beside_what_is_read_instead(beside: dict[str, Any], reason: str, inner: bool) -> None:
    schema = {"properties": PROPERTIES, **beside}
    place = "$['components']['schemas']['Thing']"
    if inner:
        schema, place = {"type": "object", "properties": {"x": schema}}, f"{place}['properties']['x']"
    assert list(ignored_parts.find(spec(schema))) == [f"{place}: its properties (a, b) are not read {reason}"]


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"anyOf": [REFERENCE, REFERENCE]}, "its `anyOf` is not read: write its parts out"),
        ({"oneOf": [REFERENCE]}, "its `oneOf` is not read: write its parts out"),
        ({"allOf": [REFERENCE]}, "its `allOf` is not read: take its parts out of it"),
        ({"additionalProperties": REFERENCE}, "its `additionalProperties` are not read: put them beside the `allOf`"),
        (
            {"type": "string", "maxLength": 5},
            "its type string is not read, but taken for an object: put its keywords beside the type itself",
        ),
    ],
)
def test_what_is_not_read_in_a_part_without_a_name(part: dict[str, Any], problem: str) -> None:
    place = "$['components']['schemas']['Thing']['allOf']"
    found = list(ignored_parts.find(spec({"allOf": [{"properties": PROPERTIES}, part, REFERENCE]})))
    assert found == [f"{place}[1]: {problem}"]


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        (
            {"allOf": [REFERENCE, {"properties": PROPERTIES}], "oneOf": [REFERENCE]},
            "its `allOf` is not read beside its `oneOf`: write it into each part of that",
        ),
        (
            {"allOf": [REFERENCE], "nullable": True},
            "its null is not read beside a single `$ref`: make it an `anyOf` of that and `type: 'null'`",
        ),
        (
            {"allOf": [REFERENCE], "type": ["object", "null"]},
            "its null is not read beside a single `$ref`: make it an `anyOf` of that and `type: 'null'`",
        ),
    ],
)
def test_what_is_not_read_beside_another_part(schema: dict[str, Any], problem: str) -> None:
    assert list(ignored_parts.find(spec(schema))) == [f"$['components']['schemas']['Thing']: {problem}"]


def test_schemas_of_one_module() -> None:
    document = spec({})
    document["components"]["schemas"]["THING"] = {}
    document["components"]["schemas"]["Thing_"] = {}
    assert list(ignored_parts.find(document)) == [
        "$['components']['schemas']: Thing and THING and Thing_ would both be models/thing.py: rename one"
    ]


@pytest.mark.parametrize(
    ("parameter", "style"),
    [
        ({"explode": False}, "form (explode: false)"),
        ({"style": "pipeDelimited"}, "pipeDelimited (explode: false)"),
        ({"style": "deepObject", "explode": True}, "deepObject (explode: true)"),
    ],
)
def test_a_list_that_is_written_otherwise_than_the_code_does(parameter: dict[str, Any], style: str) -> None:
    document = spec({})
    schema = {"type": "array", "items": {"type": "string"}}
    operation = document["paths"]["/v1/things"]["get"]
    operation["parameters"] = [{"in": "query", "name": "ids", "schema": schema, **parameter}]
    place = "$['paths']['/v1/things']['get']['parameters'][0]"
    assert list(ignored_parts.find(document)) == [f"{place}: its style {style} is not read: say form and true"]
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
def test_what_is_read(schema: dict[str, Any]) -> None:
    assert list(ignored_parts.find(spec(schema))) == []


def test_generating_stops(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    document = spec({"type": "object", "properties": PROPERTIES, "oneOf": [REFERENCE]})
    document["paths"]["/v1/others"] = {"$ref": "#/components/pathItems/Others"}
    document["paths"]["/v1/things"]["get"]["servers"] = [{"url": "https://other.example"}]
    document["webhooks"] = {"news": {"post": {"requestBody": document["components"]["schemas"]["Thing"]}}}
    document["components"]["pathItems"] = {"Others": document["paths"]["/v1/things"]}
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "make generate: code would not be made of all of the spec:",
        "$['paths']['/v1/others']: a `$ref` in the place of operations is not followed: write them out",
        "$['paths']['/v1/things']['get']: servers of its own are not read: take them out",
        "$['components']['schemas']['Thing']: its properties (a, b) are not read beside its `oneOf`: "
        "write it into each part of that",
    ]
    assert not (root / GENERATED).exists()
