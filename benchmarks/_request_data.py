"""What is asked in each call, how often, and what is answered: the same for everybody."""

from __future__ import annotations

from typing import Final

from anchor_webtask._settings import DEFAULT_BASE_URL

BASE_URL: Final = DEFAULT_BASE_URL
KEY: Final = "no-key-of-anybody"
PATH: Final = "/v1/tools/perform-web-task"
PROMPT: Final = "Read the price of the product, and return it in euros"
URL: Final = "https://shop.example/p/1"
TASK_ID: Final = "3f0c9a52-7c55-4b8e-9d0a-5d2b1c6f7e90"
INTERVAL: Final = 2.0
"""Seconds between the checks of the loop written by hand, as the API's documentation has it."""

STARTED: Final = b'{"data":{"status":"running","workflow_id":"%b"}}' % TASK_ID.encode()
ANSWERED: Final = b'{"data":{"result":{"amount":3.0}}}'
RUNNING: Final = b'{"data":{"status":"RUNNING"}}'


def answer(method: str, _: str, body: bytes) -> bytes:
    """Return what is answered: a task runs, however often it is looked at."""
    if method == "GET":
        return RUNNING
    return STARTED if b'"async"' in body else ANSWERED
