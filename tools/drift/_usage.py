"""Who uses a component: which operations, to send it or to read it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import attrs
import jsonpath

from tools import _naming, _walk
from tools.drift._rows import BOTH, Hit

if TYPE_CHECKING:
    from collections.abc import Iterator

_DIRECTIONS: Final[dict[str, frozenset[Hit]]] = {
    "parameters": frozenset({"request"}),
    "requestBody": frozenset({"request"}),
    "responses": frozenset({"answer"}),
    "callbacks": BOTH,
}


@attrs.define
class Use:
    """The use of one component.

    Attributes:
        hits: Whether it's sent, read, or both.
        operations: Which operations do, as `POST /path`.
    """

    hits: set[Hit] = attrs.field(factory=set)
    operations: set[str] = attrs.field(factory=set)


def uses(document: dict[str, Any]) -> dict[str, Use]:
    """Return the use of each component of a document, by its `$ref`."""
    found: dict[str, Use] = defaultdict(Use)
    for method, path, operation in _naming.operations(document):
        here = {"parameters": document["paths"][path].get("parameters")}
        for part in (here, operation):
            for key, hits in _DIRECTIONS.items():
                for reference in _references(part.get(key), document, names=key == "responses"):
                    found[reference].hits |= hits
                    found[reference].operations.add(f"{method.upper()} {path}")
    return dict(found)


def _references(part: Any, document: dict[str, Any], *, names: bool) -> set[str]:
    seen: set[str] = set()
    waiting = list(_direct(part, names=names))
    while waiting:
        reference = waiting.pop()
        if reference not in seen:
            seen.add(reference)
            waiting += _direct(resolve(reference, document), names=False)
    return seen


def _direct(part: Any, *, names: bool) -> Iterator[str]:
    for node in _walk.objects(part, names=names):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        mapping = (
            (node.get("discriminator") or {}).get("mapping") if isinstance(node.get("discriminator"), dict) else None
        )
        if isinstance(mapping, dict):
            yield from (value for value in mapping.values() if isinstance(value, str) and value.startswith("#/"))


def resolve(reference: Any, document: dict[str, Any]) -> Any:
    """Return what a `$ref` leads to, an empty object if nothing."""
    if not (isinstance(reference, str) and reference.startswith("#/")):
        return {}
    return jsonpath.resolve(reference[1:], document, default={}, unicode_escape=False, uri_decode=True)
