"""Finds the positions of mappings and their keys in a YAML or JSON text, so that one of them can be edited in place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, NodeEvent, SequenceEndEvent, SequenceStartEvent

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.frozen
class Span:
    """A node of a YAML or JSON text. Positions are indices into the text.

    Attributes:
        end: The end of the node; comments and empty lines after an indented node are not part of it.
        entries: The keys of a mapping, in order; empty for every other node.
        is_flow: Whether the node is written with braces or brackets, like all JSON.
    """

    end: int
    entries: dict[str, Entry]
    is_flow: bool = False


@attrs.frozen
class Entry:
    """A key of a mapping.

    Attributes:
        start: The start of the key.
        value: The value.
    """

    start: int
    value: Span


def read(text: str) -> Span:
    """Return the root node of a text, which must be valid YAML or JSON."""
    events = YAML(typ="safe", pure=True).parse(text)
    first = next(event for event in events if isinstance(event, NodeEvent))
    return _span(first, events, 0)


def _span(event: Any, events: Iterator[Any], before: int) -> Span:
    if not isinstance(event, MappingStartEvent | SequenceStartEvent):
        # an empty value, as in `key:`, has no position of its own, so it ends where its key ends
        return Span(event.end_mark.index if event.end_mark.index > event.start_mark.index else before, {})
    entries: dict[str, Entry] = {}
    end = event.end_mark.index
    for inner in events:
        if isinstance(inner, MappingEndEvent | SequenceEndEvent):
            return Span(inner.end_mark.index if event.flow_style else end, entries, bool(event.flow_style))
        child = _span(inner, events, end)
        if isinstance(event, MappingStartEvent):
            child = _span(next(events), events, child.end)
            entries[getattr(inner, "value", "")] = Entry(inner.start_mark.index, child)
        end = child.end
    raise AssertionError("the YAML events ended inside a mapping or an array")
