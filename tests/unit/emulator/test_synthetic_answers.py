"""Synthetic answers of the emulator: they fit `output_schema`, and the task fails if no such answer is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from anchor_webtask.emulator import Emulator
from tests.unit.emulator.support import client_of, data

if TYPE_CHECKING:
    from tests.unit.emulator.support import Api

    Schema = dict[str, Any]

NODE: Schema = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
        "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
    },
    "required": ["name", "children", "next"],
}


ENDLESS: Schema = {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "required": ["a"]}


def final_state(schema: Schema) -> dict[str, Any]:
    """Return the final state of a task with this output schema."""
    with client_of(Emulator(takes=0)) as api:
        return api.state(api.start_async(output_schema=schema))


def checked_answer(schema: Schema) -> Any:
    """Return the synthetic answer for this output schema, after checking that the answer fits."""
    state = final_state(schema)
    assert state["status"] == "COMPLETED", state
    validator = Draft202012Validator(schema, registry=Registry(), format_checker=Draft202012Validator.FORMAT_CHECKER)
    validator.validate(state["result"])
    return state["result"]


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        ({"type": "string"}, "example"),
        ({"type": "integer"}, 1),
        ({"type": "number"}, 1),
        ({"type": "boolean"}, True),
        ({"type": "null"}, None),
        ({"type": ["null", "integer"]}, 1),
        ({}, "example"),
        ({"const": {"a": 1}}, {"a": 1}),
        ({"enum": ["red", "green"]}, "red"),
        ({"enum": ["red", 5], "type": "integer"}, 5),
        ({"type": "string", "default": "EUR"}, "EUR"),
        ({"type": ["string", "null"], "default": None}, "example"),
        ({"type": "string", "examples": [3, "EUR"]}, "EUR"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, "example"),
        ({"oneOf": [{"type": "number", "maximum": 9}, {"type": "integer", "minimum": 2}]}, 1),
        ({"allOf": [{"type": "number", "minimum": 5}, {"type": "integer", "multipleOf": 4}]}, 8),
        ({"not": {"type": "string"}}, {}),
        ({"type": "integer", "minimum": 7}, 7),
        ({"type": "integer", "minimum": -7, "maximum": -3}, -3),
        ({"type": "integer", "exclusiveMinimum": 7, "exclusiveMaximum": 9}, 8),
        ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.5),
        ({"type": "number", "multipleOf": 0.01, "minimum": 3.005}, 3.01),
        ({"type": "integer", "multipleOf": 2.5}, 5),
        ({"type": "integer", "multipleOf": 0.0001}, 1),
        ({"allOf": [{"type": "integer", "minimum": 5}, {"minimum": 5000}]}, 5000),
        ({"allOf": [{"type": "integer", "maximum": -5}, {"maximum": -5000}]}, -5000),
        ({"allOf": [{"enum": [1, 2]}, {"enum": [2, 3]}]}, 2),
        ({"type": "string", "minLength": 10}, "example..."),
        ({"type": "string", "minLength": 2, "maxLength": 3}, "aa"),
        ({"type": "string", "maxLength": 0}, ""),
        ({"type": "string", "pattern": r"^[A-Z]{3}-\d{4}$"}, "ABC-1234"),
        ({"type": "string", "format": "date"}, "2026-01-02"),
        ({"type": "string", "format": "date-time"}, "2026-01-02T12:00:00Z"),
        ({"type": "string", "format": "time"}, "12:01:00Z"),
        ({"type": "string", "format": "duration"}, "P1D"),
        ({"type": "string", "format": "email"}, "example1@example.com"),
        ({"type": "string", "format": "uri"}, "https://example.com/1"),
        ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000001"),
        ({"type": "string", "format": "ipv4"}, "198.18.0.1"),
        ({"type": "string", "format": "ipv6"}, "2001:db8::1"),
        ({"type": "string", "format": "hostname"}, "host1.example.com"),
        ({"type": "string", "format": "unknown-format"}, "example"),
        ({"type": "array", "items": {"type": "integer"}}, [1]),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 0}, []),
        ({"type": "array", "items": False}, []),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 3}, [1, 2, 3]),
        ({"type": "array", "items": {"const": 1}, "minItems": 3}, [1, 1, 1]),
        ({"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False, "minItems": 2}, ["example", 1]),
        ({"type": "array", "items": {"enum": [1, 2, 3]}, "minItems": 3, "uniqueItems": True}, [1, 2, 3]),
        ({"type": "array", "contains": {"const": 7}}, [7]),
        ({"contains": {"minimum": 50}, "items": {"type": "integer"}, "minContains": 2}, [50, 51]),
        ({"type": "array", "prefixItems": [{"const": "a"}], "contains": {"const": 7}, "minContains": 2}, ["a", 7, 7]),
        ({"type": "object"}, {}),
        ({"type": "object", "required": ["a"]}, {"a": "example a"}),
        ({"allOf": [{"required": ["a"]}, {"type": "object", "required": ["b"]}]}, {"a": "example a", "b": "example b"}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"example1": 1}),
        ({"type": "object", "minProperties": 2, "additionalProperties": {"const": 0}}, {"example1": 0, "example2": 0}),
        ({"properties": {"a": {"const": 1}, "b": {"const": 2}}, "maxProperties": 1}, {"a": 1}),
        ({"properties": {"a": {"const": 1}, "b": False}}, {"a": 1}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "integer"}}}, 1),
        ({"$ref": "#/$defs/A", "minimum": 3, "$defs": {"A": {"type": "integer"}}}, 3),
        ({"$ref": "#a", "$defs": {"A": {"$anchor": "a", "type": "integer"}}}, 1),
    ],
)
def test_small_schema_has_the_expected_synthetic_answer(schema: Schema, answer: object) -> None:
    assert checked_answer(schema) == answer


def test_strings_in_an_answer_contain_the_names_of_their_properties() -> None:
    node = {
        "type": "object",
        "properties": {"node": {"type": "string"}, "cluster": {"type": "string"}, "cpu": {"type": "number"}},
        "required": ["node", "cpu"],
    }
    schema = {"type": "object", "properties": {"nodes": {"type": "array", "items": node}}, "required": ["nodes"]}
    assert checked_answer(schema) == {"nodes": [{"node": "example node", "cluster": "example cluster", "cpu": 1}]}


def test_array_elements_differ_if_the_schema_requires_unique_items() -> None:
    items = {"type": "object", "properties": {"name": {"type": "string"}, "ok": {"type": "boolean"}}}
    answer = checked_answer({"type": "array", "items": items, "minItems": 3, "uniqueItems": True})
    assert answer[:2] == [{"name": "example name", "ok": True}, {"name": "example name 2", "ok": True}]
    pair = {"type": "array", "prefixItems": [{"type": "number"}, {"type": "number"}], "minItems": 2, "maxItems": 2}
    assert checked_answer({"type": "array", "items": pair, "minItems": 2, "uniqueItems": True}) == [[1, 1], [2, 1]]
    short = {"type": "string", "maxLength": 1}
    assert len(checked_answer({"type": "array", "items": short, "minItems": 20, "uniqueItems": True})) == 20


def test_unique_array_elements_are_found_even_if_alternatives_share_values() -> None:
    items = {"anyOf": [{"enum": [1, 2]}, {"enum": [1, 2, 3]}]}
    assert checked_answer({"type": "array", "items": items, "minItems": 3, "uniqueItems": True}) == [1, 2, 3]


def test_synthetic_answer_fits_schemas_combined_by_the_keywords_allof_and_anyof() -> None:
    one = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 5}}, "required": ["a"]}
    other = {"properties": {"a": {"multipleOf": 4}, "b": {"enum": [1, 2]}}, "required": ["b"]}
    third = {"properties": {"b": {"enum": [2, 3]}}}
    assert checked_answer({"allOf": [one, other], "anyOf": [third]}) == {"a": 8, "b": 2}


def test_alternatives_of_a_schema_are_tried_until_an_answer_fits() -> None:
    hopeless = {"type": "string", "pattern": "^zz{9}y$"}
    assert checked_answer({"properties": {"a": {"anyOf": [hopeless, {"type": "integer"}]}}, "required": ["a"]}) == {
        "a": 1
    }
    assert checked_answer({"anyOf": [{"$ref": "#/$defs/A"}, {"type": "integer"}], "$defs": {"A": ENDLESS}}) == 1


def test_string_format_is_ignored_if_its_values_exceed_the_maximum_length() -> None:
    assert final_state({"type": "string", "format": "uuid", "maxLength": 7})["result"] == "example"


def test_recursive_schema_gets_a_finite_answer() -> None:
    leaf: Schema = {"name": "example name", "children": [], "next": None}
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}
    assert checked_answer(schema) == {"name": "example name", "children": [leaf], "next": leaf}
    assert checked_answer({"properties": {"me": {"$ref": "#"}}, "type": "object"}) == {"me": {"me": {}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "bogus"},
        {"type": "string", "pattern": "^zz{9}y$"},
        {"type": "string", "pattern": "("},
        {"type": "integer", "minimum": 3, "maximum": 2},
        {"allOf": [{"type": "string"}, {"type": "integer"}]},
        {"enum": []},
        {"not": {}},
        {"$ref": "https://schemas.example/price.json"},
        {"$ref": "#/$defs/missing"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": ENDLESS}},
        {"$schema": 5},
        {"type": "array", "items": {"type": "boolean"}, "uniqueItems": True, "minItems": 3},
        # The alternatives have 2**30 combinations, too many to try them all.
        {"allOf": [{"anyOf": [{"pattern": f"^z{i}$"}, {"pattern": f"^y{i}$"}]} for i in range(30)], "type": "string"},
    ],
)
def test_task_fails_with_advice_if_no_synthetic_answer_fits_its_schema(schema: Schema) -> None:
    state = final_state(schema)
    assert state["status"] == "FAILED"
    assert "set the answer with emulator.on" in state["error"]


def nested(levels: int, inner: Schema, length: int = 1) -> Schema:
    for _ in range(levels):
        inner = {"type": "array", "items": inner, "minItems": length}
    return inner


def doubled(keyword: str, levels: int) -> Schema:
    """Return a schema that contains itself twice on each level, so that it has 2**levels parts."""
    schema: Schema = {"type": "string"}
    for _ in range(levels):
        schema = {keyword: [schema, schema]}
    return schema


HUGE = 1_000_000_000
MANY: Schema = {"type": "array", "items": {"type": "array", "items": {"const": 1}, "minItems": 900}, "minItems": 900}


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "array", "minItems": HUGE}, "output_schema.minItems demands more than 1,000 elements"),
        (
            {"type": "array", "minItems": 1e9, "items": {"const": None}},
            "output_schema.minItems demands more than 1,000 elements",
        ),
        (
            {"type": "object", "properties": {"a": {"type": "array", "minItems": HUGE}}, "required": ["a"]},
            "output_schema.properties.a.minItems demands more than 1,000 elements",
        ),
        (
            {"allOf": [{"type": "array"}, {"items": {"type": "string", "minLength": HUGE}, "minItems": 1}]},
            "output_schema.items.minLength demands more than 100,000 characters",
        ),
        ({"type": "string", "minLength": HUGE}, "output_schema.minLength demands more than 100,000 characters"),
        ({"type": "object", "minProperties": HUGE}, "output_schema.minProperties demands more than 1,000 properties"),
        (
            {"type": "object", "minProperties": 1, "propertyNames": {"minLength": HUGE}},
            "output_schema.propertyNames.minLength demands more than 100,000 characters",
        ),
        (
            {"type": "object", "minProperties": 1, "additionalProperties": {"type": "array", "minItems": HUGE}},
            "output_schema.additionalProperties.minItems demands more than 1,000 elements",
        ),
        ({"prefixItems": [MANY], "type": "array"}, "output_schema.prefixItems.0 demands more than 10,000 values"),
        (MANY, "output_schema demands more than 10,000 values"),
        (
            {"type": "array", "items": {"type": "string", "minLength": 90_000}, "minItems": 20},
            "output_schema demands more than 10,000 values",
        ),
        ({"const": "x" * 2_000_000}, "output_schema itself has more than 10,000 values"),
        (doubled("allOf", 13), "output_schema itself has more than 10,000 values"),
        (nested(20, {"const": 1}, 2), "output_schema needs too many attempts"),
        ({"type": "string", "enum": list(range(9000))}, "output_schema needs too many attempts"),
        (
            {"type": "array", "contains": {"const": 7}, "minContains": HUGE},
            "output_schema.minContains demands more than 1,000 elements",
        ),
        (
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "string", "pattern": f"^a{{{HUGE}}}$"}}},
            "output_schema.properties.a.pattern fits too few of the texts that the emulator tries",
        ),
        ({"type": "string", "pattern": "^((a{999}){999}){999}$"}, "output_schema.pattern fits too few of the texts"),
        (nested(26, {"const": 1}), f"output_schema{'.items' * 26} demands more than 25 nested values"),
        (nested(300, {"const": 1}), "is nested too deeply"),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "minItems": HUGE}}}, "output_schema.minItems demands"),
    ],
)
def test_demand_that_exceeds_a_limit_is_named_with_its_place(schema: Schema, reason: str) -> None:
    state = final_state(schema)
    assert state["status"] == "FAILED"
    assert reason in state["error"]
    assert state["error"].endswith("set the answer with emulator.on(answer=…)")
    assert len(state["error"]) < 500


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "integer"}, "minItems": 1000},
        {"type": "array", "items": {"type": "integer"}, "minItems": 3.0, "maxItems": 1e300},
        {"type": "array", "items": {"const": [0] * 9}, "minItems": 900},
        {"type": "object", "minProperties": 200, "maxProperties": HUGE},
        {"type": "string", "minLength": 100_000},
        nested(25, {"type": "integer"}),
        {"anyOf": [{"type": "array", "minItems": HUGE}, {"type": "integer"}]},
        {"type": ["array", "null"], "minItems": HUGE},
    ],
)
def test_large_answer_within_the_limits_fits_its_schema(schema: Schema) -> None:
    checked_answer(schema)


def test_scenario_without_an_answer_gets_a_synthetic_answer(api: Api, emulator: Emulator) -> None:
    emulator.on(takes=1)
    assert data(api.start(output_schema={"type": "integer"})) == {"result": 1}


def test_answer_of_a_scenario_need_not_fit_the_schema(api: Api, emulator: Emulator) -> None:
    emulator.on(answer="I was not able to log in")
    assert data(api.start(output_schema={"type": "integer"})) == {"result": "I was not able to log in"}


def bounded(low: str, high: str, most: int) -> st.SearchStrategy[Schema]:
    """Return a hypothesis strategy for a lower and an upper bound of a schema, such as `minLength` and `maxLength`."""
    return st.tuples(st.integers(0, most), st.integers(0, most)).map(lambda ends: {low: min(ends), high: max(ends)})


SCALARS = st.one_of(
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"const": 3}, {"enum": ["a", None, 7]}]),
    bounded("minLength", "maxLength", 12).map(lambda bounds: {"type": "string", **bounds}),
    bounded("minimum", "maximum", 50).map(lambda bounds: {"type": "integer", **bounds}),
    bounded("minimum", "maximum", 50).map(lambda bounds: {"type": "number", **bounds}),
    st.sampled_from(["date", "date-time", "time", "duration", "email", "uri", "uuid", "ipv4", "ipv6", "hostname"]).map(
        lambda name: {"type": "string", "format": name}
    ),
    st.integers(1, 9).map(lambda step: {"type": "integer", "multipleOf": step}),
    st.just({"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}),
)


@st.composite
def objects(draw: st.DrawFn, parts: st.SearchStrategy[Schema]) -> Schema:
    properties = draw(st.dictionaries(st.sampled_from("abcdef"), parts, max_size=4))
    required = draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=3)) if properties else []
    schema = {"type": "object", "properties": properties, "required": [name for name in required if name in properties]}
    return {**schema, "additionalProperties": draw(st.one_of(st.booleans(), parts))}


def larger(parts: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    arrays = st.tuples(parts, bounded("minItems", "maxItems", 3))
    return st.one_of(
        objects(parts),
        arrays.map(lambda drawn: {"type": "array", "items": drawn[0], **drawn[1]}),
        st.lists(parts, min_size=1, max_size=3).map(lambda items: {"type": "array", "prefixItems": items}),
        st.lists(parts, min_size=1, max_size=3).map(lambda options: {"anyOf": options}),
        parts.map(lambda part: {"allOf": [part, {"title": "the same"}]}),
    )


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.recursive(SCALARS, larger, max_leaves=12))
def test_synthetic_answer_fits_its_schema_and_is_the_same_each_time(schema: Schema) -> None:
    with_definitions = {**schema, "$defs": {"Node": NODE}}
    assert checked_answer(with_definitions) == checked_answer(with_definitions)
