"""Which hosts are on this machine: where the emulator listens, and what the header `Host` of its requests may name."""

from __future__ import annotations

import ipaddress
from typing import Final

WRONG_HOST: Final = (
    "the header Host must name a loopback address, so that no web page reaches the emulator by a name that leads here; "
    "to accept any host, serve the emulator with allow_remote=True, or --allow-remote"
)


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost` or a loopback address."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def names_loopback(header: str) -> bool:
    """Whether a header `Host`, which may have a port, names `localhost` or a loopback address."""
    if header.startswith("["):
        return is_loopback(header[1:].partition("]")[0])
    return is_loopback(header.partition(":")[0])
