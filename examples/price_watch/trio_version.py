"""Reads prices with trio: `python -m examples.price_watch.trio_version FILE [URL ...]`."""

from __future__ import annotations

import sys
from pathlib import Path

import trio

from anchor_webtask import AsyncAnchor
from examples.price_watch.store import Store
from examples.price_watch.tasks import collect_async, start_async


async def watch(store: Store, urls: list[str]) -> None:
    """Start a task for each new page, and wait for all tasks, also those of earlier runs."""
    async with AsyncAnchor() as anchor:
        async with trio.open_nursery() as nursery:
            for url in urls:
                nursery.start_soon(start_async, anchor, store, url)
        async with trio.open_nursery() as nursery:
            for url, task_id in store.running():
                nursery.start_soon(collect_async, anchor, store, url, task_id)


if __name__ == "__main__":
    trio.run(watch, Store(Path(sys.argv[1])), sys.argv[2:])
