"""Reads the prices of many pages: `python examples/price_batch.py urls.csv prices.csv`.

The first file has a column `url`. The program writes the second file when it has all prices. It may be killed at any
time, and run again: the ledger beside the second file remembers each start, so that no page is paid for twice. The API
key comes from ANCHORBROWSER_API_KEY.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

from anchor_webtask import Anchor, AnchorError, TaskRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask import Progress


@attrs.define
class Price:
    """What the agent reads from a page."""

    amount: float
    currency: str


def main(source: Path, target: Path) -> int:
    """Read all prices, and return the exit status."""
    prices: dict[str, Price] = {}
    with (
        Anchor() as anchor,
        anchor.tasks.map(
            requests(source),
            output=Price,
            max_running=25,
            ledger=target.with_suffix(".ledger"),
            on_progress=show,
        ) as outcomes,
    ):
        for outcome in outcomes:
            try:
                prices[outcome.key] = outcome.result().value
            except AnchorError as error:
                print(f"{outcome.key}: {error}", file=sys.stderr)
    with target.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["url", "amount", "currency"])
        writer.writerows([url, price.amount, price.currency] for url, price in sorted(prices.items()))
    return 0 if prices.keys() == {request.key for request in requests(source)} else 1


def requests(source: Path) -> Iterator[TaskRequest]:
    """Yield a request for each row of the file."""
    with source.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield TaskRequest("Read the price of the product", url=row["url"], key=row["url"])


def show(progress: Progress) -> None:
    """Show how far the program is."""
    counts = f"{progress.completed} completed, {progress.failed} failed, {progress.unknown} unknown"
    print(f"{counts}, {progress.running} running", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
