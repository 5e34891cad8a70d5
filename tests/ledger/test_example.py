"""examples/price_batch.py can be killed and run again: it gets every price once."""

from __future__ import annotations

import csv
import math
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anchor_webtask.emulator import Emulator
from tests.support.processes import spawn
from tests.support.runners import KEY

if TYPE_CHECKING:
    from subprocess import Popen

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "price_batch.py"
URLS = [f"https://shop.example/p/{number}" for number in range(40)]


def wait_for_completed(process: Popen[str], number: int) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if int(line.split()[0]) >= number:
            return
    raise AssertionError(f"the program has ended before it printed that {number} tasks are completed")


def test_price_batch_that_is_killed_twice_gets_every_price_once(tmp_path: Path) -> None:
    """At the first kill, half of the tasks run, or their starts are under way; at the second one, it adopts them."""
    source, target = tmp_path / "urls.csv", tmp_path / "prices.csv"
    source.write_text("\n".join(["url", *URLS, ""]), encoding="utf-8")

    def answer(body: dict[str, Any]) -> dict[str, object]:
        return {"amount": URLS.index(body["url"]), "currency": "USD"}

    emulator = Emulator(KEY)
    emulator.on(takes=lambda body: 0.2 if body["url"] in URLS[:20] else math.inf, answer=answer)
    with emulator.serve() as server:
        for _ in range(2):
            with spawn(EXAMPLE, str(source), str(target), base_url=server.base_url) as process:
                wait_for_completed(process, 20)
                process.send_signal(signal.SIGKILL)
            assert not target.exists()
        for task in emulator.tasks:
            if task.status == "RUNNING":
                task.finish()
        emulator.on(takes=0.2, answer=answer)
        with spawn(EXAMPLE, str(source), str(target), base_url=server.base_url) as process:
            process.communicate()
            unknown = process.returncode
    with target.open(newline="", encoding="utf-8") as file:
        prices = {row["url"]: float(row["amount"]) for row in csv.DictReader(file)}
    assert all(prices[url] == URLS.index(url) for url in prices)
    started = [task.body["url"] for task in emulator.tasks]
    assert len(started) == len(set(started))
    assert (unknown == 0) == (len(prices) == 40)
    assert emulator.max_running_seen <= 25
