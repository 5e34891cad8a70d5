"""Finds the operations that use each component, and whether they use it in requests or in responses."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.drift import calls
from tools.drift.rows import BOTH, Hit
from tools.openapi import walk
from tools.openapi.operations import METHODS, operations
from tools.openapi.references import component, leads_nowhere, leads_outside, resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

_REQUEST: Final[frozenset[Hit]] = frozenset({"request"})
_RESPONSE: Final[frozenset[Hit]] = frozenset({"response"})
_SENT: Final = ("parameters", "requestBody")
"""The parts of an operation that make the request; a client sends it, or receives it if the API calls the operation."""


@attrs.define
class Use:
    """The use of one component or one reference.

    Attributes:
        hits: Whether requests, responses or both use it.
        operations: The operations that use it, as `POST /path`.
    """

    hits: set[Hit] = attrs.field(factory=set)
    operations: set[str] = attrs.field(factory=set)

    def add(self, other: Use) -> None:
        """Add the use that another document makes."""
        self.hits |= other.hits
        self.operations |= other.operations


class Uses:
    """The uses that the operations of a document make, however they reach a component.

    Attributes:
        of_references: The use of each `$ref`, as it is written.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._direct: dict[str, list[str]] = {}
        self.of_references: dict[str, Use] = defaultdict(Use)
        self._paths = {*(document.get("paths") or {})}
        for method, path, operation in operations(document):
            name = f"{method.upper()} {path}"
            self._use_operation(operation, _REQUEST, _RESPONSE, name)
            self._use_called(operation, name)
        for path, item in (document.get("paths") or {}).items():
            if "$ref" in item:
                self._use({"$ref": item["$ref"]}, BOTH, path)
        for name, item in (document.get("webhooks") or {}).items():
            self._use_called({"webhooks": {name: item}}, f"webhook {name}")
        self._components: dict[tuple[str, str], Use] = defaultdict(Use)
        self._outside = Use()
        for reference, use in self.of_references.items():
            place = component(reference)
            if place is not None:
                self._components[place].add(use)
            if leads_outside(reference):
                self._outside.add(use)
        self._named_schemes = self._operations_of_schemes()
        self._schemes: dict[str, set[str]] = defaultdict(set)
        for name, users in self._named_schemes.items():
            for each in self._schemes_of(name):
                self._schemes[each] |= users
        shared = document.get("security")
        self._asks = any(any(operation.get("security", shared) or ()) for _, _, operation in operations(document))

    def of_component(self, kind: str, name: str) -> Use:
        """Return the use of a component.

        A component that no operation seems to use may be used through another document. So if there are references to
        other documents, which are not followed, it counts as used by the operations with these references.
        """
        if kind == "securitySchemes":
            # If no operation asks for any, all schemes may be used.
            operations_of = self._schemes.get(name, set())
            return Use({*BOTH} if operations_of or not self._asks else set(), {*operations_of})
        found = self._components.get((kind, name))
        return found if found is not None else self._outside

    def names_scheme(self, name: str) -> bool:
        """Tell whether an operation may ask for a security scheme by its name, not only for one that refers to it.

        If no operation of the document asks for any, programs may use all schemes.
        """
        return name in self._named_schemes or not self._asks

    def of_path_item(self, name: str) -> tuple[set[str], set[str]]:
        """Return what uses a path item of the components: the operations by which the API calls it, and the paths."""
        found = self._components.get(("pathItems", name))
        if found is None:  # another document may use it in both ways
            return self._outside.operations, self._outside.operations
        return found.operations - self._paths, found.operations & self._paths

    def dangling(self) -> set[str]:
        """Return the references of operations to places that the document does not have."""
        return {
            each
            for each in self.of_references
            if not leads_outside(each) and leads_nowhere({"$ref": each}, self._document)
        }

    def _operations_of_schemes(self) -> dict[str, set[str]]:
        """Return the operations and webhooks that require each security scheme by its name."""
        found: dict[str, set[str]] = defaultdict(set)
        for operation, users in self._with_users():
            for requirement in operation.get("security", self._document.get("security")) or []:
                for name in requirement:
                    found[name] |= users
        return found

    def _schemes_of(self, name: str) -> set[str]:
        """Return the name of a scheme, and the names of those to which it refers."""
        schemes = (self._document.get("components") or {}).get("securitySchemes") or {}
        found: set[str] = set()
        while name not in found:
            found.add(name)
            target = component(str(schemes.get(name, {}).get("$ref", "")))
            if target is not None and target[0] == "securitySchemes":
                name = target[1]
        return found

    def _with_users(self) -> Iterator[tuple[dict[str, Any], set[str]]]:
        """Yield each operation, also those that the API calls, with the operations and webhooks that make use of it."""
        parts: list[tuple[Any, set[str]]] = []
        for method, path, operation in operations(self._document):
            users = {f"{method.upper()} {path}"}
            yield operation, users
            parts.append(({"callbacks": operation.get("callbacks")}, users))
        for name, item in (self._document.get("webhooks") or {}).items():
            parts.append(({"webhooks": {name: item}}, {f"webhook {name}"}))
        components = self._document.get("components") or {}
        for kind in calls.KINDS:
            for name, part in (components.get(kind) or {}).items():
                parts.append(({kind: {name: part}}, self.of_component(kind, name).operations))
        for part, users in parts:
            for call, name in calls.items(walk.objects(part)):
                for method in METHODS:
                    if isinstance(call[name].get(method), dict):
                        yield call[name][method], users

    def _use_operation(self, found: dict[str, Any], sent: frozenset[Hit], read: frozenset[Hit], operation: str) -> None:
        for key in _SENT:
            self._use(found.get(key), sent, operation)
        self._use(found.get("responses"), read, operation, names=True)

    def _use_called(self, part: dict[str, Any], operation: str) -> None:
        """Note the references of what the API calls: programs receive its requests, and send its responses."""
        seen: set[str] = set()
        waiting = [part]
        for one in waiting:  # it grows: callbacks may have callbacks
            callbacks = one.get("callbacks")
            found = callbacks.values() if isinstance(callbacks, dict) else ()
            entries = [("callbacks", each) for each in found if isinstance(each, dict)]
            entries += [("pathItems", call[name]) for call, name in calls.items([one])]
            for kind, entry in entries:
                reference = entry.get("$ref")
                if isinstance(reference, str):
                    self._note(reference, BOTH, operation)
                    if reference not in seen:
                        seen.add(reference)
                        waiting.append({kind: {"": resolve(reference, self._document)}})
                if kind == "pathItems":
                    self._use(entry.get("parameters"), _RESPONSE, operation)
                    for called in (entry[method] for method in METHODS if isinstance(entry.get(method), dict)):
                        self._use_operation(called, _RESPONSE, _REQUEST, operation)
                        waiting.append(called)

    def _note(self, reference: str, hits: frozenset[Hit], operation: str) -> None:
        self.of_references[reference].hits |= hits
        self.of_references[reference].operations.add(operation)

    def _use(self, part: Any, hits: frozenset[Hit], operation: str, *, names: bool = False) -> None:
        seen: set[str] = set()
        waiting = list(_direct(part, names=names))
        while waiting:
            reference = waiting.pop()
            if reference not in seen:
                seen.add(reference)
                self._note(reference, hits, operation)
                if reference not in self._direct:
                    self._direct[reference] = list(_direct(resolve(reference, self._document), names=False))
                waiting += self._direct[reference]


def outside(document: Any) -> list[str]:
    """Return the references of a document, which need not be in normal form, to other documents."""
    found = dict.fromkeys(reference for reference in _direct(document, names=False) if leads_outside(reference))
    anchors = {
        f"#{node[key]}"
        for node in walk.objects(document)
        for key in ("$anchor", "$dynamicAnchor")
        if isinstance(node.get(key), str)
    }
    return [reference for reference in found if reference not in anchors]


def _direct(part: Any, *, names: bool) -> Iterator[str]:
    for node in walk.objects(part, names=names):
        for key in ("$ref", "$dynamicRef"):
            if isinstance(node.get(key), str):
                yield node[key]
        discriminator = node.get("discriminator")
        mapping = discriminator.get("mapping") if isinstance(discriminator, dict) else None
        if isinstance(mapping, dict):
            kinds = [value for value in mapping.values() if isinstance(value, str)]
            yield from (kind if "/" in kind else f"#/components/schemas/{kind}" for kind in kinds)
