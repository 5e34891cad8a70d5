"""Where it was measured, and what of the machine's settings must not count."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks._rows import Row

_OURS = "ANCHORBROWSER_"
_PROXIES = frozenset({"http_proxy", "https_proxy", "all_proxy", "no_proxy"})


def facts() -> dict[str, str | int | None]:
    """Return what a reader has to know of the machine; None is what isn't here."""
    return {
        "cpus": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "httpx": _version("httpx"),
        "anchorbrowser": _version("anchorbrowser"),
    }


def noise(rows: Sequence[Row]) -> float | None:
    """Return the median spread of all figures that were measured more than once; None if there is none."""
    spreads = [each.spread for row in rows for each in row.figures.values() if each.samples > 1]
    return statistics.median(spreads) if spreads else None


def without_settings() -> dict[str, str]:
    """Take the settings of clients out of the environment, and return it as it was.

    A proxy would stand between the clients and the loopback, and an address of the API's would be another for some.
    """
    before = dict(os.environ)
    for name in before:
        if name.startswith(_OURS) or name.lower() in _PROXIES:
            del os.environ[name]
    return before


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
