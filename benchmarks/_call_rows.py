"""Rows on single calls: each in either face, without I/O and over loopback TCP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks import _clients
from benchmarks._rows import row
from benchmarks._sampling import figures, in_turn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks._rows import Row
    from benchmarks._sampling import Took

MOCKED: Final = 100
OVER_TCP: Final = 50
"""How many calls a sample has: some ten milliseconds of them."""


@dataclass(frozen=True)
class Compared:
    """A call that is compared.

    Attributes:
        key: What the keys of its rows begin with.
        call: Its name in `Face.clients`.
        label: What a reader sees.
        note: What a reader has to know.
    """

    key: str
    call: str
    label: str
    note: str = ""


def compared(calls: Sequence[Compared], rounds: int) -> Iterator[Row]:
    """Measure calls: their CPU over a transport without I/O, CPU and wall over loopback TCP."""
    for face in _clients.without_io():
        for each in calls:
            samples = _samples(face, each.call, MOCKED, rounds)
            key, label = f"{each.key}.{face.name}.mock", f"{each.label}, {face.name}: CPU"
            yield row(key, label, "µs", figures(samples, lambda took: took.cpu * 1e6), each.note)
    for face in _clients.over_tcp():
        for each in calls:
            samples = _samples(face, each.call, OVER_TCP, rounds)
            key, label = f"{each.key}.{face.name}.tcp", f"{each.label}, {face.name}, TCP"
            cpu, wall = figures(samples, lambda took: took.cpu * 1e6), figures(samples, lambda took: took.wall * 1e6)
            yield row(f"{key}.cpu", f"{label}: CPU", "µs", cpu, each.note)
            yield row(f"{key}.wall", f"{label}: wall", "µs", wall, each.note)


def _samples(face: _clients.Face, name: str, calls: int, rounds: int) -> dict[str, list[Took]]:
    return in_turn({client: face.timed(made[name], calls) for client, made in face.clients.items()}, rounds)
