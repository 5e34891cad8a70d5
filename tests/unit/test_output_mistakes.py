"""Mistakes in `output`: a value in place of its class, a dict that is no JSON Schema; the error says what to write."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any, Literal, Optional

import attrs
import msgspec
import pydantic
import pytest

from anchor_webtask import ConfigurationError, JsonSchema
from anchor_webtask._output.schema import output_of


@attrs.define
class Price:
    amount: float


@dataclasses.dataclass
class Offer:
    amount: float


class Track(msgspec.Struct):
    amount: float


class Book(pydantic.BaseModel):
    amount: float


def refusal(output: Any) -> str:
    with pytest.raises(ConfigurationError) as caught:
        output_of(output)
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "\n" not in str(caught.value)
    return str(caught.value)


def a_function() -> None: ...


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        *(
            (kind(amount=1.0), f"a value of {kind.__name__}: pass the class, {kind.__name__}, without parentheses")
            for kind in (Price, Offer, Track, Book)
        ),
        (list[Price(1.0)], "a value of Price: pass the class, Price, without parentheses"),  # type: ignore[misc]
        (dict[str, list[Offer(1.0)]], "a value of Offer: pass the class"),  # type: ignore[misc]
        ([Price], "a list: write list[Price]"),
        ([Price, Offer], "a list: write list[Price | Offer]"),
        ([Price(1.0)], "a list: write list[Price]"),
        ([], "an empty list: write list[…], with the type of its items"),
        ([{"type": "string"}], 'a list of dicts: write {"type": "array", "items": {…}}'),
        ({Price}, "a set: write set[Price]"),
        ((Price, Offer), "a tuple: write tuple[Price, Offer], or Price | Offer for one of these types"),
        ("Price", "the text 'Price': pass the class, without quotes"),
        (b"Price", "the text b'Price': pass the class, without quotes"),
        ("x" * 100, f"the text '{'x' * 60}'…: pass the class"),
        (list["Price"], "the text 'Price': pass the class, without quotes"),
        (Optional[list["Nobody"]], "the text 'Nobody': pass the class"),  # type: ignore[name-defined]  # noqa: F821, UP045 — an undefined name in a text
        (typing.List["Nobody"], "the text 'Nobody': pass the class"),  # type: ignore[name-defined]  # noqa: F821, UP006 — it makes a ForwardRef
        ('{"type": "object"}', "JSON as text: pass it as a dict, json.loads(…)"),
        (b'{"type": "object"}', "JSON as text: pass it as a dict, json.loads(…)"),
        (3, "a value of int: pass a type"),
        (True, "a value of bool: pass a type"),
        (..., "a value of ellipsis: pass a type"),
        pytest.param(a_function, "a function: pass a class", id="function"),
        (print, "a function: pass a class"),
    ],
    ids=lambda it: ascii(it)[:60],
)
def test_output_that_is_no_type_is_refused_and_the_error_says_what_to_write(output: Any, problem: str) -> None:
    assert refusal(output).startswith(f"output must be a type or a JSON Schema, not {problem}")


@pytest.mark.parametrize(
    "output",
    [
        Literal["a", 1],
        typing.Annotated[int, "a note"],
        tuple[int, ...],
        Price | None,
        Optional[Price],  # noqa: UP045 — the older spelling
        list,
        typing.NewType("Amount", float),
        Any,
    ],
    ids=str,
)
def test_type_that_is_no_class_is_accepted(output: Any) -> None:
    assert output_of(output).schema is not None


UNKNOWN = (
    "output is not a JSON Schema: 'amount' is not one of its keywords. To ask for an object with the field 'amount'"
)
INVALID = "output is not a valid JSON Schema at "
INSIDE = "output is not a JSON Schema, but a dict that contains one: pass only what is under "


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ({"amount": "number"}, UNKNOWN),
        ({"amount": {"type": "number"}}, UNKNOWN),
        ({"amount": "the price in EUR", "title": "a name"}, UNKNOWN),
        ({"title": "string"}, UNKNOWN.replace("amount", "title")),
        ({"title": "string", "description": "string"}, UNKNOWN.replace("amount", "title")),
        ({"description": {"type": "string"}, "title": "str"}, UNKNOWN.replace("amount", "description")),
        ({"title": "the name", "id": "int"}, UNKNOWN.replace("amount", "id")),
        ({"title": ["string", "null"]}, UNKNOWN.replace("amount", "title")),
        ({"type": "object", "amount": {"type": "number"}}, UNKNOWN),
        (
            {"type": "object", "properties": {"place": {"street": "string", "city": "string"}}},
            INVALID + "$.properties.place: 'street' is not one of its keywords. To ask for an object with the field",
        ),
        ({"name": "price", "schema": {"type": "object"}}, INSIDE + '["schema"]'),
        ({"name": {"type": "string"}, "schema": {"type": "string"}}, UNKNOWN.replace("amount", "name")),
        (
            {"type": "json_schema", "json_schema": {"name": "price", "strict": True, "schema": {"type": "object"}}},
            INSIDE + '["json_schema"]["schema"]',
        ),
        ({"format": {"type": "json_schema", "name": "p", "schema": {}}}, INSIDE + '["format"]["schema"]'),
        (
            {"type": "function", "function": {"name": "p", "description": "d", "parameters": {"type": "object"}}},
            INSIDE + '["function"]["parameters"]',
        ),
        ({"name": "price", "input_schema": {"type": "object"}}, INSIDE + '["input_schema"]'),
        ({"type": "float"}, INVALID + '$.type: "float" is not a type of JSON; write "number"'),
        ({"type": ["string", "None"]}, INVALID + '$.type: "None" is not a type of JSON; use one of array, boolean'),
        ({"type": 5}, INVALID + "$.type: 5 is not a type of JSON; use one of array, boolean"),
        (
            {"type": "object", "properties": {"amount": "float"}},
            INVALID + '$.properties.amount: expected a schema, found "float"; write {"type": "number"}',
        ),
        (
            {"type": "array", "items": {"anyOf": [True, {"additionalProperties": "number"}]}},
            INVALID + '$.items.anyOf[1].additionalProperties: expected a schema, found "number"; write',
        ),
        ({"type": "array", "items": "text"}, INVALID + '$.items: expected a schema, found "text"'),
        ({"properties": ["amount"]}, INVALID + '$.properties: expected a dict of schemas, found ["amount"]'),
        ({"$ref": "#/$defs/A", "$defs": 5}, INVALID + '$["$defs"]: expected a dict of schemas, found 5'),
        ({"oneOf": {"type": "null"}}, INVALID + '$.oneOf: expected a list of schemas, found {"type": "null"}'),
        (
            {"properties": {"amount": {"type": "number", "required": True}}},
            INVALID + "$.properties.amount.required: expected a list of names, found true; write it beside "
            '"properties", such as "required": ["amount"]',
        ),
        (
            {"properties": {"unit price": {"required": "yes"}}},
            INVALID + '$.properties["unit price"].required: expected a list of names, found "yes"; write it beside '
            '"properties", such as "required": ["unit price"]',
        ),
    ],
    ids=lambda it: ascii(it)[:60],
)
def test_dict_that_is_no_json_schema_is_refused_and_the_error_says_where(output: dict[str, Any], message: str) -> None:
    assert refusal(output).startswith(message)


@pytest.mark.parametrize(
    ("output", "advice"),
    [
        (
            {"amount": float},
            'keys are text; write {"type": "number"} in place of float, or pass a class with these fields',
        ),
        ({"properties": {"tags": [{"items": str}]}}, 'write {"type": "string"} in place of str, or pass a class'),
        ({"price": Price}, "its part Price is a Python type: pass a class with these fields"),
    ],
    ids=str,
)
def test_python_type_in_a_schema_is_refused_and_named(output: dict[str, Any], advice: str) -> None:
    assert advice in refusal(output)


@pytest.mark.parametrize(
    "output",
    [
        {"description": "the price in EUR"},
        {"title": "Price", "description": "in EUR", "default": 3, "examples": [3]},
        {"type": "object", "properties": {"schema": {"type": "string"}, "name": {"title": "a name"}}},
        {"type": "object", "x-origin": {"type": "string"}, "required": ["a"]},
        {"type": "object", "order": ["a", "b"], "schema": "a text"},
        {"type": "number", "x-unit": "EUR"},
        {"enum": ["a"]},
        {"type": ["number", "null"]},
        {"type": "array", "items": [{"type": "number"}]},
        {"type": "object", "properties": {"type": {"type": "string"}, "required": True}, "const": {"type": 5}},
        {"properties": {"amount": {}}, "additionalProperties": False},
    ],
    ids=str,
)
def test_dict_that_may_be_a_json_schema_is_accepted(output: dict[str, Any]) -> None:
    assert output_of(output).schema is not None


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"amount": "number"}, UNKNOWN),
        ({"type": "float"}, INVALID + '$.type: "float" is not a type of JSON; write "number"'),
        ({"schema": {"type": "object"}}, INSIDE + '["schema"]'),
        (Price, "JsonSchema takes a schema as a dict, not type"),
        ('{"type": "object"}', "JsonSchema takes a schema as a dict, not str"),
    ],
    ids=str,
)
def test_json_schema_of_something_else_is_refused(schema: Any, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        JsonSchema(schema)
    assert str(caught.value).startswith(message)
