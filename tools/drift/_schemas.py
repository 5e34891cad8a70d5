"""Compares two schemas: each keyword by what it means to who sends and who reads.

Keywords that belong together are one group with one function. What no group knows is a row as well, so that two schemas
that differ never go without one.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tools._surface_spec import type_name
from tools.drift import _names, _values, _words
from tools.drift._normal import canonical, same
from tools.drift._renames import renamed_properties, unmatched
from tools.drift._usage import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.drift._rows import Hit, Row
    from tools.drift._spot import Spot
    from tools.drift._values import Schema

_UNIONS: Final = ("oneOf", "anyOf")
_ANNOTATIONS: Final = {("default",), ("deprecated",), ("readOnly",), ("writeOnly",), ("discriminator",)}


class Schemas:
    """Compares schemas of two documents.

    Attributes:
        old: The old document, in which its `$ref`s are followed.
        new: The new one.
    """

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old = old
        self.new = new
        self._followed: set[tuple[str, str, frozenset[Hit]]] = set()
        self._groups: dict[tuple[str, ...], Callable[[Schema, Schema, Spot], Iterator[Row]]] = {
            **_values.GROUPS,
            _UNIONS: self._unions,
            ("allOf",): self._parts,
            ("properties", "required"): self._object,
            ("additionalProperties",): self._additional,
            ("items",): self._items,
        }

    def compare(self, old: Any, new: Any, spot: Spot) -> Iterator[Row]:
        """Compare two schemas.

        Args:
            old: A schema of the old document.
            new: One of the new.
            spot: Where they are.

        Yields:
            The rows, at least one if the two aren't the same.
        """
        if same(old, new):
            return
        if not (isinstance(old, dict) and isinstance(new, dict)):
            yield spot.row("type-changed", old, new)
            return
        groups = set(self._groups)
        moved = old.get("$ref") != new.get("$ref")
        if (moved or _union(old) or _union(new)) and (lists := self._lists(old, new)) is not None:
            yield from self._listed(*lists, old, new, spot)
            groups -= {_UNIONS, ("type",), ("enum", "const")}
        elif bool(_union(old)) != bool(_union(new)):
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
        yield from _words.rest(old, new, {"$ref", *(key for keys in self._groups for key in keys)}, spot)

    # -- References and unions -----------------------------------------------------------------------------------------

    def _reference(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        yield spot.row("reference", type_name(old), type_name(new))
        followed = (canonical(old), canonical(new), spot.hits)
        if followed not in self._followed:  # what they lead to is compared once, however many refer to it
            self._followed.add(followed)
            yield from self.compare(_followed(old, self.old), _followed(new, self.new), spot)

    def _lists(self, old: Schema, new: Schema) -> tuple[list[Any], list[Any]] | None:
        before, after = _all_listed(old, self.old), _all_listed(new, self.new)
        return None if before is None or after is None else (before, after)

    def _listed(self, before: list[Any], after: list[Any], old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        """Compare values that are listed in several schemas, or in another one."""
        found = list(_values.values(before, after, spot))
        yield from found
        parts = ([schema.get(key) for key in ("$ref", *_UNIONS, "type")] for schema in (old, new))
        if not found and not same(*parts):
            yield spot.row("reference", type_name(old), type_name(new))

    def _one_union(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        """Compare a union with what has become of one, or what has become one."""
        olds, news = (_union(schema) or [_words.without(schema)] for schema in (old, new))
        gone, come, _ = unmatched(olds, news)
        if len(gone) == len(olds) and len(come) == len(news):
            yield spot.row("type-changed", type_name(old), type_name(new))
        else:
            found = list(self._alternatives(olds, news, spot))
            yield from found or [spot.row("reference", type_name(old), type_name(new))]

    def _unions(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        yield from self._alternatives(_union(old), _union(new), spot)

    def _alternatives(self, olds: list[Any], news: list[Any], spot: Spot) -> Iterator[Row]:
        gone, come, reordered = unmatched(olds, news)
        if len(gone) == len(come):
            for before, after in zip(gone, come, strict=True):
                yield from self.compare(before, after, spot.named(f" ({type_name(after)})"))
        else:
            yield from (spot.row("alternative-removed", type_name(before)) for before in gone)
            yield from (spot.row("alternative-added", None, type_name(after)) for after in come)
        if reordered:
            yield spot.row("alternatives-reordered", [*map(type_name, olds)], [*map(type_name, news)])

    def _parts(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        olds, news = old.get("allOf") or [], new.get("allOf") or []
        gone, come, reordered = unmatched(olds, news)
        if len(gone) == len(come):
            for before, after in zip(gone, come, strict=True):
                yield from self.compare(before, after, spot)
        else:
            yield from (spot.row("part-removed", type_name(part), note=_properties(part)) for part in gone)
            yield from (spot.row("part-added", None, type_name(part), note=_properties(part)) for part in come)
        if reordered:
            yield spot.row("properties-reordered", [*map(type_name, olds)], [*map(type_name, news)])

    # -- Objects and arrays --------------------------------------------------------------------------------------------

    def _object(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        olds, news = old.get("properties") or {}, new.get("properties") or {}
        needed, needs = (_required(schema) for schema in (old, new))
        renamed = renamed_properties(olds, news)
        for before, after in renamed.items():
            here = _property(spot, after)
            yield here.row("property-renamed", before, after, python=_renaming(spot, before, after))
            yield from self.compare(olds[before], news[after], here)
        for name in olds.keys() - news.keys() - renamed.keys():
            here = _property(spot, name)
            yield here.row("property-removed", type_name(olds[name]), python=f"{_attribute(spot, name)}: gone")
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


def _union(schema: Schema) -> list[Any]:
    return next((schema[key] for key in _UNIONS if isinstance(schema.get(key), list) and schema[key]), [])


def _all_listed(schema: Any, document: dict[str, Any]) -> list[Any] | None:
    """Return the values that are listed in a schema, in those that it refers to, and in all parts of a union."""
    waiting, seen, found = [schema], set[str](), list[Any]()
    while waiting:
        each = waiting.pop(0)
        if not isinstance(each, dict):
            return None
        if "$ref" in each:
            if each["$ref"] not in seen:
                seen.add(each["$ref"])
                waiting.append(resolve(each["$ref"], document))
        elif union := _union(each):
            waiting += union
        elif (values := _values.listed(each)) is not None:
            found += values
        else:
            return None
    return found


def _followed(schema: Schema, document: dict[str, Any]) -> Any:
    if "$ref" not in schema:
        return schema
    found = resolve(schema["$ref"], document)
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**found, **beside} if isinstance(found, dict) else found


def _described(schema: Any) -> str:
    default = schema.get("default") if isinstance(schema, dict) else None
    return type_name(schema) + (
        f", by default {json.dumps(default, ensure_ascii=False)}" if default is not None else ""
    )


def _required(schema: Schema) -> set[str]:
    names = schema.get("required")
    return set(names) if isinstance(names, list) else set()


def _property(spot: Spot, name: str) -> Spot:
    return spot.under("properties", name).named(f".{name}", name)


def _attribute(spot: Spot, name: str) -> str:
    return f"{_names.model(*spot.model)}.{_names.attribute(name)}"


def _renaming(spot: Spot, before: str, after: str) -> str:
    names = (_attribute(spot, before), _names.attribute(after))
    return f"{names[0]}: as before" if names[0].endswith(f".{names[1]}") else f"{names[0]} → {names[1]}"


def _properties(schema: Any) -> str:
    names = schema.get("properties") if isinstance(schema, dict) else None
    return f"with {', '.join(names)}" if isinstance(names, dict) and names else ""
