"""Compares two OpenAPI documents: compares servers and components here, and calls other modules for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from tools.drift import descriptions, pairing, security
from tools.drift.normal_form import differs, normal, same
from tools.drift.operations import Operations
from tools.drift.rows import BOTH, Row
from tools.drift.schemas import Schemas
from tools.drift.spot import Spot
from tools.drift.usage import Use, uses
from tools.generate import operation_modules
from tools.openapi import python_names
from tools.openapi.operations import METHODS, operations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.openapi.limits import JSON

_Key = tuple[str, str]


def compare(old: JSON, new: JSON) -> list[Row]:
    """Compare two OpenAPI documents.

    Args:
        old: The old document, in plain dicts and lists.
        new: The new document.

    Returns:
        A row for each change, the most severe first; at least one row if the documents differ in meaning.
    """
    before, after = normal(old), normal(new)
    renamed = pairing.rename_schemas(before, after)
    found = [*_Documents(before, after).rows()]
    for name, other in renamed.items():
        spot = attrs.evolve(Spot().under("components", "schemas", other), where=other)
        python = f"models.{python_names.model(name)} → {python_names.model(other)}"
        found.append(spot.row("schema-renamed", name, other, python=python))
    if not found and not same(before, after):
        found.append(Spot().row("not-understood"))
    return sorted(found, key=lambda row: (-row.severity, row.where, row.kind))


class _Documents:
    """Compares two documents in normal form, and finds the operations that use each component."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old = old
        self.new = new
        self.operations = Operations(Schemas(old, new))
        self.uses: dict[str, Use] = uses(old)
        for reference, use in uses(new).items():
            known = self.uses.setdefault(reference, Use())
            known.hits |= use.hits
            known.operations |= use.operations

    def rows(self) -> Iterator[Row]:
        spot = Spot()
        yield from self._servers(spot)
        yield from security.requirements(self.old.get("security") or [], self.new.get("security") or [], spot)
        yield from self._paths(spot)
        yield from self._components()
        olds, news = self.old.get("info") or {}, self.new.get("info") or {}
        for key in dict.fromkeys([*olds, *news]):
            if differs(olds, news, key):
                yield spot.under("info", key).row("text", olds.get(key), news.get(key), note=key)
        if differs(self.old, self.new, "tags"):
            yield spot.under("tags").row("tags", self.old.get("tags"), self.new.get("tags"))
        if differs(self.old, self.new, "openapi"):
            yield spot.under("openapi").row("text", self.old.get("openapi"), self.new.get("openapi"), note="openapi")
        known = {"components", "info", "openapi", "paths", "security", "servers", "tags"}
        yield from descriptions.rest(self.old, self.new, known, spot)

    def _servers(self, spot: Spot) -> Iterator[Row]:
        olds, news = (
            {str(each.get("url")): each for each in root.get("servers") or []} for root in (self.old, self.new)
        )
        for url in dict.fromkeys([*olds, *news]):
            here = attrs.evolve(spot.under("servers"), where=f"server {url}")
            if url not in news:
                yield here.row("server-removed", url)
            elif url not in olds:
                yield here.row("server-added", None, url)
            else:
                yield from descriptions.rest(olds[url], news[url], {"url"}, here)
        kept = [url for url in olds if url in news]
        if kept != [url for url in news if url in olds]:
            yield spot.under("servers").row("servers-reordered", [*olds], [*news])

    # -- Operations ----------------------------------------------------------------------------------------------------

    def _paths(self, spot: Spot) -> Iterator[Row]:
        modules = (operation_modules.modules(self.old), operation_modules.modules(self.new))
        olds, news = (
            {(method, path): each for method, path, each in operations(root)} for root in (self.old, self.new)
        )
        pairs = pairing.paired_operations(olds, news)
        for old_key, new_key in pairs.items():
            here = _operation(new_key, modules[1][new_key])
            yield from self._moved(old_key, new_key, here)
            yield from _named((olds[old_key], modules[0][old_key]), (news[new_key], modules[1][new_key]), here)
            shared = (self.old.get("security"), self.new.get("security"))
            before, after = olds[old_key], news[new_key]
            items = (self.old["paths"][old_key[1]], self.new["paths"][new_key[1]])
            found = [
                *security.of_operations(before.get("security"), after.get("security"), shared, here),
                *self.operations.compare((items[0], before), (items[1], after), here),
            ]
            ids = before.get("operationId") != after.get("operationId")
            yield from found if found or ids or same(before, after) else [here.row("not-understood")]
        for key in olds:
            if key not in pairs:
                yield _operation(key, modules[0][key]).row("operation-removed", python=f"{modules[0][key]}: removed")
        for key in news:
            if key not in pairs.values():
                summary = news[key].get("summary")
                python = f"{modules[1][key]}: new"
                yield _operation(key, modules[1][key]).row("operation-added", None, summary, python=python)
        yield from self._items(spot, {old[1]: new[1] for old, new in pairs.items()})

    def _moved(self, old_key: _Key, new_key: _Key, spot: Spot) -> Iterator[Row]:
        if old_key[0] != new_key[0]:
            yield spot.row("method-changed", old_key[0].upper(), new_key[0].upper())
        if old_key[1] != new_key[1]:
            plain = pairing.without_parameter_names(old_key[1]) == pairing.without_parameter_names(new_key[1])
            yield spot.row("path-parameter-renamed" if plain else "path-changed", old_key[1], new_key[1])

    def _items(self, spot: Spot, moved: dict[str, str]) -> Iterator[Row]:
        """Compare the keys of path items, except operations and parameters."""
        olds, news = (root.get("paths") or {} for root in (self.old, self.new))
        for path in dict.fromkeys([*olds, *news]):
            other = path if path in news else str(moved.get(path, path))
            before, after = (item if isinstance(item, dict) else {} for item in (olds.get(path), news.get(other)))
            if path in moved.values() and path not in olds:
                continue
            here = attrs.evolve(spot.under("paths", other), where=other)
            found = list(descriptions.rest(before, after, {"parameters", *METHODS}, here))
            if not found and (path in olds) != (other in news) and not {*before, *after}.intersection(METHODS):
                found.append(here.row("not-understood", before, after))
            yield from found

    # -- Components ----------------------------------------------------------------------------------------------------

    def _components(self) -> Iterator[Row]:
        olds, news = (root.get("components") or {} for root in (self.old, self.new))
        for kind in dict.fromkeys([*olds, *news]):
            found = list(self._components_of(kind, olds.get(kind), news.get(kind)))
            if not found and differs(olds, news, kind):
                found.append(Spot().under("components", kind).row("not-understood", olds.get(kind), news.get(kind)))
            yield from found

    def _components_of(self, kind: str, before: Any, after: Any) -> Iterator[Row]:
        olds, news = (each if isinstance(each, dict) else {} for each in (before, after))
        for name in dict.fromkeys([*olds, *news]):
            if not same(olds.get(name), news.get(name)):
                found = list(self._component(kind, name, olds.get(name), news.get(name)))
                spot = Spot().under("components", kind, name)
                yield from found or [spot.row("not-understood", olds.get(name), news.get(name))]

    def _component(self, kind: str, name: str, before: Any, after: Any) -> Iterator[Row]:
        use = self.uses.get(f"#\0components\0{kind}\0{name}", Use())
        spot = Spot(
            place=Spot().under("components", kind, name).place,
            where=name if kind == "schemas" else f"components.{kind}.{name}",
            hits=BOTH if kind == "securitySchemes" else frozenset(use.hits),
            operations=tuple(sorted(use.operations)),
            model=(name,),
        )
        if not all(isinstance(each, dict | None) for each in (before, after)):
            yield spot.row("not-understood", before, after)
        elif kind == "securitySchemes":
            yield from _scheme(before, after, spot)
        elif before is None or after is None:
            word = "added" if before is None else "removed"
            python = (
                f"models.{python_names.model(name)}: {'new' if before is None else 'removed'}"
                if kind == "schemas"
                else ""
            )
            yield spot.row(f"schema-{word}", python=python)
        elif kind == "schemas":
            yield from self.operations.schemas.compare(before, after, spot)
        elif kind in {"parameters", "headers"} and not _is_moved_or_renamed(before, after):
            yield from self.operations.parameter(before, after, spot)
        elif kind == "requestBodies":
            yield from self.operations.body(before, after, spot)
        elif kind == "responses":
            yield from self.operations.response(before, after, spot)
        elif kind == "examples":
            yield spot.row("example", before, after)
        else:
            yield spot.row("not-understood", before, after, note=kind)


def _scheme(before: Any, after: Any, spot: Spot) -> Iterator[Row]:
    if before is None or after is None:
        yield spot.row("security-scheme-added" if before is None else "security-scheme-removed", before, after)
        return
    olds, news = ({**descriptions.without(each), "bearerFormat": None} for each in (before, after))
    if not same(olds, news):
        yield spot.row("security-scheme", descriptions.without(before), descriptions.without(after))
    yield from descriptions.rest(before, after, olds.keys() | news.keys() - {"bearerFormat"}, spot)


def _is_moved_or_renamed(before: dict[str, Any], after: dict[str, Any]) -> bool:
    return (before.get("in"), before.get("name")) != (after.get("in"), after.get("name"))


def _operation(key: _Key, module: str) -> Spot:
    method, path = key
    place = Spot().under("paths", path, method).place
    where = f"{method.upper()} {path}"
    return Spot(place=place, where=where, operations=(where,), model=(module.rpartition(".")[2],))


def _named(old: tuple[Any, str], new: tuple[Any, str], spot: Spot) -> Iterator[Row]:
    """Compare the ids of two operations, and the names of their Python modules."""
    ids, names = zip(*((operation.get("operationId"), module) for operation, module in (old, new)), strict=True)
    python = f"{names[0]}: unchanged" if names[0] == names[1] else " → ".join(names)
    if ids[0] != ids[1]:
        yield spot.under("operationId").row("operation-id", *ids, python=python)
    elif names[0] != names[1]:
        yield spot.row("python-module", *names, python=python)
