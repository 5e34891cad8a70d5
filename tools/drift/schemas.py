"""Compares two schemas: compares references, unions, objects and arrays here, calls `keywords` for the rest.

Keywords that belong together form a group, and one function compares each group. A changed keyword that is in no group
also gives a row. So two schemas that differ always have a row.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.drift import descriptions, keywords
from tools.drift.listed_values import UNIONS, all_listed, alternatives, beside_values, compare_values, without_repeats
from tools.drift.normal_form import canonical, same
from tools.drift.pairing import paired_parts, renamed_properties, unmatched_parts
from tools.openapi import python_names
from tools.openapi.references import followed, leads_nowhere
from tools.openapi.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.drift.keywords import Schema
    from tools.drift.rows import Hit, Row
    from tools.drift.spot import Spot

_ANNOTATIONS: Final = {("default",), ("deprecated",), ("readOnly",), ("writeOnly",), ("discriminator",)}


class Schemas:
    """Compares schemas of two documents.

    Attributes:
        old: The old document, which resolves the `$ref`s of old schemas.
        new: The new document, which resolves the `$ref`s of new schemas.
    """

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old = old
        self.new = new
        self._followed: set[tuple[str, str, frozenset[Hit]]] = set()
        self._groups: dict[tuple[str, ...], Callable[[Schema, Schema, Spot], Iterator[Row]]] = {
            **keywords.GROUPS,
            UNIONS: self._unions,
            ("allOf",): self._parts,
            ("properties", "required"): self._object,
            ("additionalProperties",): self._additional,
            ("items",): self._items,
        }

    def compare(self, old: Any, new: Any, spot: Spot) -> Iterator[Row]:
        """Compare two schemas.

        Args:
            old: A schema of the old document.
            new: A schema of the new document.
            spot: The place of both schemas.

        Yields:
            The rows, at least one if the schemas differ.
        """
        if same(old, new):
            return
        if not (isinstance(old, dict) and isinstance(new, dict)):
            yield spot.row("type-changed", old, new)
            return
        groups = set(self._groups)
        moved = old.get("$ref") != new.get("$ref")
        if (moved or alternatives(old) or alternatives(new)) and (lists := self._lists(old, new)) is not None:
            yield from self._listed(*lists, old, new, spot)
            groups -= {UNIONS, ("type",), ("enum", "const")}
        elif bool(alternatives(old)) != bool(alternatives(new)):
            yield from self._one_union(old, new, spot)
            groups &= _ANNOTATIONS
        elif moved:
            yield from self._reference(old, new, spot)
            return
        for keys, function in self._groups.items():
            before, after = ({key: schema[key] for key in keys if key in schema} for schema in (old, new))
            if keys in groups and not same(before, after):
                rows = list(function(old, new, spot))
                yield from rows or [spot.row("not-understood", before, after, note=", ".join(keys))]
        yield from descriptions.rest(old, new, {"$ref", *(key for keys in self._groups for key in keys)}, spot)

    # -- References and unions -----------------------------------------------------------------------------------------

    def _reference(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        if leads_nowhere(old, self.old) or leads_nowhere(new, self.new):
            yield spot.row("not-understood", type_name(old), type_name(new), note="$ref")
            return
        yield spot.row("reference", type_name(old), type_name(new))
        pair = (canonical(old), canonical(new), spot.hits)
        if pair not in self._followed:  # many schemas may refer to the same target, which is compared only once
            self._followed.add(pair)
            yield from self.compare(followed(old, self.old), followed(new, self.new), spot)

    def _lists(self, old: Schema, new: Schema) -> tuple[list[Any], list[Any]] | None:
        before, after = all_listed(old, self.old), all_listed(new, self.new)
        return None if before is None or after is None else (before, after)

    def _listed(self, before: list[Any], after: list[Any], old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        """Compare the values that two schemas list in `enum` or `const`, also through references and unions."""
        found = list(compare_values(before, after, spot))
        yield from found
        if not found and not same(descriptions.without(old), descriptions.without(new)):
            yield spot.row("reference", type_name(old), type_name(new))
        inside = (beside_values(old, self.old), beside_values(new, self.new))
        for kind in ("default", "text"):
            olds, news = (without_repeats(part[kind] for part in parts if part[kind]) for parts in inside)
            if not same(olds, news):
                yield spot.row(kind, olds, news, note="of the schemas that list values")

    def _one_union(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        """Compare two schemas of which only one, the old or the new, is a union."""
        olds, news = (alternatives(schema) or [_plain(schema)] for schema in (old, new))
        removed, added, _ = unmatched_parts(olds, news)
        pure = all(not _plain(schema).keys() - {"type", *UNIONS} for schema in (old, new) if alternatives(schema))
        if pure and (len(removed) < len(olds) or len(added) < len(news)):
            yield from self._alternatives(olds, news, spot)
            yield spot.row("reference", type_name(old), type_name(new))
        else:
            yield spot.row("type-changed", _shown(old), _shown(new))

    def _unions(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        kinds = [[key for key in UNIONS if key in schema] for schema in (old, new)]
        if kinds[0] != kinds[1]:
            yield spot.row("alternatives-kind", *map(", ".join, kinds))
        yield from self._alternatives(alternatives(old), alternatives(new), spot)

    def _alternatives(self, olds: list[Any], news: list[Any], spot: Spot) -> Iterator[Row]:
        removed, added, reordered = unmatched_parts(olds, news)
        for before, after in paired_parts(removed, added):
            yield from self.compare(before, after, spot.named(f" ({type_name(after)})"))
        yield from (spot.row("alternative-removed", type_name(part)) for part in removed)
        yield from (spot.row("alternative-added", None, type_name(part)) for part in added)
        if reordered:
            yield spot.row("alternatives-reordered", [*map(type_name, olds)], [*map(type_name, news)])

    def _parts(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        olds, news = old.get("allOf") or [], new.get("allOf") or []
        removed, added, reordered = unmatched_parts(olds, news)
        for before, after in paired_parts(removed, added):
            yield from self.compare(before, after, spot)
        yield from (spot.row("part-removed", type_name(part), note=_properties(part)) for part in removed)
        yield from (spot.row("part-added", None, type_name(part), note=_properties(part)) for part in added)
        if reordered:
            yield spot.row("properties-reordered", [*map(type_name, olds)], [*map(type_name, news)])

    # -- Objects and arrays --------------------------------------------------------------------------------------------

    def _object(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        olds, news = old.get("properties") or {}, new.get("properties") or {}
        needed, needs = (_required(schema) for schema in (old, new))
        renamed = renamed_properties(olds, news)
        for before, after in renamed.items():
            here = _property(spot, after)
            python = python_names.renaming(before, after, _owner(spot))
            yield here.row("property-renamed", before, after, python=python)
            yield from self.compare(olds[before], news[after], here)
        for name in olds.keys() - news.keys() - renamed.keys():
            here = _property(spot, name)
            yield here.row("property-removed", type_name(olds[name]), python=f"{_attribute(spot, name)}: removed")
        for name in news.keys() - olds.keys() - set(renamed.values()):
            kind = "required-property-added" if name in needs else "property-added"
            python = f"{_attribute(spot, name)}: new"
            yield _property(spot, name).row(kind, None, _described(news[name]), python=python)
        for name in olds.keys() & news.keys():
            yield from self.compare(olds[name], news[name], _property(spot, name))
        only_one = (olds.keys() ^ news.keys()) - set(renamed.values())
        for name in {renamed.get(name, name) for name in needed} ^ needs:
            if name not in only_one:
                yield _property(spot, name).row("now-required" if name in needs else "now-optional")
        kept = [renamed.get(name, name) for name in olds if name in news or name in renamed]
        order = [name for name in news if name in kept]
        if kept != order:
            yield spot.under("properties").row("properties-reordered", [*kept], [*order])

    def _additional(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        before, after = old.get("additionalProperties", {}), new.get("additionalProperties", {})
        here = spot.under("additionalProperties")
        if after is False:
            yield here.row("additional-properties-refused", type_name(before))
        elif before is False:
            yield here.row("additional-properties-allowed", None, type_name(after))
        else:
            yield from self.compare(before, after, here.named("{}", "additional_property"))

    def _items(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        here = spot.under("items").named("[]", "item")
        yield from self.compare(old.get("items", {}), new.get("items", {}), here)


def _described(schema: Any) -> str:
    default = schema.get("default") if isinstance(schema, dict) else None
    return type_name(schema) + (
        f", by default {json.dumps(default, ensure_ascii=False)}" if default is not None else ""
    )


def _required(schema: Schema) -> set[str]:
    names = schema.get("required")
    return set(names) if isinstance(names, list) else set()


def _plain(schema: Schema) -> Schema:
    """Return a schema without descriptions, examples and other annotations, such as `default` and `deprecated`."""
    kept: Schema = descriptions.without(schema)
    return {key: value for key, value in kept.items() if (key,) not in _ANNOTATIONS}


def _shown(schema: Schema) -> str:
    names = _properties(schema)
    return f"{type_name(schema)} {names}" if names else type_name(schema)


def _property(spot: Spot, name: str) -> Spot:
    here = spot.under("properties", name).named(f".{name}", name)
    return attrs.evolve(here, python=_attribute(spot, name))


def _attribute(spot: Spot, name: str) -> str:
    return f"{_owner(spot)}{python_names.attribute(name)}"


def _owner(spot: Spot) -> str:
    return f"{python_names.model(*spot.model)}."


def _properties(schema: Any) -> str:
    names = schema.get("properties") if isinstance(schema, dict) else None
    return f"with {', '.join(names)}" if isinstance(names, dict) and names else ""
