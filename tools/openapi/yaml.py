"""Reads YAML 1.2 files that hold JSON data, with their comments and order, and writes them as YAML or JSON.

This is the reader for documents that are written back. It is slow: for all others, use `tools.openapi.reader`.
"""

from __future__ import annotations

import copy
import io
import json
import math
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import ConstructorError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

from tools.openapi import limits
from tools.openapi.limits import JSON, SIZE, DocumentError
from tools.openapi.yaml_scan import scan

if TYPE_CHECKING:
    from pathlib import Path

_TAG = "tag:yaml.org,2002:"


class _Constructor(RoundTripConstructor):
    """A ruamel.yaml constructor for JSON data: keys become text (`200:` is `'200':`), and dates stay text."""

    def construct_mapping(self, node: Any, maptyp: Any, deep: bool = False) -> Any:  # type: ignore[override]  # as RoundTripConstructor
        for key, _ in node.value:
            if key.tag == f"{_TAG}merge":
                raise ConstructorError(None, None, "found a merge key, which YAML 1.2 does not have", key.start_mark)
            if key.tag.startswith(_TAG):
                key.tag = f"{_TAG}str"
        return super().construct_mapping(node, maptyp, deep=deep)


_Constructor.add_constructor(f"{_TAG}timestamp", _Constructor.construct_yaml_str)


def _yaml() -> YAML:
    yaml = YAML()
    yaml.Constructor = _Constructor
    yaml.preserve_quotes = True
    yaml.width = 4096  # large, so that `dump` does not wrap long lines
    yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def load(path: Path) -> Any:
    """Read a YAML 1.2 file, and keep its comments, order and quotes for `dump`.

    Each alias becomes a copy of its value, so that changing one copy does not change the others.

    Args:
        path: A UTF-8 file.

    Returns:
        The document: mappings, sequences and scalars of ruamel.yaml, all of which JSON can express.

    Raises:
        DocumentError: The file cannot be read, is too large, is not valid YAML, is nested too deeply, has aliases that
            expand to too much data, or has a duplicate key or a value that is not JSON.
    """
    try:
        with path.open("rb") as file:
            content = file.read(SIZE + 1)
        if len(content) > SIZE:
            raise limits.too_large(str(path))
        return load_text(str(path), content.decode())
    except OSError as error:
        raise DocumentError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path}: {error}") from error


def load_text(name: str, text: str) -> Any:
    """Read a YAML 1.2 text as `load` reads a file.

    Args:
        name: The name of the document in messages.
        text: The text.

    Raises:
        DocumentError: As for `load`.
    """
    scan(name, text)
    try:
        return _own(_yaml().load(text), "$", set())
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        # without the values, which the message for a duplicate key quotes in full, however long they are
        problem = str(error.problem).partition(" with value")[0]
        raise DocumentError(f"{name}:{mark.line + 1}:{mark.column + 1}: {problem}") from error
    except (YAMLError, ValueError) as error:
        raise DocumentError(f"{name}: {error}") from error
    except Exception as error:  # ruamel.yaml fails in many ways at a tag that does not fit its value
        raise DocumentError(f"{name}: a value does not fit its tag: {error}") from error


def _own(node: Any, where: str, seen: set[int]) -> Any:
    if isinstance(node, CommentedMap | CommentedSeq):
        if id(node) in seen:
            node = copy.deepcopy(node)
        seen.add(id(node))
        if isinstance(node, CommentedMap) and any(_joined(key) != key for key in node):
            raise DocumentError(f"{where}: a key contains a surrogate pair; only values may contain surrogate pairs")
        for key, child in list(node.items() if isinstance(node, CommentedMap) else enumerate(node)):
            node[key] = _own(child, f"{where}[{key!r}]", seen)
    elif isinstance(node, str):
        return node if (joined := _joined(node)) == node else type(node)(joined)
    elif not isinstance(node, str | int | float | None) or (isinstance(node, float) and not math.isfinite(node)):
        raise DocumentError(f"{where}: JSON has no {type(node).__name__} like {node}")
    return node


def _joined(text: str) -> str:
    """Join surrogate pairs: JSON may escape one character as two halves, which YAML reads as two characters."""
    if text.isascii():
        return text
    try:
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as error:
        raise DocumentError(f"contains half of a surrogate pair without the other half: {text[:80]!a}") from error


def bare(node: Any) -> Any:
    """Return a copy of a node without its comments, which do not belong in another document."""
    if isinstance(node, CommentedMap):
        return CommentedMap({key: bare(child) for key, child in node.items()})
    if isinstance(node, CommentedSeq):
        return CommentedSeq(bare(child) for child in node)
    return copy.deepcopy(node) if isinstance(node, dict | list) else node


def plain(node: Any) -> JSON:
    """Return a loaded node as plain dicts, lists and scalars of Python."""
    match node:
        case dict():
            return {str(key): plain(child) for key, child in node.items()}
        case list():
            return [plain(child) for child in node]
        case bool() | ScalarBoolean():
            return bool(node)
        case str():
            return str(node)
        case int():
            return int(node)
        case float():
            return float(node)
        case None:
            return None
    raise TypeError(f"only values that `load` returns can be converted, not {node!r}")


def dump(document: Any) -> str:
    """Return a loaded document as YAML."""
    stream = io.StringIO()
    _yaml().dump(document, stream)
    return stream.getvalue()


def to_json(value: JSON) -> str:
    """Return JSON that is easy to read and to diff: indented, in the given order, with a final newline."""
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"
