"""Tests of the application, with the test kit: hours pass in milliseconds, and nothing costs."""

from __future__ import annotations

import asyncio
import math
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import trio

from anchor_webtask import RateLimitError
from anchor_webtask.emulator import Fault
from examples.price_watch import asyncio_version, threaded, trio_version
from examples.price_watch.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask.emulator import Emulator, EmulatorServer

    Watch = Callable[[Store, list[str]], None]

ROOT = Path(__file__).parents[3]
PAGE = "https://shop.example/p/1"
WATCHES: dict[str, Watch] = {
    "threads": threaded.watch,
    "asyncio": lambda store, urls: asyncio.run(asyncio_version.watch(store, urls)),
    "trio": lambda store, urls: trio.run(trio_version.watch, store, urls),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "prices.db")


@pytest.fixture(params=WATCHES)
def watch(request: pytest.FixtureRequest) -> Watch:
    """One version of the application."""
    return WATCHES[request.param]


def test_prices_arrive_despite_faults(watch: Watch, store: Store, anchor_emulator: Emulator) -> None:
    def amount(body: dict[str, Any]) -> dict[str, float]:
        return {"amount": float(body["url"].rpartition("/")[2])}

    pages = [f"https://shop.example/p/{number}" for number in range(4)]
    anchor_emulator.on(takes=2400, answer=amount, faults=[502, Fault(cut=True)])
    watch(store, pages)
    assert store.prices() == {page: number for number, page in enumerate(pages)}
    assert anchor_emulator.elapsed >= 2400
    assert anchor_emulator.starts == 4


def test_next_run_waits_for_tasks_that_take_longer_than_an_hour(
    watch: Watch, store: Store, anchor_emulator: Emulator
) -> None:
    pages = [PAGE, "https://shop.example/p/2"]
    anchor_emulator.on(takes=8000, answer={"amount": 3})
    watch(store, pages)
    assert (store.prices(), anchor_emulator.elapsed) == ({}, 3600)
    watch(store, pages)
    watch(store, pages)
    assert (store.prices(), anchor_emulator.starts) == (dict.fromkeys(pages, 3), 2)
    anchor_emulator.expect_no_unfinished()


def test_task_that_may_have_started_is_left_to_a_person(watch: Watch, store: Store, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(start_faults=[Fault(cut=True, accepted=True)])
    watch(store, [PAGE])
    watch(store, [PAGE])
    assert store.problems() == {PAGE: "a task may run: look for it in the dashboard"}
    assert anchor_emulator.start_requests == 1


@pytest.mark.parametrize(
    ("scenario", "problem"),
    [({"fails": "the page is empty"}, "the page is empty"), ({"answer": "There is no price."}, "There is no price.")],
)
def test_page_without_a_price_is_a_problem(
    watch: Watch, store: Store, anchor_emulator: Emulator, scenario: dict[str, Any], problem: str
) -> None:
    anchor_emulator.on(**scenario)
    watch(store, [PAGE])
    assert problem in store.problems()[PAGE]
    watch(store, [PAGE])
    assert anchor_emulator.starts == 1


def test_start_that_was_refused_is_made_again_in_the_next_run(store: Store, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(answer={"amount": 3}, start_faults=[429])
    with pytest.raises(RateLimitError):
        threaded.watch(store, [PAGE])
    threaded.watch(store, [PAGE])
    assert (store.prices(), anchor_emulator.start_requests, anchor_emulator.starts) == ({PAGE: 3}, 2, 1)


def test_second_process_goes_on_after_the_first_was_killed_while_it_waited(
    tmp_path: Path, anchor_emulator_server: EmulatorServer
) -> None:
    emulator = anchor_emulator_server.emulator
    emulator.on(takes=math.inf)
    file = tmp_path / "prices.db"
    program = [sys.executable, "-m", "examples.price_watch.threaded", str(file)]
    with subprocess.Popen([*program, PAGE], cwd=ROOT, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout
        assert first.stdout.readline() == f"{PAGE} running\n"
        first.kill()
    assert Store(file).prices() == {}
    emulator.tasks[0].finish({"amount": 3})
    subprocess.run(program, cwd=ROOT, check=True)
    assert Store(file).prices() == {PAGE: 3}
    assert emulator.starts == 1
