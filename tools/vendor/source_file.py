"""The source file: where the vendored spec comes from, its hash and its version."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import attrs

from tools.openapi import yaml
from tools.repository import SOURCE

if TYPE_CHECKING:
    from pathlib import Path

    from tools.openapi.limits import JSON


@attrs.frozen
class Sources:
    """The documents from which the vendored spec was made.

    Attributes:
        names: A file name or a URL for each document, in the order in which they were vendored.
        pages: The operations of each documentation page that was added to other documents, such as `post /v1/things`.
    """

    names: list[str]
    pages: dict[str, list[str]] = attrs.field(factory=dict)

    def with_page(self, name: str, operation: str) -> Sources:
        """Return the sources with one more page, or with one more operation of a page."""
        names = self.names if name in self.names else [*self.names, name]
        known = self.pages.get(name, [])
        return Sources(names, {**self.pages, name: known if operation in known else [*known, operation]})


def read(root: Path) -> Sources:
    """Return the sources that the source file records; no sources if the file is missing or invalid."""
    try:
        found: Any = json.loads((root / SOURCE).read_bytes())
    except (OSError, ValueError):
        return Sources([])
    recorded: dict[str, Any] = found if isinstance(found, dict) else {}
    names, pages = recorded.get("source"), recorded.get("pages")
    return Sources(
        _texts(names if isinstance(names, list) else [names]),
        {name: _texts(each) for name, each in pages.items()} if isinstance(pages, dict) else {},
    )


def content(sources: Sources, spec: bytes, version: str) -> bytes:
    """Return the content of the source file.

    Args:
        sources: The documents from which the spec was made.
        spec: The content of the vendored spec.
        version: The version of the API that upstream states.
    """
    record: dict[str, JSON] = {
        "source": sources.names[0] if len(sources.names) == 1 else [*sources.names],
        "sha256": hashlib.sha256(spec).hexdigest(),
        "upstream_version": version,
    }
    if sources.pages:
        record["pages"] = {name: [*operations] for name, operations in sources.pages.items()}
    return yaml.to_json(record).encode()


def _texts(values: Any) -> list[str]:
    return [each for each in values if isinstance(each, str)] if isinstance(values, list) else []
