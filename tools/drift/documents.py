"""Compares two OpenAPI documents: pairs their operations here, and calls other modules for the rest."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import attrs

from tools.drift import descriptions, pairing, renaming, security
from tools.drift.components import Components
from tools.drift.contents import Contents, resolve_all
from tools.drift.normal_form import differs, normal, same
from tools.drift.operations import Operations
from tools.drift.schemas import Schemas
from tools.drift.spot import Spot
from tools.generate import operation_modules
from tools.openapi import python_names
from tools.openapi.operations import METHODS, operations

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Row
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
    renamed = renaming.rename_components(before, after)
    found = [*_Documents(before, after).rows(), *_renamed(renamed)]
    if not found and not same(before, after):
        found.append(Spot().row("not-understood"))
    return sorted(found, key=lambda row: (-row.severity, row.where, row.kind))


def _renamed(renamed: dict[_Key, str]) -> Iterator[Row]:
    for (kind, name), other in renamed.items():
        spot = Spot().under("components", kind, other)
        if kind == "schemas":
            python = f"models.{python_names.model(name)} → {python_names.model(other)}"
            yield attrs.evolve(spot, where=other).row("schema-renamed", name, other, python=python)
        else:
            yield attrs.evolve(spot, where=f"components.{kind}.{other}").row("component-renamed", name, other)


class _Documents:
    """Compares two documents in normal form."""

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old = old
        self.new = new
        self.schemas = Schemas(old, new)
        self.operations = Operations(Contents(self.schemas))

    def rows(self) -> Iterator[Row]:
        spot = Spot()
        yield from self._servers(spot)
        yield from self._paths(spot)
        webhooks = (self.old.get("webhooks") or {}, self.new.get("webhooks") or {})
        for name in dict.fromkeys([*webhooks[0], *webhooks[1]]):
            here = attrs.evolve(spot.under("webhooks"), where="webhook", operations=(f"webhook {name}",))
            # Those without a list of credentials use that of the document.
            if differs(*webhooks, name) or differs(self.old, self.new, "security"):
                yield from self.operations.call(name, *webhooks, here)
        yield from Components(self.operations, self.old, self.new).rows()
        yield from self.schemas.followed_rows()
        yield from self._words(spot)

    def _words(self, spot: Spot) -> Iterator[Row]:
        """Compare what a document says of itself."""
        olds, news = self.old.get("info") or {}, self.new.get("info") or {}
        for key in dict.fromkeys([*olds, *news]):
            if differs(olds, news, key):
                yield spot.under("info", key).row("text", olds.get(key), news.get(key), note=key)
        if differs(self.old, self.new, "tags"):
            yield spot.under("tags").row("tags", self.old.get("tags"), self.new.get("tags"))
        for key in ("openapi", "$self"):
            if differs(self.old, self.new, key):
                yield spot.under(key).row("text", self.old.get(key), self.new.get(key), note=key)
        known = {"$self", "components", "info", "openapi", "paths", "security", "servers", "tags", "webhooks"}
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
        users = [
            f"{method.upper()} {path}"
            for old_key, (method, path) in pairs.items()
            if "security" not in olds[old_key] and "security" not in news[method, path]
        ]
        lists = self.old.get("security"), self.new.get("security")
        yield from security.of_document(*lists, users, len(users) < len(pairs), spot)
        owners: dict[str, set[_Key]] = defaultdict(set)
        for key, module in modules[0].items():
            for name in _names(olds[key], module):
                owners[name].add(key)
        for old_key, new_key in pairs.items():
            here = _operation(new_key, modules[1][new_key])
            yield from self._moved(old_key, new_key, here)
            yield from _taken(new_key, _names(news[new_key], modules[1][new_key]), owners, pairs, here)
            yield from _named((olds[old_key], modules[0][old_key]), (news[new_key], modules[1][new_key]), here)
            before, after = olds[old_key], news[new_key]
            found = [
                *security.of_operations(before.get("security"), after.get("security"), lists, here),
                *self.operations.compare(before, after, here, paths=(old_key[1], new_key[1])),
            ]
            ids = before.get("operationId") != after.get("operationId")
            yield from found if found or ids or same(before, after) else [here.row("not-understood")]
        for key in olds:
            if key not in pairs:
                yield _operation(key, modules[0][key]).row("operation-removed", python=f"{modules[0][key]}: removed")
        for key in news:
            if key not in pairs.values():
                here = _operation(key, modules[1][key])
                yield from _taken(key, _names(news[key], modules[1][key]), owners, pairs, here)
                python = f"{modules[1][key]}: new"
                yield here.row("operation-added", None, news[key].get("summary"), python=python)
        yield from self._items(spot, {old[1]: new[1] for old, new in pairs.items()})

    def _moved(self, old_key: _Key, new_key: _Key, spot: Spot) -> Iterator[Row]:
        if old_key[0] != new_key[0]:
            yield spot.row("method-changed", old_key[0].upper(), new_key[0].upper())
        if old_key[1] != new_key[1]:
            plain = pairing.without_parameter_names(old_key[1]) == pairing.without_parameter_names(new_key[1])
            kind = "path-parameter-renamed" if plain else "path-changed"
            names, order = (pairing.template_parameters(path) for path in (old_key[1], new_key[1]))
            if [name for name in names if name in order] != [name for name in order if name in names]:
                kind = "path-parameters-swapped"
            yield spot.row(kind, old_key[1], new_key[1])

    def _items(self, spot: Spot, moved: dict[str, str]) -> Iterator[Row]:
        """Compare the keys of path items, except operations and parameters."""
        olds, news = (root.get("paths") or {} for root in (self.old, self.new))
        for path in dict.fromkeys([*olds, *news]):
            other = path if path in news else str(moved.get(path, path))
            before, after = (item if isinstance(item, dict) else {} for item in (olds.get(path), news.get(other)))
            if path in moved.values() and path not in olds:
                continue
            here = attrs.evolve(spot.under("paths", other), where=other)
            if before.get("$ref") != after.get("$ref"):
                is_same = same(resolve_all(before, self.old), resolve_all(after, self.new))
                change = before.get("$ref"), after.get("$ref")
                kind = "document-place" if is_same else "not-understood"
                yield attrs.evolve(here.under("$ref"), operations=(other,)).row(kind, *change, note="$ref")
            yield from descriptions.rest(before, after, {"$ref", *METHODS}, here)


def _operation(key: _Key, module: str) -> Spot:
    method, path = key
    place = Spot().under("paths", path, method).place
    where = f"{method.upper()} {path}"
    return Spot(place=place, where=where, operations=(where,), model=(module.rpartition(".")[2],))


def _names(operation: dict[str, Any], module: str) -> list[str]:
    """Return the names by which programs know an operation: its module, and the id that its classes begin with."""
    identity = operation.get("operationId")
    return [module, *([python_names.attribute(identity)] if isinstance(identity, str) else [])]


def _taken(
    key: _Key, names: list[str], owners: dict[str, set[_Key]], pairs: dict[_Key, _Key], spot: Spot
) -> Iterator[Row]:
    """Find out whether an operation has a Python name that another operation had; callers would call it instead."""
    for name in names:
        had = owners.get(name, set())
        if had and key not in map(pairs.get, had):
            callers = ", ".join(f"{method.upper()} {path}" for method, path in sorted(had))
            yield spot.row("python-name-taken", callers, spot.where, python=name)
            return


def _named(old: tuple[Any, str], new: tuple[Any, str], spot: Spot) -> Iterator[Row]:
    """Compare the ids of two operations, and the names of their Python modules."""
    ids, names = zip(*((operation.get("operationId"), module) for operation, module in (old, new)), strict=True)
    python = f"{names[0]}: unchanged" if names[0] == names[1] else " → ".join(names)
    if ids[0] != ids[1]:
        yield spot.under("operationId").row("operation-id", *ids, python=python)
    elif names[0] != names[1]:
        yield spot.row("python-module", *names, python=python)
