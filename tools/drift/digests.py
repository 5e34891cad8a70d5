"""Recognizes parts of two documents that say the same, one inline and the other by references."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from tools.openapi.references import resolve

if TYPE_CHECKING:
    from tools.drift.wire_form import Merging


class Digests:
    """The digests of the parts of a document; references and parts of an `allOf` count as what they lead to."""

    def __init__(self, document: dict[str, Any], merging: Merging) -> None:
        self._document = document
        self._merging = merging
        self._of_references: dict[str, str] = {}

    def of(self, part: Any) -> str:
        """Return a text that is equal for parts that say the same."""
        if isinstance(part, dict) and [*part] == ["$ref"] and isinstance(part["$ref"], str):
            return self._of_reference(part["$ref"])
        if isinstance(part, dict):
            if isinstance(part.get("allOf"), list):
                part = self._merging.merged(part) or part
            return _hash("object", *sorted(f"{key}: {self._of_value(key, value)}" for key, value in part.items()))
        if isinstance(part, list):
            return _hash("list", *map(self.of, part))
        return json.dumps(part)

    def _of_value(self, key: str, value: Any) -> str:
        if key == "type" and isinstance(value, list) and len(value) == 1:
            value = value[0]
        without_order = key in {"enum", "required", "type"} and isinstance(value, list)
        return _hash("set", *sorted(map(self.of, value))) if without_order else self.of(value)

    def _of_reference(self, reference: str) -> str:
        if reference not in self._of_references:
            self._of_references[reference] = reference  # for a part that refers to itself
            found = resolve(reference, self._document)
            self._of_references[reference] = self.of(found) if found else reference
        return self._of_references[reference]


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode(errors="surrogatepass")).hexdigest()
