"""The steps for one page, sync and async: start its task unless that was done before, and wait for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from anchor_webtask import (
    AnchorError,
    InvalidOutputError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)

if TYPE_CHECKING:
    from anchor_webtask import Anchor, AsyncAnchor
    from examples.price_watch.store import Store

PROMPT: Final = "Read the price of the product, without shipping"
AN_HOUR: Final = 3600


@attrs.define
class Price:
    """The price of the product on the page."""

    amount: float


def start(anchor: Anchor, store: Store, url: str) -> None:
    """Start the task of a page, and store its id."""
    if store.begin(url):
        try:
            store.started(url, anchor.tasks.start(PROMPT, url=url, output=Price).id)
        except AnchorError as error:
            _not_started(store, url, error)


async def start_async(anchor: AsyncAnchor, store: Store, url: str) -> None:
    """Start the task of a page, and store its id."""
    if store.begin(url):
        try:
            task = await anchor.tasks.start(PROMPT, url=url, output=Price)
            store.started(url, task.id)
        except AnchorError as error:
            _not_started(store, url, error)


def collect(anchor: Anchor, store: Store, url: str, task_id: str) -> None:
    """Wait for the task of a page for an hour, and store the price. If the task takes longer, the next run goes on."""
    task = anchor.tasks.get(task_id, output=Price)
    try:
        for update in task.updates(timeout=AN_HOUR):
            print(url, update.status, flush=True)
        store.completed(url, task.result().value.amount)
    except AnchorError as error:
        _not_completed(store, url, error)


async def collect_async(anchor: AsyncAnchor, store: Store, url: str, task_id: str) -> None:
    """Wait for the task of a page for an hour, and store the price. If the task takes longer, the next run goes on."""
    task = anchor.tasks.get(task_id, output=Price)
    try:
        async for update in task.updates(timeout=AN_HOUR):
            print(url, update.status, flush=True)
        store.completed(url, (await task.result()).value.amount)
    except AnchorError as error:
        _not_completed(store, url, error)


def _not_started(store: Store, url: str, error: AnchorError) -> None:
    if error.task_id is not None:
        store.started(url, error.task_id)
    elif isinstance(error, StartOutcomeUnknownError):
        store.failed(url, "a task may run: look for it in the dashboard")
    else:
        store.forget(url)
        raise error


def _not_completed(store: Store, url: str, error: AnchorError) -> None:
    if isinstance(error, TaskFailedError | InvalidOutputError):
        store.failed(url, str(error))
    elif not isinstance(error, TaskTimeoutError):
        raise error
