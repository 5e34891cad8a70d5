"""Scans YAML before ruamel.yaml loads it: refuses what is invalid, nested too deeply, or expands to too much data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, DocumentStartEvent, ScalarEvent
from ruamel.yaml.reader import ReaderError

from tools.openapi import limits
from tools.openapi.limits import DEPTH, NODE, DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator


def scan(name: str, text: str) -> None:
    """Read a text as a stream of events, without building its values.

    Args:
        name: The name of the document in messages.
        text: The text.

    Raises:
        DocumentError: The text is not valid YAML, is nested too deeply, or its aliases expand to too much data.
    """
    size = aliased = 0
    # the size and the height of each anchor's value; None while the scan is inside the value
    anchors: dict[str, tuple[int, int] | None] = {}
    # for each open collection: its anchor, the size of all nodes before it, and the levels inside it so far
    around: list[tuple[str | None, int, int]] = []
    for event in _events(name, text):
        where = f"{name}:{event.start_mark.line + 1}:{event.start_mark.column + 1}"
        height = 0
        match event:
            case DocumentStartEvent():
                if event.version not in {None, (1, 2)}:  # in YAML 1.1, for example, the country code `no` is false
                    raise DocumentError(f"{where}: declares a YAML version other than 1.2")
                continue
            case ScalarEvent():
                size += NODE + len(event.value)
                if event.anchor:
                    anchors[event.anchor] = (NODE + len(event.value), 0)
            case CollectionStartEvent():
                around.append((event.anchor, size, 0))
                size += NODE
                if event.anchor:
                    anchors[event.anchor] = None
            case CollectionEndEvent():
                anchor, before, inside = around.pop()
                height = inside + 1
                if anchor:
                    anchors[anchor] = (size - before, height)
            case AliasEvent():
                expanded = anchors.get(event.anchor, (0, 0))  # an unknown alias, which loading refuses
                if expanded is None:
                    raise limits.inside_itself(where, event.anchor)
                size += expanded[0]
                aliased += expanded[0]
                height = expanded[1]
                if aliased > limits.ALIASED:
                    raise limits.too_much(where)
            case _:
                continue
        if len(around) + height > DEPTH:
            raise limits.too_deep(where)
        if around and height:
            anchor, before, inside = around[-1]
            around[-1] = (anchor, before, max(inside, height))


def position(before: str) -> str:
    """Return the line and the column of the place that follows a text."""
    lines = before.split("\n")
    return f"{len(lines)}:{len(lines[-1]) + 1}"


def _events(name: str, text: str) -> Iterator[Any]:
    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        cut = "; is the text cut off?" if mark.index >= len(text.rstrip()) else ""
        where = f"{name}:{mark.line + 1}:{mark.column + 1}"
        raise DocumentError(f"{where}: not valid YAML or JSON: {error.problem}{cut}") from error
    except ReaderError as error:
        where = f"{name}:{position(text[: error.position])}"
        raise DocumentError(f"{where}: the character U+{error.character:04X} is not allowed in YAML or JSON") from error
