"""Compares what two different references lead to: once, however many places refer to both.

A pair of references is first only noted, with the operations and the directions of the place. When all places are
known, each pair is compared, and its rows name all operations that reach it, also through other pairs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs

from tools.drift.normal_form import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.drift.rows import Hit, Row
    from tools.drift.spot import Spot

_Key = tuple[str, str]


@attrs.define
class _Pair:
    old: Any
    new: Any
    spot: Spot
    operations: set[str] = attrs.field(factory=set)
    hits: set[Hit] = attrs.field(factory=set)
    inside: set[_Key] = attrs.field(factory=set)


class FollowedReferences:
    """The pairs of old and new schemas that were found at references."""

    def __init__(self) -> None:
        self._pairs: dict[_Key, _Pair] = {}
        self._current: _Pair | None = None

    def note(self, references: tuple[Any, Any], targets: tuple[Any, Any], spot: Spot) -> None:
        """Note a pair of references at a place.

        Args:
            references: The old and the new schema at the place, of which at least one is a reference.
            targets: What the two lead to.
            spot: The place.
        """
        key = (canonical(references[0]), canonical(references[1]))
        pair = self._pairs.get(key)
        if pair is None:
            pair = self._pairs[key] = _Pair(*targets, spot)
        if self._current is None:
            pair.operations |= {*spot.operations}
            pair.hits |= spot.hits
        else:
            self._current.inside.add(key)

    def rows(self, compare: Callable[[Any, Any, Spot], Iterator[Row]]) -> Iterator[Row]:
        """Compare the noted pairs, and those that are found inside them.

        Args:
            compare: Compares two schemas at a place.

        Yields:
            The rows of all pairs.
        """
        done: set[_Key] = set()
        while waiting := [key for key in self._pairs if key not in done]:  # finds the pairs inside pairs
            for key in waiting:
                done.add(key)
                self._current = self._pairs[key]
                for _ in compare(self._current.old, self._current.new, self._current.spot):
                    pass
        self._spread()
        for pair in [*self._pairs.values()]:
            self._current = pair
            spot = attrs.evolve(pair.spot, operations=tuple(sorted(pair.operations)), hits=frozenset(pair.hits))
            yield from compare(pair.old, pair.new, spot)
        self._current = None

    def _spread(self) -> None:
        """Give the pairs inside a pair the operations and directions of the pair."""
        waiting = [*self._pairs.values()]
        while waiting:
            pair = waiting.pop()
            for inner in map(self._pairs.__getitem__, pair.inside):
                if not (pair.operations <= inner.operations and pair.hits <= inner.hits):
                    inner.operations |= pair.operations
                    inner.hits |= pair.hits
                    waiting.append(inner)
