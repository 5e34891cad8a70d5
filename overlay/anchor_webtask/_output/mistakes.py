"""Explains an `output` that is no type, and a dict that is no JSON Schema: what is wrong, and what to write instead."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from anchor_webtask._output.schema_shape import Schema

_TYPING_MODULES: Final = frozenset({"types", "typing", "typing_extensions"})
"""The modules of whatever is a type and not a class, such as `list[int]` and `int | None`."""

_TYPE_NAMES: Final = ("array", "boolean", "integer", "null", "number", "object", "string")
_PYTHON_TYPES: Final[Mapping[object, str]] = {
    str: "string",
    int: "integer",
    float: "number",
    bool: "boolean",
    list: "array",
    dict: "object",
}
_MEANT_TYPES: Final = {kind.__name__: name for kind, name in _PYTHON_TYPES.items() if isinstance(kind, type)}

_SCHEMAS_BY_NAME: Final = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_LISTS_OF_SCHEMAS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_SCHEMAS: Final = (
    *("additionalProperties", "unevaluatedProperties", "propertyNames"),
    *("additionalItems", "unevaluatedItems", "contains", "not", "if", "then", "else"),
)
_DEMANDS: Final = frozenset(
    {
        *("$ref", "$dynamicRef", "type", "enum", "const", "items", "format", "required", "dependentRequired"),
        *("dependencies", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
        *("minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "minContains", "maxContains"),
        *("minProperties", "maxProperties", "contentEncoding", "contentMediaType", "contentSchema"),
        *_SCHEMAS_BY_NAME,
        *_LISTS_OF_SCHEMAS,
        *_SCHEMAS,
    }
)
"""Keywords that say something about the answer. Others, such as `title`, only describe it."""
_NOTES: Final = frozenset(
    {
        *("$schema", "$id", "$anchor", "$dynamicAnchor", "$vocabulary", "$comment", "title", "description", "default"),
        *("example", "examples", "deprecated", "readOnly", "writeOnly", "nullable", "discriminator", "id"),
    }
)

_MAX_PARTS: Final = 1000
_MAX_SHOWN: Final = 60

NOT_JSON: Final = (
    "output must be JSON: "
    "it may contain only text, finite numbers, booleans, None, lists, and dicts whose keys are text"
)


def not_a_type(output: Any) -> str | None:
    """Return what is wrong with an `output` that is neither a type nor a schema; None if it may be a type."""
    problem = _not_a_type(output)
    return problem and f"output must be a type or a JSON Schema, not {problem}"


def _not_a_type(value: Any) -> str | None:
    cls = type(value)
    if isinstance(value, str | bytes | typing.ForwardRef):
        return _text(value.__forward_arg__ if isinstance(value, typing.ForwardRef) else value)
    if isinstance(value, list | tuple | set | frozenset):
        return _container(value)
    if isinstance(value, type) or cls.__module__ in _TYPING_MODULES or hasattr(value, "__origin__"):
        return next(filter(None, map(_not_a_type, _arguments(value))), None)
    if callable(value) and hasattr(value, "__name__"):
        return "a function: pass a class"
    if cls.__module__ == "builtins":
        return f"a value of {cls.__name__}: pass a type"
    return f"a value of {cls.__name__}: pass the class, {cls.__name__}, without parentheses"


def _container(values: Any) -> str:
    if any(isinstance(value, Mapping) for value in values):
        return f'a {type(values).__name__} of dicts: write {{"type": "array", "items": {{…}}}}'
    if not values:
        return f"an empty {type(values).__name__}: write {type(values).__name__}[…], with the type of its items"
    names = {value.__name__ if isinstance(value, type) else type(value).__name__: None for value in values}
    if isinstance(values, tuple):
        return f"a tuple: write tuple[{', '.join(names)}], or {' | '.join(names)} for one of these types"
    return f"a {type(values).__name__}: write {type(values).__name__}[{' | '.join(names)}]"


def _arguments(kind: Any) -> tuple[Any, ...]:
    """Return the arguments of a generic type that must be types themselves."""
    if typing.get_origin(kind) is typing.Literal:
        return ()
    if hasattr(kind, "__metadata__"):
        return (kind.__origin__,)
    return tuple(each for each in typing.get_args(kind) if each is not ... and not isinstance(each, list))


def _text(text: str | bytes) -> str:
    try:
        is_schema = isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        is_schema = False
    if is_schema:
        return "JSON as text: pass it as a dict, json.loads(…)"
    shown = repr(text) if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]!r}…"
    return f"the text {shown}: pass the class, without quotes"


def not_json(schema: object) -> str:
    """Return the message for a schema that cannot be written as JSON; it names a Python type that stands in it."""
    found = _python_type(schema)
    if found is None:
        return NOT_JSON
    name = _PYTHON_TYPES.get(found)
    meant = f'write {{"type": "{name}"}} in place of {found.__name__}, or' if name else ""
    return f"{NOT_JSON}; {meant or 'its part ' + found.__name__ + ' is a Python type:'} pass a class with these fields"


def _python_type(schema: object) -> type | None:
    pending = [schema]
    for _ in range(_MAX_PARTS):  # a schema that contains itself has no end
        if not pending:
            return None
        part: Any = pending.pop()
        if isinstance(part, type):
            return part
        pending += part.values() if isinstance(part, Mapping) else part if isinstance(part, list | tuple) else ()
    return None


def says_nothing(schema: Schema) -> str | None:
    """Return why a schema allows every answer though it seems to describe one; None if it describes something."""
    if not schema.keys().isdisjoint(_DEMANDS):
        return None
    name = next((name for name, value in schema.items() if name not in _NOTES or value in _TYPE_NAMES), None)
    if name is None:
        return None
    return (
        f"output is not a JSON Schema: {name!r} is not one of its keywords. To ask for an object with the field "
        f'{name!r}, write {{"type": "object", "properties": {{"{name}": {{"type": …}}}}, "required": ["{name}"]}}, or '
        "pass a class with this field"
    )


def schema_problem(schema: Schema) -> str | None:
    """Return why a dict is not a JSON Schema; None if no typical mistake is found in it."""
    if problem := says_nothing(schema):
        return problem
    pending: list[tuple[Any, str]] = [(schema, "$")]
    while pending:
        part, path = pending.pop()
        problem = _problem(part, path, pending)
        if problem is not None:
            return f"output is not a valid JSON Schema at {problem}"
    return None


def _problem(part: Any, path: str, pending: list[tuple[Any, str]]) -> str | None:
    """Return what is wrong with a part of a schema; add the schemas in it to those that are still to be checked."""
    if isinstance(part, bool):
        return None
    if not isinstance(part, dict):
        meant = _MEANT_TYPES.get(part, part) if isinstance(part, str) else None
        advice = f'; write {{"type": "{meant}"}}' if meant in _TYPE_NAMES else ""
        return f"{path}: expected a schema, found {_shown(part)}{advice}"
    for keyword, value in part.items():
        place = f"{path}.{keyword}"
        if keyword == "type":
            for name in value if isinstance(value, list) else [value]:
                if name not in _TYPE_NAMES:
                    meant = _MEANT_TYPES.get(name) if isinstance(name, str) else None
                    advice = f'write "{meant}"' if meant else f"use one of {', '.join(_TYPE_NAMES)}"
                    return f"{place}: {_shown(name)} is not a type of JSON; {advice}"
        elif keyword in _SCHEMAS_BY_NAME:
            if not isinstance(value, dict):
                return f"{place}: expected a dict of schemas, found {_shown(value)}"
            pending += [(inner, f"{place}.{name}") for name, inner in value.items()]
        elif keyword in _LISTS_OF_SCHEMAS:
            if not isinstance(value, list):
                return f"{place}: expected a list of schemas, found {_shown(value)}"
            pending += [(inner, f"{place}[{index}]") for index, inner in enumerate(value)]
        elif keyword in _SCHEMAS or (keyword == "items" and not isinstance(value, list)):
            pending.append((value, place))
        elif keyword == "required" and not isinstance(value, list):
            return (
                f"{place}: expected a list of names, found {_shown(value)}; "
                'write it beside "properties", such as "required": ["amount"]'
            )
    return None


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}…"
