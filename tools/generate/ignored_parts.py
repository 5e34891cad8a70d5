"""Finds parts of the spec that the generator ignores without a warning, so that the code would lack them.

Webhooks and callbacks are not reported: they are requests from the API, which a client does not send.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools.openapi import walk
from tools.openapi.operations import operations

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIONS: Final = ("oneOf", "anyOf")
_ANY_OTHERS: Final[tuple[Any, ...]] = (True, {})


def find(spec: dict[str, Any]) -> Iterator[str]:
    """Find the parts of a spec that the generator ignores.

    Args:
        spec: The composed spec.

    Yields:
        A line for each ignored part: its place, the problem, and the way to solve it.
    """
    for path, item in (spec.get("paths") or {}).items():
        if isinstance(item, dict) and "$ref" in item:
            yield f"$['paths']['{path}']: a `$ref` in place of operations is ignored; write the operations out"
    for method, path, operation in operations(spec):
        if operation.get("servers"):
            yield f"$['paths']['{path}']['{method}']: servers of an operation are ignored; remove them"
    for part in ("paths", "components"):
        for place, node in walk.located(spec.get(part), names=part == "paths", place=f"$['{part}']"):
            yield from (f"{place}{problem}" for problem in (*_schema(node), *_parameter(node)))


def _schema(schema: dict[str, Any]) -> Iterator[str]:
    """Find keywords that the generator ignores because of another keyword, or because they are inside an `allOf`."""
    union = next((key for key in _UNIONS if _list(schema, key)), None)
    parts = _list(schema, "allOf")
    single = "$ref" in schema or (len(parts) == 1 and "$ref" in parts[0])
    properties = schema["properties"] if isinstance(schema.get("properties"), dict) else {}
    kind = schema.get("type", "object")
    if properties:
        names = f": the properties ({', '.join(properties)}) are ignored"
        if union:
            yield f"{names} beside `{union}`; write them into each part of the `{union}`"
        elif single:
            yield f"{names} beside a single `$ref`; write both as parts of an `allOf`"
        elif not (isinstance(kind, list) or kind == "object"):
            yield f"{names} because the type is {kind}; remove them"
    if parts and union:
        yield f": the `allOf` is ignored beside `{union}`; write it into each part of the `{union}`"
    if parts and single and (schema.get("nullable") is True or "null" in kind):
        yield ": null is ignored beside a single `$ref`; write an `anyOf` of the `$ref` and `type: 'null'`"
    for index, part in enumerate(part for part in parts if isinstance(part, dict) and "$ref" not in part):
        yield from (f"['allOf'][{index}]{problem}" for problem in _part(part, alone=len(parts) == 1))


def _part(part: dict[str, Any], *, alone: bool) -> Iterator[str]:
    if _list(part, "allOf"):
        yield ": an `allOf` in an `allOf` is ignored; move its parts into the outer one"
    for key in _UNIONS:
        if _list(part, key):
            advice = "use it without the `allOf`" if alone else "write its parts out"
            yield f": the `{key}` in an `allOf` is ignored; {advice}"
    if part.get("type", "object") != "object":
        yield f": the type {part['type']} in an `allOf` is treated as an object; write the type beside the `allOf`"
    if part.get("additionalProperties", {}) not in _ANY_OTHERS:
        yield ": `additionalProperties` in an `allOf` are ignored; write them beside the `allOf`"


def _parameter(parameter: dict[str, Any]) -> Iterator[str]:
    """Find query parameters with several values whose style the generator ignores.

    The generated code always repeats the parameter's name for each value: `style: form` and `explode: true`.
    """
    schema = parameter.get("schema")
    if parameter.get("in") != "query" or not isinstance(schema, dict) or schema.get("type") not in ("array", "object"):
        return
    style = parameter.get("style", "form")
    explode = parameter.get("explode", style == "form")
    if (style, explode) != ("form", True):
        yield f": the style {style} (explode: {str(explode).lower()}) is ignored; use form and true"


def _list(schema: Any, key: str) -> list[Any]:
    value = schema.get(key) if isinstance(schema, dict) else None
    return value if isinstance(value, list) else []
