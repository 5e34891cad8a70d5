"""examples/price_batch.py can be killed and run again: it gets every price once."""

from __future__ import annotations

import csv
import math
import re
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anchor_webtask import Ledger
from anchor_webtask.emulator import Emulator
from tests.support.processes import spawn
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Collection
    from subprocess import Popen

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "price_batch.py"
URLS = [f"https://shop.example/p/{number}" for number in range(40)]
QUICK = URLS[:20]


def wait_for_completed(process: Popen[str], number: int) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if (found := re.match(r"(\d+) completed,", line)) and int(found[1]) >= number:
            return
    raise AssertionError(f"the program has ended before it printed that {number} tasks are completed")


def test_price_batch_that_is_killed_twice_gets_every_price_once(tmp_path: Path) -> None:
    """At the first kill, half of the tasks run, or their starts are under way; the second run adopts them."""
    source, target = tmp_path / "urls.csv", tmp_path / "prices.csv"
    source.write_text("\n".join(["url", *URLS, ""]), encoding="utf-8")

    def answer(body: dict[str, Any]) -> dict[str, object]:
        return {"amount": URLS.index(body["url"]), "currency": "USD"}

    def finish(keys: Collection[str]) -> None:
        for task in emulator.tasks:
            if task.status == "RUNNING" and task.body["url"] in keys:
                task.finish()

    emulator = Emulator(KEY)
    emulator.on(takes=lambda body: 0.2 if body["url"] in QUICK else math.inf, answer=answer)
    with emulator.serve() as server:
        adopted: list[str] = []
        for _ in range(2):
            finish(adopted[1:])  # with one that runs, the program cannot end before it is killed
            with spawn(EXAMPLE, str(source), str(target), base_url=server.base_url) as process:
                wait_for_completed(process, len([*QUICK, *adopted[1:]]))
                process.send_signal(signal.SIGKILL)
            assert not target.exists()
            with Ledger(target.with_suffix(".ledger")) as ledger:
                adopted = [row.key for row in ledger.rows(state="running") if row.key not in QUICK]
        finish(URLS)
        emulator.on(takes=0.2, answer=answer)
        with spawn(EXAMPLE, str(source), str(target), base_url=server.base_url) as process:
            process.communicate()
    with Ledger(target.with_suffix(".ledger")) as ledger:
        unknown = {row.key for row in ledger.rows(state="unknown")}
    assert (process.returncode == 0) == (not unknown)
    with target.open(newline="", encoding="utf-8") as file:
        prices = {row["url"]: float(row["amount"]) for row in csv.DictReader(file)}
    assert prices == {url: number for number, url in enumerate(URLS) if url not in unknown}
    started = [task.body["url"] for task in emulator.tasks]
    assert len(started) == len(set(started))
    assert emulator.max_running_seen <= 25
