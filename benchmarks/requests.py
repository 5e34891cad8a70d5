"""The benchmark group `request`: one call of `start`, and one of `run_in_one_request`, in each of the clients."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks import _clients
from benchmarks._call_rows import ComparedCall, compare_calls

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks._rows import Row

_SCHEMA: Final = "All clients send the schema of a dataclass."
_TYPED: Final = (
    f"{_SCHEMA} This package converts the answer into the dataclass; httpx and the official client only decode JSON."
)
_CALLS: Final = (
    ComparedCall("request.start", _clients.START, "start"),
    ComparedCall("request.start_typed", _clients.START_TYPED, "typed start", _SCHEMA),
    ComparedCall("request.one", _clients.ONE_REQUEST, "run_in_one_request"),
    ComparedCall("request.one_typed", _clients.ONE_REQUEST_TYPED, "typed run_in_one_request", _TYPED),
)


def rows(rounds: int) -> Iterator[Row]:
    """Measure the rows of this group."""
    return compare_calls(_CALLS, rounds)
