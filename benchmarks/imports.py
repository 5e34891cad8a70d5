"""What importing costs, and a first call, and making a client."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

import httpx

from anchor_webtask import Anchor
from benchmarks import _official_client
from benchmarks._processes import MIB, rest, run
from benchmarks._request_data import BASE_URL, KEY, PATH, PROMPT, START_RESPONSE, URL
from benchmarks._rows import BARE, OFFICIAL, OURS, row
from benchmarks._sampling import figures, sampler, take_samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks._environments import Environments
    from benchmarks._processes import Ran
    from benchmarks._rows import Row

CLIENTS: Final = 5
"""How many clients a sample makes: one with an SSL context of its own takes 20 ms."""

MOST_LOOKS: Final = 5
"""How many samples of memory: they hardly scatter."""

_FULL: Final = "on a whole spec"

_IMPORTS: Final = {OURS: "import anchor_webtask", BARE: "import httpx", OFFICIAL: "import anchorbrowser"}

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
    """Measure; each sample of the first rows is a process of its own."""
    pythons = {OURS: environments.ours, BARE: environments.bare, OFFICIAL: environments.official}
    yield from _import(pythons, rounds)
    yield from _memory(pythons, rounds)
    yield from _first_call(pythons, rounds, environments)
    yield _clients(rounds)


def _import(pythons: Mapping[str, Path], rounds: int) -> Iterator[Row]:
    commands = {name: (python, "-I", "-c", _IMPORTS[name]) for name, python in pythons.items()}
    samples = take_samples({name: partial(run, command) for name, command in commands.items()}, rounds)
    return _times("import", "import", samples)


def _memory(pythons: Mapping[str, Path], rounds: int) -> Iterator[Row]:
    looks = {name: partial(rest, python, _IMPORTS[name]) for name, python in pythons.items()}
    samples = take_samples(looks, min(rounds, MOST_LOOKS))
    memory = figures(samples, lambda resting: resting.memory / MIB)
    yield row("import.memory", "resident memory after import", "MiB", memory)
    modules = {name: [each[0].modules] for name, each in samples.items()}
    yield row("import.modules", "modules after import", "", modules)


def _first_call(pythons: Mapping[str, Path], rounds: int, environments: Environments) -> Iterator[Row]:
    commands = {name: (python, "-I", "-c", _FIRST_CALLS[name]) for name, python in pythons.items()}
    if environments.has_full:
        commands[_FULL] = (environments.ours_full, *commands[OURS][1:])
    samples = take_samples({name: partial(run, command) for name, command in commands.items()}, rounds)
    whole = samples.pop(_FULL, None)
    yield from _times("import.first", "import, first call", samples, "A start over httpx.MockTransport.")
    if whole is not None:
        note = "The package is built from a whole spec."
        yield from _times("import.first.full", "import, first call, whole spec", {**samples, OURS: whole}, note)


def _times(key: str, label: str, samples: Mapping[str, Sequence[Ran]], note: str = "") -> Iterator[Row]:
    wall, cpu = figures(samples, lambda ran: ran.wall * 1e3), figures(samples, lambda ran: ran.cpu * 1e3)
    note = f"From the start of the interpreter to its end. {note}".rstrip()
    yield row(f"{key}.wall", f"{label}: wall", "ms", wall, note)
    yield row(f"{key}.cpu", f"{label}: CPU", "ms", cpu, note)


def _clients(rounds: int) -> Row:
    makers = {OURS: lambda: Anchor(KEY).close(), BARE: _make_bare}
    if _official_client.is_installed():
        makers[OFFICIAL] = _official_client.create_and_close
    samples = take_samples({name: sampler(make, CLIENTS) for name, make in makers.items()}, rounds)
    note = "Ours makes its SSL context on the first request and shares it; the others make one each time."
    return row("import.client", "making a client: CPU", "ms", figures(samples, lambda sample: sample.cpu * 1e3), note)


def _make_bare() -> None:
    httpx.Client(base_url=BASE_URL, headers={"anchor-api-key": KEY}).close()
