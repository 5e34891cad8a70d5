"""Reads prices in threads: `python -m examples.price_watch.threaded FILE [URL ...]`."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from anchor_webtask import Anchor
from examples.price_watch.store import Store
from examples.price_watch.tasks import collect, start


def watch(store: Store, urls: list[str]) -> None:
    """Start a task for each new page, and wait for all tasks, also those of earlier runs."""
    with Anchor() as anchor, ThreadPoolExecutor(max_workers=50) as threads:
        for done in [threads.submit(start, anchor, store, url) for url in urls]:
            done.result()
        for done in [threads.submit(collect, anchor, store, *page) for page in store.running()]:
            done.result()


if __name__ == "__main__":
    watch(Store(Path(sys.argv[1])), sys.argv[2:])
