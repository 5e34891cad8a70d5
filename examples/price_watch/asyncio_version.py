"""Reads prices with asyncio: `python -m examples.price_watch.asyncio_version FILE [URL ...]`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from anchor_webtask import AsyncAnchor
from examples.price_watch.store import Store
from examples.price_watch.tasks import collect_async, start_async


async def watch(store: Store, urls: list[str]) -> None:
    """Start a task for each new page, and wait for all tasks, also those of earlier runs."""
    async with AsyncAnchor() as anchor:
        async with asyncio.TaskGroup() as group:
            for url in urls:
                group.create_task(start_async(anchor, store, url))
        async with asyncio.TaskGroup() as group:
            for url, task_id in store.running():
                group.create_task(collect_async(anchor, store, url, task_id))


if __name__ == "__main__":
    asyncio.run(watch(Store(Path(sys.argv[1])), sys.argv[2:]))
