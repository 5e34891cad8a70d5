"""Checks a document before it is vendored: it must be OpenAPI 3.x, safe to load, and without broken references.

Documents come from outside. So a document is first read as a stream of YAML events, without loading it. This first
reading refuses deep nesting, and aliases that would need far more memory than the size of the file suggests.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    ScalarEvent,
)
from ruamel.yaml.reader import ReaderError

from tools.openapi import yaml
from tools.openapi.yaml import DocumentError
from tools.vendor import broken_references

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEPTH: Final = 100
"""The maximum number of nested mappings and arrays; upstream's documents have 25 levels."""

ALIASED: Final = 1024 * 1024
"""The maximum size, in bytes and roughly, of the values that all aliases insert; upstream uses no aliases."""

_NODE: Final = 8  # the estimated size of a node without its text
_SHOWN: Final = 20  # the maximum number of problems in one message


@attrs.frozen
class Document:
    """A document that has passed all checks.

    Attributes:
        name: The name of the document in messages.
        text: The text of the document.
        root: The root of the document, loaded by `tools.openapi.yaml`.
    """

    name: str
    text: str
    root: CommentedMap

    @property
    def version(self) -> str:
        """The version of the API that upstream states."""
        return str(self.root["info"]["version"])


def decode(name: str, content: bytes) -> str:
    """Return the text of UTF-8 bytes.

    Raises:
        DocumentError: The bytes are not valid UTF-8; the message has the line and the column.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        where = _position(content[: error.start].decode())
        found = f"the byte 0x{content[error.start]:02x}"
        raise DocumentError(
            f"{name}:{where}: {found} is not valid UTF-8; a spec or a page must be UTF-8 text"
        ) from error


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
    text = decode(name, content)
    _scan(name, text)
    try:
        root = yaml.load(path)
    except DocumentError as error:
        raise DocumentError(f"{name}{str(error).removeprefix(str(path))}") from error
    if unfit := _unfit(root):
        raise DocumentError(f"{name}: {unfit}")
    if problems := list(broken_references.problems(root)):
        shown = [f"{name}:{problem}" for problem in problems[:_SHOWN]]
        more = [f"… and {len(problems) - _SHOWN} more"] if len(problems) > _SHOWN else []
        raise DocumentError("\n".join([*shown, *more]))
    return Document(name, text, root)


def _scan(name: str, text: str) -> None:
    """Refuse invalid YAML, and documents that are nested too deeply or whose aliases expand to too much data."""
    size = aliased = 0
    sizes: dict[str, int | None] = {}  # the size of each anchor's value; None while the scan is inside the value
    # for each open collection: its anchor, and the size of all nodes before it
    around: list[tuple[str | None, int]] = []
    for event in _events(name, text):
        where = f"{name}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
        match event:
            case DocumentStartEvent():
                if event.version not in {None, (1, 2)}:  # in YAML 1.1, for example, the country code `no` is false
                    raise DocumentError(f"{where}: declares a YAML version other than 1.2")
            case ScalarEvent():
                size += _NODE + len(event.value)
                if event.anchor:
                    sizes[event.anchor] = _NODE + len(event.value)
            case CollectionStartEvent():
                around.append((event.anchor, size))
                size += _NODE
                if event.anchor:
                    sizes[event.anchor] = None
                if len(around) > DEPTH:
                    raise DocumentError(f"{where}: mappings and arrays are nested more than {DEPTH} levels deep")
            case CollectionEndEvent():
                anchor, before = around.pop()
                if anchor:
                    sizes[anchor] = size - before
            case AliasEvent():
                expanded = sizes.get(event.anchor, 0)  # 0 for an unknown alias, which loading refuses
                if expanded is None:
                    raise DocumentError(f"{where}: the alias *{event.anchor} is inside its own value")
                size += expanded
                aliased += expanded
                if aliased > ALIASED:
                    raise DocumentError(f"{where}: the aliases up to here expand to more than {ALIASED // 1024} KiB")
            case _:
                pass


def _events(name: str, text: str) -> Iterator[Any]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cut = "; is the text cut off?" if mark.index >= len(text.rstrip()) else ""
        where = f"{name}:{mark.line + 1}:{mark.column + 1}"
        raise DocumentError(f"{where}: not valid YAML or JSON: {error.problem}{cut}") from error
    except ReaderError as error:
        where = f"{name}:{_position(text[: error.position])}"
        raise DocumentError(f"{where}: the character U+{error.character:04X} is not allowed in YAML or JSON") from error


def _position(before: str) -> str:
    lines = before.split("\n")
    return f"{len(lines)}:{len(lines[-1]) + 1}"


def _unfit(root: object) -> str | None:
    version = root.get("openapi") if isinstance(root, CommentedMap) else None
    if not (isinstance(root, CommentedMap) and isinstance(version, str) and re.fullmatch(r"3\.\d+\.\d+", version)):
        return "not an OpenAPI 3.x document (a mapping with `openapi: 3.x.y`)"
    info = root.get("info")
    if not (isinstance(info, CommentedMap) and isinstance(info.get("version"), str)):
        return "not an OpenAPI 3.x document: `info.version` must be text"
    for key in ("paths", "components"):
        if key in root and not isinstance(root[key], CommentedMap):
            return f"not an OpenAPI 3.x document: `{key}` must be a mapping"
    return None if "paths" in root else "has no `paths`, so no code can be generated from it"
