"""A local stand-in for the web-task API, for tests: a real task costs money and takes minutes.

The emulator validates requests against the composed spec, requires an API key, and plays scenarios, which define what
happens to tasks. If no scenario sets the answer, the emulator returns a synthetic answer that fits the request's
`output_schema`. Clients reach the emulator through an httpx transport, or over HTTP through a server on a loopback
address; `anchor_webtask.testing.install` connects all clients to it that are made inside:

    emulator = Emulator()
    emulator.on(url="https://shop.example/*", takes=1200, answer={"amount": 3}, faults=[502, 502])
    with httpx.Client(transport=emulator.transport(), base_url="https://api.example") as client: ...
    with emulator.serve() as server:
        server.base_url

It is a program as well: `python -m anchor_webtask.emulator --help`.

The emulator needs optional dependencies: `pip install 'anchor-webtask[emulator]'`.
"""

from __future__ import annotations

from anchor_webtask.emulator._optional_dependencies import explain_missing_library

with explain_missing_library():
    from anchor_webtask.emulator._dialects import DIALECTS
    from anchor_webtask.emulator._emulated_tasks import EmulatedTask
    from anchor_webtask.emulator._emulator import Emulator, EmulatorServer
    from anchor_webtask.emulator._requests_log import LoggedRequest, SecretValue
    from anchor_webtask.emulator._scenario_files import ScenarioFileError
    from anchor_webtask.emulator._scenarios import Fault, ScenarioError
    from anchor_webtask.emulator._session_parts import Ask, Download
    from anchor_webtask.emulator._session_runs import EmulatedSession

__all__ = [
    "DIALECTS",
    "Ask",
    "Download",
    "EmulatedSession",
    "EmulatedTask",
    "Emulator",
    "EmulatorServer",
    "Fault",
    "LoggedRequest",
    "ScenarioError",
    "ScenarioFileError",
    "SecretValue",
]
