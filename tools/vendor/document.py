"""Checks a document before it is vendored: it must be OpenAPI 3.x, safe to load, and without broken references."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.openapi import reader, yaml
from tools.openapi.limits import DocumentError
from tools.vendor import broken_references

if TYPE_CHECKING:
    from pathlib import Path

    from ruamel.yaml.comments import CommentedMap

_SHOWN: Final = 20  # the maximum number of problems in one message


@attrs.frozen
class Document:
    """A document that has passed all checks.

    Attributes:
        name: The name of the document in messages.
        text: The text of the document.
        root: The root of the document, in plain dicts and lists.
    """

    name: str
    text: str
    root: dict[str, Any]

    @property
    def version(self) -> str:
        """The version of the API that upstream states."""
        return str(self.root["info"]["version"])

    def with_comments(self) -> CommentedMap:
        """Return the root with its comments, quotes and positions; this is slow."""
        root: CommentedMap = yaml.load_text(self.name, self.text)
        return root


def read_document(name: str, path: Path) -> Document:
    """Read and check an OpenAPI document.

    Args:
        name: The name of the document in messages.
        path: A file in YAML 1.2 or JSON.

    Returns:
        The document.

    Raises:
        DocumentError: The document cannot be read, is not safe to load, is not OpenAPI 3.x, or has a broken `$ref`.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DocumentError(f"{name}: {error.strerror}") from error
    root: Any = reader.parse(name, content)
    if unfit := _unfit(root):
        raise DocumentError(f"{name}: {unfit}")
    document = Document(name, content.decode(), root)
    if broken_references.exist(root):
        problems = list(broken_references.problems(document.with_comments()))
        shown = [f"{name}:{problem}" for problem in problems[:_SHOWN]]
        more = [f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise DocumentError("\n".join([*shown, *more]))
    return document


def _unfit(root: Any) -> str | None:
    version = root.get("openapi") if isinstance(root, dict) else None
    if not (isinstance(root, dict) and isinstance(version, str) and re.fullmatch(r"3\.\d+\.\d+", version)):
        return "not an OpenAPI 3.x document (a mapping with `openapi: 3.x.y`)"
    info = root.get("info")
    if not (isinstance(info, dict) and isinstance(info.get("version"), str)):
        return "not an OpenAPI 3.x document: `info.version` must be text"
    for key in ("paths", "components"):
        if key in root and not isinstance(root[key], dict):
            return f"not an OpenAPI 3.x document: `{key}` must be a mapping"
    return None if "paths" in root else "has no `paths`, so no code can be generated from it"
