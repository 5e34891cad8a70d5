"""What the generator reads over without a word stops it with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import repository
from tools import _unread, generate

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
        ({"oneOf": [REFERENCE]}, "beside its `oneOf`: write them into each part of that"),
        ({"anyOf": [REFERENCE, REFERENCE]}, "beside its `anyOf`: write them into each part of that"),
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
    assert list(_unread.find(spec(schema))) == [f"{place}: its properties (a, b) are not read {reason}"]


def test_a_composition_in_a_part_without_a_name() -> None:
    schema = {"allOf": [REFERENCE, {"anyOf": [REFERENCE, REFERENCE]}]}
    assert list(_unread.find(spec(schema))) == [
        "$['components']['schemas']['Thing']['allOf'][1]: its `anyOf` is not read: make it a schema with a name"
    ]


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": PROPERTIES},
        {"type": ["object", "null"], "properties": PROPERTIES},
        {"type": "object", "properties": PROPERTIES, "allOf": [REFERENCE, {"properties": PROPERTIES}]},
        {"properties": {}, "oneOf": [REFERENCE]},
        {"oneOf": [{"properties": PROPERTIES}, REFERENCE]},
        {"type": "object", "properties": {"properties": {"type": "string"}, "oneOf": {"type": "string"}}},
        {"type": "object", "example": {"properties": PROPERTIES, "oneOf": [REFERENCE]}},
    ],
)
def test_what_is_read(schema: dict[str, Any]) -> None:
    assert list(_unread.find(spec(schema))) == []


def test_generating_stops(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    document = spec({"type": "object", "properties": PROPERTIES, "oneOf": [REFERENCE]})
    document["paths"]["/v1/others"] = {"$ref": "#/components/pathItems/Others"}
    document["components"]["pathItems"] = {"Others": document["paths"]["/v1/things"]}
    root = repository(tmp_path / "root", spec=document)
    assert generate.main(["generate", "--root", str(root)]) == 1
    assert capsys.readouterr().err.splitlines() == [
        "make generate: code was not made of all of the spec:",
        "$['paths']['/v1/others']: a `$ref` in the place of operations is not followed: write them out",
        "$['components']['schemas']['Thing']: its properties (a, b) are not read beside its `oneOf`: "
        "write them into each part of that",
    ]
    assert not (root / generate.GENERATED).exists()
