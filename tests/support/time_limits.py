"""Time limits of a client within which a thread of the test must do its part as well."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable


def with_time_enough(check: Callable[[float], object], *limits: float) -> None:
    """Check what holds with each time limit, in seconds, that is long enough for what must happen within it.

    On a busy machine, the first limit may be over before a thread has done its part. So the longer ones are tried, too,
    until the check does not fail.
    """
    for limit in limits[:-1]:
        with suppress(Exception, pytest.fail.Exception):
            check(limit)
            return
    check(limits[-1])
