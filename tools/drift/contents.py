"""Compares request bodies, responses, their headers, links and media types."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.drift import descriptions
from tools.drift.classification import severity
from tools.drift.encodings import encodings
from tools.drift.normal_form import differs, same
from tools.drift.python_types import is_single, shape
from tools.openapi.references import followed, resolve
from tools.openapi.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Row
    from tools.drift.schemas import Schemas
    from tools.drift.spot import Spot

    Part = dict[str, Any]


_SERIALIZATION: Final = ("allowEmptyValue", "allowReserved", "content", "explode", "style")


class Contents:
    """Compares bodies, responses and parameters of two documents.

    Attributes:
        schemas: The object that compares the schemas of the two documents.
    """

    def __init__(self, schemas: Schemas) -> None:
        self.schemas = schemas

    def pair(self, before: Any, after: Any) -> tuple[Part, Part]:
        """Return two objects to compare, with their `$ref`s resolved.

        If both have the same `$ref`, only the other keys are returned, because the component is compared at its own
        place.
        """
        if isinstance(before, dict) and isinstance(after, dict) and before.get("$ref", "") == after.get("$ref"):
            old, new = ({key: value for key, value in each.items() if key != "$ref"} for each in (before, after))
            return old, new
        return resolve_once(before, self.schemas.old), resolve_once(after, self.schemas.new)

    def parameter(self, before: Part, after: Part, spot: Spot) -> Iterator[Row]:
        """Compare two parameters of the same name and place, or two headers of the same name."""
        yield from flag("required", "now-required", "now-optional", before, after, spot)
        yield from flag("deprecated", "deprecated", "no-longer-deprecated", before, after, spot)
        old, new = before.get("schema", {}), after.get("schema", {})
        single = is_single(old, self.schemas.old) and is_single(new, self.schemas.new)
        for key in _SERIALIZATION:
            if not same(before.get(key), after.get(key)) and not (single and key == "explode"):
                yield spot.under(key).row("parameter-serialization", before.get(key), after.get(key), note=key)
        yield from self.schemas.compare(old, new, spot.under("schema"))
        if before.get("required") and after.get("required"):
            yield from self.schemas.default_dropped(old, new, spot)
        known = {"deprecated", "in", "name", "required", "schema", *_SERIALIZATION}
        yield from descriptions.rest(before, after, known, spot)

    def body(self, before: Part, after: Part, spot: Spot) -> Iterator[Row]:
        """Compare two request bodies."""
        yield from flag("required", "now-required", "now-optional", before, after, spot)
        yield from self._media(before.get("content") or {}, after.get("content") or {}, spot)
        yield from descriptions.rest(before, after, {"content", "required"}, spot)

    def response(self, before: Part, after: Part, spot: Spot) -> Iterator[Row]:
        """Compare two responses of the same status."""
        olds, news = before.get("content") or {}, after.get("content") or {}
        read = next(filter(_source, news), None)
        for row in self._media(olds, news, spot):
            unread = row.kind == "python-type" and read is not None and not _is_inside(row, spot.under("content", read))
            yield attrs.evolve(row, kind="spelling", severity=severity("spelling")) if unread else row
        yield from self._read(olds, news, spot)
        yield from self.headers(before.get("headers") or {}, after.get("headers") or {}, spot)
        links = (before.get("links") or {}, after.get("links") or {})
        for name in dict.fromkeys([*links[0], *links[1]]):
            if differs(*links, name):
                kind = "link-added" if name not in links[0] else "link-removed" if name not in links[1] else "link"
                yield spot.under("links", name).named(f", link {name}").row(kind)
        yield from descriptions.rest(before, after, {"content", "headers", "links"}, spot)

    def described(self, part: Any, document: Part) -> str:
        """Return the media types of a body or a response, with their types."""
        content = resolve_once(part, document).get("content") or {}
        return ", ".join(f"{kind}: {type_name((media or {}).get('schema', {}))}" for kind, media in content.items())

    def headers(self, before: Part, after: Part, spot: Spot) -> Iterator[Row]:
        """Compare the headers of two responses or of two parts of a form; their names have no case."""
        olds, news = ({name.lower(): (name, value) for name, value in each.items()} for each in (before, after))
        for key in dict.fromkeys([*olds, *news]):
            name = (news.get(key) or olds[key])[0]
            here = spot.under("headers", name).named(f", header {name}")
            if key not in news:
                yield here.row("header-removed")
            elif key not in olds:
                needed = resolve_once(news[key][1], self.schemas.new).get("required")
                yield here.row("required-header-added" if needed else "header-added")
            else:
                found = list(self.parameter(*self.pair(olds[key][1], news[key][1]), here))
                yield from found or moved(olds[key], news[key], here)

    def _media(self, olds: Part, news: Part, spot: Spot) -> Iterator[Row]:
        pairs = {kind: kind for kind in olds if kind in news}
        for kind in olds:  # `application/json` and `application/json; charset=utf-8`, for example
            alike = [each for each in news if each not in pairs.values() and _essence(each) == _essence(kind)]
            if kind not in pairs and alike:
                pairs[kind] = alike[0]
                yield spot.under("content", alike[0]).row("content-type-parameter", kind, alike[0])
        for kind in olds:
            if kind not in pairs:
                yield spot.under("content", kind).row("content-type-removed", kind)
                continue
            here = spot.under("content", pairs[kind])
            before, after = olds[kind] or {}, news[pairs[kind]] or {}
            yield from self.schemas.compare(before.get("schema", {}), after.get("schema", {}), here.under("schema"))
            if ("schema" in before) != ("schema" in after) and same(before.get("schema", {}), after.get("schema", {})):
                yield here.row("python-type", *("any" if "schema" in each else "nothing" for each in (before, after)))
            yield from encodings(before, after, _essence(pairs[kind]), here, self.headers)
            yield from descriptions.rest(before, after, {"encoding", "schema"}, here)
        for kind in news:
            if kind not in pairs.values():
                yield spot.under("content", kind).row("content-type-added", None, kind)
        order = [kind for kind in news if kind in pairs.values()]
        if [*pairs.values()] != order and [pairs[kind] for kind in olds if kind in pairs] != order:
            yield spot.under("content").row("content-types-reordered", [*olds], [*news])

    def _read(self, olds: Part, news: Part, spot: Spot) -> Iterator[Row]:
        """Compare which media type of a response the generated code reads: the first that it can read."""
        before, after = (next(filter(_source, content), None) for content in (olds, news))
        if before is None or _essence(before) not in map(_essence, news):
            return  # if it is gone, there is a row for its removal
        if after is None:
            yield spot.under("content").row("content-type-read", before)
        if after is None or _essence(before) == _essence(after):
            return
        schemas = (olds[before] or {}).get("schema"), (news[after] or {}).get("schema")
        types = shape(schemas[0], self.schemas.old), shape(schemas[1], self.schemas.new)
        if _source(before) != _source(after) or types[0] != types[1] or (schemas[0] is None) != (schemas[1] is None):
            yield spot.under("content", after).row("content-type-read", before, after)


def resolve_once(part: Any, document: dict[str, Any]) -> dict[str, Any]:
    """Return an object; if it has a `$ref`, return the object that it refers to."""
    if not isinstance(part, dict) or "$ref" not in part:
        return part if isinstance(part, dict) else {}
    found = resolve(part["$ref"], document)
    if not isinstance(found, dict) or not found:
        return part
    merged: dict[str, Any] = followed(part, document)
    return merged


def resolve_all(part: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    """Return an object; if it has a `$ref`, return the object at the end of all references."""
    seen: set[str] = set()
    while isinstance(part.get("$ref"), str) and part["$ref"] not in seen:
        seen.add(part["$ref"])
        part = resolve_once(part, document)
    return part


def moved(before: Any, after: Any, spot: Spot) -> Iterator[Row]:
    """Yield a row for two parts that mean the same, if they stand in different places of their documents."""
    if not same(before, after):
        yield spot.row("document-place")


def flag(key: str, on: str, off: str, before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
    """Compare a keyword that is true or false."""
    if bool(before.get(key)) != bool(after.get(key)):
        yield spot.row(on if after.get(key) else off)


def _is_inside(row: Row, spot: Spot) -> bool:
    return row.place.startswith(spot.place)


def _essence(kind: str) -> str:
    return kind.partition(";")[0].strip().lower()


def _source(kind: str) -> str:
    """Return the form in which the generated code reads a media type; empty if it does not."""
    essence = _essence(kind)
    if not kind.startswith(essence):
        return ""  # the generator does not know it in upper case letters
    if essence.startswith("text/"):
        return "text"
    if essence == "application/json" or essence.endswith("+json"):
        return "JSON"
    return "bytes" if essence == "application/octet-stream" else ""
