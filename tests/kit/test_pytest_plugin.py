"""The fixtures, in projects of their own, beside the plugins for event loops, and under pytest-xdist."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from anchor_webtask import Anchor, AnchorError, _world

if TYPE_CHECKING:
    from pathlib import Path

    from anchor_webtask.emulator import Emulator, EmulatorServer
    from anchor_webtask.testing import VirtualClock

APPLICATION = '''
"""An application that knows nothing of tests: it makes its own clients, and polls for up to two hours."""
from concurrent.futures import ThreadPoolExecutor
from anchor_webtask import Anchor, AsyncAnchor

def price(url):
    with Anchor() as anchor:
        return anchor.tasks.run("Read the price", url=url, timeout=7200).value["amount"]

def prices(urls):
    with ThreadPoolExecutor(len(urls)) as pool:
        return list(pool.map(price, urls))

async def price_async(url):
    async with AsyncAnchor() as anchor:
        return (await anchor.tasks.run("Read the price", url=url, timeout=7200)).value["amount"]
'''
TESTS = """
import asyncio, os, subprocess, sys
import anyio, pytest, trio
from application import price, price_async, prices

URLS = [f"https://shop.example/p/{number}" for number in range(5)]

@pytest.fixture(autouse=True)
def shop(request):
    if "anchor_emulator" in request.fixturenames:
        emulator = request.getfixturevalue("anchor_emulator")
        emulator.on(url="https://shop.example/*", takes=3600, answer={"amount": 3}, faults=[502, 502])

def test_sync(anchor_emulator):
    assert price(URLS[0]) == 3
    assert anchor_emulator.starts == 1 and 3600 <= anchor_emulator.elapsed < 3700

def test_threads(anchor_emulator):
    assert prices(URLS) == [3] * 5
    assert anchor_emulator.starts == 5 and anchor_emulator.elapsed < 3700

@pytest.mark.asyncio
async def test_pytest_asyncio(anchor_emulator):
    assert await asyncio.gather(*map(price_async, URLS)) == [3] * 5
    assert anchor_emulator.starts == 5 and anchor_emulator.elapsed < 3700

@pytest.mark.asyncio
async def test_pytest_asyncio_with_threads(anchor_emulator):
    results = await asyncio.gather(price_async(URLS[0]), asyncio.to_thread(price, URLS[1]))
    assert results == [3, 3] and anchor_emulator.elapsed < 3700

@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_anyio(anchor_emulator, anyio_backend):
    async with anyio.create_task_group() as group:
        for url in URLS:
            group.start_soon(price_async, url)
    assert anchor_emulator.starts == 5 and anchor_emulator.elapsed < 3700

@pytest.mark.trio
async def test_pytest_trio(anchor_emulator):
    async with trio.open_nursery() as nursery:
        for url in URLS:
            nursery.start_soon(price_async, url)
    await trio.testing.wait_all_tasks_blocked()

@pytest.mark.trio
async def test_pytest_trio_with_its_own_clock(anchor_emulator, autojump_clock):
    assert await price_async(URLS[0]) == 3

@pytest.mark.asyncio
async def test_clock(anchor_clock, anchor_emulator):
    await anchor_clock.sleep_async(100)
    assert anchor_emulator.elapsed == 100

def test_server(anchor_emulator_server):
    anchor_emulator_server.emulator.on(takes=0, answer={"amount": 4})
    program = "from application import price; print(price('https://shop.example/p/1'))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "4\\n" and anchor_emulator_server.emulator.starts == 1

def test_both(anchor_emulator_server, anchor_emulator):
    assert os.environ["ANCHORBROWSER_BASE_URL"] == anchor_emulator_server.base_url
    assert price(URLS[0]) == 3
    assert (anchor_emulator.starts, anchor_emulator_server.emulator.starts) == (1, 0)

@pytest.mark.parametrize("number", range(6))
def test_nothing_is_left_of_other_tests(anchor_emulator, number):
    assert anchor_emulator.starts == 0 and anchor_emulator.elapsed == 0
    assert price(URLS[0]) == 3
"""
COUNT = 17


def run_pytest(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").touch()  # else pytest would look for settings in the folders above
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "--rootdir=.", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with an application and its tests."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "application.py").write_text(APPLICATION)
    (folder / "test_application.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nmarkers = trio\nasyncio_default_fixture_loop_scope = function\n")
    return folder


@pytest.mark.parametrize("workers", [[], ["--numprocesses=2"]], ids=["one process", "xdist"])
def test_application_is_tested_beside_other_plugins(project: Path, workers: list[str]) -> None:
    done = run_pytest(project, "-q", *workers)
    assert f"{COUNT} passed" in done.stdout, done.stdout


def test_plugin_imports_only_the_lazy_root_and_itself(tmp_path: Path) -> None:
    (tmp_path / "test_imports.py").write_text(
        "import sys\n"
        "def test_imports():\n"
        "    assert {name for name in sys.modules if name.startswith('anchor_webtask')} == {\n"
        "        'anchor_webtask', 'anchor_webtask._importing', 'anchor_webtask._version',\n"
        "        'anchor_webtask._pytest_plugin'}\n"
        "    assert 'httpx' not in sys.modules\n"
    )
    done = run_pytest(tmp_path, "-q", "-p", "no:anyio", "-p", "no:asyncio", "-p", "no:trio", "-p", "no:xdist")
    assert "1 passed" in done.stdout, done.stdout


def test_test_that_waits_for_ever_fails_and_the_next_one_passes(tmp_path: Path) -> None:
    (tmp_path / "test_waits.py").write_text(
        "import math\n"
        "from anchor_webtask import Anchor\n"
        "def test_waits(anchor_emulator):\n"
        "    anchor_emulator.on(takes=math.inf)\n"
        "    Anchor().tasks.run('Read', timeout=None)\n"
        "def test_next(anchor_emulator):\n"
        "    Anchor().tasks.run('Read')\n"
    )
    done = run_pytest(tmp_path, "-q", "-p", "no:asyncio")
    assert "1 failed, 1 passed" in done.stdout, done.stdout
    assert "VirtualTimeError: a wait still goes on after 86400 s of virtual time" in done.stdout


def test_fixtures_work_here(anchor_emulator: Emulator, anchor_clock: VirtualClock) -> None:
    anchor_emulator.on(url="https://shop.example/*", takes=1200, answer={"amount": 3}, faults=[502, 502])
    with Anchor() as anchor:
        assert anchor.tasks.run("Read", url="https://shop.example/p/1").value == {"amount": 3}
    assert anchor_emulator.starts == 1
    assert anchor_emulator.elapsed == anchor_clock.elapsed >= 1200


def test_server_fixture_works_here(anchor_emulator_server: EmulatorServer) -> None:
    assert _world.current.transport is None
    with Anchor() as anchor:
        task = anchor.tasks.start("Read")
        with pytest.raises(AnchorError):
            anchor.tasks.get("another-task").result(timeout=0)
        anchor_emulator_server.emulator.tasks[0].finish({"amount": 5})
        assert task.refresh().done
