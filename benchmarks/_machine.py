"""Facts about the machine, its noise, and the environment variables that would distort the results."""

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
    """Return the number of CPUs, the system and the versions; a client that is not installed has version None."""
    return {
        "cpus": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "httpx": _version("httpx"),
        "anchorbrowser": _version("anchorbrowser"),
    }


def noise(rows: Sequence[Row]) -> float | None:
    """Return the median spread of all figures with more than one sample, or None if there are no such figures."""
    spreads = [each.spread for row in rows for each in row.figures.values() if each.samples > 1]
    return statistics.median(spreads) if spreads else None


def remove_settings() -> dict[str, str]:
    """Remove the clients' settings from the environment variables, and return the variables as they were before.

    A proxy would slow down requests to the local server, and a base URL of the API would apply to some clients only.
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
