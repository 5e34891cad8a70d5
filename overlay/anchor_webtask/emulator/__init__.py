"""A local stand-in for the web-task API: a task costs money and takes minutes, and tests should do neither.

The emulator checks requests against the composed spec, demands a key, and plays scenarios; without one it makes up an
answer that fits the request's `output_schema`. It is served by an httpx transport or by a real server on loopback:

    emulator = Emulator()
    emulator.on(url="https://shop.example/*", takes=1200, answer={"amount": 3}, faults=[502, 502])
    with httpx.Client(transport=emulator.transport(), base_url="https://api.example") as client: ...
    with emulator.serve() as server:
        server.base_url

It needs its extra: `pip install 'anchor-webtask[emulator]'`.
"""

from __future__ import annotations

from anchor_webtask.emulator._extra import needs_extra

with needs_extra():
    from anchor_webtask.emulator._emulator import Emulator, LoggedRequest
    from anchor_webtask.emulator._http import EmulatorServer
    from anchor_webtask.emulator._scenarios import Fault

__all__ = ["Emulator", "EmulatorServer", "Fault", "LoggedRequest"]
