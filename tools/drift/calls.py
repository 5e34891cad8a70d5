"""Finds the path items that the API calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Node = dict[str, Any]

KINDS: Final = ("callbacks", "pathItems")
"""The kinds of components that hold what the API calls."""


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
