"""JSON Schemas as `output` whose answers are validated."""

from __future__ import annotations

import copy
import json
import pickle
import socket
import sys
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from anchor_webtask import ConfigurationError, InvalidOutputError, JsonSchema
from anchor_webtask._output.decode import output_of
from tests.support.errors import contents

PRICE: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": {"type": "number", "minimum": 0}, "a b": {"type": "string"}},
    "required": ["amount"],
}
PRICES: dict[str, Any] = {"type": "array", "items": PRICE}
OPEN: dict[str, Any] = {
    "type": "object",
    "properties": {"note": {"type": "string"}},
    "additionalProperties": {"type": "integer"},
}
TREE: dict[str, Any] = {
    "$ref": "#/$defs/Tree",
    "$defs": {
        "Tree": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "trees": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}},
            "required": ["name"],
        }
    },
}
LISTS: dict[str, Any] = {"type": "array", "items": {"anyOf": [{"$ref": "#"}, {"type": "integer"}]}}


def nest(value: object, times: int) -> Any:
    return value if times == 0 else {"result": nest(value, times - 1)}


def refused(schema: dict[str, Any], raw: Any) -> InvalidOutputError:
    """Return why an answer isn't taken."""
    before = copy.deepcopy(raw)
    with pytest.raises(InvalidOutputError) as caught:
        output_of(JsonSchema(schema)).value(raw, "task-1")
    error = caught.value
    assert error.raw is raw
    assert raw == before
    assert error.task_id == "task-1"
    assert error.__cause__ is error.__context__ is None
    assert contents(pickle.loads(pickle.dumps(error))) == contents(error)
    assert str(error).isprintable()
    assert len(str(error)) < 800
    return error


def invalid(schema: Any) -> ConfigurationError:
    """Return why a schema isn't taken."""
    with pytest.raises(ConfigurationError) as caught:
        JsonSchema(schema)
    error = caught.value
    assert error.__cause__ is error.__context__ is None
    assert str(error).isprintable()
    assert len(str(error)) < 800
    return error


# -- What is sent --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [PRICE, OPEN], ids=["price", "open"])
def test_schema_of_an_object_is_sent_as_it_is(schema: dict[str, Any]) -> None:
    output = output_of(JsonSchema(schema))
    assert output.schema == schema
    assert not output.wrapped


@pytest.mark.parametrize("schema", [PRICES, LISTS, {"type": "string"}, {"enum": [1, 2]}], ids=str)
def test_other_schema_is_sent_as_one_field(schema: dict[str, Any]) -> None:
    output = output_of(JsonSchema(schema))
    assert output.wrapped
    assert output.schema is not None
    Draft202012Validator.check_schema(output.schema)
    assert output.schema["type"] == "object"


def test_root_reference_is_followed() -> None:
    output = output_of(JsonSchema(TREE))
    assert output.schema == {**TREE["$defs"]["Tree"], "$defs": TREE["$defs"]}
    assert not output.wrapped


def test_what_is_kept_is_a_copy() -> None:
    schema = copy.deepcopy(PRICE)
    kept = JsonSchema(schema)
    schema["properties"]["amount"]["type"] = "string"
    assert kept.schema == PRICE
    assert output_of(kept).value({"amount": 3}, None) == {"amount": 3}


def test_repr_shows_the_schema() -> None:
    assert repr(JsonSchema({"type": "object"})) == "JsonSchema({'type': 'object'})"


# -- How an answer is read -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        (PRICE, {"amount": 3, "more": [None]}),
        (PRICES, [{"amount": 3}, {"amount": 0.5}]),
        (TREE, {"name": "a", "trees": [{"name": "b"}]}),
        (LISTS, [1, [2, []]]),
        ({"type": "integer"}, 3),
        ({"enum": ["yes", "no"]}, "no"),
        (OPEN, {"web": 3}),
        (OPEN, {}),
        ({"type": ["object", "null"], "properties": {"amount": {}}}, None),
    ],
    ids=str,
)
@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("as_text", [False, True])
def test_answer_that_fits_comes_as_it_is(schema: dict[str, Any], answer: Any, times: int, as_text: bool) -> None:
    raw = json.dumps(nest(answer, times)) if as_text else nest(answer, times)
    assert output_of(JsonSchema(schema)).value(raw, None) == answer


def test_answer_that_fits_is_not_unwrapped() -> None:
    schema = {"type": "object", "properties": {"result": {"type": "string"}}, "required": ["result"]}
    assert output_of(JsonSchema(schema)).value(nest("x", 1), None) == nest("x", 1)
    assert output_of(JsonSchema(schema)).value(nest("x", 3), None) == nest("x", 1)


@pytest.mark.parametrize(
    ("schema", "raw", "path", "expected"),
    [
        (PRICE, {"amount": "x"}, "$.amount", 'expected a value that fits type "number"; found "x"'),
        (PRICE, {"amount": -1}, "$.amount", "expected a value that fits minimum 0; found -1"),
        (PRICE, {"amount": 1, "a b": 2}, '$["a b"]', 'expected a value that fits type "string"; found 2'),
        (PRICE, {"a b": "x"}, "$", 'expected a value that fits required ["amount"]; found {"a b": "x"}'),
        (PRICE, nest({"amount": "x"}, 2), "$.result.result.amount", "number"),
        (PRICES, nest([{"amount": 1}, {"amount": "x"}], 1), "$.result[1].amount", "number"),
        (PRICES, [{"amount": 1}, {"amount": "x"}], "$[1].amount", "number"),
        (TREE, {"name": "a", "trees": [{"name": "b"}, {"name": 3}]}, "$.trees[1].name", "string"),
        (PRICES, json.dumps([{"amount": "x"}]), "$[0].amount", "number"),
        ({"type": "integer"}, "many", "$", "integer"),
        ({"type": "array", "prefixItems": [{"const": 2}]}, [1], "$[0]", "expected a value that fits const 2; found 1"),
    ],
    ids=lambda it: ascii(it)[:50],
)
def test_answer_that_does_not_fit_is_an_error_that_says_where(
    schema: dict[str, Any], raw: Any, path: str, expected: str
) -> None:
    error = refused(schema, raw)
    assert error.path == path
    assert expected in str(error)


@pytest.mark.parametrize("raw", ["I gave up.", None, {}, {"error": "no"}, [], 3, "null", "{}"], ids=repr)
@pytest.mark.parametrize("times", [0, 1, 2])
def test_answer_of_an_agent_that_gave_up_is_an_error(raw: Any, times: int) -> None:
    refused(PRICE, nest(raw, times))
    refused({**PRICE, "required": []}, nest(raw, times))


@pytest.mark.parametrize(
    ("schema", "raw"),
    [
        ({"type": "integer"}, "x" * 10_000_000),
        ({"enum": ["x" * 10_000, *range(10_000)]}, "y"),
        (PRICE, {"amount": "\x00\u202e\ud800" * 1000}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"\x00\u202e" * 1000: "x"}),
        ({"pattern": "\u202e" * 1000}, "x"),
    ],
    ids=["huge", "huge schema", "hostile", "hostile key", "hostile schema"],
)
def test_error_stays_short_and_printable(schema: dict[str, Any], raw: Any) -> None:
    refused(schema, raw)


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}], ids=str)
def test_schema_that_goes_round_in_circles_is_an_error_and_no_crash(schema: dict[str, Any]) -> None:
    assert "exceeded Python's recursion limit" in str(refused(schema, {"amount": 1}))


def test_plain_dict_is_not_validated() -> None:
    assert output_of(PRICE).value({"amount": "x"}, None) == {"amount": "x"}


# -- Schemas that are refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"type": "objekt"}, "output is not a valid JSON Schema at $.type: "),
        (
            {"type": "object", "properties": {"a b": {"type": 3}}},
            'output is not a valid JSON Schema at $.properties["a b"].type: ',
        ),
        ({"required": "amount"}, "output is not a valid JSON Schema at $.required: "),
        ({"properties": []}, "output is not a valid JSON Schema at $.properties: "),
        ({"type": "string", "pattern": "["}, "output is not a valid JSON Schema at $.pattern: "),
        (
            {"properties": {"x" * 10_000: {"type": "\u202e" * 10_000}}},
            "output is not a valid JSON Schema at $.properties.xxx",
        ),
        ({}, "output is empty: give a JSON Schema, or leave it out"),
        ({"type": object}, "output must be JSON"),
        ({1: "object"}, "output must be JSON"),
        ({"maximum": float("nan")}, "output must be JSON"),
    ],
    ids=lambda it: ascii(it)[:50],
)
def test_what_is_no_schema_is_refused_when_it_is_made(schema: Any, message: str) -> None:
    assert str(invalid(schema)).startswith(message)


@pytest.mark.parametrize(
    "reference",
    [
        "https://example.com/schema.json",
        "https://json-schema.org/draft/2020-12/no-schema",
        "other.json",
        "file:///etc/passwd",
        "#/$defs/Nobody",
        "#nobody",
    ],
)
@pytest.mark.parametrize("keyword", ["$ref", "$dynamicRef"])
def test_reference_to_what_is_not_there_is_refused_and_never_fetched(
    reference: str, keyword: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("it is fetched")

    monkeypatch.setattr(socket.socket, "connect", connect)
    monkeypatch.setattr(socket, "getaddrinfo", connect)
    for schema in (
        {keyword: reference},
        {"type": "object", "properties": {"amount": {keyword: reference}}},
        {"type": "array", "items": {"anyOf": [{"type": "string"}, {"not": {keyword: reference}}]}},
        {"type": "object", "$defs": {"Unused": {keyword: reference}}},
    ):
        assert (
            str(invalid(schema))
            == f"output refers to {reference!r}, but does not contain it: add that schema under $defs"
        )


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"A": {"$anchor": "a", "type": "integer"}}, "properties": {"amount": {"$ref": "#a"}}},
        {"$defs": {"A": {"$dynamicAnchor": "a", "type": "integer"}}, "properties": {"amount": {"$dynamicRef": "#a"}}},
        {
            "$id": "https://example.com/schema.json",
            "$defs": {"A": {"$id": "a.json", "type": "integer"}},
            "properties": {"amount": {"$ref": "a.json"}},
        },
        {
            "$defs": {
                "A": {
                    "$id": "https://example.com/a/whole.json",
                    "$defs": {"B": {"$id": "part.json", "type": "integer"}},
                    "properties": {"amount": {"$ref": "part.json"}},
                }
            },
            "allOf": [{"$ref": "https://example.com/a/whole.json"}],
        },
        {"definitions": {"A": {"type": "integer"}}, "properties": {"amount": {"$ref": "#/definitions/A"}}},
        {"$defs": {"a/b": {"type": "integer"}}, "properties": {"amount": {"$ref": "#/$defs/a~1b"}}},
        {"properties": {"amount": {"$ref": "#/properties/other"}, "other": {"type": "integer"}}},
    ],
    ids=str,
)
def test_reference_to_what_is_there_is_followed(schema: dict[str, Any]) -> None:
    assert output_of(JsonSchema(schema)).value({"amount": 1}, None) == {"amount": 1}
    assert refused(schema, {"amount": "x"}).path == "$.amount"


def test_values_that_look_like_references_are_none() -> None:
    schema = {"type": "object", "properties": {"amount": {"const": {"$ref": "https://example.com"}}}}
    answer = {"amount": {"$ref": "https://example.com"}}
    assert output_of(JsonSchema(schema)).value(answer, None) == answer


@pytest.mark.parametrize("missing", ["jsonschema", "referencing"])
def test_without_jsonschema_the_error_says_what_to_install(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"^JsonSchema needs jsonschema: pip install 'anchor-webtask\[jsonschema\]'$"):
        JsonSchema(PRICE)


def test_formats_are_told_the_agent_and_not_validated() -> None:
    """As the dialect says: they are annotations."""
    schema = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
    assert output_of(JsonSchema(schema)).value({"day": "someday"}, None) == {"day": "someday"}
