"""Measures single calls of all clients, sync and async: without I/O, and over loopback TCP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks import _clients
from benchmarks._rows import row
from benchmarks._sampling import figures, take_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks._rows import Row
    from benchmarks._sampling import CallTime

MOCK_CALLS: Final = 100
"""The number of calls in a sample without I/O: about ten milliseconds of calls."""
TCP_CALLS: Final = 50
"""The number of calls in a sample over TCP."""


@dataclass(frozen=True)
class ComparedCall:
    """A call that every client makes, so that its cost can be compared.

    Attributes:
        key: The beginning of the keys of the call's rows.
        call: The name of the call in `ClientKind.clients`.
        label: The beginning of the labels of the call's rows.
        note: The footnote of the call's rows, or an empty string.
    """

    key: str
    call: str
    label: str
    note: str = ""


def compare_calls(calls: Sequence[ComparedCall], rounds: int) -> Iterator[Row]:
    """Measure the CPU time of calls without I/O, and their CPU and wall time over loopback TCP."""
    for kind in _clients.without_io():
        for each in calls:
            samples = _samples(kind, each.call, MOCK_CALLS, rounds)
            key, label = f"{each.key}.{kind.name}.mock", f"{each.label}, {kind.name}: CPU"
            yield row(key, label, "µs", figures(samples, lambda sample: sample.cpu * 1e6), each.note)
    for kind in _clients.over_tcp():
        for each in calls:
            samples = _samples(kind, each.call, TCP_CALLS, rounds)
            key, label = f"{each.key}.{kind.name}.tcp", f"{each.label}, {kind.name}, TCP"
            cpu, wall = (
                figures(samples, lambda sample: sample.cpu * 1e6),
                figures(samples, lambda sample: sample.wall * 1e6),
            )
            yield row(f"{key}.cpu", f"{label}: CPU", "µs", cpu, each.note)
            yield row(f"{key}.wall", f"{label}: wall", "µs", wall, each.note)


def _samples(kind: _clients.ClientKind, call: str, calls: int, rounds: int) -> dict[str, list[CallTime]]:
    return take_samples({name: kind.sampler(client[call], calls) for name, client in kind.clients.items()}, rounds)
