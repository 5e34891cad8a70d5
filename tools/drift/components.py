"""Compares the components of two documents; each row names all operations that use the component, however they do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from tools.drift import calls, security
from tools.drift.classification import severity
from tools.drift.contents import moved, resolve_once
from tools.drift.normal_form import differs, parameter_key, same
from tools.drift.operations import header_respelled
from tools.drift.parts_elsewhere import reference_of
from tools.drift.rows import Severity
from tools.drift.spot import Spot
from tools.drift.usage import Use, Uses
from tools.openapi import python_names
from tools.openapi.references import leads_nowhere, steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.operations import Operations
    from tools.drift.rows import Row


class Components:
    """Compares the components of two documents in normal form."""

    def __init__(self, operations: Operations, old: dict[str, Any], new: dict[str, Any]) -> None:
        self._operations = operations
        self._old = old
        self._new = new
        self._uses = (Uses(old), Uses(new))

    def rows(self) -> Iterator[Row]:
        """Yield the rows for all components that differ, and for references to components that are gone."""
        yield from self._dangling()
        olds, news = (root.get("components") or {} for root in (self._old, self._new))
        for kind in dict.fromkeys([*olds, *news]):
            if kind.startswith("x-"):
                if differs(olds, news, kind):
                    yield Spot().under("components", kind).row("extension", olds.get(kind), news.get(kind), note=kind)
                continue
            found = list(self._of_kind(kind, olds.get(kind), news.get(kind)))
            are_maps = all(isinstance(each.get(kind, {}), dict) for each in (olds, news))
            if not found and not are_maps and differs(olds, news, kind):
                found.append(Spot().under("components", kind).row("not-understood", olds.get(kind), news.get(kind)))
            yield from found

    def spot(self, kind: str, name: str) -> Spot:
        """Return the place of a component, with its uses in both documents."""
        use = Use()
        for uses in self._uses:
            use.add(uses.of_component(kind, name))
        reference = reference_of(name)
        return Spot(
            place=Spot().under(*(steps(reference) if reference else ("components", kind, name))).place,
            where=reference or (name if kind == "schemas" else f"components.{kind}.{name}"),
            hits=frozenset(use.hits),
            operations=tuple(sorted(use.operations)),
            model=(name,),
        )

    def _dangling(self) -> Iterator[Row]:
        """Compare the references to places that the document does not have; the generator drops what needs them."""
        olds, news = (uses.dangling() for uses in self._uses)
        for kind, found, uses in (
            ("reference-dangling", news - olds, self._uses[1]),
            ("reference-found", olds - news, self._uses[0]),
        ):
            other = self._old if uses is self._uses[1] else self._new
            for reference in sorted(found):
                if leads_nowhere({"$ref": reference}, other):
                    continue  # it is not that the place is gone, but that the reference is new; it has a row
                use = uses.of_references[reference]
                spot = Spot(where=reference, hits=frozenset(use.hits), operations=tuple(sorted(use.operations)))
                yield spot.row(kind, note=reference)

    def _of_kind(self, kind: str, before: Any, after: Any) -> Iterator[Row]:
        olds, news = (each if isinstance(each, dict) else {} for each in (before, after))
        # Calls without a list of credentials use that of the document.
        depends = kind in calls.KINDS and differs(self._old, self._new, "security")
        for name in dict.fromkeys([*olds, *news]):
            if reference_of(name) and not (name in olds and name in news):
                continue  # there is a row at the place of the reference
            is_same = name in olds and name in news and same(olds[name], news[name])
            if not is_same or (depends and self.spot(kind, name).operations):
                found = list(self._component(kind, name, olds.get(name), news.get(name)))
                if not found and not is_same:
                    found.append(self.spot(kind, name).row("not-understood", olds.get(name), news.get(name)))
                # The generator writes no code for what is no component.
                yield from (attrs.evolve(row, python="") for row in found) if reference_of(name) else found

    def _component(self, kind: str, name: str, before: Any, after: Any) -> Iterator[Row]:
        spot = self.spot(kind, name)
        if not all(isinstance(each, dict | None) for each in (before, after)):
            yield spot.row("not-understood", before, after)
        elif kind == "securitySchemes":
            schemes = before and resolve_once(before, self._old), after and resolve_once(after, self._new)
            found = list(security.scheme(*schemes, spot)) or list(moved(before, after, spot))
            # A scheme to which another one refers may be written there as well.
            is_used = spot.hits and (None not in schemes or any(uses.names_scheme(name) for uses in self._uses))
            yield from found if is_used else (attrs.evolve(row, severity=Severity.DOCUMENTATION) for row in found)
        elif before is None or after is None:
            word = "added" if before is None else "removed"
            if kind == "schemas":
                model = f"models.{python_names.model(name)}"
                yield spot.row(f"schema-{word}", python=f"{model}: {'new' if before is None else 'removed'}")
            else:
                yield spot.row(f"component-{word}")
        elif kind == "pathItems":
            yield from self._path_item(name, before, after, spot)
        else:
            yield from self._compared(kind, before, after, spot)

    def _path_item(self, name: str, before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
        """Compare two path items as what the API calls; the paths that refer to them are named apart."""
        old_uses, new_uses = (uses.of_path_item(name) for uses in self._uses)
        calling, others = old_uses[0] | new_uses[0], old_uses[1] | new_uses[1]
        here = attrs.evolve(spot, operations=tuple(sorted(calling)))
        found = list(self._operations.called_item(before, after, here))
        is_harmless = all(severity(row.kind) is Severity.DOCUMENTATION for row in found)  # in both directions
        if is_harmless:
            yield from (attrs.evolve(row, operations=spot.operations) for row in found)
        elif calling:
            yield from found
        # The generator follows no reference of a path.
        if not is_harmless and (others or not calling):
            here = attrs.evolve(spot, operations=tuple(sorted(others)))
            yield here.row("not-understood", before, after, note="pathItems")

    def _compared(self, kind: str, before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
        contents = self._operations.contents
        other = kind == "parameters" and parameter_key(before, self._old) != parameter_key(after, self._new)
        if kind == "schemas":
            yield from contents.schemas.compare(before, after, spot)
        elif kind == "callbacks":
            yield from self._operations.callback(before, after, spot)
        elif other or before.get("$ref") != after.get("$ref"):
            yield spot.row("not-understood", before, after, note=kind)
        elif kind in {"parameters", "headers"}:
            yield from contents.parameter(before, after, spot)
            yield from header_respelled(before, after, spot)
        elif kind == "requestBodies":
            yield from contents.body(before, after, spot)
        elif kind == "responses":
            yield from contents.response(before, after, spot)
        elif kind in {"examples", "links"}:
            yield spot.row(kind.removesuffix("s"), before, after)
        else:
            yield spot.row("not-understood", before, after, note=kind)
