"""Brings OpenAPI documents into a normal form, which is equal for documents with the same meaning and the same code.

The steps: references to anchors become references to places (`anchors`), parts elsewhere to which references lead
become components (`parts_elsewhere`), invalid values are set aside (`malformed`), each object is spelled in one way
(`spelling`), and parameters of a path move to its operations (here).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tools.drift import anchors, calls, malformed, parts_elsewhere, spelling
from tools.openapi import walk
from tools.openapi.operations import METHODS
from tools.openapi.references import followed

if TYPE_CHECKING:
    from tools.openapi.limits import JSON


def normal(document: JSON) -> dict[str, Any]:
    """Return a copy in normal form.

    Args:
        document: A document of plain dicts and lists.
    """
    text = json.dumps(document)
    copied = json.loads(text)
    found: dict[str, Any] = copied if isinstance(copied, dict) else {"": copied}
    has_anchors = '"$anchor"' in text or '"$dynamicAnchor"' in text
    if has_anchors:
        anchors.replace(found)
    if has_anchors or parts_elsewhere.may_exist(text):
        parts_elsewhere.make_components(found)
    components = found.get("components")
    nodes: list[dict[str, Any]] = []
    for node in walk.objects(found):
        spelling.replace_boolean_schemas(node)
        malformed.set_aside(node, is_components=node is components)
        nodes.append(node)
    parts = {id(part) for node in nodes for part in node.get("allOf") or ()}
    for node in reversed(nodes):  # inner objects first
        spelling.spell(node, is_part=id(node) in parts)
    spelling.leave_out_document_defaults(found)
    _move_path_parameters(found, nodes)
    _leave_out_empty(found)
    return found


def _move_path_parameters(document: dict[str, Any], nodes: list[dict[str, Any]]) -> None:
    """Give each operation the parameters of its path, webhook or callback that it does not replace."""
    # Beside a reference, parameters belong to operations that are elsewhere; but the generator follows none of a path.
    called = [call[name] for call, name in calls.items(nodes) if "$ref" not in call[name]]
    for item in (*(document.get("paths") or {}).values(), *called):
        if not isinstance(item.get("parameters"), list):
            continue
        shared = item.pop("parameters")
        for operation in (item[method] for method in METHODS if isinstance(item.get(method), dict)):
            own = parameters(operation)
            replaced = {parameter_key(each, document) for each in own}
            added = [each for each in shared if parameter_key(each, document) not in replaced]
            operation["parameters"] = [*own, *added]


def parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the parameters of an operation; none if they are not a list."""
    found = operation.get("parameters")
    return found if isinstance(found, list) else []


def parameter_key(parameter: dict[str, Any], document: dict[str, Any]) -> tuple[str, str]:
    """Return the place and the name of a parameter; the names of headers have no case."""
    found = followed(parameter, document)
    place, name = (str(found.get(key)) if isinstance(found, dict) else "" for key in ("in", "name"))
    return place, name.lower() if place == "header" else name


def _leave_out_empty(document: dict[str, Any]) -> None:
    """Leave out paths without operations or anything else, and kinds of components without components."""
    for key in ("paths", "components"):
        if isinstance(document.get(key), dict):
            document[key] = {name: value for name, value in document[key].items() if value != {}}
            if not document[key]:
                del document[key]


def canonical(node: JSON) -> str:
    """Return a text that is equal for parts with the same meaning.

    The order of keys matters only in `properties` and in `content`, that of parameters only at the same place.
    """
    return json.dumps(_sorted(node), ensure_ascii=False)


def same(one: JSON, other: JSON) -> bool:
    """Tell whether two parts of documents in normal form have the same meaning."""
    return one is other or canonical(one) == canonical(other)


def differs(old: dict[str, Any], new: dict[str, Any], key: str) -> bool:
    """Tell whether two objects differ in a key: only one object has it, or its values differ."""
    return (key in old) != (key in new) or not same(old.get(key), new.get(key))


def _sorted(node: JSON, key: str = "") -> Any:
    if isinstance(node, dict):
        pairs = [[name, _sorted(child, name)] for name, child in node.items()]
        return {"": pairs if key in {"properties", "content"} else sorted(pairs, key=lambda pair: str(pair[0]))}
    if isinstance(node, list):
        if key == "parameters":
            node = sorted(node, key=lambda each: str(each.get("in")) if isinstance(each, dict) else "")
        parts = [_sorted(child) for child in node]
        if key in {"required", "enum"}:
            return sorted({json.dumps(part): part for part in parts}.items())
        return sorted(parts, key=json.dumps) if key in {"security", "tags"} else parts
    return node
