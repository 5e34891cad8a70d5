"""Where the mappings of a YAML or JSON text are, so that it can be changed in one place and kept in all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
from ruamel.yaml import YAML
from ruamel.yaml.events import MappingEndEvent, MappingStartEvent, NodeEvent, SequenceEndEvent, SequenceStartEvent

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.frozen
class Span:
    """A node of a text. Positions are indices of the text.

    Attributes:
        end: Where it ends; of what is indented, comments and empty lines that follow are no part.
        entries: A mapping's keys, in order; empty for every other node.
        is_flow: Whether it's written with braces or brackets, as all JSON is.
    """

    end: int
    entries: dict[str, Entry]
    is_flow: bool = False


@attrs.frozen
class Entry:
    """A key of a mapping.

    Attributes:
        start: Where the key begins.
        value: The value.
    """

    start: int
    value: Span


def read(text: str) -> Span:
    """Return the root of a text, which has to be one that loads."""
    events = YAML(typ="safe", pure=True).parse(text)
    first = next(event for event in events if isinstance(event, NodeEvent))
    return _span(first, events, 0)


def _span(event: Any, events: Iterator[Any], before: int) -> Span:
    if not isinstance(event, MappingStartEvent | SequenceStartEvent):
        # where nothing is written, the place of the empty value is only known to be after its key
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
    raise AssertionError("a collection that begins ends as well")
