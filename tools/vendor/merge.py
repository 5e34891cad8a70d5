"""Where the slice of a documentation page is merged into the vendored spec, whose other bytes do not change.

An entry is compared, added and replaced as one: an operation, a component, or a root key other than `paths` and
`components`. A new entry follows the vendored one that precedes it in the slice, or comes last if there is none.
"""

from __future__ import annotations

import difflib
import json
import textwrap
from typing import TYPE_CHECKING, Any, Final

import attrs
from ruamel.yaml.comments import CommentedMap

from tools.openapi import yaml
from tools.vendor import spans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.vendor.document import Document

_DEEP: Final = ("paths", "components")  # root keys whose entries are three keys deep, such as ("paths", "/x", "get")
_IMPLIED: Final[dict[str, yaml.JSON]] = {"security": []}  # pages add this, and a spec may omit it


class MergeError(Exception):
    """The slice can't be merged; the message says why, and shows both definitions where they differ."""


@attrs.frozen
class Change:
    """An entry that the vendored spec lacks, or defines differently from the slice.

    Attributes:
        path: The keys that lead to the entry.
        new: The definition in the slice.
        old: The vendored definition; None if it is missing or an empty mapping.
        after: The vendored key that precedes the entry in the slice, if any.
    """

    path: tuple[str, ...]
    new: Any
    old: Any
    after: str | None

    @property
    def place(self) -> str:
        """The path as messages show it."""
        return "$" + "".join(f"[{key!r}]" for key in self.path)


@attrs.frozen
class Merged:
    """The result of a merge.

    Attributes:
        text: The vendored spec with the changes.
        expected: The data that the text must hold.
        changes: The changes, in the slice's order.
    """

    text: str
    expected: yaml.JSON
    changes: tuple[Change, ...]


def merge(vendored: Document, page: Document, *, replace: bool) -> Merged:
    """Merge a slice into the vendored spec.

    Args:
        vendored: The spec.
        page: The slice.
        replace: Whether the slice overwrites an entry that both define differently.

    Returns:
        The merged text, byte for byte the vendored one if the slice has nothing new. The text is assembled without
        parsing it: the caller must load it and compare the data with `expected`.

    Raises:
        MergeError: Both define an entry differently, and `replace` is false.
    """
    changes = tuple(_changes(vendored.root, page.root, ()))
    different = [change for change in changes if change.old is not None]
    if different and not replace:
        head = f"{page.name} and {vendored.name} define the same entries differently; REPLACE=1 takes the lines with +"
        raise MergeError("\n".join([head, *(_difference(change, vendored.name, page.name) for change in different)]))
    text = vendored.text
    root = spans.read(text)
    # from the end to the start, so that earlier positions stay valid; an addition comes before a replacement there
    for start, end, new in sorted((_edit(change, text, root) for change in changes), key=lambda edit: edit[:2])[::-1]:
        text = text[:start] + new + text[end:]
    return Merged(text, _expected(vendored.root, changes), changes)


def same(one: Any, other: Any) -> bool:
    """Tell whether two loaded nodes hold the same data, whatever the order of their keys."""
    return _text(one) == _text(other)


def _changes(old: CommentedMap, new: CommentedMap, path: tuple[str, ...]) -> Iterator[Change]:
    after: str | None = None
    for key, value in new.items():
        here = (*path, key)
        if key not in old:
            if path or key not in _IMPLIED or not same(value, _IMPLIED[key]):
                yield Change(here, value, None, after)
            continue
        there = old[key]
        after = key
        both = isinstance(there, CommentedMap) and isinstance(value, CommentedMap)
        if both and there and here[0] in _DEEP and len(here) < 3:
            yield from _changes(there, value, here)
        elif not same(there, value):
            yield Change(here, value, there if there != {} else None, None)


def _difference(change: Change, vendored: str, page: str) -> str:
    old, new = (_sorted({change.path[-1]: side}) for side in (change.old, change.new))
    names = (f"{vendored} {change.place}", f"{page} {change.place}")
    return "\n".join(difflib.unified_diff(old, new, *names, lineterm=""))


def _sorted(node: Any) -> list[str]:
    """Return a node as lines of YAML with sorted keys."""
    return yaml.dump(json.loads(_text(node))).splitlines()


def _text(node: Any) -> str:
    # as JSON, since 1, 1.0 and true are equal in Python
    return json.dumps(yaml.plain(node), sort_keys=True, ensure_ascii=False)


def _edit(change: Change, text: str, root: spans.Span) -> tuple[int, int, str]:
    """Return an edit: the start and the end of the replaced text, and the new text."""
    mapping = root
    *parents, key = change.path
    for parent in parents:
        mapping = mapping.entries[parent].value
        if not mapping.entries:  # the document has entries there, but the text has an alias
            raise MergeError(f"{change.place} can't be written into an alias; vendor the complete spec")
    entry = mapping.entries.get(key)
    beside = entry or mapping.entries.get(change.after or "") or list(mapping.entries.values())[-1]
    line = text.rfind("\n", 0, beside.start) + 1
    indentation = text[line : beside.start] if text[line : beside.start].isspace() else ""
    if mapping.is_flow:
        new = _flow(key, change.new, indentation)
        gap = f"\n{indentation}" if indentation else " "
        return (entry.start, entry.value.end, new) if entry else (beside.value.end, beside.value.end, f",{gap}{new}")
    new = _block(key, change.new, indentation)
    if entry:
        end = _line_end(text, entry.start + len(text[entry.start : entry.value.end].rstrip()))
        return line, end, new
    end = _line_end(text, beside.value.end)
    return end, end, new if text[end - 1] == "\n" else f"\n{new}"


def _flow(key: str, value: Any, indentation: str) -> str:
    text = json.dumps(yaml.plain(value), ensure_ascii=False, indent=2 if indentation else None)
    return f"{json.dumps(key, ensure_ascii=False)}: {text}".replace("\n", f"\n{indentation}")


def _block(key: str, value: Any, indentation: str) -> str:
    text = yaml.dump(CommentedMap({key: yaml.bare(value)}))
    return textwrap.indent(text, indentation, lambda line: line != "\n")


def _line_end(text: str, index: int) -> int:
    if index and text[index - 1] == "\n":
        return index
    end = text.find("\n", index)
    return len(text) if end < 0 else end + 1


def _expected(root: CommentedMap, changes: tuple[Change, ...]) -> yaml.JSON:
    expected = yaml.plain(root)
    for change in changes:
        mapping: Any = expected
        for key in change.path[:-1]:
            mapping = mapping[key]
        mapping[change.path[-1]] = yaml.plain(change.new)
    return expected
