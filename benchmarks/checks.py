"""One status check, against one GET on bare httpx and in the official client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks import _clients
from benchmarks._call_rows import Compared, compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks._rows import Row

_NOTE: Final = "task.refresh(): what a wait does each time it looks."
_CALLS: Final = (Compared("check", _clients.CHECK, "status check", _NOTE),)


def rows(rounds: int) -> Iterator[Row]:
    """Measure."""
    return compared(_CALLS, rounds)
