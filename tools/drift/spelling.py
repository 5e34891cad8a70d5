"""Rewrites the different spellings of one meaning, for which the generator writes the same code, to one of them.

Each function here changes one object in place. What has the same meaning but other code belongs in `wire_form` instead.
"""

from __future__ import annotations

import math
from typing import Any, Final

_SCHEMA_PREFIX: Final = "#/components/schemas/"
_UNIONS: Final = ("oneOf", "anyOf")
_ONE: Final = (
    *("additionalItems", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "schema", "then"),
)
_MANY: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
_NAMED: Final = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")
_FALSE: Final = (
    *("allowEmptyValue", "allowReserved", "deprecated", "nullable", "readOnly", "required", "uniqueItems", "writeOnly"),
)
"""The keywords that are false by default."""
_EMPTY: Final = (
    *("callbacks", "components", "dependentRequired", "encoding", "headers", "links", "parameters", "required", "tags"),
    *("webhooks", *_NAMED),
)
"""The keywords that are empty by default."""
_ZERO: Final = ("minItems", "minLength", "minProperties")
_ALL: Final = ("additionalProperties", "unevaluatedItems", "unevaluatedProperties")
"""The keywords that allow everything by default."""
_NUMBERS: Final = (
    *("exclusiveMaximum", "exclusiveMinimum", "maxItems", "maxLength", "maxProperties", "maximum", "minItems"),
    *("minLength", "minProperties", "minimum", "multipleOf"),
)
_ANYTHING: Final = {"", ".*", "^", "^.*", "^.*$", ".*$"}
"""Patterns that every text matches, as far as the line breaks in it are left aside."""
_OF_TEXTS: Final = ("binary", "date", "date-time", "email", "hostname", "uri", "uuid")
"""Formats that say something of texts only."""
_NOT_TEXTS: Final = ("array", "boolean", "integer", "null", "number", "object")
_BESIDE: Final = (
    *("default", "deprecated", "description", "example", "examples", "externalDocs", "readOnly", "title", "writeOnly"),
)
"""The keywords that may stand beside a schema without narrowing it."""
_PLAIN: Final = ("boolean", "integer", "number", "string")
_DIALECTS: Final = ("https://spec.openapis.org/oas/3.", "https://json-schema.org/draft/2020-12/")


def replace_boolean_schemas(node: dict[str, Any]) -> None:
    """Replace the schemas of an object that are true or false by equivalent objects."""

    def as_object(schema: Any) -> Any:
        return schema if not isinstance(schema, bool) else {} if schema else {"not": {}}

    for key in _ONE:
        if key in node:
            node[key] = as_object(node[key])
    for key in _MANY:
        if isinstance(node.get(key), list):
            node[key] = [as_object(each) for each in node[key]]
    for key in _NAMED:
        if isinstance(node.get(key), dict):
            node[key] = {name: as_object(each) for name, each in node[key].items()}


def spell(node: dict[str, Any], *, is_part: bool) -> None:
    """Rewrite an object whose values are valid; all objects inside it must have been rewritten before.

    Args:
        node: The object.
        is_part: Whether it is a part of an `allOf`, where the generator does not look into other parts.
    """
    _numbers(node)
    _infer_type(node)
    _base64(node)
    if not is_part:
        _unwrap(node)
    _nullable(node)
    _types(node)
    _encodings(node)
    _leave_out_defaults(node)
    _bounds(node)
    _mapping(node)
    if "in" in node and "name" in node:
        _leave_out_style(node, "form" if node["in"] in ("query", "cookie") else "simple")
    for header in node["headers"].values() if isinstance(node.get("headers"), dict) else ():
        _leave_out_style(header, "simple")


def leave_out_document_defaults(document: dict[str, Any]) -> None:
    """Leave out what a document says of itself although it is the default."""
    if document.get("security") == []:
        del document["security"]  # an empty list has a meaning only in an operation: it cancels the document's list
    if document.get("servers") in ([], [{"url": "/"}]):
        del document["servers"]
    if str(document.get("jsonSchemaDialect")).startswith(_DIALECTS):
        del document["jsonSchemaDialect"]


# -- Schemas -----------------------------------------------------------------------------------------------------------


def _numbers(node: dict[str, Any]) -> None:
    """Write whole numbers without a fraction, as `5` for `5.0`."""
    keys = (*_NUMBERS, "default") if node.get("type") in ("integer", "number") else _NUMBERS
    for key in keys:
        value = node.get(key)
        if isinstance(value, float) and value.is_integer():
            node[key] = int(value)


def _infer_type(node: dict[str, Any]) -> None:
    """Say the type of a schema from which it follows: of an object with properties, of listed texts or numbers."""
    if "type" in node or "$ref" in node or any(key in node for key in _UNIONS):
        return
    values = [node["const"]] if "const" in node else node.get("enum")
    if values is None and isinstance(node.get("properties"), dict) and node["properties"] and "allOf" not in node:
        node["type"] = "object"
    elif isinstance(values, list) and values:
        kinds = {type(value) for value in values}
        if kinds == {str}:
            node["type"] = "string"
        elif kinds == {int}:
            node["type"] = "integer"


def _unwrap(node: dict[str, Any]) -> None:
    """Replace an `allOf`, `anyOf` or `oneOf` that has only one schema, where the generator does so as well.

    An `anyOf` or `oneOf` of a plain type and null becomes this type, which then includes null.
    """
    for key in ("allOf", *_UNIONS):
        parts = node.get(key) or []
        if len(parts) == 1 and not node.keys() - {key, *_BESIDE} and _is_the_same_alone(parts[0], key):
            del node[key]
            node.update({name: value for name, value in parts[0].items() if name not in node})
    for key in _UNIONS:
        parts = node.get(key) or []
        others = [each for each in parts if each != {"type": "null"}]
        if len(others) == 1 < len(parts) and not node.keys() - {key, *_BESIDE} and _is_plain(others[0]):
            del node[key]
            node.update({name: value for name, value in others[0].items() if name not in node})
            node["type"] = [*_listed(others[0]["type"]), "null"]


def _is_the_same_alone(part: dict[str, Any], key: str) -> bool:
    if "$ref" in part:
        return not part.keys() - {"$ref"}
    kept = {"maxProperties", "minProperties", "properties", "required", "type"}
    return (
        key == "allOf"
        and part.get("type") == "object"
        and not {name for name in part.keys() - kept if not name.startswith("x-")}
    )


def _is_plain(schema: dict[str, Any]) -> bool:
    kinds = [kind for kind in _listed(schema.get("type")) if kind != "null"]
    return len(kinds) == 1 and kinds[0] in _PLAIN and not {"allOf", "anyOf", "const", "enum", "oneOf"} & schema.keys()


def _nullable(node: dict[str, Any]) -> None:
    """Write the `nullable` of OpenAPI 3.0 as a type that includes null, or as an alternative."""
    if node.get("nullable") is not True:
        return
    if "type" in node:
        node["type"] = [*_listed(node["type"]), "null"]
    elif union := next((key for key in _UNIONS if key in node), None):
        if {"type": "null"} not in node[union]:
            node[union] = [*node[union], {"type": "null"}]
    elif node.get("allOf"):
        parts = node.pop("allOf")
        node["oneOf"] = [{"type": "null"}, parts[0] if len(parts) == 1 and "$ref" in parts[0] else {"allOf": parts}]
    else:
        return  # in OpenAPI 3.0, it has no effect here
    del node["nullable"]


def _types(node: dict[str, Any]) -> None:
    if isinstance(node.get("type"), list):
        types = sorted({str(kind) for kind in node["type"]})
        node["type"] = types  # also if it is only one: the generated code differs


def _leave_out_defaults(node: dict[str, Any]) -> None:
    for key in [*node]:
        value = node[key]
        if (
            (value is False and key in _FALSE)
            or (value in ([], {}) and key in _EMPTY)
            or (key in _ZERO and value == 0)
            or (key in _ALL and (value is True or value == {}))
            or (key == "items" and value == {} and node.get("type") != "array")
            or (key == "format" and value in _OF_TEXTS and node.get("type") in _NOT_TEXTS)
            or (key == "format" and node.get("type") == "null")
            or (key == "multipleOf" and value == 1 and node.get("type") == "integer")
            or (key == "pattern" and value in _ANYTHING)
            or (key == "$schema" and str(value).startswith(_DIALECTS))
        ):
            del node[key]


def _bounds(node: dict[str, Any]) -> None:
    """Write bounds as OpenAPI 3.1 does, without a bound that the other one includes; those of integers inclusively."""
    for inclusive, exclusive, sign in (("minimum", "exclusiveMinimum", 1), ("maximum", "exclusiveMaximum", -1)):
        strict, bound = node.get(exclusive), node.get(inclusive)
        if isinstance(strict, bool):
            del node[exclusive]
            if strict and bound is not None:
                node[exclusive] = node.pop(inclusive)
        elif strict is not None and bound is not None:
            del node[exclusive if (bound > strict if sign > 0 else bound < strict) else inclusive]
        if {*_listed(node.get("type"))} - {"null"} == {"integer"}:
            _whole_bound(node, inclusive, exclusive, sign)


def _whole_bound(node: dict[str, Any], inclusive: str, exclusive: str, sign: int) -> None:
    """Write the bound of an integer as the first number that it allows."""
    strict, bound = node.pop(exclusive, None), node.get(inclusive)
    if strict is not None:
        node[inclusive] = sign * (math.floor(strict * sign) + 1) if _is_finite(strict) else strict
    elif bound is not None and _is_finite(bound):
        node[inclusive] = sign * math.ceil(bound * sign)


def _is_finite(number: float) -> bool:
    return isinstance(number, int) or math.isfinite(number)


def _mapping(node: dict[str, Any]) -> None:
    """Write short names in a discriminator's mapping as references, and leave out what its absence would mean."""
    discriminator = node.get("discriminator")
    if isinstance(discriminator, dict) and isinstance(discriminator.get("mapping"), dict):
        mapping = {
            value: name if "/" in name or "#" in name or name.endswith((".json", ".yaml")) else _SCHEMA_PREFIX + name
            for value, name in discriminator["mapping"].items()
        }
        mapping = {value: name for value, name in mapping.items() if name != _SCHEMA_PREFIX + value}
        node["discriminator"] = {**discriminator, "mapping": mapping}
        if not mapping:
            del node["discriminator"]["mapping"]


def _base64(node: dict[str, Any]) -> None:
    """Write the `byte` of OpenAPI 3.0 as 3.1 does."""
    if node.get("format") == "byte" and node.get("type") == "string" and "contentEncoding" not in node:
        del node["format"]
        node["contentEncoding"] = "base64"


# -- Parameters --------------------------------------------------------------------------------------------------------


def _leave_out_style(parameter: dict[str, Any], style: str) -> None:
    if parameter.get("style") == style:
        del parameter["style"]
    if parameter.get("explode") is (parameter.get("style", style) == "form"):
        del parameter["explode"]


def _encodings(media: dict[str, Any]) -> None:
    """Leave out what the encodings of a form say although it is the default."""
    encodings = media.get("encoding")
    if not isinstance(encodings, dict):
        return
    schema = media.get("schema")
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for name, each in encodings.items():
        if isinstance(each, dict):
            _leave_out_style(each, "form")
            if each.get("contentType", "") == _content_type((properties or {}).get(name)):
                del each["contentType"]
    media["encoding"] = {name: each for name, each in encodings.items() if each != {}}


def _content_type(schema: Any) -> str | None:
    """Return the default media type of a property in a form; None if the schema itself does not say it."""
    kinds = _listed(schema.get("type")) if isinstance(schema, dict) else []
    kind = kinds[0] if len(kinds) == 1 else None
    if kind in _PLAIN and not {"contentEncoding", "format"} & schema.keys():
        return "text/plain"
    return "application/json" if kind == "object" else None


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
