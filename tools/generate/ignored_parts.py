"""What the generator reads over in a spec without a word: code would lack it, and nobody would be told.

Webhooks and callbacks are none of it: they are calls that a client is sent, not calls that it makes.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from tools.generate import python_names
from tools.openapi import walk
from tools.openapi.operations import operations

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIONS: Final = ("oneOf", "anyOf")
_ANY_OTHERS: Final[tuple[Any, ...]] = (True, {})
_UNION_PARTS: Final = "write it into each part of that"
_BOTH_PARTS: Final = "make both parts of an `allOf`"


def find(spec: dict[str, Any]) -> Iterator[str]:
    """Find what no code would be made of.

    Args:
        spec: The composed spec.

    Yields:
        A line for each: its place, what is the matter, and what to do.
    """
    for path, item in (spec.get("paths") or {}).items():
        if isinstance(item, dict) and "$ref" in item:
            yield f"$['paths']['{path}']: a `$ref` in the place of operations is not followed: write them out"
    for method, path, operation in operations(spec):
        if operation.get("servers"):
            yield f"$['paths']['{path}']['{method}']: servers of its own are not read: take them out"
    yield from _twins((spec.get("components") or {}).get("schemas") or {})
    for part in ("paths", "components"):
        for place, node in walk.located(spec.get(part), names=part == "paths", place=f"$['{part}']"):
            yield from (f"{place}{problem}" for problem in (*_schema(node), *_parameter(node)))


def _twins(schemas: dict[str, Any]) -> Iterator[str]:
    modules: dict[str, list[str]] = defaultdict(list)
    for name in schemas:
        modules[python_names.attribute(python_names.model(name))].append(name)
    for module, names in modules.items():
        if len(names) > 1:
            yield f"$['components']['schemas']: {' and '.join(names)} would both be models/{module}.py: rename one"


def _schema(schema: dict[str, Any]) -> Iterator[str]:
    """Find what isn't read beside something else, or in a part of an `allOf`."""
    union = next((key for key in _UNIONS if _list(schema, key)), None)
    parts = _list(schema, "allOf")
    single = "$ref" in schema or (len(parts) == 1 and "$ref" in parts[0])
    properties = schema["properties"] if isinstance(schema.get("properties"), dict) else {}
    kind = schema.get("type", "object")
    if properties:
        names = f": its properties ({', '.join(properties)}) are not read"
        if union:
            yield f"{names} beside its `{union}`: {_UNION_PARTS}"
        elif single:
            yield f"{names} beside a single `$ref`: {_BOTH_PARTS}"
        elif not (isinstance(kind, list) or kind == "object"):
            yield f"{names} by its type {kind}: take them out"
    if parts and union:
        yield f": its `allOf` is not read beside its `{union}`: {_UNION_PARTS}"
    if parts and single and (schema.get("nullable") is True or "null" in kind):
        yield ": its null is not read beside a single `$ref`: make it an `anyOf` of that and `type: 'null'`"
    for index, part in enumerate(part for part in parts if isinstance(part, dict) and "$ref" not in part):
        yield from (f"['allOf'][{index}]{problem}" for problem in _part(part, alone=len(parts) == 1))


def _part(part: dict[str, Any], *, alone: bool) -> Iterator[str]:
    if _list(part, "allOf"):
        yield ": its `allOf` is not read: take its parts out of it"
    for key in _UNIONS:
        if _list(part, key):
            yield f": its `{key}` is not read: " + ("take it out of the `allOf`" if alone else "write its parts out")
    if part.get("type", "object") != "object":
        yield f": its type {part['type']} is not read, but taken for an object: put its keywords beside the type itself"
    if part.get("additionalProperties", {}) not in _ANY_OTHERS:
        yield ": its `additionalProperties` are not read: put them beside the `allOf`"


def _parameter(parameter: dict[str, Any]) -> Iterator[str]:
    """Find lists in queries that are written otherwise than the code writes them, which repeats the name."""
    schema = parameter.get("schema")
    if parameter.get("in") != "query" or not isinstance(schema, dict) or schema.get("type") not in {"array", "object"}:
        return
    style = parameter.get("style", "form")
    explode = parameter.get("explode", style == "form")
    if (style, explode) != ("form", True):
        yield f": its style {style} (explode: {str(explode).lower()}) is not read: say form and true"


def _list(schema: Any, key: str) -> list[Any]:
    value = schema.get(key) if isinstance(schema, dict) else None
    return value if isinstance(value, list) else []
