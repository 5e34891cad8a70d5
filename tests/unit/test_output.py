"""What is asked for as an answer, and how the answer is read."""

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
from anchor_webtask._output.decode import output_of

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


# -- What is sent --------------------------------------------------------------------------------------------------


def test_nothing_is_sent_where_nothing_is_asked_for() -> None:
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
def test_schema_with_an_object_at_its_root_is_sent_as_it_is(schema: dict[str, Any]) -> None:
    text = json.dumps(schema)
    output = output_of(schema)
    assert json.dumps(output.schema) == json.dumps(schema) == text
    assert not output.wrapped


def test_what_is_sent_is_a_copy() -> None:
    schema = copy.deepcopy(PRICE)
    output = output_of(schema)
    schema["properties"]["amount"]["type"] = "string"  # type: ignore[index]  # a dict of dicts
    assert output.schema == PRICE


def test_any_mapping_will_do() -> None:
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
def test_schema_without_an_object_at_its_root_is_wrapped(schema: dict[str, Any]) -> None:
    output = output_of(schema)
    assert output.wrapped
    assert output.schema == {
        "type": "object",
        "properties": {"result": schema},
        "required": ["result"],
        "additionalProperties": False,
    }


def test_definitions_stay_at_the_root_where_references_look_for_them() -> None:
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


def looping() -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object"}
    schema["properties"] = schema
    return schema


def deep(levels: int = 100_000) -> dict[str, Any]:
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
        looping(),
        deep(),
    ],
    ids=lambda it: str(it)[:40] if "items" not in it else "deep",
)
def test_output_that_is_not_json_is_refused(output: dict[Any, Any]) -> None:
    with pytest.raises(ConfigurationError, match="output must be JSON") as caught:
        output_of(output)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("output", ["object", 1, [PRICE], True, object])
def test_output_that_is_no_type_and_no_schema_is_refused(output: object) -> None:
    with pytest.raises(ConfigurationError, match=r"^output") as caught:
        output_of(output)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("properties", [{"result": {}, "note": {}}, {"result": {}}])
def test_a_field_of_the_users_called_result_stays(properties: dict[str, Any]) -> None:
    schema = {"type": "object", "properties": properties, "required": ["result"]}
    assert output_of(schema).value({"result": "ok"}) == {"result": "ok"}
    assert output_of(schema).value({"result": {"result": {"result": "ok"}}}) == {"result": "ok"}


def test_what_is_no_object_stays_in_an_object_of_any_fields() -> None:
    assert output_of({"type": "object"}).value({"result": "ok"}) == {"result": "ok"}


@pytest.mark.parametrize("output", [{"properties": {1: {}, "1": {}}}, {"enum": [{None: 1}]}])
def test_keys_that_are_not_text_are_refused(output: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="dicts with text as keys"):
        output_of(output)


def test_empty_output_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="output is empty: give a JSON Schema, or leave it out"):
        output_of({})


# -- How the answer is read ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("value", [NESTED, "text", None, 0, [], {}, {"result": 1, "more": 2}, '{"amount": 3}'])
def test_without_output_two_lone_results_are_taken_off_and_nothing_is_decoded(value: object, times: int) -> None:
    assert output_of(None).value(nest(value, times)) == value


def test_without_output_a_third_result_is_the_answers_own() -> None:
    assert output_of(None).value(nest("x", 3)) == nest("x", 1)


@pytest.mark.parametrize("times", [0, 1, 2])
def test_answer_to_a_schema_may_come_wrapped(times: int) -> None:
    assert output_of(PRICE).value(nest(NESTED, times)) == NESTED


@pytest.mark.parametrize("times", [0, 1, 2])
def test_answer_to_a_schema_may_come_as_json_in_a_string(times: int) -> None:
    assert output_of(PRICE).value(json.dumps(nest(NESTED, times))) == NESTED


@pytest.mark.parametrize("text", ["no price there", "", "3", '"text"', "null", "{", "[" * 100_000])
def test_string_that_holds_no_object_or_list_stays_as_it_is(text: str) -> None:
    assert output_of(PRICE).value(text) == text


@pytest.mark.parametrize("times", [1, 2, 3])
def test_wrapped_answer_is_unwrapped_once_more(times: int) -> None:
    assert output_of(NAMES).value(nest(["a", "b"], times)) == ["a", "b"]


def test_wrapped_answer_may_come_without_its_wrapping() -> None:
    assert output_of(NAMES).value(["a", "b"]) == ["a", "b"]


@pytest.mark.parametrize("times", [1, 2, 3])
def test_own_field_called_result_stays(times: int) -> None:
    assert output_of(OWN_RESULT).value(nest("x", times)) == nest("x", 1)


def test_result_among_other_fields_stays() -> None:
    schema = {"type": "object", "properties": {"result": {}, "unit": {}}}
    assert output_of(schema).value(nest({"result": 1, "unit": "EUR"}, 2)) == {"result": 1, "unit": "EUR"}


@pytest.mark.parametrize("times", [1, 2, 3])
def test_found_task_whose_answer_is_known_to_be_wrapped(times: int) -> None:
    assert output_of(None, wrapped=True).value(nest(["a"], times)) == ["a"]


@pytest.mark.parametrize("properties", [None, 5, "result", ["result"], [["result"]]])
def test_schema_that_makes_no_sense_does_not_cost_the_answer(properties: object) -> None:
    assert output_of({"type": "object", "properties": properties}).value(nest(NESTED, 1)) == NESTED


@given(raw=json_values, output=st.sampled_from([None, PRICE, NAMES, OWN_RESULT]))
def test_reading_never_breaks_and_leaves_the_raw_answer_alone(raw: object, output: dict[str, Any] | None) -> None:
    before = copy.deepcopy(raw)
    output_of(output).value(raw)
    assert raw == before
