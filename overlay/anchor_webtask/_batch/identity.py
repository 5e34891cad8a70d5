"""Recognizes a request: the key of a request that has none, and whether two requests are the same task.

Both cover the prompt, the url and the options as they were written. They leave out what does not change the task: the
output, `session_id`, `data`, options that are None, and the values of secrets, whose names count.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from anchor_webtask._batch.models import TaskRequest

VERSION: Final = 1
"""Grows if the form of a fingerprint changes; test vectors hold the form."""
LENGTH: Final = 32


def fingerprint(request: TaskRequest) -> str:
    """Return the fingerprint of a valid request: hexadecimal digits that are the same in each process."""
    options = {name: value for name, value in request.sealed_options.open().items() if value is not None}
    options.pop("session_id", None)
    if "secret_values" in options:
        options["secret_values"] = _names(options["secret_values"])
    if "extra_body" in options:
        options["extra_body"] = dict(options["extra_body"])  # type: ignore[call-overload]  # the request is valid
    text = json.dumps([VERSION, request.prompt, options], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:LENGTH]


class GivenKeys:
    """The keys of the requests of one call that have none of their own: equal requests are numbered."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}  # of the latest request, by its fingerprint

    def next(self, digest: str) -> str:
        """Return the key of the next request.

        Args:
            digest: Its fingerprint.
        """
        number = self._numbers[digest] = self._numbers.get(digest, 0) + 1
        return digest if number == 1 else f"{digest}-{number}"


def _names(secrets: Any) -> dict[str, Any]:
    return {name: sorted(value) if isinstance(value, Mapping) else None for name, value in secrets.items()}
