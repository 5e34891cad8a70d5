"""Predicts the classes that the generator writes for schemas which are no components, and their names.

It follows `property_from_data` of openapi-python-client. Where it predicts wrongly, two classes may have the same name,
and the generator refuses the spec; so a mistake here is never silent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.openapi import python_names
from tools.openapi.operations import operations
from tools.openapi.references import followed

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN: Final = frozenset({"string", "number", "integer", "null", "boolean"})
_BODIES: Final = {"application/x-www-form-urlencoded": "data", "multipart/form-data": "files"}


@attrs.frozen(eq=False)
class InlineClass:
    """A class for a schema that is not a component.

    Attributes:
        class_name: The name of the class.
        name: The last part of the name, which a title of the schema replaces.
        schema: The schema in the document.
        place: The JSONPath of the schema.
        values: The values of an enum; None for a model.
    """

    class_name: str
    name: str
    schema: dict[str, Any]
    place: str
    values: frozenset[str] | None = None


def inline_classes(document: dict[str, Any]) -> Iterator[InlineClass]:
    """Yield the classes for all schemas of a document that are not components."""
    for name, schema in ((document.get("components") or {}).get("schemas") or {}).items():
        yield from _inside(schema, python_names.model(name), f"$['components']['schemas']['{name}']")
    for method, path, operation in operations(document):
        name = python_names.attribute(str(operation.get("operationId")))
        here = f"$['paths']['{path}']['{method}']"
        for place, part, schema, parent in _schemas(document, document["paths"][path], operation, name):
            yield from _classes(schema, part, parent, f"{here}{place}")


def _schemas(
    document: dict[str, Any], item: dict[str, Any], operation: dict[str, Any], name: str
) -> Iterator[tuple[str, str, Any, str]]:
    """Yield the place, the name, the schema and the parent of each schema of an operation."""
    parameters: dict[tuple[str, str], Any] = {}
    for parameter in (*_list(item.get("parameters")), *_list(operation.get("parameters"))):
        resolved = _followed(parameter, document)
        # a parameter of the operation replaces the path's parameter of the same name and place
        parameters[str(resolved.get("in")), str(resolved.get("name"))] = resolved.get("schema")
    for (where, key), schema in parameters.items():
        yield f"['parameters']['{where}']['{key}']", key, schema, name
    for status, response in _mapping(operation.get("responses")).items():
        for kind, content in _mapping(_followed(response, document).get("content")).items():
            yield f"['responses']['{status}']['{kind}']", f"response_{status}", _mapping(content).get("schema"), name
    contents = _mapping(_followed(operation.get("requestBody"), document).get("content"))
    for kind, content in contents.items():
        parent = f"{name}_{_BODIES.get(kind, 'json')}" if len(contents) > 1 else name
        yield f"['requestBody']['{kind}']", "body", _mapping(content).get("schema"), parent


def _classes(schema: Any, name: str, parent: str, place: str, origin: Any = None) -> Iterator[InlineClass]:
    """Yield the classes for a schema: its own, or those of its parts.

    Args:
        schema: The schema.
        name: The last part of the name of its class.
        parent: The name of the class or operation around it.
        place: The JSONPath of the schema.
        origin: The schema in the document, if `schema` is a changed copy of it.
    """
    origin = schema if origin is None else origin
    if not isinstance(schema, dict) or "$ref" in schema:
        return
    parts = [*_list(schema.get("allOf")), *_list(schema.get("anyOf")), *_list(schema.get("oneOf"))]
    if (len(parts) == 1 and "$ref" in _mapping(parts[0])) or schema.get("type") == "boolean":
        return
    title = schema.get("title")
    class_name = _class_name(parent, title or name)
    if values := _list(schema.get("enum")):
        if None in values:  # becomes a union of null and the other values
            class_name = _class_name(parent, title or f"{name}_type_1")
        if known := enum_values(schema):
            yield InlineClass(class_name, name, origin, place, known)
    elif parts[len(_list(schema.get("allOf"))) :] or isinstance(schema.get("type"), list):
        yield from _alternatives(schema, name, parent, place, origin)
    elif schema.get("type") == "array":
        items = [*_list(schema.get("prefixItems")), *([schema["items"]] if schema.get("items") else [])]
        inner = items[0] if len(items) == 1 else {"anyOf": items}
        yield from _classes(inner, f"{name}_item", parent, f"{place}['items']")
    elif _is_model(schema):
        yield InlineClass(class_name, name, origin, place)
        yield from _properties(schema, class_name, place)


def _is_model(schema: dict[str, Any]) -> bool:
    if schema.get("const") is not None or schema.get("type") in _PLAIN:
        return False
    return schema.get("type") == "object" or bool(schema.get("allOf") or schema.get("properties"))


def _alternatives(schema: dict[str, Any], name: str, parent: str, place: str, origin: Any) -> Iterator[InlineClass]:
    alternatives = [(each, None) for key in ("anyOf", "oneOf") for each in _list(schema.get(key))]
    alternatives += [({**schema, "type": kind}, origin) for kind in _list(schema.get("type"))]
    for number, (alternative, copied) in enumerate(alternatives):
        title = _mapping(alternative).get("title")
        subscript = title if title and title != schema.get("title") else f"type_{number}"
        yield from _classes(alternative, f"{name}_{subscript}", parent, f"{place}[{number}]", copied)


def _inside(schema: Any, class_name: str, place: str) -> Iterator[InlineClass]:
    """Yield the classes for the parts of a component."""
    if not isinstance(schema, dict) or "$ref" in schema:
        return
    for each in _classes(schema, class_name, "", place):
        if each.place != place:
            yield each


def _properties(schema: dict[str, Any], class_name: str, place: str) -> Iterator[InlineClass]:
    for part in (schema, *(_mapping(each) for each in _list(schema.get("allOf")))):
        for name, each in _mapping(part.get("properties")).items():
            yield from _classes(each, name, class_name, f"{place}['{name}']")
    yield from _classes(schema.get("additionalProperties"), "AdditionalProperty", class_name, f"{place}{{}}")


def enum_values(schema: Any) -> frozenset[str] | None:
    """Return the values of an enum, without null, in a form that is equal for equal values; None for a model."""
    return frozenset(repr(value) for value in _list(_mapping(schema).get("enum")) if value is not None) or None


def _class_name(parent: str, name: str) -> str:
    return python_names.model(f"{python_names.pascal(parent)}{python_names.pascal(name)}")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _followed(part: Any, document: dict[str, Any]) -> dict[str, Any]:
    return _mapping(followed(_mapping(part), document))


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
