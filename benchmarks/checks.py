"""The benchmark group `check`: one status check, compared with the same request of httpx and the official client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks import _clients
from benchmarks._call_rows import ComparedCall, compare_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks._rows import Row

_NOTE: Final = "task.refresh(), which a wait calls for each check."
_CALLS: Final = (ComparedCall("check", _clients.CHECK, "status check", _NOTE),)


def rows(rounds: int) -> Iterator[Row]:
    """Measure the rows of this group."""
    return compare_calls(_CALLS, rounds)
