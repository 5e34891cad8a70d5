"""Limits on synthetic answers: a schema of one line can demand a billion elements, or lists within lists of thousands.

A demand that exceeds a limit is refused before anything is made for it, and remembered with its place in the schema, so
that the task's error can name it.
"""

from __future__ import annotations

from typing import Any

import attrs

MAX_ENTRIES = 1000  # elements of one array, or properties of one object
MAX_CHARACTERS = 100_000  # in one string
MAX_SIZE = 10_000  # values in one answer, see `size`
MAX_DEPTH = 25  # nested values; jsonschema calls itself several times for each
MAX_PLACE = 200  # characters of a place in a message


@attrs.frozen
class Spot:
    """The place for which a value is made.

    Attributes:
        name: The name of the property that gets the value; readable strings contain it.
        place: The part of the schema, for messages.
        depth: The number of objects and arrays around the value.
        trail: The references that lead to the part; if a reference occurs twice, the schema is recursive.
    """

    name: str = ""
    place: str = "output_schema"
    depth: int = 0
    trail: tuple[str, ...] = ()

    @property
    def is_recursive(self) -> bool:
        """Whether the same reference leads to this place twice."""
        return len(set(self.trail)) < len(self.trail)

    def inside(self, keyword: str, name: str | None = None) -> Spot:
        """Return the place for an element, or for a property if there is a name."""
        place = f"{self.place}.{keyword}" if name is None else f"{self.place}.{keyword}.{name}"
        return attrs.evolve(self, name=self.name if name is None else name, place=place, depth=self.depth + 1)


class Limits:
    """Checks the demands of a schema, and remembers the first one that cannot be met.

    Attributes:
        exceeded: The place and the limit, for a message; empty if all demands can be met.
    """

    def __init__(self) -> None:
        self.exceeded = ""

    def allow(self, demanded: float, most: int, place: str, what: str) -> bool:
        """Tell whether a demand is within a limit, such as `minItems` within the maximum number of elements."""
        if demanded > most:
            self.note(place, f"demands more than {most:,} {what}")
        return demanded <= most

    def note(self, place: str, problem: str) -> None:
        """Remember a place whose demand cannot be met, unless another one is known."""
        if not self.exceeded:
            shown = place if len(place) <= MAX_PLACE else f"{place[:MAX_PLACE]}…"
            self.exceeded = f"{shown} {problem}"


def size(value: Any) -> int:
    """Return the number of values in a value, at most a little more than `MAX_SIZE`; long texts count several times."""
    total = 0
    left = [value]
    while left and total <= MAX_SIZE:
        match left.pop():
            case dict() as found:
                total += 1 + sum(len(key) for key in found) // 100
                left += found.values()
            case list() as found:
                total += 1
                left += found
            case str() as found:
                total += 1 + len(found) // 100
            case _:
                total += 1
    return total


def deepest_place(schema: Any) -> str:
    """Return the place in a schema that is nested most deeply."""
    deepest = "output_schema"
    levels = [(schema, deepest)]
    while levels:
        deepest = levels[0][1]
        levels = [
            (child, f"{place}.{key}"[: MAX_PLACE + 1])
            for node, place in levels
            for key, child in (
                node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
            )
        ]
    return deepest
