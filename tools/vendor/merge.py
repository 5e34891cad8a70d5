"""Merges a slice, the part of the spec that a documentation page contains, into the vendored spec.

Only complete entries are compared, added or replaced: an operation, a component, or a root key other than `paths` and
`components`. All other bytes of the vendored spec stay the same. A new entry is inserted after the entry that precedes
it in the slice; if the vendored spec does not have that entry, the new one is inserted at the end.
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

    from tools.openapi.limits import JSON
    from tools.vendor.document import Document

# below these keys, the path of an entry has three keys, such as ("paths", "/x", "get")
_DEEP: Final = ("paths", "components")
_IMPLIED: Final[dict[str, JSON]] = {"security": []}  # keys without effect, which pages have and specs may omit


class MergeError(Exception):
    """The slice cannot be merged. The message says why, and shows both definitions of each entry that differs."""


@attrs.frozen
class Change:
    """An entry that the vendored spec lacks, or defines differently from the slice.

    Attributes:
        path: The keys that lead to the entry.
        new: The definition in the slice.
        old: The vendored definition; None if it is missing or an empty mapping.
        after: The key that precedes the entry in the slice; None if the vendored spec has no such key.
    """

    path: tuple[str, ...]
    new: Any
    old: Any
    after: str | None

    @property
    def place(self) -> str:
        """The path in the form that messages show."""
        return "$" + "".join(f"[{key!r}]" for key in self.path)


@attrs.frozen
class Merged:
    """The result of a merge.

    Attributes:
        text: The vendored spec with the changes.
        expected: The data that the text must contain.
        changes: The changes, in the order of the slice.
    """

    text: str
    expected: JSON
    changes: tuple[Change, ...]


def merge(vendored: Document, page: Document, *, replace: bool) -> Merged:
    """Merge a slice into the vendored spec.

    Args:
        vendored: The vendored spec.
        page: The slice.
        replace: Whether the slice overwrites an entry that the spec and the slice define differently.

    Returns:
        The merged text; if the slice has nothing new, the vendored text byte for byte. The merged text is not parsed
        here: the caller must load it and compare the data with `expected`.

    Raises:
        MergeError: The spec and the slice define an entry differently, and `replace` is false; or the vendored spec has
            an alias in place of the changed entry.
    """
    root, slice_ = vendored.with_comments(), page.with_comments()
    changes = tuple(_changes(root, slice_, ()))
    different = [change for change in changes if change.old is not None]
    if different and not replace:
        head = f"{page.name} and {vendored.name} define the same entries differently; REPLACE=1 uses the lines with +"
        raise MergeError("\n".join([head, *(_difference(change, vendored.name, page.name) for change in different)]))
    text = vendored.text
    span = spans.read(text)
    # from the end of the text to its start, so that the positions of the remaining edits stay valid
    for start, end, new in sorted((_edit(change, text, span) for change in changes), key=lambda edit: edit[:2])[::-1]:
        text = text[:start] + new + text[end:]
    return Merged(text, _expected(root, changes), changes)


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
    """Return a node as lines of YAML; the keys are sorted."""
    return yaml.dump(json.loads(_text(node))).splitlines()


def _text(node: Any) -> str:
    # compared as JSON, since 1, 1.0 and true are equal in Python
    return json.dumps(yaml.plain(node), sort_keys=True, ensure_ascii=False)


def _edit(change: Change, text: str, root: spans.Span) -> tuple[int, int, str]:
    """Return the edit for a change: the start and the end of the replaced text, and the new text."""
    mapping = root
    *parents, key = change.path
    for parent in parents:
        mapping = mapping.entries[parent].value
        if not mapping.entries:  # the loaded document has entries here, so the text has an alias in their place
            raise MergeError(
                f"{change.place} cannot be merged: the vendored spec has an alias there; vendor the complete spec"
            )
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


def _expected(root: CommentedMap, changes: tuple[Change, ...]) -> JSON:
    expected = yaml.plain(root)
    for change in changes:
        mapping: Any = expected
        for key in change.path[:-1]:
            mapping = mapping[key]
        mapping[change.path[-1]] = yaml.plain(change.new)
    return expected
