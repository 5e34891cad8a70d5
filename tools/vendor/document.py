"""Where a document is checked before it is vendored: it must be OpenAPI 3.x, safe to load, and complete.

Documents come from outside. So they are read as a stream of events before they are loaded: neither nesting nor aliases
may take more memory than the size of the file suggests.
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
"""The maximum nesting of mappings and sequences; upstream's documents have 25 levels."""

ALIASED: Final = 1024 * 1024
"""The maximum size, in bytes, that all aliases together may expand to, roughly; upstream has no aliases."""

_NODE: Final = 8  # the size of a node without its text
_SHOWN: Final = 20  # the number of problems in one message


@attrs.frozen
class Document:
    """A checked document.

    Attributes:
        name: Its name in messages.
        text: Its text.
        root: Its root, loaded by `tools.openapi.yaml`.
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
        DocumentError: The bytes are not valid UTF-8; the message has the place.
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
        name: Its name in messages.
        path: A file in YAML 1.2 or JSON.

    Returns:
        The document.

    Raises:
        DocumentError: It can't be read, isn't safe to load, isn't OpenAPI 3.x, or has a broken `$ref`.
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
    """Refuse broken YAML, and documents that would be far larger when loaded, or are nested too deep."""
    size = aliased = 0
    sizes: dict[str, int | None] = {}  # the size of each anchor's value; None while the scan is inside it
    around: list[tuple[str | None, int]] = []  # the open collections: their anchor, and the size before them
    for event in _events(name, text):
        where = f"{name}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
        match event:
            case DocumentStartEvent():
                if event.version not in {None, (1, 2)}:  # in 1.1 the country code `no` is false
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
                    raise DocumentError(f"{where}: mappings and arrays are nested more than {DEPTH} deep")
            case CollectionEndEvent():
                anchor, before = around.pop()
                if anchor:
                    sizes[anchor] = size - before
            case AliasEvent():
                expanded = sizes.get(event.anchor, 0)  # loading refuses an alias without an anchor
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
