"""Finds the path items that the API calls: those of webhooks and callbacks."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final

from tools.openapi import walk
from tools.openapi.operations import METHODS
from tools.openapi.references import resolve, steps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Node = dict[str, Any]

_PREFIX: Final = "#/components/pathItems/"
_WHOLE: Final = 3
"""How many keys lead to a component."""


def items(nodes: Iterable[Node]) -> Iterator[tuple[Node, str]]:
    """Yield each path item that the API calls, or that is a component, as the map that it is in, and its name there.

    Args:
        nodes: The objects of a document, or of a part of it.
    """
    for node in nodes:
        callbacks = node.get("callbacks")
        for callback in callbacks.values() if isinstance(callbacks, dict) else ():
            yield from ((call, name) for call, name in _in_map(callback) if not name.startswith("x-"))
        yield from _in_map(node.get("webhooks"))
        yield from _in_map(node.get("pathItems"))


def _in_map(call: Any) -> list[tuple[Node, str]]:
    return [(call, name) for name, item in call.items() if isinstance(item, dict)] if isinstance(call, dict) else []


def make_components(document: Node) -> None:
    """Make components of path items elsewhere to which webhooks or callbacks refer.

    Such a path item may be that of a path as well, which is compared as what the client calls. The name of the new
    component is the reference.

    Args:
        document: The document, which is changed; it may have invalid values.
    """
    components = document.setdefault("components", {})
    of_kind = components.setdefault("pathItems", {}) if isinstance(components, dict) else None
    if not isinstance(of_kind, dict):
        return
    waiting = list(items(walk.objects(document)))
    for call, name in waiting:  # it grows: the new components may refer to more
        reference = call[name].get("$ref")
        if not isinstance(reference, str) or is_component(reference):
            continue
        if reference not in of_kind:
            target = resolve(reference, document)
            if not isinstance(target, dict) or not {"$ref", *METHODS} & target.keys():
                continue
            of_kind[reference] = copy.deepcopy(target)
            waiting += [(of_kind, reference), *items(walk.objects(of_kind[reference]))]
        call[name]["$ref"] = _PREFIX + reference.replace("%", "%25").replace("~", "~0").replace("/", "~1")


def is_component(reference: str) -> bool:
    """Tell whether a `$ref` is to a path item of the components, as a whole."""
    return reference.startswith(_PREFIX) and len(steps(reference)) == _WHOLE


def reference_of(kind: str, name: str) -> str:
    """Return the reference for which `make_components` has made a component; an empty text for other components."""
    return name if kind == "pathItems" and name.startswith("#/") else ""
