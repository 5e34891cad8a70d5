"""Says which requests must have a key, since a ledger could not recognize them otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from anchor_webtask._errors import ConfigurationError

if TYPE_CHECKING:
    from anchor_webtask._batch.models import TaskRequest

KEY_FOR_SESSION: Final = "a request with a session_id needs a key, since a ledger cannot recognize it otherwise"
KEY_FOR_DATA: Final = "equal requests with different data need keys, since a ledger cannot tell them apart otherwise"


class Keyless:
    """The requests of one call that have no key."""

    def __init__(self) -> None:
        self._data: dict[str, object] = {}  # of the first request, by its fingerprint

    def refusal(self, request: TaskRequest, fingerprint: str) -> ConfigurationError | None:
        """Return why a request must have a key; None if it need not."""
        if request.sealed_options.open().get("session_id") is not None:
            return ConfigurationError(KEY_FOR_SESSION)
        if not _are_equal(self._data.setdefault(fingerprint, request.data), request.data):
            return ConfigurationError(KEY_FOR_DATA)
        return None


def _are_equal(one: object, other: object) -> bool:
    """Whether two values of the user's are equal; values that cannot tell are different."""
    if one is other:
        return True
    try:
        return (one == other) is True  # arrays compare their elements
    except Exception:  # noqa: BLE001  the comparison is the user's code
        return False
