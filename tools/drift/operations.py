"""Compares operations: their parameters, bodies and responses; also webhooks and callbacks, which the API calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.drift import descriptions, pairing, security
from tools.drift.contents import flag, moved, resolve_all, resolve_once
from tools.drift.normal_form import parameter_key, parameters, same
from tools.openapi import python_names
from tools.openapi.operations import METHODS
from tools.openapi.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.contents import Contents
    from tools.drift.rows import Hit, Row
    from tools.drift.spot import Spot

_REQUEST: Final[frozenset[Hit]] = frozenset({"request"})
_RESPONSE: Final[frozenset[Hit]] = frozenset({"response"})
_KNOWN: Final = {
    *("callbacks", "deprecated", "operationId", "parameters", "requestBody", "responses", "security", "tags"),
}

_Key = tuple[str, str]


class Operations:
    """Compares operations of two documents.

    Attributes:
        contents: The object that compares bodies, responses and parameters.
    """

    def __init__(self, contents: Contents) -> None:
        self.contents = contents
        self._old, self._new = contents.schemas.old, contents.schemas.new
        self._called: set[tuple[tuple[str, ...], int, int]] = set()

    def compare(
        self,
        before: dict[str, Any],
        after: dict[str, Any],
        spot: Spot,
        *,
        paths: _Key = ("", ""),
        incoming: bool = False,
    ) -> Iterator[Row]:
        """Compare two operations.

        Args:
            before: The operation in the old document.
            after: The operation in the new document.
            spot: The place of both operations.
            paths: The old and the new path.
            incoming: Whether the API calls the operation, so that programs receive its request and send its response.

        Yields:
            The rows, at least one if the operations differ.
        """
        sent, read = (_RESPONSE, _REQUEST) if incoming else (_REQUEST, _RESPONSE)
        if not spot.hits:  # what nothing uses is not sent, nor read
            sent = read = spot.hits
        yield from self._parameters(before, after, attrs.evolve(spot, hits=sent), paths)
        yield from self._bodies(before.get("requestBody"), after.get("requestBody"), attrs.evolve(spot, hits=sent))
        responses = (before.get("responses") or {}, after.get("responses") or {})
        yield from self._responses(*responses, attrs.evolve(spot, hits=read))
        yield from flag("deprecated", "deprecated", "no-longer-deprecated", before, after, spot)
        if not same(before.get("tags"), after.get("tags")):
            yield spot.under("tags").row("tags", before.get("tags"), after.get("tags"))
        yield from self._callbacks(before.get("callbacks") or {}, after.get("callbacks") or {}, spot)
        yield from descriptions.rest(before, after, _KNOWN, spot)

    # -- Parameters ----------------------------------------------------------------------------------------------------

    def _effective(self, operation: dict[str, Any], document: dict[str, Any]) -> dict[_Key, Any]:
        """Return an operation's parameters by place and name; the names of headers have no case."""
        return {parameter_key(each, document): each for each in parameters(operation)}

    def _parameters(self, before: dict[str, Any], after: dict[str, Any], spot: Spot, paths: _Key) -> Iterator[Row]:
        olds, news = self._effective(before, self._old), self._effective(after, self._new)
        removed = {key: resolve_once(each, self._old) for key, each in olds.items() if key not in news}
        added = {key: resolve_once(each, self._new) for key, each in news.items() if key not in olds}
        for old_key, new_key in pairing.paired_parameters(removed, added, paths):
            yield from self._renamed(old_key, new_key, removed.pop(old_key), added.pop(new_key), spot)
        for place, gone in ((key[0], each) for key, each in removed.items()):
            key = place, str(gone.get("name"))
            python = f"{python_names.attribute(key[1])}: removed"
            yield _parameter(spot, key).row("parameter-removed", type_name(gone.get("schema", {})), python=python)
        for place, more in ((key[0], each) for key, each in added.items()):
            key = place, str(more.get("name"))
            kind = "required-parameter-added" if more.get("required") else "parameter-added"
            python = f"{python_names.attribute(key[1])}: new"
            yield _parameter(spot, key).row(kind, None, type_name(more.get("schema", {})), python=python)
        for key in olds:
            if key in news:
                yield from self._kept(olds[key], news[key], spot, key)
        kept = [[key for key in keys if key in olds and key in news] for keys in (olds, news)]
        places = ("cookie", "header", "query", *(["path"] if paths[0] == paths[1] else []))
        for place in places:
            names, order = ([name for where, name in keys if where == place] for keys in kept)
            if names != order:
                yield spot.under("parameters").row("parameters-reordered", names, order, note=place)

    def _kept(self, before: Any, after: Any, spot: Spot, key: _Key) -> Iterator[Row]:
        here = _parameter(spot, (key[0], str(resolve_once(after, self._new).get("name"))))
        old, new = self.contents.pair(before, after)
        found = [*self.contents.parameter(old, new, here), *header_respelled(old, new, here)]
        yield from found or moved(before, after, here)

    def _renamed(
        self, old_key: _Key, new_key: _Key, before: dict[str, Any], after: dict[str, Any], spot: Spot
    ) -> Iterator[Row]:
        here = _parameter(spot, new_key)
        python = python_names.renaming(old_key[1], new_key[1])
        if old_key[0] != new_key[0]:
            yield here.row("parameter-moved", *map(" ".join, (old_key, new_key)), python=python)
        else:
            kind = "path-parameter-renamed" if new_key[0] == "path" else "parameter-renamed"
            yield here.row(kind, old_key[1], new_key[1], python=python)
        yield from self.contents.parameter(before, after, here)

    # -- Bodies and responses ------------------------------------------------------------------------------------------

    def _bodies(self, before: Any, after: Any, spot: Spot) -> Iterator[Row]:
        here = spot.under("requestBody").named(", body", "body")
        if before is None and after is not None:
            needed = resolve_once(after, self._new).get("required")
            described = self.contents.described(after, self._new)
            yield here.row("required-body-added" if needed else "body-added", None, described)
        elif after is None and before is not None:
            yield here.row("body-removed", self.contents.described(before, self._old))
        elif before is not None:
            found = list(self.contents.body(*self.contents.pair(before, after), here))
            yield from found or moved(before, after, here)

    def _responses(self, olds: dict[str, Any], news: dict[str, Any], spot: Spot) -> Iterator[Row]:
        for status in dict.fromkeys([*olds, *news]):
            here = spot.under("responses", status).named(f", response {status}", f"response_{status}")
            what = "success" if status.startswith("2") else "failure"
            if status not in news:
                yield here.row(f"{what}-removed", self.contents.described(olds[status], self._old))
            elif status not in olds:
                kind = "rate-limit-added" if status == "429" else f"{what}-added"
                yield here.row(kind, None, self.contents.described(news[status], self._new))
            else:
                found = list(self.contents.response(*self.contents.pair(olds[status], news[status]), here))
                yield from found or moved(olds[status], news[status], here)

    # -- Webhooks and callbacks ----------------------------------------------------------------------------------------

    def _callbacks(self, olds: dict[str, Any], news: dict[str, Any], spot: Spot) -> Iterator[Row]:
        for name in dict.fromkeys([*olds, *news]):
            here = spot.under("callbacks", name).named(f", callback {name}")
            if name in olds and name in news:
                yield from self.callback(olds[name], news[name], here)
            else:
                yield here.row("webhook-removed" if name in olds else "webhook-added")

    def callback(self, old: dict[str, Any], new: dict[str, Any], spot: Spot) -> Iterator[Row]:
        """Compare two callbacks, which are path items by their addresses."""
        yield from list(self._addresses(*self._resolved(old, new), spot)) or moved(old, new, spot)

    def _addresses(self, olds: dict[str, Any], news: dict[str, Any], spot: Spot) -> Iterator[Row]:
        for name in dict.fromkeys([*olds, *news]):
            if name.startswith("x-") or name == "$ref":  # a reference that leads nowhere, or outside
                if not same(olds.get(name), news.get(name)):
                    kind = "not-understood" if name == "$ref" else "extension"
                    yield spot.under(name).row(kind, olds.get(name), news.get(name), note=name)
            else:
                yield from self.call(name, olds, news, spot)

    def call(self, name: str, olds: dict[str, Any], news: dict[str, Any], spot: Spot) -> Iterator[Row]:
        """Compare the path items of a name, which the API calls, in two maps."""
        here = spot.under(name).named(f" {name}")
        if name in olds and name in news:
            yield from self.called_item(olds[name], news[name], here)
        else:
            yield here.row("webhook-removed" if name in olds else "webhook-added")

    def called_item(self, old: Any, new: Any, spot: Spot) -> Iterator[Row]:
        """Compare two path items that the API calls; the client has no code for them."""
        key = (spot.operations, id(old), id(new))
        if key in self._called:  # callbacks may lead back to what they are callbacks of
            return
        self._called.add(key)
        found = [attrs.evolve(row, python="") for row in self._methods(*self._resolved(old, new), spot)]
        yield from found or moved(old, new, spot)

    def _resolved(self, old: Any, new: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        before, after = self.contents.pair(old, new)
        return resolve_all(before, self._old), resolve_all(after, self._new)

    def _methods(self, before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
        shared = self._old.get("security"), self._new.get("security")
        for method in METHODS:
            here = spot.under(method)
            one, other = before.get(method), after.get(method)
            if isinstance(one, dict) and isinstance(other, dict):
                yield from self.compare(one, other, here, incoming=True)
                yield from security.of_calls(one.get("security"), other.get("security"), shared, here)
            elif isinstance(one, dict) or isinstance(other, dict):
                yield here.row("webhook-removed" if isinstance(one, dict) else "webhook-added")
        yield from descriptions.rest(before, after, {*METHODS}, spot)


def header_respelled(before: dict[str, Any], after: dict[str, Any], spot: Spot) -> Iterator[Row]:
    """Compare the names of two header parameters, which may be in upper or lower case letters."""
    names = [str(each.get("name", "")) for each in (before, after)]
    if names[0] != names[1]:
        same_name = python_names.attribute(names[0]) == python_names.attribute(names[1])
        kind = "header-respelled" if same_name else "header-renamed"
        yield spot.row(kind, *names, python=python_names.renaming(*names))


def _parameter(spot: Spot, key: _Key) -> Spot:
    place, name = key
    here = spot.under("parameters", name).named(f", {place} parameter {name}", name)
    return attrs.evolve(here, python=python_names.attribute(name))
