"""Describes the machine and its noise, and removes environment variables that would distort the results."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks._rows import Row

_PREFIX = "ANCHORBROWSER_"
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def facts() -> dict[str, str | int | None]:
    """Return the number of CPUs, the system, and the versions of Python, httpx and the official client.

    The version of a client that is not installed is None.
    """
    return {
        "cpus": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "httpx": _version("httpx"),
        "anchorbrowser": _version("anchorbrowser"),
    }


def noise(rows: Sequence[Row]) -> float | None:
    """Return the median of the spreads of all figures with more than one sample; None if there are no such figures."""
    spreads = [each.spread for row in rows for each in row.figures.values() if each.samples > 1]
    return statistics.median(spreads) if spreads else None


def remove_settings() -> dict[str, str]:
    """Remove the environment variables that configure the clients, and return a copy of the original variables.

    A variable for a proxy would slow down the requests to the local server. A variable for the API's base URL would
    be used by some clients, but not by all.
    """
    before = dict(os.environ)
    for name in before:
        if name.startswith(_PREFIX) or name.lower() in _PROXIES:
            del os.environ[name]
    return before


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
