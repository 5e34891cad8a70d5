"""Compares the properties of two object schemas, and the order of the arguments that the generated class takes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from tools.drift.pairing import renamed_properties
from tools.drift.wire_form import without_null
from tools.openapi import python_names
from tools.openapi.references import followed
from tools.openapi.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Row
    from tools.drift.spot import Spot
    from tools.drift.wire_form import Merging

    Schema = dict[str, Any]

_DEPTH: Final = 5  # references that are followed to find moved properties


class Comparing(Protocol):
    """What this module needs of the object that compares schemas; see `Schemas`."""

    old: dict[str, Any]
    new: dict[str, Any]
    merging: tuple[Merging, Merging]

    def compare(self, old: Any, new: Any, spot: Spot) -> Iterator[Row]:
        """Compare two schemas."""
        ...

    def default_dropped(self, old: Any, new: Any, spot: Spot) -> Iterator[Row]:
        """Compare the defaults of two required arguments."""
        ...


class Properties:
    """Compares the properties of two schemas at one place.

    Attributes:
        olds: The old properties.
        news: The new properties.
        names: The new name of each old property that still exists.
    """

    def __init__(self, schemas: Comparing, old: Schema, new: Schema, spot: Spot) -> None:
        self._schemas = schemas
        self._spot = spot
        self.olds: Schema = old.get("properties") or {}
        self.news: Schema = new.get("properties") or {}
        self._needed, self._needs = _required(old), _required(new)
        self._renamed = renamed_properties(self.olds, self.news)
        renamed = {name: name for name in self.news} | self._renamed
        self.names = {name: renamed[name] for name in self.olds if name in renamed}

    def rows(self) -> Iterator[Row]:
        """Yield the rows for properties that were moved, renamed, removed, added or changed."""
        gone = [name for name in self.olds if name not in self.names]
        more = [name for name in self.news if name not in self.names.values()]
        yield from self._moved(gone, more)
        for before, after in self._renamed.items():
            python = python_names.renaming(before, after, _owner(self._spot))
            yield self._property(after).row("property-renamed", before, after, python=python)
        for name in gone:
            python = f"{_attribute(self._spot, name)}: removed"
            yield self._property(name).row("property-removed", type_name(self.olds[name]), python=python)
        for name in more:
            kind = "required-property-added" if name in self._needs else "property-added"
            python = f"{_attribute(self._spot, name)}: new"
            yield self._property(name).row(kind, None, _described(self.news[name]), python=python)
        for before, after in self.names.items():
            yield from self._kept(before, after)
        for name in sorted(self._needed ^ self._needs):
            if name not in self.olds and name not in self.news:
                yield self._property(name).row("now-required" if name in self._needs else "now-optional")
        yield from self._order()

    def _kept(self, before: str, after: str) -> Iterator[Row]:
        old, new = self.olds[before], self.news[after]
        here = self._property(after)
        for flag, direction in (("readOnly", "request"), ("writeOnly", "response")):
            if all(isinstance(each, dict) and each.get(flag) for each in (old, new)):
                here = attrs.evolve(here, hits=here.hits - {direction})  # the property is not sent, or not read
        yield from self._schemas.compare(old, new, here)
        if (before in self._needed) != (after in self._needs):
            kind = "now-required" if after in self._needs else "now-optional"
            yield here.row("now-optional-and-moved" if kind == "now-optional" and self._is_moved(after) else kind)
        elif after in self._needs:
            yield from self._schemas.default_dropped(old, new, here)

    def _arguments(self) -> tuple[list[str], list[str]]:
        """Return the kept arguments of the class in the old and in the new order: the required ones are the first."""
        olds = sorted(self.names, key=lambda name: name not in self._needed)
        kept = {*self.names.values()}
        news = sorted((name for name in self.news if name in kept), key=lambda name: name not in self._needs)
        return [self.names[name] for name in olds], news

    def _is_moved(self, name: str) -> bool:
        """Tell whether another argument now takes the position of this one."""
        olds, news = self._arguments()
        return olds.index(name) != news.index(name)

    def _order(self) -> Iterator[Row]:
        """Compare the order of the arguments, apart from those that are only now required or optional."""
        same = {after for before, after in self.names.items() if (before in self._needed) == (after in self._needs)}
        olds, news = ([name for name in names if name in same] for names in self._arguments())
        if olds != news:
            yield self._spot.under("properties").row("properties-reordered", olds, news)
        elif [*self.names.values()] != [name for name in self.news if name in self.names.values()]:
            yield self._spot.under("properties").row("document-place", [*self.olds], [*self.news])

    # -- Properties that moved out of an object, or into one -----------------------------------------------------------

    def _moved(self, gone: list[str], more: list[str]) -> Iterator[Row]:
        """Find objects whose properties moved one level up or down, and take them from the two lists."""
        for name in [*gone]:
            inner = self._inside(self.olds[name], 0)
            if found := _moved_together(inner, more):
                gone.remove(name)
                python = f"{_attribute(self._spot, name)}: removed"
                yield self._property(name).row("properties-moved-out", name, found, python=python)
                for each in found:
                    more.remove(each)
                    yield from self._schemas.compare(inner[each], self.news[each], self._property(each))
        for name in [*more]:
            inner = self._inside(self.news[name], 1)
            if found := _moved_together(inner, gone):
                more.remove(name)
                python = f"{_attribute(self._spot, name)}: new"
                yield self._property(name).row("properties-moved-in", found, name, python=python)
                for each in found:
                    gone.remove(each)
                    here = attrs.evolve(self._property(name).named(f".{each}", each), python="")
                    yield from self._schemas.compare(self.olds[each], inner[each], here)

    def _inside(self, schema: Any, side: int) -> Schema:
        """Return the properties of a property of the old (0) or the new (1) document."""
        document = (self._schemas.old, self._schemas.new)[side]
        for _ in range(_DEPTH):
            if isinstance(schema, dict):
                schema = followed(without_null(schema)[1], document)
        if not isinstance(schema, dict) or "$ref" in schema:
            return {}
        return (self._schemas.merging[side].merged(schema) or {}).get("properties") or {}

    def _property(self, name: str) -> Spot:
        here = self._spot.under("properties", name).named(f".{name}", name)
        return attrs.evolve(here, python=_attribute(self._spot, name))


def listed_properties(schema: Any) -> str:
    """Return the names of a schema's properties as a text; an empty text if it has none."""
    names = schema.get("properties") if isinstance(schema, dict) else None
    return f"with {', '.join(names)}" if isinstance(names, dict) and names else ""


def _moved_together(inner: Schema, names: list[str]) -> list[str]:
    """Return the names that are inside an object as well, if they are at least half of what is inside."""
    found = [name for name in inner if name in names]
    return found if 2 * len(found) >= len(inner) else []


def _described(schema: Any) -> str:
    default = schema.get("default") if isinstance(schema, dict) else None
    return type_name(schema) + (
        f", by default {json.dumps(default, ensure_ascii=False)}" if default is not None else ""
    )


def _required(schema: Schema) -> set[str]:
    names = schema.get("required")
    return set(names) if isinstance(names, list) else set()


def _attribute(spot: Spot, name: str) -> str:
    return f"{_owner(spot)}{python_names.attribute(name)}"


def _owner(spot: Spot) -> str:
    return f"{python_names.model(*spot.model)}."
