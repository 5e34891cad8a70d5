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
_HIDING: Final = "All clients send a JSON Schema, which this package takes as a dict, and two secret values."
_CALLS: Final = (
    ComparedCall("request.start", _clients.START, "start"),
    ComparedCall("request.start_typed", _clients.START_TYPED, "typed start", _SCHEMA),
    ComparedCall("request.start_hiding", _clients.START_HIDING, "start with secrets", _HIDING),
    ComparedCall("request.one", _clients.ONE_REQUEST, "run_in_one_request"),
    ComparedCall("request.one_typed", _clients.ONE_REQUEST_TYPED, "typed run_in_one_request", _TYPED),
    ComparedCall("request.one_hiding", _clients.ONE_REQUEST_HIDING, "run_in_one_request with secrets", _HIDING),
)


def rows(rounds: int) -> Iterator[Row]:
    """Measure the rows of this group."""
    return compare_calls(_CALLS, rounds)
