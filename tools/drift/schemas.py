"""Compares two schemas: compares references, unions and arrays here, calls other modules for the rest.

Keywords that belong together form a group, and one function compares each group. A changed keyword that is in no group
also gives a row. So two schemas that differ always have a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools.drift import descriptions, keywords, python_types
from tools.drift.digests import Digests
from tools.drift.followed_references import FollowedReferences
from tools.drift.listed_values import all_listed, alternatives, beside_values, compare_values, without_repeats
from tools.drift.normal_form import same
from tools.drift.objects import Properties, listed_properties
from tools.drift.pairing import paired_parts, unmatched_parts
from tools.drift.rows import Severity
from tools.drift.wire_form import UNIONS, Merging, alone, as_union, flat, without_included, without_null
from tools.openapi.references import followed, leads_nowhere, leads_outside
from tools.openapi.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.drift.keywords import Schema
    from tools.drift.rows import Row
    from tools.drift.spot import Spot

_DEPTH: Final = 5
"""How many references to references are followed."""
_ANNOTATIONS: Final = {("default",), ("deprecated",), ("readOnly",), ("writeOnly",), ("discriminator",)}


class Schemas:
    """Compares schemas of two documents.

    Attributes:
        old: The old document, which resolves the `$ref`s of old schemas.
        new: The new document, which resolves the `$ref`s of new schemas.
        merging: The objects that merge the `allOf`s of the old and of the new document.
    """

    def __init__(self, old: dict[str, Any], new: dict[str, Any]) -> None:
        self.old = old
        self.new = new
        self.merging = (Merging(old), Merging(new))
        self._digests = (Digests(old, self.merging[0]), Digests(new, self.merging[1]))
        self._followed = FollowedReferences()
        self._groups: dict[tuple[str, ...], Callable[[Schema, Schema, Spot], Iterator[Row]]] = {
            **keywords.GROUPS,
            UNIONS: self._unions,
            ("allOf",): self._parts,
            ("properties", "required"): self._object,
            ("additionalProperties",): self._additional,
            ("items", "prefixItems"): self._items,
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
        found = list(self._without_null(old, new, spot))
        yield from found
        types = python_types.shape(old, self.old), python_types.shape(new, self.new)
        if not found:
            named = [python_types.name(each) for each in types]
            harmless = types[0] == types[1] or (types[1] == "Any" and not python_types.is_wrapped(types[0]))
            yield spot.row("spelling") if harmless else spot.row("python-type", *named)
        elif spot.hits and not any(row.place == spot.place and row.severity is Severity.BREAKING for row in found):
            yield from self._python_type(*types, spot)

    def followed_rows(self) -> Iterator[Row]:
        """Yield the rows for the schemas that different references lead to, when all other places are compared."""
        yield from self._followed.rows(self.compare)

    def default_dropped(self, old: Any, new: Any, spot: Spot) -> Iterator[Row]:
        """Compare the defaults of two required arguments: without a default, callers must pass the argument."""
        had, has = (isinstance(each, dict) and each.get("default") is not None for each in (old, new))
        if had and not has:
            yield spot.row("needed-default-dropped", old["default"])

    def _python_type(self, old: python_types.Shape, new: python_types.Shape, spot: Spot) -> Iterator[Row]:
        """Compare the Python types of schemas whose values change only harmlessly on the wire."""
        if old == "nothing":
            return
        if new == "nothing" or python_types.is_wrapped(old) != python_types.is_wrapped(new):
            yield spot.row("python-type", python_types.name(old), python_types.name(new))

    def _has_one_type(self, old: Schema, new: Schema) -> bool:
        return python_types.shape(old, self.old) == python_types.shape(new, self.new)

    def _without_null(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        (null, before), (nulls, after) = without_null(old), without_null(new)
        if null is not None and nulls is not None and null != nulls:
            if ("$ref" in old or "$ref" in new) and self._allows_null(old, 0) == self._allows_null(new, 1):
                yield from self._reference(old, new, spot)
                return
            yield spot.row("null-allowed" if nulls else "null-refused")
        elif null != nulls:
            before, after = old, new
        if not same(before, after):
            before, after = without_included(flat(before), self.old), without_included(flat(after), self.new)
            yield from self._alike(alone(before), alone(after), spot)

    def _allows_null(self, schema: Schema, side: int) -> bool | None:
        """Tell whether a schema of the old (0) or the new (1) document, or what it refers to, allows null."""
        document = (self.old, self.new)[side]
        for _ in range(_DEPTH):
            found = followed(schema, document)
            if found is schema or not isinstance(found, dict):
                break
            schema = found
        return without_null(schema)[0]

    def _alike(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        """Compare two schemas that are in the same form, apart from the ways in which they combine others."""
        groups = set(self._groups)
        moved = old.get("$ref") != new.get("$ref")
        unions = [bool(alternatives(each)) for each in (old, new)]
        if unions[0] != unions[1]:
            key = next(key for each in (old, new) for key in UNIONS if each.get(key))
            like = alternatives(old) or alternatives(new)
            old, new = (as_union(each, key, like) for each in (old, new))
            unions = [bool(alternatives(each)) for each in (old, new)]
        if (moved or any(unions)) and (lists := self._lists(old, new)) is not None:
            yield from self._listed(*lists, old, new, spot)
            groups -= {UNIONS, ("type",), ("enum", "const")}
        elif unions[0] != unions[1] and self._is_union(old, self.old) and self._is_union(new, self.new):
            yield from self._reference(old, new, spot)
            return
        elif unions[0] != unions[1]:
            yield from self._one_union(old, new, spot)
            groups &= _ANNOTATIONS
        elif moved:
            yield from self._reference(old, new, spot)
            return
        elif not same(old.get("allOf"), new.get("allOf")):
            before, after = self.merging[0].merged(old), self.merging[1].merged(new)
            if before is not None and after is not None:
                yield from () if same(before, after) else self._alike(before, after, spot)
                return
        for keys, function in self._groups.items():
            before, after = ({key: schema[key] for key in keys if key in schema} for schema in (old, new))
            if keys in groups and not same(before, after):
                rows = list(function(old, new, spot))
                if keys in keywords.CONDITIONS and self._digests[0].of(before) == self._digests[1].of(after):
                    rows = [spot.under(keys[0]).row("document-place")]
                if keys == ("format",) and self._has_one_type(old, new):
                    rows = list(keywords.plain_format(before, after, spot))
                yield from rows or [spot.row("not-understood", before, after, note=", ".join(keys))]
                if any(row.kind == "type-changed" for row in rows):
                    groups &= _ANNOTATIONS  # what else was said of values of the old type is gone with it
        yield from descriptions.rest(old, new, {"$ref", *(key for keys in self._groups for key in keys)}, spot)

    # -- References and unions -----------------------------------------------------------------------------------------

    def _reference(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        if any(leads_outside(str(each.get("$ref", "#"))) for each in (old, new)):
            yield spot.row("not-understood", type_name(old), type_name(new), note="$ref")
            return
        if leads_nowhere(old, self.old) or leads_nowhere(new, self.new):
            kind = "reference-dangling" if leads_nowhere(new, self.new) else "reference-found"
            yield spot.row(kind, type_name(old), type_name(new))
            return
        yield spot.row("reference", type_name(old), type_name(new))
        self._followed.note((old, new), (followed(old, self.old), followed(new, self.new)), spot)

    def _is_union(self, schema: Schema, document: dict[str, Any]) -> bool:
        """Tell whether a schema, or what it refers to, is a union."""
        found = followed(schema, document)
        return isinstance(found, dict) and bool(alternatives(found))

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
            matched = any(python_types.is_wrapped(python_types.shape(each, self.new)) for each in news)
            kind = "alternatives-reordered" if matched else "spelling"  # plain values are not matched in an order
            yield spot.row(kind, [*map(type_name, olds)], [*map(type_name, news)])

    def _parts(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        olds, news = old.get("allOf") or [], new.get("allOf") or []
        removed, added, reordered = unmatched_parts(olds, news)
        for before, after in paired_parts(removed, added):
            yield from self.compare(before, after, spot)
        yield from (spot.row("part-removed", type_name(part), note=listed_properties(part)) for part in removed)
        yield from (spot.row("part-added", None, type_name(part), note=listed_properties(part)) for part in added)
        if reordered:
            yield spot.row("properties-reordered", [*map(type_name, olds)], [*map(type_name, news)])

    # -- Objects and arrays --------------------------------------------------------------------------------------------

    def _object(self, old: Schema, new: Schema, spot: Spot) -> Iterator[Row]:
        yield from Properties(self, old, new, spot).rows()

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
        olds, news = (each.get("prefixItems") or [] for each in (old, new))
        for index in range(max(len(olds), len(news))):
            before, after = (
                items[index] if index < len(items) else each.get("items", {})
                for items, each in ((olds, old), (news, new))
            )
            here = spot.under("prefixItems", index).named(f"[{index}]", "item")
            found = list(self.compare(before, after, here))
            yield from found or (() if len(olds) == len(news) else [here.row("spelling", note="prefixItems")])
        here = spot.under("items").named("[]", "item")
        if ("items" in old) != ("items" in new) and same(old.get("items", {}), new.get("items", {})):
            yield here.row("spelling", note="items")  # without items, the generator refuses an array
        yield from self.compare(old.get("items", {}), new.get("items", {}), here)


def _plain(schema: Schema) -> Schema:
    """Return a schema without descriptions, examples and other annotations, such as `default` and `deprecated`."""
    kept: Schema = descriptions.without(schema)
    return {key: value for key, value in kept.items() if (key,) not in _ANNOTATIONS}


def _shown(schema: Schema) -> str:
    names = listed_properties(schema)
    return f"{type_name(schema)} {names}" if names else type_name(schema)
