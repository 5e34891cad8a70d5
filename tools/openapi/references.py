"""Resolves the `$ref`s of an OpenAPI document to the objects that they refer to."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import unquote

_INDEX: Final = re.compile("0|[1-9][0-9]{0,8}")
_WHOLE: Final = 3
"""How many keys lead to a component."""


def resolve(reference: str, document: dict[str, Any]) -> Any:
    """Return the object that a `$ref` refers to; an empty object if there is no such object."""
    found = _found(reference, document)
    return {} if found is None else found


def followed(part: dict[str, Any], document: dict[str, Any]) -> Any:
    """Resolve the `$ref` of a part, and add the part's other keys; return a part without `$ref` unchanged."""
    if "$ref" not in part:
        return part
    found = resolve(part["$ref"], document)
    beside = {key: value for key, value in part.items() if key != "$ref"}
    return {**found, **beside} if isinstance(found, dict) else found


def leads_nowhere(part: dict[str, Any], document: dict[str, Any]) -> bool:
    """Tell whether a part has a `$ref` to an object that the document does not have."""
    return "$ref" in part and _found(part["$ref"], document) is None


def leads_outside(reference: str) -> bool:
    """Tell whether a `$ref` is to another document, or to an anchor that this document may have from another one."""
    return reference != "#" and not reference.startswith("#/")


def steps(reference: str) -> list[str]:
    """Return the keys through which a `$ref` within its document leads."""
    return [_unescaped(step) for step in unquote(reference[2:]).split("/")]


def key_of(step: str) -> str:
    """Return the key that one step of a `$ref` means; here, a `%2F` is part of the key."""
    return _unescaped(unquote(step))


def escaped(key: str) -> str:
    """Return a key as a step of a `$ref`."""
    return key.replace("~", "~0").replace("/", "~1")


def component(reference: str) -> tuple[str, str] | None:
    """Return the kind and the name of the component that a reference leads to, or into; None if it leads elsewhere."""
    keys = [*map(key_of, reference.split("/")[: _WHOLE + 1])]
    return (keys[2], keys[3]) if len(keys) > _WHOLE and keys[:2] == ["#", "components"] else None


def component_kind(reference: str) -> str:
    """Return the kind of the component to which a `$ref` leads; an empty text if it leads elsewhere, or into one."""
    keys = steps(reference) if reference.startswith("#/components/") else []
    return keys[1] if len(keys) == _WHOLE else ""


def _found(reference: str, document: dict[str, Any]) -> Any:
    if not reference.startswith("#/"):
        return None
    node: Any = document
    for key in steps(reference):
        if isinstance(node, dict) and key in node:
            node = node[key]
        elif isinstance(node, list) and _INDEX.fullmatch(key) and int(key) < len(node):
            node = node[int(key)]
        else:
            return None
    return node


def _unescaped(key: str) -> str:
    return key.replace("~1", "/").replace("~0", "~")
