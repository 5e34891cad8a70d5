"""None or a dict as argument `output`: the schema that is sent, and the answer that is returned without validation."""

from __future__ import annotations

import copy
import json
import math
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_webtask import ConfigurationError
from anchor_webtask._output.schema import output_of

PRICE = {"type": "object", "properties": {"amount": {"type": "number"}}, "required": ["amount"]}
NAMES = {"type": "array", "items": {"type": "string"}}
OWN_RESULT = {"type": "object", "properties": {"result": {"type": "string"}}}
NESTED: Any = {"amount": 3}
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def nest(value: object, times: int) -> object:
    return value if times == 0 else {"result": nest(value, times - 1)}


# -- The schema that is sent ---------------------------------------------------------------------------------------


def test_no_schema_is_sent_if_argument_output_is_none() -> None:
    assert output_of(None).schema is None


@pytest.mark.parametrize(
    "schema",
    [
        PRICE,
        {"type": "object"},
        {"properties": {"a": {}}},
        {"title": "Anything"},
        {"$schema": "https://json-schema.org/draft/2020-12/schema", "$defs": {"N": NAMES}, **PRICE},
        {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
        {"type": "object", "description": "ü \u2028 \U0001f600"},
        OWN_RESULT,
    ],
    ids=str,
)
def test_schema_with_object_at_root_is_sent_unchanged(schema: dict[str, Any]) -> None:
    text = json.dumps(schema)
    output = output_of(schema)
    assert json.dumps(output.schema) == json.dumps(schema) == text
    assert not output.wrapped


def test_sent_schema_is_copy_of_schema_that_is_passed() -> None:
    schema = copy.deepcopy(PRICE)
    output = output_of(schema)
    schema["properties"]["amount"]["type"] = "string"  # type: ignore[index]  # the dict's values are dicts
    assert output.schema == PRICE


def test_schema_may_be_any_mapping() -> None:
    assert output_of(MappingProxyType(PRICE)).schema == PRICE


@pytest.mark.parametrize(
    "schema",
    [
        NAMES,
        {"type": "string"},
        {"type": ["object", "null"]},
        {"$ref": "#/$defs/Price"},
        {"type": "object", "$ref": "#/$defs/Price"},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": "string"}, {"type": "number"}]},
        {"allOf": [{"$ref": "#/$defs/Price"}]},
        {"enum": ["yes", "no"]},
        {"const": 1},
    ],
    ids=str,
)
def test_schema_without_object_at_root_is_wrapped_in_object(schema: dict[str, Any]) -> None:
    output = output_of(schema)
    assert output.wrapped
    assert output.schema == {
        "type": "object",
        "properties": {"result": schema},
        "required": ["result"],
        "additionalProperties": False,
    }


def test_definitions_stay_at_root_of_wrapped_schema_since_references_point_there() -> None:
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"Price": PRICE},
        "definitions": {"Name": {"type": "string"}},
        "type": "array",
        "items": {"$ref": "#/$defs/Price"},
    }
    assert output_of(schema).schema == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$defs": {"Price": PRICE},
        "definitions": {"Name": {"type": "string"}},
        "type": "object",
        "properties": {"result": {"type": "array", "items": {"$ref": "#/$defs/Price"}}},
        "required": ["result"],
        "additionalProperties": False,
    }


def circular_schema() -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = schema
    return schema


def deep_schema(levels: int = 100_000) -> dict[str, Any]:
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"items": schema}
    return schema


@pytest.mark.parametrize(
    "output",
    [
        {"type": object},
        {"enum": {1, 2}},
        {"default": math.nan},
        {"maximum": math.inf},
        {"const": b"x"},
        {"properties": {("a", "b"): {}}},
        {"description": "\ud800"},
        circular_schema(),
        deep_schema(),
    ],
    ids=lambda schema: str(schema)[:40] if "items" not in schema else "deep",
)
def test_schema_that_is_not_json_is_refused(output: dict[Any, Any]) -> None:
    with pytest.raises(ConfigurationError, match="output must be JSON") as caught:
        output_of(output)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("output", ["object", 1, [PRICE], True, object])
def test_output_that_is_neither_type_nor_schema_is_refused(output: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^output") as caught:
        output_of(output)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("properties", [{"result": {}, "note": {}}, {"result": {}}])
def test_field_result_that_schema_declares_is_not_removed_as_wrapper(properties: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": properties, "required": ["result"]}
    assert output_of(schema).value({"result": "ok"}) == {"result": "ok"}
    assert output_of(schema).value({"result": {"result": {"result": "ok"}}}) == {"result": "ok"}


def test_object_around_text_is_not_removed_as_wrapper_if_schema_asks_for_object() -> None:
    assert output_of({"type": "object"}).value({"result": "ok"}) == {"result": "ok"}


@pytest.mark.parametrize("output", [{"properties": {1: {}, "1": {}}}, {"enum": [{None: 1}]}])
def test_schema_with_key_that_is_not_text_is_refused(output: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="dicts whose keys are text"):
        output_of(output)


def test_empty_schema_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="output is empty: pass a JSON Schema, or leave output out"):
        output_of({})


# -- The answer that is returned -----------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("value", [NESTED, "text", None, 0, [], {}, {"result": 1, "more": 2}, '{"amount": 3}'])
def test_two_result_wrappers_are_removed_and_text_is_not_decoded_if_argument_output_is_none(
    value: object, times: int
) -> None:
    assert output_of(None).value(nest(value, times)) == value


def test_third_result_wrapper_stays_in_answer_if_argument_output_is_none() -> None:
    assert output_of(None).value(nest("x", 3)) == nest("x", 1)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_result_wrappers_around_answer_to_schema_are_removed(times: int) -> None:
    assert output_of(PRICE).value(nest(NESTED, times)) == NESTED


@pytest.mark.parametrize("times", [0, 1, 2])
def test_answer_to_schema_is_decoded_from_json_text(times: int) -> None:
    assert output_of(PRICE).value(json.dumps(nest(NESTED, times))) == NESTED


@pytest.mark.parametrize("text", ["no price there", "", "3", '"text"', "null", "{", "[" * 100_000])
def test_text_that_is_not_json_object_or_list_is_returned_unchanged(text: str) -> None:
    assert output_of(PRICE).value(text) == text


@pytest.mark.parametrize("times", [1, 2, 3])
def test_answer_to_wrapped_schema_is_returned_without_result_wrappers_of_schema_and_api(times: int) -> None:
    assert output_of(NAMES).value(nest(["a", "b"], times)) == ["a", "b"]


def test_answer_to_wrapped_schema_may_lack_result_wrapper() -> None:
    assert output_of(NAMES).value(["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_wrappers_of_api_are_removed_but_field_result_of_schema_stays(times: int) -> None:
    assert output_of(OWN_RESULT).value(nest("x", times)) == nest("x", 1)


def test_field_result_beside_other_fields_is_not_removed_as_wrapper() -> None:
    schema = {"type": "object", "properties": {"result": {}, "unit": {}}}
    assert output_of(schema).value(nest({"result": 1, "unit": "EUR"}, 2)) == {"result": 1, "unit": "EUR"}


@pytest.mark.parametrize("times", [1, 2, 3])
def test_third_result_wrapper_is_removed_if_sent_schema_was_wrapped_even_if_argument_output_is_none(times: int) -> None:
    assert output_of(None, wrapped=True).value(nest(["a"], times)) == ["a"]


@given(raw=json_values, output=st.sampled_from([None, PRICE, NAMES, OWN_RESULT]))
def test_decoding_without_validation_never_raises_and_does_not_change_raw_answer(
    raw: object, output: dict[str, Any] | None
) -> None:
    before = copy.deepcopy(raw)
    output_of(output).value(raw)
    assert raw == before
