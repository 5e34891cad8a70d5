"""Says which Python type the generator makes of a schema, in its own order of decisions.

Two schemas may mean the same on the wire and still have different types: `type: string` in an `allOf` is a class.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from tools.drift.anchors import WRITTEN
from tools.openapi.references import component, resolve

Shape: TypeAlias = "str | tuple[str, frozenset[Any]]"

_DEPTH: Final = 6
"""How many references and levels are followed; what lies deeper counts as equal."""

_FEW: Final = 5
"""How many attributes of a class its short name has."""

_FORMATS: Final = {"binary": "File", "date": "date", "date-time": "datetime", "uuid": "UUID"}
_PLAIN: Final = {"boolean": "bool", "integer": "int", "null": "None", "number": "float"}
_SINGLE: Final = {"UUID", "bool", "date", "datetime", "float", "int", "str"}
_WRAPPED: Final = {"File", "UUID", "date", "datetime", "model", "nothing"}


def shape(schema: Any, document: dict[str, Any], depth: int = _DEPTH) -> Shape:
    """Return the Python type of a schema, without the names of classes.

    Args:
        schema: A schema of a document in normal form.
        document: The document.
        depth: How many more levels are followed.

    Returns:
        The name of a type, such as `str`, `model` and `nothing` (the generator refuses the schema), or a pair of
        `list`, `literal`, `model` or `union` and what is inside.
    """
    if not isinstance(schema, dict) or depth < 0:
        return "Any"
    parts = [part for key in ("allOf", "anyOf", "oneOf") for part in schema.get(key) or []]
    reference = schema.get("$ref") or (parts[0].get("$ref") if len(parts) == 1 else None)
    if isinstance(reference, str):
        found = resolve(reference, document)
        place = component(reference)  # the generator follows no other references
        lost = not isinstance(found, dict) or not found or WRITTEN in schema
        elsewhere = place is not None and (place[0] != "schemas" or reference.count("/") > 3)
        return "nothing" if (lost and reference.count("/")) or elsewhere else shape(found, document, depth - 1)
    kind, values = schema.get("type"), schema.get("enum")
    if kind == "boolean":
        return "bool"
    if values:
        return _literal(values)
    if schema.get("anyOf") or schema.get("oneOf") or isinstance(kind, list):
        alternatives = [*(schema.get("anyOf") or []), *(schema.get("oneOf") or [])]
        alternatives += [{**schema, "type": one} for one in kind] if isinstance(kind, list) else []
        return _union([shape(_alone(each), document, depth - 1) for each in alternatives])
    if "const" in schema and schema["const"] is not None:
        return ("literal", frozenset([repr(schema["const"])]))
    if kind == "string":
        return _FORMATS.get(str(schema.get("format")), "str")
    if kind in _PLAIN:
        return _PLAIN[kind]
    if kind == "array":
        items = [*(schema.get("prefixItems") or []), *([schema["items"]] if "items" in schema else [])]
        return (
            ("list", frozenset([_union([shape(each, document, depth - 1) for each in items])])) if items else "nothing"
        )
    if kind == "object" or schema.get("allOf") or (kind is None and schema.get("properties")):
        return ("model", frozenset(_names(schema, document, depth)))
    return "Any"


def is_single(schema: Any, document: dict[str, Any]) -> bool:
    """Tell whether the values of a schema are single ones: no lists and no objects."""
    found = shape(schema, document)
    inner = found[1] if isinstance(found, tuple) and found[0] == "union" else [found]
    return all(each in _SINGLE if isinstance(each, str) else each[0] == "literal" for each in inner)


def is_wrapped(one: Shape) -> bool:
    """Tell whether values of a type are objects of their own in Python, and not the values of the JSON text."""
    if isinstance(one, str):
        return one in _WRAPPED
    return one[0] == "model" or (one[0] in {"list", "union"} and any(map(is_wrapped, one[1])))


def name(one: Shape) -> str:
    """Return a type in a few words."""
    if isinstance(one, str):
        return "no code" if one == "nothing" else one
    kind, inside = one
    match kind:
        case "model":
            names = sorted(map(str, inside))
            return f"a class with {', '.join(names[:_FEW])}{', …' if len(names) > _FEW else ''}" if names else "a class"
        case "literal":
            return f"Literal[{', '.join(sorted(map(str, inside)))}]"
        case "list":
            return f"list[{', '.join(map(name, inside))}]"
    return " | ".join(sorted(map(name, inside)))


def _alone(schema: dict[str, Any]) -> dict[str, Any]:
    """Return one alternative of a list of types without the keywords of the union around it."""
    return (
        {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
        if (isinstance(schema.get("type"), str))
        else schema
    )


def _literal(values: list[Any]) -> Shape:
    kept = [value for value in values if value is not None]
    if not kept:
        return "None"
    kinds = {type(value) for value in kept}
    if kinds not in ({str}, {int}):
        return "nothing"
    listed = ("literal", frozenset(map(repr, kept)))
    return listed if len(kept) == len(values) else _union([listed, "None"])


def _union(inner: list[Shape]) -> Shape:
    found: set[Shape] = set()
    for each in inner:
        found |= each[1] if isinstance(each, tuple) and each[0] == "union" else {each}
    for plain, sign in (("str", "'"), ("int", "0123456789-")):  # a type checker takes `Literal["a"] | str` for `str`
        if plain in found:
            found = {
                one
                for one in found
                if isinstance(one, str)
                or one[0] != "literal"
                or not all(str(each).startswith((*sign, '"')) for each in one[1])
            }
    return next(iter(found)) if len(found) == 1 else ("union", frozenset(found))


def _names(schema: dict[str, Any], document: dict[str, Any], depth: int) -> set[str]:
    """Return the names of a class's attributes; the generator sees only the properties of direct parts."""
    found = set(schema.get("properties") or {})
    for part in schema.get("allOf") or []:
        if "$ref" not in part:
            found |= set(part.get("properties") or {})
        elif depth > 0:
            target = resolve(part["$ref"], document)
            found |= _names(target, document, depth - 1) if isinstance(target, dict) else set()
    return found
