"""Brings OpenAPI documents into a normal form, which is equal for documents with the same meaning."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tools.openapi import walk
from tools.openapi.operations import METHODS

if TYPE_CHECKING:
    from tools.openapi.limits import JSON

_SCHEMAS: Final = ("additionalProperties", "items", "schema")
_LISTS: Final = ("allOf", "anyOf", "oneOf", "security", "servers")
_MAPS: Final = ("content", "headers", "paths", "properties", "responses")
_OBJECTS: Final = ("components", "info", "requestBody", *METHODS)
_BESIDE: Final = (
    *("default", "deprecated", "description", "example", "examples", "externalDocs", "readOnly", "title", "writeOnly"),
)
"""The keywords that may stand beside a schema without narrowing it."""
_FALSE: Final = ("deprecated", "nullable", "readOnly", "required", "uniqueItems", "writeOnly")  # false by default
_EMPTY: Final = ("parameters", "required", "tags")  # empty by default


def normal(document: JSON) -> dict[str, Any]:
    """Return a copy without redundant keywords, in which `type` includes null in place of `nullable: true`.

    A keyword with an invalid value is renamed to `<keyword> (malformed)`. So the functions that compare keywords need
    not expect invalid values, and a change of such a value is reported as a change that this tool does not understand.

    Args:
        document: A document of plain dicts and lists.
    """
    copy = (
        {"": json.loads(json.dumps(document))} if not isinstance(document, dict) else json.loads(json.dumps(document))
    )
    if copy.get("security") == []:
        del copy["security"]  # an empty list has a meaning only in an operation: it cancels the document's `security`
    for node in walk.objects(copy):
        _replace_boolean_schemas(node)
        for key in [key for key in node if not _is_formed(key, node[key])]:
            node[f"{key} (malformed)"] = node.pop(key)
        _unwrap(node)
        for key in _FALSE:
            if node.get(key) is False:
                del node[key]
        for key in _EMPTY:
            if node.get(key) == []:
                del node[key]
        if node.get("nullable") is True and "type" in node:
            del node["nullable"]
            node["type"] = [*_listed(node["type"]), "null"]
        if isinstance(node.get("type"), list):
            types = sorted({str(kind) for kind in node["type"]})
            node["type"] = types[0] if len(types) == 1 else types
        additional = node.get("additionalProperties")
        if additional is True or additional == {}:
            del node["additionalProperties"]
        for key in ("items", "properties"):
            if node.get(key) == {}:
                del node[key]
        if "in" in node and "name" in node:
            _leave_out_style(node)
    return copy


def _replace_boolean_schemas(node: dict[str, Any]) -> None:
    """Replace schemas that are true or false by equivalent objects."""

    def as_object(schema: Any) -> Any:
        return schema if not isinstance(schema, bool) else {} if schema else {"not": {}}

    for key in ("items", "schema"):
        if key in node:
            node[key] = as_object(node[key])
    for key in ("allOf", "anyOf", "oneOf"):
        if isinstance(node.get(key), list):
            node[key] = [as_object(each) for each in node[key]]
    if isinstance(node.get("properties"), dict):
        node["properties"] = {name: as_object(each) for name, each in node["properties"].items()}


def _unwrap(node: dict[str, Any]) -> None:
    """Simplify an `allOf`, `anyOf` or `oneOf` that has only one schema.

    An `allOf` that has one part becomes this part. An `anyOf` or `oneOf` of one schema and null becomes the schema,
    and the `type` of the schema then includes null.
    """
    if len(node.get("allOf", [])) == 1 and not node.keys() - {"allOf", *_BESIDE}:
        (part,) = node.pop("allOf")
        node.update({key: value for key, value in part.items() if key not in node})
    for key in ("anyOf", "oneOf"):
        parts = node.get(key, [])
        others = [each for each in parts if each != {"type": "null"}]
        nullable = len(others) == 1 < len(parts) and isinstance(others[0].get("type"), str | list)
        if nullable and not node.keys() - {key, *_BESIDE}:
            del node[key]
            node.update({name: value for name, value in others[0].items() if name not in node})
            node["type"] = [*_listed(others[0]["type"]), "null"]


def _leave_out_style(parameter: dict[str, Any]) -> None:
    style = "form" if parameter["in"] in ("query", "cookie") else "simple"
    if parameter.get("style") == style:
        del parameter["style"]
    if parameter.get("explode") is (parameter.get("style", style) == "form"):
        del parameter["explode"]


def _is_formed(key: str, value: Any) -> bool:
    if key in _SCHEMAS:
        return isinstance(value, dict) or (isinstance(value, bool) and key == "additionalProperties")
    if key in _LISTS:
        return isinstance(value, list) and all(isinstance(each, dict) for each in value)
    if key in _MAPS:
        return isinstance(value, dict) and all(isinstance(each, dict) for each in value.values())
    match key:
        case "parameters":
            each_one = value.values() if isinstance(value, dict) else value if isinstance(value, list) else [None]
            return all(isinstance(each, dict) for each in each_one)
        case "required":
            return isinstance(value, bool) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
        case "type":
            return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
        case "$ref" | "operationId":
            return isinstance(value, str)
        case _:
            return isinstance(value, dict) or key not in _OBJECTS


def canonical(node: JSON) -> str:
    """Return a text that is equal for parts with the same meaning: the order of keys matters only in `properties`."""
    return json.dumps(_sorted(node), ensure_ascii=False)


def same(one: JSON, other: JSON) -> bool:
    """Tell whether two parts of documents in normal form have the same meaning."""
    return canonical(one) == canonical(other)


def differs(old: dict[str, Any], new: dict[str, Any], key: str) -> bool:
    """Tell whether two objects differ in a key: only one object has it, or its values differ."""
    return (key in old) != (key in new) or not same(old.get(key), new.get(key))


def _sorted(node: JSON, key: str = "") -> Any:
    if isinstance(node, dict):
        pairs = [[name, _sorted(child, name)] for name, child in node.items()]
        return {"": pairs if key == "properties" else sorted(pairs, key=lambda pair: str(pair[0]))}
    if isinstance(node, list):
        parts = [_sorted(child) for child in node]
        if key in {"required", "enum"}:
            return sorted({json.dumps(part): part for part in parts}.items())
        return sorted(parts, key=json.dumps) if key in {"parameters", "security", "tags"} else parts
    return node


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
