"""`TaskOptions` matches the spec: a test fails if the spec gets a new field, a new agent or a changed type."""

from __future__ import annotations

import itertools
import typing
from collections.abc import Mapping
from typing import Any, Literal

import pytest

from anchor_webtask import TaskOptions, _models
from anchor_webtask._api import requests
from anchor_webtask._api.spec import composed_spec
from tools.openapi.operations import operations

OPTIONS = typing.get_type_hints(TaskOptions)
NOT_AN_OPTION = {
    "prompt",  # a positional argument
    "output_schema",  # made from the argument `output`
    "async",  # depends on the method that the user calls
}
NOT_IN_BODY = {
    "session_id",  # sent in the URL's query, as sessionId
    "extra_body",  # holds fields that the spec does not have
}


@pytest.fixture(scope="module")
def spec() -> dict[str, Any]:
    return composed_spec()


@pytest.fixture(scope="module")
def operation(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the operation that starts a task, with the parameters that it shares with its path's other operations."""
    ((path, found),) = (
        (path, operation) for _, path, operation in operations(spec) if operation["operationId"] == "perform_web_task"
    )
    parameters = [*spec["paths"][path].get("parameters", []), *found.get("parameters", [])]
    return {**found, "parameters": [resolved(spec, each["$ref"]) if "$ref" in each else each for each in parameters]}


@pytest.fixture(scope="module")
def fields(spec: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas of the body's fields in a start request, by the field's name."""
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
    """Return the Python type that an option with this schema must have."""
    if "$ref" in schema:
        return python_type(spec, resolved(spec, schema["$ref"]))
    if "anyOf" in schema:
        return typing.Union[tuple(python_type(spec, each) for each in schema["anyOf"])]  # noqa: UP007  its members are in a tuple
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
            raise AssertionError(f"add the Python type of schemas with type {other!r} here")


def test_options_have_the_names_of_the_specs_fields(fields: dict[str, Any], operation: dict[str, Any]) -> None:
    assert [parameter["name"] for parameter in operation["parameters"]] == ["sessionId"]
    assert OPTIONS.keys() - NOT_IN_BODY == fields.keys() - NOT_AN_OPTION
    assert OPTIONS.keys() >= NOT_IN_BODY
    assert fields.keys() >= NOT_AN_OPTION


def test_options_have_the_types_of_the_specs_fields(spec: dict[str, Any], fields: dict[str, Any]) -> None:
    expected = {name: python_type(spec, schema) | None for name, schema in fields.items() if name in OPTIONS}
    assert {name: kind for name, kind in OPTIONS.items() if name not in NOT_IN_BODY} == expected


def test_option_session_id_has_the_type_of_the_query_parameter(spec: dict[str, Any], operation: dict[str, Any]) -> None:
    (parameter,) = operation["parameters"]
    assert (parameter["in"], parameter.get("required", False)) == ("query", False)
    assert OPTIONS["session_id"] == python_type(spec, parameter["schema"]) | None


@pytest.mark.parametrize("name", ["agent", "provider"])
def test_literal_types_of_agent_and_provider_have_the_values_of_the_specs_enums(
    name: str, fields: dict[str, Any]
) -> None:
    literal, text = typing.get_args(getattr(_models, name.title()))
    assert text is str
    assert list(typing.get_args(literal)) == sorted(fields[name]["enum"])


def test_prompt_is_the_only_required_field_of_a_start(spec: dict[str, Any], operation: dict[str, Any]) -> None:
    schema = resolved(spec, operation["requestBody"]["content"]["application/json"]["schema"]["$ref"])
    assert schema["required"] == ["prompt"]
    assert TaskOptions.__required_keys__ == frozenset()


def test_every_option_is_validated() -> None:
    assert requests._CHECKS.keys() == OPTIONS.keys()


def test_option_extra_body_refuses_every_field_that_the_spec_has(fields: dict[str, Any]) -> None:
    assert requests._BODY_FIELDS.keys() == fields.keys()


VALUES: dict[str, list[object]] = {
    "string": ["https://text.example"],
    "boolean": [True, False],
    "integer": [1, 5],
    "object": [{}, {"a": "b"}],
}


def test_options_accept_only_values_of_the_type_in_the_spec(fields: dict[str, Any]) -> None:
    for name, (kind, values) in itertools.product(OPTIONS.keys() - NOT_IN_BODY, VALUES.items()):
        problems = [requests._CHECKS[name](value) for value in values]
        if kind == fields[name]["type"]:
            assert problems == [None] * len(values), name
        else:
            assert None not in problems, name
