"""Explains an `output` that is no type, and a dict that is no JSON Schema: what is wrong, and what to write instead."""

from __future__ import annotations

import json
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._output.mismatch import excerpt, place

if TYPE_CHECKING:
    from anchor_webtask._output.mismatch import Step
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

_TEXT_NOTES: Final = frozenset({"$schema", "$id", "$anchor", "$comment", "title", "description", "id"})
"""Keywords whose value is text: another value shows that the keyword is meant as the name of a field."""

_ENVELOPES: Final = ("json_schema", "format", "function", "schema", "parameters", "input_schema")
"""The names under which the requests of other APIs hold a schema."""

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
    if cls.__name__ == "TypeAdapter":
        return "a TypeAdapter: pass the type itself, from which it was made"
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
    if path := _schema_inside(schema):
        return f"output is not a JSON Schema, but a dict that contains one: pass only what is under {path}"
    name = _field_among_keywords(schema)
    return name and f"output is not a JSON Schema: {_field_advice(name)}"


def _schema_inside(part: Any) -> str:
    """Return where a schema is inside the envelope in which other APIs take it; empty if there is no envelope."""
    path = ""
    while isinstance(part, dict) and not (_DEMANDS - {"type", "format"}) & part.keys():
        name = next((name for name in _ENVELOPES if isinstance(part.get(name), dict)), None)
        others = [value for key, value in part.items() if key != name]
        if name is None or part.get("type") in _TYPE_NAMES or any(isinstance(value, dict) for value in others):
            break
        path, part = f'{path}["{name}"]', part[name]
    return path


def _field_among_keywords(part: dict[str, Any]) -> str | None:
    """Return a key that is meant as the name of a field, in a dict that has fields in place of keywords."""
    if not part.keys().isdisjoint(_DEMANDS):
        return next((name for name, value in part.items() if _is_unknown(name) and _has_type(value)), None)
    return next((name for name, value in part.items() if name not in _NOTES or _is_field(name, value)), None)


def _is_unknown(keyword: str) -> bool:
    return keyword not in _DEMANDS | _NOTES and not keyword.startswith(("x-", "$"))


def _has_type(value: Any) -> bool:
    return isinstance(value, dict) and value.get("type") in _TYPE_NAMES


def _is_field(keyword: str, value: Any) -> bool:
    if isinstance(value, str):
        return value in _TYPE_NAMES or value in _MEANT_TYPES
    return keyword in _TEXT_NOTES or _has_type(value)


def _field_advice(name: str) -> str:
    return (
        f"{name!r} is not one of its keywords. To ask for an object with the field {name!r}, "
        f'write {{"type": "object", "properties": {{"{name}": {{"type": …}}}}, "required": ["{name}"]}}, '
        "or pass a class with this field"
    )


def schema_problem(schema: Schema) -> str | None:
    """Return why a dict is not a JSON Schema; None if no typical mistake is found in it."""
    if problem := says_nothing(schema):
        return problem
    pending: list[tuple[Any, tuple[Step, ...]]] = [(schema, ())]
    while pending:
        part, steps = pending.pop()
        problem = _problem(part, steps, pending)
        if problem is not None:
            return f"output is not a valid JSON Schema at {problem}"
    return None


def _problem(part: Any, steps: tuple[Step, ...], pending: list[tuple[Any, tuple[Step, ...]]]) -> str | None:
    """Return what is wrong with a part of a schema; add the schemas in it to those that are still to be checked."""
    if isinstance(part, bool):
        return None
    if not isinstance(part, dict):
        meant = _MEANT_TYPES.get(part, part) if isinstance(part, str) else None
        advice = f'; write {{"type": "{meant}"}}' if meant in _TYPE_NAMES else ""
        return f"{place(steps)}: expected a schema, found {excerpt(part)}{advice}"
    if name := _field_among_keywords(part):
        return f"{place(steps)}: {_field_advice(name)}"
    for keyword, value in part.items():
        inside = (*steps, keyword)
        if keyword == "type":
            if problem := _type_problem(value):
                return f"{place(inside)}: {problem}"
        elif keyword in _SCHEMAS_BY_NAME:
            if not isinstance(value, dict):
                return f"{place(inside)}: expected a dict of schemas, found {excerpt(value)}"
            pending += [(inner, (*inside, name)) for name, inner in value.items()]
        elif keyword in _LISTS_OF_SCHEMAS:
            if not isinstance(value, list):
                return f"{place(inside)}: expected a list of schemas, found {excerpt(value)}"
            pending += [(inner, (*inside, index)) for index, inner in enumerate(value)]
        elif keyword in _SCHEMAS or (keyword == "items" and not isinstance(value, list)):
            pending.append((value, inside))
        elif keyword == "required" and not isinstance(value, list):
            field = excerpt(steps[-1] if steps[-2:-1] == ("properties",) else "amount")
            return (
                f"{place(inside)}: expected a list of names, found {excerpt(value)}; "
                f'write it beside "properties", such as "required": [{field}]'
            )
    return None


def _type_problem(value: Any) -> str | None:
    for name in value if isinstance(value, list) else [value]:
        if name not in _TYPE_NAMES:
            meant = _MEANT_TYPES.get(name) if isinstance(name, str) else None
            advice = f'write "{meant}"' if meant else f"use one of {', '.join(_TYPE_NAMES)}"
            return f"{excerpt(name)} is not a type of JSON; {advice}"
    return None
