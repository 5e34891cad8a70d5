"""Recognizes components that were only renamed, also if they refer to each other or to themselves.

Each component that only one document has gets a colour: first the colour of its own text, in which the references to
such components are left out; then, again and again, a colour that includes those of the components that it refers to.
Components of the two documents with the same colour are equal but for their names.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import Any, Final

from tools.drift.normal_form import canonical
from tools.drift.parts_elsewhere import reference_of
from tools.openapi import walk
from tools.openapi.references import component, escaped

KINDS: Final = (
    "schemas",
    "responses",
    "parameters",
    "requestBodies",
    "headers",
    "securitySchemes",
    "examples",
    "links",
)

_PREFIX: Final = "#/components/"

_Key = tuple[str, str]


def rename_components(old: dict[str, Any], new: dict[str, Any]) -> dict[_Key, str]:
    """Give components of the old document the names that equal components have in the new document.

    Returns:
        The new name for the kind and the old name of each renamed component.
    """
    removed, added = _only(old, new), _only(new, old)
    if not removed or not added:
        return {}
    olds, news = _colours(removed), _colours(added)
    by_colour: dict[str, list[_Key]] = defaultdict(list)
    for key, colour in news.items():
        by_colour[colour].append(key)
    times = Counter(olds.values())
    found: dict[_Key, str] = {}
    for key, colour in olds.items():
        others = [other for other in by_colour[colour] if other[0] == key[0]]
        if others and (times[colour] == len(others) or len(others) == 1):
            found[key] = others[0][1]
            by_colour[colour].remove(others[0])
    _apply(old, found)
    return found


def _only(one: dict[str, Any], other: dict[str, Any]) -> dict[_Key, Any]:
    """Return the components that only one document has."""
    ones, others = (
        {kind: each for kind, each in (root.get("components") or {}).items() if isinstance(each, dict)}
        for root in (one, other)
    )
    return {
        (kind, name): value
        for kind in KINDS
        for name, value in ones.get(kind, {}).items()
        if name not in others.get(kind, {}) and not reference_of(name)
    }


def _colours(components: dict[_Key, Any]) -> dict[_Key, str]:
    links: dict[_Key, list[_Key]] = {key: [] for key in components}
    colours = {
        key: _hash(key[0], canonical(_without_references(value, components, links[key])))
        for key, value in components.items()
    }
    while True:
        after = {key: _hash(colours[key], *(colours[target] for target in links[key])) for key in colours}
        if len({*after.values()}) == len({*colours.values()}):
            return after
        colours = after


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode(errors="surrogatepass")).hexdigest()


def _without_references(node: Any, components: dict[_Key, Any], links: list[_Key], key: str = "") -> Any:
    """Return a copy without the references to the components, which are added to `links` in an order without names."""
    if isinstance(node, dict):
        names = [*node] if key in {"properties", "content"} else sorted(node)
        return {name: _without_references(node[name], components, links, name) for name in names}
    if isinstance(node, list):
        return [_without_references(each, components, links) for each in node]
    target = component(node) if isinstance(node, str) and node.startswith(_PREFIX) else None
    if target in components:
        links.append(target)
        return _PREFIX
    return node


def _apply(document: dict[str, Any], found: dict[_Key, str]) -> None:
    for (kind, name), other in found.items():
        of_kind = document["components"][kind]
        of_kind[other] = of_kind.pop(name)
    schemes = {name: other for (kind, name), other in found.items() if kind == "securitySchemes"}
    for node in walk.objects(document):
        if isinstance(node.get("$ref"), str):
            node["$ref"] = _renamed(node["$ref"], found)
        discriminator = node.get("discriminator")
        if isinstance(discriminator, dict) and isinstance(discriminator.get("mapping"), dict):
            discriminator["mapping"] = {
                value: _renamed(reference, found) for value, reference in discriminator["mapping"].items()
            }
        if schemes and isinstance(node.get("security"), list):
            node["security"] = [
                {schemes.get(name, name): value for name, value in each.items()} for each in node["security"]
            ]


def _renamed(reference: str, found: dict[_Key, str]) -> str:
    key = component(reference)
    if key not in found:
        return reference
    rest = reference.split("/")[4:]
    return "/".join([*_PREFIX.split("/")[:2], key[0], escaped(found[key]), *rest])
