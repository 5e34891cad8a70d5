"""Compares operations: parameters, request bodies and responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.drift import descriptions, pairing
from tools.drift.normal_form import same
from tools.openapi import python_names
from tools.openapi.references import followed, resolve
from tools.openapi.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Hit, Row
    from tools.drift.schemas import Schemas
    from tools.drift.spot import Spot

_REQUEST: Final[frozenset[Hit]] = frozenset({"request"})
_RESPONSE: Final[frozenset[Hit]] = frozenset({"response"})
_SERIALIZATION: Final = ("allowEmptyValue", "allowReserved", "content", "explode", "style")


_Key = tuple[str, str]


class Operations:
    """Compares operations of two documents; also compares components that are parameters, bodies or responses.

    Attributes:
        schemas: The object that compares the schemas of the two documents.
    """

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas

    def compare(self, old: tuple[dict[str, Any], Any], new: tuple[dict[str, Any], Any], spot: Spot) -> Iterator[Row]:
        """Compare two operations.

        Args:
            old: The path item and the operation in the old document.
            new: The path item and the operation in the new document.
            spot: The place of both operations.

        Yields:
            The rows, at least one if the operations differ.
        """
        before, after = old[1], new[1]
        yield from self._parameters(
            self._effective(*old, self.schemas.old), self._effective(*new, self.schemas.new), spot
        )
        yield from self._bodies(before.get("requestBody"), after.get("requestBody"), spot)
        yield from self._responses(before.get("responses") or {}, after.get("responses") or {}, spot)
        yield from _flag("deprecated", "deprecated", "no-longer-deprecated", before, after, spot)
        if not same(before.get("tags"), after.get("tags")):
            yield spot.under("tags").row("tags", before.get("tags"), after.get("tags"))
        known = {"deprecated", "operationId", "parameters", "requestBody", "responses", "security", "tags"}
        yield from descriptions.rest(before, after, known, spot)

    def parameter(self, before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
        """Compare two parameters of the same name and place, or two headers of the same name."""
        yield from _flag("required", "now-required", "now-optional", before, after, spot)
        yield from _flag("deprecated", "deprecated", "no-longer-deprecated", before, after, spot)
        for key in _SERIALIZATION:
            if not same(before.get(key), after.get(key)):
                yield spot.under(key).row("parameter-serialization", before.get(key), after.get(key), note=key)
        yield from self.schemas.compare(before.get("schema", {}), after.get("schema", {}), spot.under("schema"))
        yield from descriptions.rest(
            before, after, {"deprecated", "in", "name", "required", "schema", *_SERIALIZATION}, spot
        )

    def body(self, before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
        """Compare two request bodies."""
        yield from _flag("required", "now-required", "now-optional", before, after, spot)
        yield from self._contents(before.get("content") or {}, after.get("content") or {}, spot)
        yield from descriptions.rest(before, after, {"content", "required"}, spot)

    def response(self, before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
        """Compare two responses of the same status."""
        yield from self._contents(before.get("content") or {}, after.get("content") or {}, spot)
        olds, news = before.get("headers") or {}, after.get("headers") or {}
        for name in dict.fromkeys([*olds, *news]):
            here = spot.under("headers", name).named(f", header {name}")
            if name not in news:
                yield here.row("header-removed")
            elif name not in olds:
                yield here.row("header-added")
            else:
                old, new = _pair(olds[name], news[name], self.schemas)
                yield from self.parameter(old, new, here)
        yield from descriptions.rest(before, after, {"content", "headers"}, spot)

    # -- Parameters ----------------------------------------------------------------------------------------------------

    def _effective(self, item: dict[str, Any], operation: Any, document: dict[str, Any]) -> dict[_Key, Any]:
        """Return an operation's parameters by place and name, including those of its path that it does not replace."""
        found: dict[_Key, Any] = {}
        for each in [*(item.get("parameters") or []), *(operation.get("parameters") or [])]:
            resolved = resolve_once(each, document)
            found[str(resolved.get("in")), str(resolved.get("name"))] = each
        return found

    def _parameters(self, olds: dict[_Key, Any], news: dict[_Key, Any], spot: Spot) -> Iterator[Row]:
        spot = attrs.evolve(spot, hits=_REQUEST)
        removed = {key: resolve_once(each, self.schemas.old) for key, each in olds.items() if key not in news}
        added = {key: resolve_once(each, self.schemas.new) for key, each in news.items() if key not in olds}
        for old_key, new_key in pairing.paired_parameters(removed, added):
            before, after = removed.pop(old_key), added.pop(new_key)
            here = _parameter(spot, new_key)
            python = python_names.renaming(old_key[1], new_key[1])
            if old_key[0] != new_key[0]:
                yield here.row("parameter-moved", *map(" ".join, (old_key, new_key)), python=python)
            else:
                kind = "path-parameter-renamed" if new_key[0] == "path" else "parameter-renamed"
                yield here.row(kind, old_key[1], new_key[1], python=python)
            yield from self.parameter(before, after, here)
        for key, before in removed.items():
            kind = type_name(before.get("schema", {}))
            yield _parameter(spot, key).row(
                "parameter-removed", kind, python=f"{python_names.attribute(key[1])}: removed"
            )
        for key, after in added.items():
            kind = "required-parameter-added" if after.get("required") else "parameter-added"
            python = f"{python_names.attribute(key[1])}: new"
            yield _parameter(spot, key).row(kind, None, type_name(after.get("schema", {})), python=python)
        for key, before in olds.items():
            if key in news:
                yield from self.parameter(*_pair(before, news[key], self.schemas), _parameter(spot, key))

    # -- Bodies and responses ------------------------------------------------------------------------------------------

    def _bodies(self, before: Any, after: Any, spot: Spot) -> Iterator[Row]:
        here = attrs.evolve(spot.under("requestBody").named(", body", "body"), hits=_REQUEST)
        if before is None and after is not None:
            needed = resolve_once(after, self.schemas.new).get("required")
            yield here.row("required-body-added" if needed else "body-added", None, _contents(after, self.schemas.new))
        elif after is None and before is not None:
            yield here.row("body-removed", _contents(before, self.schemas.old))
        elif before is not None:
            yield from self.body(*_pair(before, after, self.schemas), here)

    def _responses(self, olds: dict[str, Any], news: dict[str, Any], spot: Spot) -> Iterator[Row]:
        for status in dict.fromkeys([*olds, *news]):
            here = spot.under("responses", status).named(f", response {status}", f"response_{status}")
            here = attrs.evolve(here, hits=_RESPONSE)
            what = "success" if status.startswith("2") else "failure"
            if status not in news:
                yield here.row(f"{what}-removed", _contents(olds[status], self.schemas.old))
            elif status not in olds:
                yield here.row(f"{what}-added", None, _contents(news[status], self.schemas.new))
            else:
                yield from self.response(*_pair(olds[status], news[status], self.schemas), here)

    def _contents(self, olds: dict[str, Any], news: dict[str, Any], spot: Spot) -> Iterator[Row]:
        for kind in dict.fromkeys([*olds, *news]):
            here = spot.under("content", kind)
            if kind not in news:
                yield here.row("content-type-removed", kind)
            elif kind not in olds:
                yield here.row("content-type-added", None, kind)
            else:
                before, after = olds[kind] or {}, news[kind] or {}
                schemas = (before.get("schema", {}), after.get("schema", {}))
                yield from self.schemas.compare(*schemas, here.under("schema"))
                yield from descriptions.rest(before, after, {"schema"}, here)


def resolve_once(part: Any, document: dict[str, Any]) -> dict[str, Any]:
    """Return an object; if it has a `$ref`, return the object that it refers to."""
    if not isinstance(part, dict) or "$ref" not in part:
        return part if isinstance(part, dict) else {}
    found = resolve(part["$ref"], document)
    if not isinstance(found, dict) or not found:
        return part
    merged: dict[str, Any] = followed(part, document)
    return merged


def _pair(before: Any, after: Any, schemas: Schemas) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return two objects to compare, with their `$ref`s resolved.

    If both have the same `$ref`, only the other keys are returned, because the component is compared at its own place.
    """
    if isinstance(before, dict) and isinstance(after, dict) and before.get("$ref", "") == after.get("$ref"):
        old, new = ({key: value for key, value in each.items() if key != "$ref"} for each in (before, after))
        return old, new
    return resolve_once(before, schemas.old), resolve_once(after, schemas.new)


def _contents(part: Any, document: dict[str, Any]) -> str:
    content = resolve_once(part, document).get("content") or {}
    return ", ".join(f"{kind}: {type_name((media or {}).get('schema', {}))}" for kind, media in content.items())


def _parameter(spot: Spot, key: _Key) -> Spot:
    place, name = key
    here = spot.under("parameters", name).named(f", {place} parameter {name}", name)
    return attrs.evolve(here, python=python_names.attribute(name))


def _flag(key: str, on: str, off: str, before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
    """Compare a keyword that is true or false."""
    if bool(before.get(key)) != bool(after.get(key)):
        yield spot.row(on if after.get(key) else off)
