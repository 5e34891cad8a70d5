"""Makes components of parts elsewhere to which references lead: in an extension, a path, or inside what the API calls.

Components are compared once, for all operations that use them, and in the directions in which these do. A part that
stands in one operation would be compared for that one alone, and an extension as one that nothing uses.
"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any, Final

from tools.drift import calls
from tools.openapi import walk
from tools.openapi.operations import METHODS
from tools.openapi.references import component, component_kind, escaped, resolve, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    Node = dict[str, Any]

_PLAIN: Final = ("examples", "headers", "links", "parameters", "requestBodies", "responses", "securitySchemes")
_KINDS: Final = {**{kind: kind for kind in ("callbacks", *_PLAIN)}, "paths": "pathItems"}
"""The kinds of components that the entries of maps may refer to, by the names of the maps."""
_MAY_LEAD_ELSEWHERE: Final = re.compile(rf'"\$ref": "#/(?!components/(?:schemas|{"|".join(_PLAIN)})/)')


def may_exist(text: str) -> bool:
    """Tell quickly whether the JSON of a document may have references to parts elsewhere."""
    return _MAY_LEAD_ELSEWHERE.search(text) is not None


def make_components(document: Node) -> None:
    """Make components of all parts elsewhere; the name of each is the reference to it.

    Such a part may be compared where it stands as well. The generator follows no such reference, but requests and
    responses depend on it.

    Args:
        document: The document, which is changed; it may have invalid values.
    """
    made: dict[tuple[str, str], Node] = {}
    waiting = list(_references(document))
    for kind, node in waiting:  # it grows: the new components may refer to more
        if not _leads_elsewhere(node["$ref"], kind):
            continue
        place = "/".join(["#", *map(_escaped, steps(node["$ref"]))])
        if (kind, place) not in made:
            target = resolve(node["$ref"], document)
            if not isinstance(target, dict) or not (
                target.keys() & {"$ref", *METHODS} if kind == "pathItems" else target
            ):
                continue
            made[kind, place] = copy.deepcopy(target)
            waiting += _references({kind: {place: made[kind, place]}})
        node["$ref"] = f"#/components/{kind}/{_escaped(place)}"
    for (kind, place), part in made.items():
        _own_map(_own_map(document, "components"), kind)[place] = part


def reference_of(name: str) -> str:
    """Return the reference for which `make_components` has made a component; an empty text for other components."""
    return name if name.startswith("#/") else ""


def _references(part: Node) -> Iterator[tuple[str, Node]]:
    """Yield each object with a `$ref`, after the kind of component that it may refer to."""
    kinds: dict[int, str] = {}
    for node in walk.objects(part):
        for key, kind in _KINDS.items():
            value = node.get(key)
            entries = [*value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
            kinds |= {id(each): kind for each in entries if isinstance(each, dict)}
        kinds |= {id(call[name]): "pathItems" for call, name in calls.items([node])}
        if isinstance(node.get("requestBody"), dict):
            kinds[id(node["requestBody"])] = "requestBodies"
        if isinstance(node.get("$ref"), str):
            yield kinds.get(id(node), "schemas"), node


def _leads_elsewhere(reference: str, kind: str) -> bool:
    """Tell whether a reference leads to what is not compared in the same way as a component, or as a part of one."""
    if not reference.startswith("#/") or component_kind(reference) == kind:
        return False
    found = component(reference)
    return found is None or found[0].startswith("x-") or found[0] in calls.KINDS


def _own_map(node: Node, key: str) -> Node:
    if not isinstance(node.setdefault(key, {}), dict):
        node[f"{key} (malformed)"], node[key] = node[key], {}
    found: Node = node[key]
    return found


def _escaped(key: str) -> str:
    return escaped(key.replace("%", "%25"))
