"""examples/price_batch.py can be killed and run again: it gets every price once."""

from __future__ import annotations

import csv
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


def wait_for_line(process: Popen[str], text: str) -> None:
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the program has ended before it printed {text!r}")


def test_price_batch_that_is_killed_twice_gets_every_price_once(tmp_path: Path) -> None:
    source, target = tmp_path / "urls.csv", tmp_path / "prices.csv"
    source.write_text("\n".join(["url", *URLS, ""]), encoding="utf-8")

    def answer(body: dict[str, Any]) -> dict[str, object]:
        return {"amount": URLS.index(body["url"]), "currency": "USD"}

    emulator = Emulator(KEY)
    emulator.on(takes=0.2, answer=answer)
    with emulator.serve() as server:
        for completed in ("1 completed", "26 completed"):
            with spawn(EXAMPLE, str(source), str(target), base_url=server.base_url) as process:
                wait_for_line(process, completed)
                process.send_signal(signal.SIGKILL)
            assert not target.exists()
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
