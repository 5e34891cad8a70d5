"""The only module of the benchmarks that imports the official client, `anchorbrowser`.

The official client is not installed where the type checkers run, because it takes 172 MiB with its dependencies. So
this module imports the client with `importlib`, and the type checkers treat the client's objects as Any.
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
    """Return whether the official client is installed. If not, only the other clients are compared."""
    return importlib.util.find_spec("anchorbrowser") is not None


def create_and_close() -> None:
    """Create a client with only an API key, and close it."""
    _module().Anchorbrowser(api_key=KEY).close()


def client(base_url: str, http_client: httpx.Client | None) -> Any:
    """Return a sync client whose retries are switched off.

    Args:
        base_url: The base URL of the API.
        http_client: The httpx client that sends the requests; None for the official client's default.
    """
    return _module().Anchorbrowser(api_key=KEY, base_url=base_url, max_retries=0, http_client=http_client)


def async_client(base_url: str, http_client: httpx.AsyncClient | None) -> Any:
    """Return an async client whose retries are switched off. The arguments are those of `client`."""
    return _module().AsyncAnchorbrowser(api_key=KEY, base_url=base_url, max_retries=0, http_client=http_client)


def _module() -> ModuleType:
    return importlib.import_module("anchorbrowser")
