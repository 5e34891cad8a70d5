"""Names of schemas from which the generator would make the same class or module; the others keep theirs."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.compose import schema_names
from tools.compose.generated_classes import inline_classes
from tools.openapi import python_names

OBJECT: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}}


def spec(schemas: dict[str, Any], paths: dict[str, Any] | None = None, **components: Any) -> dict[str, Any]:
    """Return a spec in which, as in a file, no part is the same object as another part."""
    document = {"openapi": "3.1.0", "paths": paths or {}, "components": {"schemas": schemas, **components}}
    copied: dict[str, Any] = json.loads(json.dumps(document))
    return copied


def renamed(schemas: dict[str, Any], **parts: Any) -> Any:
    """Return the components of a spec after the renaming; the order of components must not change it."""
    document = spec(schemas, **parts)
    schema_names.rename(document)
    backwards = spec(dict(reversed(schemas.items())), **parts)
    schema_names.rename(backwards)
    assert backwards["components"] == document["components"]
    return document["components"]["schemas"]


def modules(document: dict[str, Any]) -> list[str]:
    """Return the module of each component and of each class elsewhere, except those of equal enums."""
    components = document["components"]["schemas"]
    inline = {(each.class_name, each.values or id(each.schema)) for each in inline_classes(document)}
    return [
        *(python_names.module(python_names.model(name)) for name in components),
        *(python_names.module(name) for name, _ in inline),
    ]


# -- Components --------------------------------------------------------------------------------------------------------


def test_component_whose_name_is_that_of_its_class_keeps_it() -> None:
    found = renamed({"ErrorResponse": {}, "error-response": {}, "error_response": {}, "ErrorRESPONSE": {}, "Other": {}})
    assert sorted(found) == [
        "ErrorRESPONSEX4572726f72524553504f4e5345",
        "ErrorResponse",
        "ErrorResponseX6572726f722d726573706f6e7365",
        "ErrorResponseX6572726f725f726573706f6e7365",
        "Other",
    ]


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (["HTTPError", "http-error"], "HTTPError"),
        (["HTTPError", "HttpError", "http-error"], "HttpError"),
        (["http-error", "http_error"], None),
    ],
)
def test_at_most_one_of_several_components_keeps_its_name(names: list[str], kept: str | None) -> None:
    found = renamed({name: {} for name in names})
    assert [name for name in names if name in found] == ([kept] if kept else [])
    assert len(found) == len(names)


@pytest.mark.parametrize("name", ["a-b", "HTTPError", "error_response", "x.y.Z", "1a"])
def test_component_that_is_alone_keeps_its_name(name: str) -> None:
    assert [*renamed({name: {}, "Other": {}})] == [name, "Other"]


def test_references_and_mappings_follow_a_renamed_component() -> None:
    new = "ABX612d62"
    reference = {"$ref": "#/components/schemas/a-b"}
    document = spec(
        {
            "AB": {"properties": {"x": reference, "y": {"$ref": "#/components/schemas/a-b/properties/a"}}},
            "a-b": OBJECT,
            "Either": {
                "oneOf": [reference, {"$ref": "#/components/schemas/AB"}],
                "discriminator": {"propertyName": "a", "mapping": {"1": "a-b", "2": reference["$ref"], "3": "AB"}},
                "example": reference,
            },
        },
        {"/a": {"get": {"responses": {"200": {"content": {"application/json": {"schema": reference}}}}}}},
    )
    schema_names.rename(document)
    renamed_reference = {"$ref": f"#/components/schemas/{new}"}
    schemas = document["components"]["schemas"]
    assert [*schemas] == ["AB", new, "Either"]
    assert schemas["AB"]["properties"] == {
        "x": renamed_reference,
        "y": {"$ref": f"#/components/schemas/{new}/properties/a"},
    }
    assert schemas["Either"] == {
        "oneOf": [renamed_reference, {"$ref": "#/components/schemas/AB"}],
        "discriminator": {"propertyName": "a", "mapping": {"1": new, "2": renamed_reference["$ref"], "3": "AB"}},
        "example": reference,
    }
    responses = document["paths"]["/a"]["get"]["responses"]
    assert responses["200"]["content"]["application/json"]["schema"] == renamed_reference


# -- Other schemas -----------------------------------------------------------------------------------------------------


def test_schema_inside_a_component_gives_way_to_a_component() -> None:
    found = renamed({"Foo": {"type": "object", "properties": {"bar": OBJECT, "other": OBJECT}}, "FooBar": OBJECT})
    inner = found["Foo"]["properties"]
    assert inner["bar"]["title"].startswith("bar_x")
    assert "title" not in inner["other"]
    assert found["FooBar"] == OBJECT


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"Foo": {"type": "object", "properties": {"BarBaz": OBJECT}}}, {"FooBar": {"properties": {"baz": OBJECT}}}),
        (
            {"Foo": {"type": "object", "properties": {"bar": {"type": "array", "items": OBJECT}}}},
            {"FooBar": {"properties": {"item": OBJECT}}},
        ),
        (
            {"Foo": {"type": "object", "additionalProperties": OBJECT}},
            {"FooAdditional": {"properties": {"property": OBJECT}}},
        ),
        (
            {"Foo": {"properties": {"bar": {"anyOf": [OBJECT, {"type": "null"}]}}}},
            {"FooBar": {"properties": {"type_0": OBJECT}}},
        ),
        (
            {"Foo": {"allOf": [{"$ref": "#/components/schemas/Z"}, {"properties": {"bar": OBJECT}}]}, "Z": OBJECT},
            {"FooBar": {**OBJECT, "description": "Theirs"}},
        ),
        ({"Foo": {"properties": {"kind": {"enum": ["a"]}}}}, {"FooKind": {"type": "string", "enum": ["b"]}}),
        ({"Foo": {"properties": {"kind": {"enum": ["a", None]}}}}, {"FooKindType1": {"enum": ["b"]}}),
        ({"Foo": {"properties": {"a-b": OBJECT, "a_b": OBJECT}}}, {}),
    ],
)
def test_schemas_of_the_same_class_get_distinct_classes(one: dict[str, Any], other: dict[str, Any]) -> None:
    document = spec({**one, **other})
    before = modules(document)
    assert len(set(before)) < len(before)
    schema_names.rename(document)
    after = modules(document)
    assert len(set(after)) == len(after)


def test_schemas_of_operations_get_distinct_classes() -> None:
    content = {"content": {"application/json": {"schema": OBJECT}}}
    kind = {"in": "query", "name": "kind", "schema": {"type": "string", "enum": ["a", "b"]}}
    operation = {
        "operationId": "get_a",
        "parameters": [kind],
        "requestBody": content,
        "responses": {"200": content, "default": {"$ref": "#/components/responses/Failed"}},
    }
    document = spec(
        {"GetABody": OBJECT, "GetAResponse200": OBJECT, "GetAKind": {"enum": ["c"]}, "GetAResponseDefault": OBJECT},
        {"/a": {"get": operation}},
        responses={"Failed": content},
    )
    schema_names.rename(document)
    found = modules(document)
    assert len(found) == len(set(found)) == 8


def test_equal_enums_of_one_name_share_a_class_as_before() -> None:
    schemas = {
        "Foo": {"properties": {"barKind": {"enum": ["a", "b"]}}},
        "FooBar": {"properties": {"kind": {"enum": ["b", "a"]}}},
        "Baz": {"properties": {"kind": {"enum": ["x"]}}},
        "BazKind": {"enum": ["x"]},
    }
    assert renamed(schemas) == schemas


def test_parameter_that_an_operation_redefines_is_not_named_twice() -> None:
    old, new = ({"in": "query", "name": "kind", "schema": {"enum": [value]}} for value in "ab")
    document = spec(
        {}, {"/a": {"parameters": [old], "get": {"operationId": "g", "parameters": [new], "responses": {}}}}
    )
    before = copy.deepcopy(document)
    schema_names.rename(document)
    assert document == before


NAMES = st.sampled_from(
    ["Foo", "Bar", "FooBar", "foo-bar", "foo_bar", "fooBar", "FOOBar", "Baz", "BarBaz", "Kind", "Item", "foo"]
)
SCHEMAS = st.recursive(
    st.sampled_from([{"type": "string"}, {"enum": ["a"]}, {"enum": ["b"]}, {"$ref": "#/components/schemas/Foo"}]),
    lambda inner: st.one_of(
        st.dictionaries(NAMES, inner, max_size=3).map(lambda found: {"type": "object", "properties": found}),
        inner.map(lambda items: {"type": "array", "items": items}),
        st.lists(inner, min_size=2, max_size=3).map(lambda found: {"oneOf": found}),
    ),
    max_leaves=8,
)


@given(st.dictionaries(NAMES, SCHEMAS, max_size=5))
def test_any_schemas_get_distinct_classes(schemas: dict[str, Any]) -> None:
    document = spec({"Foo": {"type": "string"}, **schemas})
    schema_names.rename(document)
    found = modules(document)
    assert sorted(set(found)) == sorted(found)
