"""What the emulator's tests share: the API's two operations as a client calls them."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx

from anchor_webtask.emulator._validation import id_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask.emulator import Emulator

KEY = "test-key-0123456789"
TASKS = "/v1/tools/perform-web-task"


class Api:
    """The two operations over one httpx client."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def start(self, prompt: str = "Read the price", /, **fields: Any) -> httpx.Response:
        return self.http.post(TASKS, json={"prompt": prompt, **fields})

    def start_async(self, prompt: str = "Read the price", /, **fields: Any) -> str:
        task_id: str = data(self.start(prompt, **fields, **{"async": True}))[id_name()]
        return task_id

    def check(self, task_id: str) -> httpx.Response:
        return self.http.get(f"{TASKS}/{task_id}/status")

    def state(self, task_id: str) -> dict[str, Any]:
        return data(self.check(task_id))


@contextlib.contextmanager
def client_of(emulator: Emulator, key: str = KEY) -> Iterator[Api]:
    """Talk to the emulator through its transport; the client waits for ever."""
    with httpx.Client(
        transport=emulator.transport(), base_url="https://api.example", headers={"anchor-api-key": key}, timeout=None
    ) as client:
        yield Api(client)


def data(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    content: dict[str, Any] = response.json()["data"]
    return content


def error(response: httpx.Response) -> tuple[int, str]:
    """Return the status and the message of the API's error body, which says the status once more."""
    content = response.json()["error"]
    assert content["code"] == response.status_code
    return content["code"], content["message"]
