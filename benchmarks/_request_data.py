"""The request data that all clients share, and the fixed responses to their requests."""

from __future__ import annotations

from typing import Any, Final

from anchor_webtask._config import DEFAULT_BASE_URL

BASE_URL: Final = DEFAULT_BASE_URL
KEY: Final = "synthetic-api-key"
PATH: Final = "/v1/tools/perform-web-task"
PROMPT: Final = "Read the price of the product, and return it in euros"
URL: Final = "https://shop.example/p/1"
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"amount": {"type": "number"}},
    "required": ["amount"],
}
SECRETS: Final = {"USER": "alice.smith@shop.example", "PASSWORD": "correct-horse-battery"}
TASK_ID: Final = "3f0c9a52-7c55-4b8e-9d0a-5d2b1c6f7e90"
INTERVAL: Final = 2.0
"""Seconds between the checks of the hand-written loop; the API's documentation recommends this number."""

START_RESPONSE: Final = b'{"data":{"status":"running","workflow_id":"%b"}}' % TASK_ID.encode()
RESULT_RESPONSE: Final = b'{"data":{"result":{"amount":3.0}}}'
RUNNING_RESPONSE: Final = b'{"data":{"status":"RUNNING"}}'


def respond(method: str, _: str, body: bytes) -> bytes:
    """Return the body of the response to a request. Every status check reports that the task is running."""
    if method == "GET":
        return RUNNING_RESPONSE
    return START_RESPONSE if b'"async"' in body else RESULT_RESPONSE
