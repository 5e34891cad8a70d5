"""Reads documents as plain data, quickly: the reader of all programs in `tools` that do not write a document back.

JSON is read by `json`, and YAML by libyaml, whose events become dicts and lists at once. Plain scalars follow the core
schema of YAML 1.2, while PyYAML's own loaders follow YAML 1.1, where the country code `no` is false. What libyaml reads
otherwise than YAML 1.2 demands, and every error, is left to the slow reader in `tools.openapi.yaml`.
"""

from __future__ import annotations

import contextlib
import json
import math
import re
from typing import TYPE_CHECKING, Any, Final, Never

from yaml import MarkedYAMLError, YAMLError  # type: ignore[import-untyped]  # the package has no types
from yaml.cyaml import CParser  # type: ignore[import-untyped]
from yaml.events import (  # type: ignore[import-untyped]
    AliasEvent,
    DocumentEndEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from tools.openapi import limits, yaml
from tools.openapi.limits import ALIASED, DEPTH, JSON, NODE, SIZE, DocumentError
from tools.openapi.yaml_scan import position

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_CONSTANTS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_DECIMAL: Final = re.compile(r"[-+]?[0-9]+")
_OCTAL: Final = re.compile(r"0o[0-7]+")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_ODD_FLOATS: Final = {f"{sign}.{name}" for sign in ("", "+", "-") for name in ("inf", "Inf", "INF")} | {
    *(".nan", ".NaN", ".NAN")
}
_NUMERIC: Final = frozenset("+-.0123456789")

_LINE_BREAKS_OF_YAML_1_1: Final = re.compile(r"[\x85\u2028\u2029]")


def read(path: Path) -> JSON:
    """Read a file of YAML 1.2 or JSON.

    Raises:
        DocumentError: The file cannot be read, is too large, or is no document that `parse` accepts.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SIZE + 1)
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    return parse(str(path), content)


def parse(name: str, content: bytes) -> JSON:
    """Read YAML 1.2 or JSON.

    Each alias becomes a copy of its value, so that changing one copy does not change the others.

    Args:
        name: The name of the document in messages.
        content: The document, in UTF-8.

    Returns:
        The document: dicts, lists and scalars of Python, all of which JSON can express.

    Raises:
        DocumentError: The document is too large, is not valid, is nested too deeply, has aliases that expand to too
            much data, or has a duplicate key or a value that is not JSON.
    """
    if len(content) > SIZE:
        raise limits.too_large(name)
    text = decode(name, content)
    if text.lstrip("\ufeff\t\r\n ").startswith(("{", "[")):
        with contextlib.suppress(_LeftToOthersError):
            return _json(text)
    with contextlib.suppress(_LeftToOthersError):
        return _yaml(name, text)
    return yaml.plain(yaml.load_text(name, text))


def decode(name: str, content: bytes) -> str:
    """Return the text of UTF-8 bytes.

    Raises:
        DocumentError: The bytes are not valid UTF-8; the message has the line and the column.
    """
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        where = position(content[: error.start].decode())
        found = f"the byte 0x{content[error.start]:02x}"
        raise DocumentError(
            f"{name}:{where}: {found} is not valid UTF-8; a spec or a page must be UTF-8 text"
        ) from error


class _LeftToOthersError(Exception):
    """A reader found an error, or a construct that another reader must read."""


def _leave(*_: object) -> Never:
    raise _LeftToOthersError


# -- JSON --------------------------------------------------------------------------------------------------------------


def _json(text: str) -> JSON:
    try:
        loaded = json.loads(text.removeprefix("\ufeff"), object_pairs_hook=_without_duplicates, parse_constant=_leave)
        _check_json(loaded, 0)
    except (ValueError, RecursionError):
        _leave()
    return loaded  # type: ignore[no-any-return]  # `json` is not typed


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _leave()


def _check_json(node: Any, depth: int) -> None:
    """Leave documents to the other readers that are nested too deeply, or have infinities or halves of surrogates."""
    if isinstance(node, dict | list):
        if depth == DEPTH:
            _leave()
        for child in node:
            _check_json(child, depth + 1)
        for child in node.values() if isinstance(node, dict) else ():
            _check_json(child, depth + 1)
    elif isinstance(node, str):
        if not node.isascii():
            node.encode()  # a UnicodeEncodeError is a ValueError
    elif isinstance(node, float) and not math.isfinite(node):
        _leave()


# -- YAML --------------------------------------------------------------------------------------------------------------


def _yaml(name: str, text: str) -> JSON:
    if _LINE_BREAKS_OF_YAML_1_1.search(text):
        _leave()
    parser = CParser(text)
    try:
        return _Builder(name, parser.get_event).document()
    except (YAMLError, MarkedYAMLError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise
        raise _LeftToOthersError from error
    finally:
        parser.dispose()


class _Builder:
    """Builds the value of one document from the events of libyaml.

    Attributes:
        _anchors: The value of each anchor that is complete.
        _open: The anchors whose values are not complete.
        _measured: The size and the height of the anchors' values that an alias has used.
    """

    def __init__(self, name: str, get_event: Callable[[], Any]) -> None:
        self._name = name
        self._get = get_event
        self._depth = 0
        self._aliased = 0
        self._anchors: dict[str, JSON] = {}
        self._open: set[str] = set()
        self._measured: dict[str, tuple[int, int]] = {}

    def document(self) -> JSON:
        self._get()  # the start of the stream
        start = self._get()
        if type(start) is StreamEndEvent or start.version or start.tags:
            _leave()
        value = self._node(self._get())
        if type(self._get()) is not DocumentEndEvent or type(self._get()) is not StreamEndEvent:
            _leave()
        return value

    def _node(self, event: Any) -> JSON:
        kind = type(event)
        if kind is AliasEvent:
            return self._alias(event)
        if event.tag is not None:
            _leave()
        if kind is ScalarEvent:
            value = event.value if event.style else _scalar(event.value)
            if event.anchor is not None:
                self._keep(event.anchor, value)
            return value
        self._depth += 1
        if self._depth > DEPTH:
            raise limits.too_deep(self._where(event))
        if event.anchor is not None:
            self._open.add(event.anchor)
        value = self._mapping() if kind is MappingStartEvent else self._sequence()
        self._depth -= 1
        if event.anchor is not None:
            self._keep(event.anchor, value)
        return value

    def _mapping(self) -> dict[str, JSON]:
        found: dict[str, JSON] = {}
        get = self._get
        while type(key := get()) is not MappingEndEvent:
            if type(key) is not ScalarEvent or key.tag is not None or key.anchor is not None:
                _leave()
            name = key.value  # as text, whatever it is as a value: `200:` is `'200':`
            if name in found or (name == "<<" and not key.style):
                _leave()
            found[name] = self._node(get())
        return found

    def _sequence(self) -> list[JSON]:
        found: list[JSON] = []
        get = self._get
        while type(event := get()) is not SequenceEndEvent:
            found.append(self._node(event))
        return found

    def _keep(self, anchor: str, value: JSON) -> None:
        self._anchors[anchor] = value
        self._open.discard(anchor)
        self._measured.pop(anchor, None)

    def _alias(self, event: Any) -> JSON:
        anchor = event.anchor
        if anchor in self._open:
            raise limits.inside_itself(self._where(event), anchor)
        if anchor not in self._anchors:
            _leave()
        value = self._anchors[anchor]
        if anchor not in self._measured:
            self._measured[anchor] = _measure(value)
        size, height = self._measured[anchor]
        self._aliased += size
        if self._aliased > ALIASED:
            raise limits.too_much(self._where(event))
        if self._depth + height > DEPTH:
            raise limits.too_deep(self._where(event))
        return _copy(value)

    def _where(self, event: Any) -> str:
        return f"{self._name}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"


def _scalar(text: str) -> JSON:
    """Return the value of a plain scalar by the core schema of YAML 1.2."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in _NUMERIC:
        return text
    if _DECIMAL.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        value = float(text)
        return value if math.isfinite(value) else _leave()
    if _OCTAL.fullmatch(text):
        return int(text, 0)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    return _leave() if text in _ODD_FLOATS else text


def _measure(value: JSON) -> tuple[int, int]:
    """Return the size of a value, and the number of its levels."""
    if isinstance(value, dict):
        parts = [_measure(child) for child in value.values()]
        size = sum(NODE + len(key) for key in value)
    elif isinstance(value, list):
        parts = [_measure(child) for child in value]
        size = 0
    else:
        return NODE + (len(value) if isinstance(value, str) else 0), 0
    return NODE + size + sum(part for part, _ in parts), 1 + max((height for _, height in parts), default=0)


def _copy(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: _copy(child) for key, child in value.items()}
    return [_copy(child) for child in value] if isinstance(value, list) else value
