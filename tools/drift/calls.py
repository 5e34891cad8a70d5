"""Completes the path items that the API calls, those of webhooks and callbacks, so that each can be compared alone."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from tools.openapi import walk
from tools.openapi.operations import METHODS
from tools.openapi.references import followed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Node = dict[str, Any]


def items(nodes: Iterable[Node]) -> Iterator[tuple[Node, str, Node]]:
    """Yield each path item that the API calls, with the map that it is in, and its name there.

    Args:
        nodes: The objects of a document.
    """
    for node in nodes:
        callbacks = node.get("callbacks")
        for call in (node.get("webhooks"), *(callbacks.values() if isinstance(callbacks, dict) else ())):
            for name, item in call.items() if isinstance(call, dict) else ():
                if isinstance(item, dict) and not name.startswith("x-"):
                    yield call, name, item


def write_out(document: Node, nodes: list[Node]) -> list[Node]:
    """Write each path item at the place of a reference to it, and return the objects of the document after that.

    A path item in `components` to which nothing refers any more is left out.
    """
    found = [
        (call, name, str(item["$ref"]), target)
        for call, name, item in items(nodes)
        if "$ref" in item and isinstance(target := followed(item, document), dict) and target
    ]
    if not found:
        return nodes
    for call, name, _, target in found:
        call[name] = copy.deepcopy(target)
    nodes = [*walk.objects(document)]
    gone = {reference for _, _, reference, _ in found} - {str(node["$ref"]) for node in nodes if "$ref" in node}
    of_kind = (document.get("components") or {}).get("pathItems") or {}
    for name in [name for name in of_kind if f"#/components/pathItems/{name}" in gone]:
        del of_kind[name]
    return nodes


def give_credentials(document: Node, nodes: Iterable[Node]) -> None:
    """Write the `security` list of a document in each operation that the API calls, and that has no such list."""
    for _, _, item in items(nodes) if "security" in document else ():
        for operation in map(item.get, METHODS):
            if isinstance(operation, dict):
                operation.setdefault("security", document["security"])
