"""The form of a document in which two that say the same thing are the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tools import _walk

if TYPE_CHECKING:
    from tools._yaml import JSON

_FALSE: Final = ("deprecated", "nullable", "readOnly", "required", "uniqueItems", "writeOnly")  # left out means false
_EMPTY: Final = ("parameters", "required", "tags")  # left out means none


def normal(document: JSON) -> dict[str, Any]:
    """Return a copy in which what goes without saying isn't said, and `nullable` is a type.

    Args:
        document: A document in plain dicts and lists.
    """
    copy = json.loads(json.dumps(document))
    for node in _walk.objects(copy):
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
    return copy if isinstance(copy, dict) else {}


def canonical(node: JSON) -> str:
    """Return a text that is the same for the same meaning: keys have no order, but those of `properties` do."""
    return json.dumps(_sorted(node), ensure_ascii=False)


def same(one: JSON, other: JSON) -> bool:
    """Tell whether two parts of normal documents are the same."""
    return canonical(one) == canonical(other)


def _sorted(node: JSON, key: str = "") -> Any:
    if isinstance(node, dict):
        pairs = [[name, _sorted(child, name)] for name, child in node.items()]
        return {"": pairs if key == "properties" else sorted(pairs, key=lambda pair: str(pair[0]))}
    if isinstance(node, list):
        parts = [_sorted(child) for child in node]
        return sorted(parts, key=json.dumps) if key in {"required", "enum", "tags"} else parts
    return node


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
