"""Finds the operations that use each component, and whether they use it in requests or in responses."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import attrs

from tools.drift.rows import BOTH, Hit
from tools.openapi import walk
from tools.openapi.operations import operations
from tools.openapi.references import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTIONS: Final[dict[str, frozenset[Hit]]] = {
    "parameters": frozenset({"request"}),
    "requestBody": frozenset({"request"}),
    "responses": frozenset({"response"}),
    "callbacks": BOTH,
}


@attrs.define
class Use:
    """The use of one component.

    Attributes:
        hits: Whether requests, responses or both use the component.
        operations: The operations that use the component, as `POST /path`.
    """

    hits: set[Hit] = attrs.field(factory=set)
    operations: set[str] = attrs.field(factory=set)


def uses(document: dict[str, Any]) -> dict[str, Use]:
    """Return the use of each component of a document; the keys are those that `component` returns."""
    found: dict[str, Use] = defaultdict(Use)

    def use(part: Any, hits: frozenset[Hit], operation: str, *, names: bool = False) -> None:
        for reference in _references(part, document, names=names):
            found[reference].hits |= hits
            found[reference].operations.add(operation)

    for method, path, operation in operations(document):
        here = {"parameters": document["paths"][path].get("parameters")}
        for part in (here, operation):
            for key, hits in _DIRECTIONS.items():
                use(part.get(key), hits, f"{method.upper()} {path}", names=key in {"callbacks", "responses"})
    for path, item in document.get("paths", {}).items():
        if "$ref" in item:
            use(item, BOTH, path)
    for name, item in _named(document.get("webhooks")):
        use(item, BOTH, f"webhook {name}")
    return dict(found)


def _named(webhooks: Any) -> Iterator[tuple[str, Any]]:
    yield from webhooks.items() if isinstance(webhooks, dict) else ()


def _references(part: Any, document: dict[str, Any], *, names: bool) -> set[str]:
    seen: set[str] = set()
    waiting = list(_direct(part, names=names))
    while waiting:
        reference = waiting.pop()
        if reference not in seen:
            seen.add(reference)
            waiting += _direct(resolve(reference, document), names=False)
    return {component(reference) for reference in seen}


def component(reference: str) -> str:
    """Return a key for the component that a `$ref` refers to, also if it refers to a part of the component.

    The key does not depend on how the name is escaped in the `$ref`.
    """
    parts = [unquote(part).replace("~1", "/").replace("~0", "~") for part in reference.split("/")[:4]]
    return "\0".join(parts)


def _direct(part: Any, *, names: bool) -> Iterator[str]:
    for node in walk.objects(part, names=names):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        mapping = (
            (node.get("discriminator") or {}).get("mapping") if isinstance(node.get("discriminator"), dict) else None
        )
        if isinstance(mapping, dict):
            kinds = [value for value in mapping.values() if isinstance(value, str)]
            yield from (kind if "/" in kind else f"#/components/schemas/{kind}" for kind in kinds)
