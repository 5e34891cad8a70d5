"""Finds the path items that the API calls, and gives a component to each that is somewhere else."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from tools.openapi import walk
from tools.openapi.operations import METHODS
from tools.openapi.references import resolve, steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Node = dict[str, Any]

KINDS: Final = ("callbacks", "pathItems")
"""The kinds of components that hold what the API calls."""
_WHOLE: Final = 3
"""How many keys lead to a component."""


def items(nodes: Iterable[Node]) -> Iterator[tuple[Node, str]]:
    """Yield each path item that the API calls, or that is a component, as the map that it is in, and its name there.

    Args:
        nodes: The objects of a document, or of a part of it.
    """
    for node in nodes:
        for callbacks, callback in _in_map(node.get("callbacks")):
            yield from ((call, name) for call, name in _in_map(callbacks[callback]) if not name.startswith("x-"))
        yield from _in_map(node.get("webhooks"))
        yield from _in_map(node.get("pathItems"))


def _in_map(call: Any) -> list[tuple[Node, str]]:
    return [(call, name) for name, item in call.items() if isinstance(item, dict)] if isinstance(call, dict) else []


def _entries(part: Node) -> Iterator[tuple[str, Node, str]]:
    """Yield each callback and each path item of a part, as its kind, the map that it is in, and its name there."""
    nodes = [*walk.objects(part)]
    yield from (("callbacks", call, name) for node in nodes for call, name in _in_map(node.get("callbacks")))
    yield from (("pathItems", call, name) for call, name in items(nodes))


def make_components(document: Node) -> None:
    """Make components of callbacks and path items elsewhere to which webhooks, callbacks or components refer.

    Such a path item may be that of a path as well, which is compared as what the client calls. The name of the new
    component is the reference.

    Args:
        document: The document, which is changed; it may have invalid values.
    """
    made: dict[str, Node] = {kind: {} for kind in KINDS}
    waiting = list(_entries(document))
    for kind, call, name in waiting:  # it grows: the new components may refer to more
        reference = call[name].get("$ref")
        if not isinstance(reference, str) or component_kind(reference) == kind:
            continue
        place = "/".join(["#", *map(_escaped, steps(reference))])
        if place not in made[kind]:
            target = resolve(reference, document)
            if not isinstance(target, dict) or not (
                target.keys() & {"$ref", *METHODS} if kind == "pathItems" else target
            ):
                continue
            made[kind][place] = copy.deepcopy(target)
            waiting += _entries({kind: {place: made[kind][place]}})
        call[name]["$ref"] = f"#/components/{kind}/{_escaped(place)}"
    components = document.setdefault("components", {})
    for kind in KINDS:
        if made[kind] and isinstance(components, dict) and isinstance(components.setdefault(kind, {}), dict):
            components[kind] |= made[kind]


def _escaped(key: str) -> str:
    return key.replace("%", "%25").replace("~", "~0").replace("/", "~1")


def component_kind(reference: str) -> str:
    """Return the kind of the component to which a `$ref` leads; an empty text if it leads elsewhere, or into one."""
    keys = steps(reference) if reference.startswith("#/components/") else []
    return keys[1] if len(keys) == _WHOLE else ""


def reference_of(kind: str, name: str) -> str:
    """Return the reference for which `make_components` has made a component; an empty text for other components."""
    return name if kind in KINDS and name.startswith("#/") else ""
