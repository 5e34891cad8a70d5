"""Sets aside values that OpenAPI does not allow, so that the functions that compare keywords need not expect them.

A keyword with an invalid value is renamed to `<keyword> (malformed)`. In a map or a list, only the invalid entries are
set aside, because the others still have a meaning. A change of such a value is reported as one that this tool does not
understand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools.openapi.operations import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable

    Check = Callable[[Any], bool]


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_object_or_truth(value: Any) -> bool:
    return isinstance(value, dict | bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_list(value: Any) -> bool:
    return isinstance(value, list)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_number_or_truth(value: Any) -> bool:
    return isinstance(value, int | float)


def _is_requirement(value: Any) -> bool:
    """Tell whether a value is an entry of `security`: the names of schemes, each with its scopes."""
    return isinstance(value, dict) and all(map(_is_list, value.values()))


_VALUES: Final[dict[str, Check]] = {
    **dict.fromkeys(("components", "discriminator", "info", "requestBody", *METHODS), _is_object),
    **dict.fromkeys(("contains", "else", "if", "items", "not", "propertyNames", "schema", "then"), _is_object),
    **dict.fromkeys(("additionalProperties", "unevaluatedItems", "unevaluatedProperties"), _is_object_or_truth),
    **dict.fromkeys(("$anchor", "$dynamicRef", "$ref", "contentType", "format", "operationId"), _is_text),
    **dict.fromkeys(("pattern", "url"), _is_text),
    **dict.fromkeys(("enum", "tags"), _is_list),
    **dict.fromkeys(("maximum", "minimum", "multipleOf"), _is_number),
    **dict.fromkeys(("maxItems", "maxLength", "maxProperties", "minItems", "minLength", "minProperties"), _is_number),
    **dict.fromkeys(("maxContains", "minContains"), _is_number),
    **dict.fromkeys(("exclusiveMaximum", "exclusiveMinimum"), _is_number_or_truth),
}
_ENTRIES: Final[dict[str, Check]] = {
    **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems", "servers"), _is_object),
    **dict.fromkeys(("callbacks", "content", "encoding", "headers", "links"), _is_object),
    **dict.fromkeys(("parameters", "paths", "responses"), _is_object),
    **dict.fromkeys(("pathItems", "requestBodies", "schemas", "securitySchemes", "webhooks"), _is_object),
    **dict.fromkeys(("$defs", "definitions", "dependentSchemas", "patternProperties", "properties"), _is_object),
    "mapping": _is_text,
    "security": _is_requirement,
}
_MAPS: Final = {
    *("callbacks", "content", "encoding", "headers", "links", "paths", "responses"),
    *("pathItems", "requestBodies", "schemas", "securitySchemes", "webhooks"),
    *("$defs", "definitions", "dependentSchemas", "mapping", "patternProperties", "properties"),
}
_EXTENDED: Final = ("callbacks", "paths", "responses")
"""The maps that may have extensions beside their entries; in `components`, a name may look like an extension."""


def set_aside(node: dict[str, Any], *, is_components: bool) -> None:
    """Rename the keywords of an object that have invalid values, and take invalid entries out of maps and lists.

    Args:
        node: Any object of a document.
        is_components: Whether the object is `components`, where the name of a response may look like an extension.
    """
    for key in [*node]:
        value = node[key]
        if key in _ENTRIES:
            expected = dict if key in _MAPS else dict | list if key == "parameters" else list
            if not isinstance(value, expected):
                node[f"{key} (malformed)"] = node.pop(key)
            elif isinstance(value, dict):
                _entries_of_map(node, key, extended=key in _EXTENDED and not is_components)
            elif wrong := [each for each in value if not _ENTRIES[key](each)]:
                node[f"{key} (malformed)"] = wrong
                node[key] = [each for each in value if _ENTRIES[key](each)]
        elif not _is_formed(key, value):
            node[f"{key} (malformed)"] = node.pop(key)


def _entries_of_map(node: dict[str, Any], key: str, *, extended: bool) -> None:
    entries, is_formed = node[key], _ENTRIES[key]
    wrong = {name: each for name, each in entries.items() if not is_formed(each)}
    extensions = [name for name in entries if extended and name.startswith("x-")]
    for name in extensions:
        node[f"{name} (in {key})"] = entries[name]
        wrong.pop(name, None)
    if wrong:
        node[f"{key} (malformed)"] = wrong
    if wrong or extensions:
        node[key] = {name: each for name, each in entries.items() if name not in wrong and name not in extensions}


def _is_formed(key: str, value: Any) -> bool:
    if key == "required":
        return isinstance(value, bool) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
    if key == "type":
        return isinstance(value, str) or (isinstance(value, list) and all(isinstance(each, str) for each in value))
    check = _VALUES.get(key)
    return check is None or check(value)
