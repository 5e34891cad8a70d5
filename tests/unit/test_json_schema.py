"""`JsonSchema` as argument `output`: which schemas are accepted, which schema is sent, how answers are validated."""

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
from anchor_webtask._output.schema import output_of
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
    """Check that an answer is refused; return the error, which must pass the checks for all such errors."""
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
    """Check that `JsonSchema` refuses a schema; return the error, which must pass the checks for all such errors."""
    with pytest.raises(ConfigurationError) as caught:
        JsonSchema(schema)
    error = caught.value
    assert error.__cause__ is error.__context__ is None
    assert str(error).isprintable()
    assert len(str(error)) < 800
    return error


# -- The schema that is sent ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("schema", [PRICE, OPEN], ids=["fixed fields", "additional fields"])
def test_schema_with_object_at_root_is_sent_unchanged(schema: dict[str, Any]) -> None:
    output = output_of(JsonSchema(schema))
    assert output.schema == schema
    assert not output.wrapped


@pytest.mark.parametrize("schema", [PRICES, LISTS, {"type": "string"}, {"enum": [1, 2]}], ids=str)
def test_schema_without_object_at_root_is_sent_wrapped_in_object(schema: dict[str, Any]) -> None:
    output = output_of(JsonSchema(schema))
    assert output.wrapped
    assert output.schema is not None
    Draft202012Validator.check_schema(output.schema)
    assert output.schema["type"] == "object"


def test_reference_at_root_is_replaced_by_its_definition() -> None:
    output = output_of(JsonSchema(TREE))
    assert output.schema == {**TREE["$defs"]["Tree"], "$defs": TREE["$defs"]}
    assert not output.wrapped


def test_json_schema_keeps_copy_of_schema_that_is_passed() -> None:
    schema = copy.deepcopy(PRICE)
    kept = JsonSchema(schema)
    schema["properties"]["amount"]["type"] = "string"
    assert kept.schema == PRICE
    assert output_of(kept).value({"amount": 3}, None) == {"amount": 3}


def test_repr_of_json_schema_shows_schema() -> None:
    assert repr(JsonSchema({"type": "object"})) == "JsonSchema({'type': 'object'})"


# -- The validation of answers -------------------------------------------------------------------------------------


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
def test_answer_that_fits_schema_is_returned_without_result_wrappers(
    schema: dict[str, Any], answer: Any, times: int, as_text: bool
) -> None:
    raw = json.dumps(nest(answer, times)) if as_text else nest(answer, times)
    assert output_of(JsonSchema(schema)).value(raw, None) == answer


def test_field_named_result_in_schema_is_not_removed_as_wrapper() -> None:
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
    ids=lambda value: ascii(value)[:50],
)
def test_error_for_wrong_answer_names_place_and_violated_keyword(
    schema: dict[str, Any], raw: Any, path: str, expected: str
) -> None:
    error = refused(schema, raw)
    assert error.path == path
    assert expected in str(error)


@pytest.mark.parametrize("raw", ["I gave up.", None, {}, {"error": "no"}, [], 3, "null", "{}"], ids=repr)
@pytest.mark.parametrize("times", [0, 1, 2])
def test_answer_of_agent_that_gave_up_is_refused(raw: Any, times: int) -> None:
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
def test_error_is_short_and_printable_for_huge_or_hostile_texts(schema: dict[str, Any], raw: Any) -> None:
    refused(schema, raw)


@pytest.mark.parametrize("schema", [{"$ref": "#"}, {"allOf": [{"$ref": "#"}]}], ids=str)
def test_answer_to_schema_with_endless_references_is_refused(schema: dict[str, Any]) -> None:
    assert "exceeded Python's recursion limit" in str(refused(schema, {"amount": 1}))


def test_answer_to_plain_dict_is_not_validated() -> None:
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
        ({}, "output is empty: pass a JSON Schema, or leave output out"),
        ({"type": object}, "output must be JSON"),
        ({1: "object"}, "output must be JSON"),
        ({"maximum": float("nan")}, "output must be JSON"),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_invalid_schema_is_refused_on_construction(schema: Any, message: str) -> None:
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
def test_reference_to_target_outside_schema_is_refused_and_never_fetched(
    reference: str, keyword: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(*_: object) -> None:
        raise AssertionError("a reference is fetched")

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
                    "$id": "https://example.com/a/outer.json",
                    "$defs": {"B": {"$id": "part.json", "type": "integer"}},
                    "properties": {"amount": {"$ref": "part.json"}},
                }
            },
            "allOf": [{"$ref": "https://example.com/a/outer.json"}],
        },
        {"definitions": {"A": {"type": "integer"}}, "properties": {"amount": {"$ref": "#/definitions/A"}}},
        {"$defs": {"a/b": {"type": "integer"}}, "properties": {"amount": {"$ref": "#/$defs/a~1b"}}},
        {"properties": {"amount": {"$ref": "#/properties/other"}, "other": {"type": "integer"}}},
    ],
    ids=str,
)
def test_reference_to_target_inside_schema_is_followed(schema: dict[str, Any]) -> None:
    assert output_of(JsonSchema(schema)).value({"amount": 1}, None) == {"amount": 1}
    assert refused(schema, {"amount": "x"}).path == "$.amount"


def test_key_ref_in_value_of_keyword_const_is_not_followed_as_reference() -> None:
    schema = {"type": "object", "properties": {"amount": {"const": {"$ref": "https://example.com"}}}}
    answer = {"amount": {"$ref": "https://example.com"}}
    assert output_of(JsonSchema(schema)).value(answer, None) == answer


@pytest.mark.parametrize("missing", ["jsonschema", "referencing"])
def test_error_says_which_extra_to_install_if_jsonschema_is_missing(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(ImportError, match=r"^JsonSchema needs jsonschema: pip install 'anchor-webtask\[jsonschema\]'$"):
        JsonSchema(PRICE)


def test_answer_may_violate_keyword_format() -> None:
    """In JSON Schema 2020-12, `format` is only a hint: the agent receives it, but an answer may violate it."""
    schema = {"type": "object", "properties": {"day": {"type": "string", "format": "date"}}}
    assert output_of(JsonSchema(schema)).value({"day": "someday"}, None) == {"day": "someday"}


@pytest.mark.parametrize("value", [19.99, 0.07, 4.35, 600.03, 2.5, 3])
def test_keyword_multiple_of_is_computed_with_decimals(value: float) -> None:
    schema: dict[str, Any] = {"type": "object", "properties": {"amount": {"type": "number", "multipleOf": 0.01}}}
    assert output_of(JsonSchema(schema)).value({"amount": value}) == {"amount": value}
    assert refused(schema, {"amount": 19.999}).path == "$.amount"
    output = output_of(JsonSchema({"type": "object", "properties": {"amount": {"multipleOf": 2}}}))
    assert output.value({"amount": "x"}) == {"amount": "x"}
    assert output.value({"amount": True}) == {"amount": True}


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_nan_and_infinity_never_fit(number: float) -> None:
    with pytest.raises(InvalidOutputError, match="JSON, which has no NaN and no infinities"):
        output_of(JsonSchema(PRICE)).value({"amount": number}, "task-1")


def test_pickle_and_copy_of_json_schema_validate_answers() -> None:
    for made in (pickle.loads(pickle.dumps(JsonSchema(PRICE))), copy.copy(JsonSchema(PRICE))):
        assert made.schema == PRICE
        assert output_of(made).value({"amount": 3}) == {"amount": 3}
        with pytest.raises(InvalidOutputError):
            output_of(made).value({"amount": -3})


def test_one_object_between_words_is_taken_if_it_fits() -> None:
    assert output_of(JsonSchema(PRICE)).value('Here:\n```json\n{"amount": 3}\n```') == {"amount": 3}
    assert refused(PRICE, 'Here: {"amount": -3}').path == "$.amount"
