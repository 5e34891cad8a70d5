"""The one place that knows the official client.

Its environment takes 172 MiB, so the type checkers do without it: it's imported by name, and nothing of it has a type.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

from benchmarks._request_data import KEY

if TYPE_CHECKING:
    from types import ModuleType

    import httpx


def is_installed() -> bool:
    """Say whether it's here; where it isn't, it is left out of the rows."""
    return importlib.util.find_spec("anchorbrowser") is not None


def make_and_close() -> None:
    """Make a client as most people do."""
    _module().Anchorbrowser(api_key=KEY).close()


def client(base_url: str, http_client: httpx.Client | None) -> Any:
    """Return a client; one that sends nothing twice, as ours doesn't.

    Args:
        base_url: Where the API is.
        http_client: What to send with, if not with what it makes.
    """
    return _module().Anchorbrowser(api_key=KEY, base_url=base_url, max_retries=0, http_client=http_client)


def async_client(base_url: str, http_client: httpx.AsyncClient | None) -> Any:
    """Return the same for asyncio."""
    return _module().AsyncAnchorbrowser(api_key=KEY, base_url=base_url, max_retries=0, http_client=http_client)


def _module() -> ModuleType:
    return importlib.import_module("anchorbrowser")
