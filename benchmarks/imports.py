"""The benchmark group `import`: importing a client, its first call, and creating a client object."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import httpx

from anchor_webtask import Anchor
from benchmarks import _official_client
from benchmarks._processes import MIB, inspect_after, run_command
from benchmarks._request_data import BASE_URL, KEY, PATH, PROMPT, START_RESPONSE, URL
from benchmarks._rows import BARE, OFFICIAL, OURS, row
from benchmarks._sampling import figures, sampler, take_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks._environments import Environments
    from benchmarks._processes import CommandCost
    from benchmarks._rows import Row

CLIENTS: Final = 5
"""The number of clients that a sample creates. Creating one takes 20 ms if it has its own SSL context."""

MAX_MEMORY_ROUNDS: Final = 5
"""The largest number of memory samples, which hardly differ."""

_FULL: Final = "with the complete spec"

_IMPORTS: Final = {
    OURS: "from anchor_webtask import Anchor, AsyncAnchor",
    BARE: "import httpx",
    OFFICIAL: "import anchorbrowser",
}

_TRANSPORT: Final = f"""
import httpx

def respond(request):
    return httpx.Response(200, headers={{"Content-Type": "application/json"}}, content={START_RESPONSE!r})

transport = httpx.MockTransport(respond)
"""
_FIRST_CALLS: Final = {
    OURS: f"""{_TRANSPORT}
from anchor_webtask import Anchor

with Anchor({KEY!r}, transport=transport) as anchor:
    assert anchor.tasks.start({PROMPT!r}, url={URL!r}).id
""",
    BARE: f"""{_TRANSPORT}
headers = {{"anchor-api-key": {KEY!r}}}
with httpx.Client(base_url={BASE_URL!r}, headers=headers, transport=transport) as client:
    response = client.post({PATH!r}, json={{"prompt": {PROMPT!r}, "url": {URL!r}, "async": True}})
    assert response.raise_for_status().json()["data"]["workflow_id"]
""",
    OFFICIAL: f"""{_TRANSPORT}
from anchorbrowser import Anchorbrowser

with Anchorbrowser(api_key={KEY!r}, max_retries=0, http_client=httpx.Client(transport=transport)) as client:
    assert client.tools.perform_web_task(prompt={PROMPT!r}, url={URL!r}, async_=True).data
""",
}


def rows(rounds: int, environments: Environments) -> Iterator[Row]:
    """Measure the rows of this group. Each sample runs in a new process, except the samples of creating a client."""
    pythons = {OURS: environments.ours, BARE: environments.bare, OFFICIAL: environments.official}
    yield from _import_time(pythons, rounds)
    yield from _import_memory(pythons, rounds)
    yield from _first_call(pythons, rounds, environments)
    yield _client_creation(rounds)


def _import_time(pythons: Mapping[str, Path], rounds: int) -> Iterator[Row]:
    commands = {name: (python, "-I", "-c", _IMPORTS[name]) for name, python in pythons.items()}
    samples = take_samples({name: partial(run_command, command) for name, command in commands.items()}, rounds)
    return _times("import", "import", samples)


def _import_memory(pythons: Mapping[str, Path], rounds: int) -> Iterator[Row]:
    measures = {name: partial(inspect_after, python, _IMPORTS[name]) for name, python in pythons.items()}
    samples = take_samples(measures, min(rounds, MAX_MEMORY_ROUNDS))
    memory = figures(samples, lambda process: process.memory / MIB)
    yield row("import.memory", "resident memory after import", "MiB", memory)
    modules = {name: [each[0].modules] for name, each in samples.items()}
    yield row("import.modules", "imported modules", "", modules)


def _first_call(pythons: Mapping[str, Path], rounds: int, environments: Environments) -> Iterator[Row]:
    commands = {name: (python, "-I", "-c", _FIRST_CALLS[name]) for name, python in pythons.items()}
    if environments.has_full:
        commands[_FULL] = (environments.ours_full, *commands[OURS][1:])
    samples = take_samples({name: partial(run_command, command) for name, command in commands.items()}, rounds)
    full = samples.pop(_FULL, None)
    yield from _times("import.first", "import and first call", samples, "The call is a start over httpx.MockTransport.")
    if full is not None:
        note = "This package is built from a complete spec."
        yield from _times("import.first.full", "import and first call, complete spec", {**samples, OURS: full}, note)


def _times(key: str, label: str, samples: Mapping[str, Sequence[CommandCost]], note: str = "") -> Iterator[Row]:
    wall, cpu = figures(samples, lambda cost: cost.wall * 1e3), figures(samples, lambda cost: cost.cpu * 1e3)
    note = f"From the start of the interpreter process to its end. {note}".rstrip()
    yield row(f"{key}.wall", f"{label}: wall", "ms", wall, note)
    yield row(f"{key}.cpu", f"{label}: CPU", "ms", cpu, note)


def _client_creation(rounds: int) -> Row:
    calls = {OURS: lambda: Anchor(KEY).close(), BARE: _create_and_close_bare}
    if _official_client.is_installed():
        calls[OFFICIAL] = _official_client.create_and_close
    samples = take_samples({name: sampler(call, CLIENTS) for name, call in calls.items()}, rounds)
    note = (
        "This package creates one SSL context for all clients, at the first request; the others create one per client."
    )
    cpu = figures(samples, lambda sample: sample.cpu * 1e3)
    return row("import.client", "creating a client: CPU", "ms", cpu, note)


def _create_and_close_bare() -> None:
    httpx.Client(base_url=BASE_URL, headers={"anchor-api-key": KEY}).close()
