"""Ties the options that users pass to the spec: a new field, a new agent or another type shows up here."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from anchor_webtask import TaskOptions, _models
from anchor_webtask._api import requests
from anchor_webtask._api.spec import composed_spec

OPTIONS = typing.get_type_hints(TaskOptions)
CHOSEN_OTHERWISE = {
    "prompt",  # an argument of its own
    "output_schema",  # comes from `output`
    "async",  # what the method chooses
}
NOT_IN_BODY = {
    "session_id",  # the query's sessionId
    "extra_body",  # what the spec doesn't know yet
}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return composed_spec()


@pytest.fixture(scope="module")
def operation(spec: dict[str, Any]) -> dict[str, Any]:
    (found,) = (
        operation
        for item in spec["paths"].values()
        for operation in item.values()
        if operation["operationId"] == "perform_web_task"
    )
    assert isinstance(found, dict)
    return found


@pytest.fixture(scope="module")
def fields(spec: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """Return the body's fields."""
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    while "$ref" in schema:
        schema = resolved(spec, schema["$ref"])
    properties: dict[str, Any] = schema["properties"]
    return properties


def resolved(spec: dict[str, Any], reference: str) -> dict[str, Any]:
    part: Any = spec
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    assert isinstance(part, dict)
    return part


def python_type(spec: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Return the type of the option that takes what a schema describes."""
    if "$ref" in schema:
        return python_type(spec, resolved(spec, schema["$ref"]))
    if "anyOf" in schema:
        return typing.Union[tuple(python_type(spec, each) for each in schema["anyOf"])]  # noqa: UP007  of a tuple
    match schema["type"]:
        case "string" if "enum" in schema:
            return Literal[tuple(sorted(schema["enum"]))] | str
        case "string":
            return str
        case "boolean":
            return bool
        case "integer":
            return int
        case "object":
            mapping: Any = Mapping
            return mapping[str, python_type(spec, schema["additionalProperties"])]
        case other:
            raise AssertionError(f"no option takes {other} yet: say here what its type is")


def test_options_are_the_fields_of_the_spec(fields: dict[str, Any], operation: dict[str, Any]) -> None:
    assert [parameter["name"] for parameter in operation["parameters"]] == ["sessionId"]
    assert OPTIONS.keys() - NOT_IN_BODY == fields.keys() - CHOSEN_OTHERWISE
    assert OPTIONS.keys() >= NOT_IN_BODY
    assert fields.keys() >= CHOSEN_OTHERWISE


def test_options_have_the_types_of_the_spec(spec: dict[str, Any], fields: dict[str, Any]) -> None:
    expected = {name: python_type(spec, schema) | None for name, schema in fields.items() if name in OPTIONS}
    assert {name: kind for name, kind in OPTIONS.items() if name not in NOT_IN_BODY} == expected


def test_session_id_has_the_type_of_the_spec(spec: dict[str, Any], operation: dict[str, Any]) -> None:
    (parameter,) = operation["parameters"]
    assert (parameter["in"], parameter.get("required", False)) == ("query", False)
    assert OPTIONS["session_id"] == python_type(spec, parameter["schema"]) | None


@pytest.mark.parametrize("name", ["agent", "provider"])
def test_literals_are_the_enum_of_the_spec(name: str, fields: dict[str, Any]) -> None:
    literal, text = typing.get_args(getattr(_models, name.title()))
    assert text is str
    assert list(typing.get_args(literal)) == sorted(fields[name]["enum"])


def test_the_prompt_is_all_that_is_required(spec: dict[str, Any], operation: dict[str, Any]) -> None:
    schema = resolved(spec, operation["requestBody"]["content"]["application/json"]["schema"]["$ref"])
    assert schema["required"] == ["prompt"]
    assert TaskOptions.__required_keys__ == frozenset()


def test_every_option_is_checked() -> None:
    assert requests._CHECKS.keys() == OPTIONS.keys()


def test_extra_body_refuses_every_field_of_the_spec(fields: dict[str, Any]) -> None:
    assert requests._BODY_FIELDS.keys() == fields.keys()


VALUES: dict[str, list[object]] = {
    "string": ["https://text.example"],
    "boolean": [True, False],
    "integer": [1, 5],
    "object": [{}, {"a": "b"}],
}


def test_checks_take_the_values_of_the_specs_type_and_no_others(fields: dict[str, Any]) -> None:
    for name, (kind, values) in itertools.product(OPTIONS.keys() - NOT_IN_BODY, VALUES.items()):
        problems = [requests._CHECKS[name](value) for value in values]
        if kind == fields[name]["type"]:
            assert problems == [None] * len(values), name
        else:
            assert None not in problems, name
