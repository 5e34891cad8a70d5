"""What is fit to be vendored: an OpenAPI 3.x document that the pipeline can read, and that is whole in itself.

Documents come from outside, so they are looked at as a stream before anything is built of them: neither nesting nor
aliases get to cost more than what the file's own size lets one expect.
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
"""How deep mappings and sequences may be within each other; upstream's are 25 deep."""

ALIASED: Final = 1024 * 1024
"""How many bytes, about, all aliases together may stand for; upstream has no aliases."""

_NODE: Final = 8  # what a node counts beside its text
_SHOWN: Final = 20  # problems in one message


@attrs.frozen
class Document:
    """A checked document.

    Attributes:
        name: What messages call it.
        text: All of it.
        root: Its root, as `yaml.load` returns it.
    """

    name: str
    text: str
    root: CommentedMap

    @property
    def version(self) -> str:
        """The version that upstream gives its API."""
        return str(self.root["info"]["version"])


def decode(name: str, content: bytes) -> str:
    """Return the text of UTF-8 bytes.

    Raises:
        DocumentError: They are something else; says where.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        where = _position(content[: error.start].decode())
        found = f"the byte 0x{content[error.start]:02x}"
        raise DocumentError(f"{name}:{where}: {found} is no UTF-8: a spec or a page is text in UTF-8") from error


def read_document(name: str, path: Path) -> Document:
    """Read and check an OpenAPI document.

    Args:
        name: What messages call it.
        path: The file: YAML 1.2, or JSON.

    Returns:
        The document.

    Raises:
        DocumentError: It can't be read, can't be loaded safely, isn't OpenAPI 3.x, or refers to what it hasn't.
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
    """Refuse broken YAML, and what would be far larger or deeper once it is loaded."""
    size = aliased = 0
    sizes: dict[str, int | None] = {}  # what each anchor stands for; None while the scan is within it
    around: list[tuple[str | None, int]] = []  # the collections that the scan is within: anchor, and size before
    for event in _events(name, text):
        where = f"{name}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
        match event:
            case DocumentStartEvent():
                if event.version not in {None, (1, 2)}:  # in 1.1 the country code `no` is false
                    raise DocumentError(f"{where}: calls itself YAML of another version than 1.2")
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
                    raise DocumentError(f"{where}: mappings and arrays are more than {DEPTH} deep here")
            case CollectionEndEvent():
                anchor, before = around.pop()
                if anchor:
                    sizes[anchor] = size - before
            case AliasEvent():
                stands_for = sizes.get(event.anchor, 0)  # loading refuses what was never anchored
                if stands_for is None:
                    raise DocumentError(f"{where}: the alias *{event.anchor} is within what it stands for")
                size += stands_for
                aliased += stands_for
                if aliased > ALIASED:
                    raise DocumentError(f"{where}: the aliases up to here stand for more than {ALIASED // 1024} KiB")
            case _:
                pass


def _events(name: str, text: str) -> Iterator[Any]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cut = ": is the text cut off?" if mark.index >= len(text.rstrip()) else ""
        where = f"{name}:{mark.line + 1}:{mark.column + 1}"
        raise DocumentError(f"{where}: is no YAML or JSON: {error.problem}{cut}") from error
    except ReaderError as error:
        where = f"{name}:{_position(text[: error.position])}"
        raise DocumentError(f"{where}: the character U+{error.character:04X} is not allowed in YAML or JSON") from error


def _position(before: str) -> str:
    lines = before.split("\n")
    return f"{len(lines)}:{len(lines[-1]) + 1}"


def _unfit(root: object) -> str | None:
    version = root.get("openapi") if isinstance(root, CommentedMap) else None
    if not (isinstance(root, CommentedMap) and isinstance(version, str) and re.fullmatch(r"3\.\d+\.\d+", version)):
        return "is no OpenAPI 3.x document (a mapping with `openapi: 3.x.y`)"
    info = root.get("info")
    if not (isinstance(info, CommentedMap) and isinstance(info.get("version"), str)):
        return "is no OpenAPI 3.x document: `info.version` is no text"
    for key in ("paths", "components"):
        if key in root and not isinstance(root[key], CommentedMap):
            return f"is no OpenAPI 3.x document: `{key}` is no mapping"
    return None if "paths" in root else "has no `paths`, so there is nothing to generate"
