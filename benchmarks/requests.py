"""One start and one `run_in_one_request`, against the same on bare httpx and in the official client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks import _clients
from benchmarks._call_rows import Compared, compared

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks._rows import Row

_SENT: Final = "All send the schema of the dataclass."
_READ: Final = (
    f"{_SENT} Ours reads the answer into it; httpx decodes JSON and no more, the official client has no types."
)
_CALLS: Final = (
    Compared("request.start", _clients.START, "start"),
    Compared("request.start_typed", _clients.START_TYPED, "typed start", _SENT),
    Compared("request.one", _clients.ONE_REQUEST, "one request"),
    Compared("request.one_typed", _clients.ONE_REQUEST_TYPED, "typed one request", _READ),
)


def rows(rounds: int) -> Iterator[Row]:
    """Measure."""
    return compared(_CALLS, rounds)
