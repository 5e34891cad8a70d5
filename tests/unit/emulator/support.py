"""A simple client for the API's two operations. The tests of the emulator share it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx

from anchor_webtask.emulator._request_validation import task_id_field

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask.emulator import Emulator

KEY = "test-key-0123456789"
TASKS = "/v1/tools/perform-web-task"


class Api:
    """Calls the API's two operations with an httpx client."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def start(self, prompt: str = "Read the price", /, **fields: Any) -> httpx.Response:
        return self.http.post(TASKS, json={"prompt": prompt, **fields})

    def start_async(self, prompt: str = "Read the price", /, **fields: Any) -> str:
        task_id: str = data(self.start(prompt, **fields, **{"async": True}))[task_id_field()]
        return task_id

    def check(self, task_id: str) -> httpx.Response:
        return self.http.get(f"{TASKS}/{task_id}/status")

    def state(self, task_id: str) -> dict[str, Any]:
        return data(self.check(task_id))


@contextlib.contextmanager
def client_of(emulator: Emulator, key: str = KEY) -> Iterator[Api]:
    """Connect to the emulator through its transport, without a timeout."""
    with httpx.Client(
        transport=emulator.transport(), base_url="https://api.example", headers={"anchor-api-key": key}, timeout=None
    ) as client:
        yield Api(client)


def data(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()["data"]
    return content


def error(response: httpx.Response) -> tuple[int, str]:
    """Return the code and the message in the API's error body, after checking that the code equals the HTTP status."""
    content = response.json()["error"]
    assert content["code"] == response.status_code
    return content["code"], content["message"]
