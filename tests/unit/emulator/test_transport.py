"""The emulator's httpx transport, with sync and async httpx clients."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import anyio
import httpx
import pytest

from anchor_webtask.emulator import Emulator, Fault
from anchor_webtask.emulator._request_validation import task_id_field
from anchor_webtask.testing import SystemClock
from tests.unit.emulator.support import KEY, TASKS, client_of, data

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock


def async_client_of(emulator: Emulator, timeout: float | None = None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        transport=emulator.transport(),
        base_url="https://api.example",
        headers={"anchor-api-key": KEY},
        timeout=timeout,
    )


def test_transport_is_an_httpx_mock_transport(emulator: Emulator) -> None:
    assert isinstance(emulator.transport(), httpx.MockTransport)


def test_clients_of_one_emulator_share_its_tasks(emulator: Emulator) -> None:
    emulator.on(takes=0, answer=1)
    with client_of(emulator) as one, client_of(emulator) as other:
        assert other.state(one.start_async())["result"] == 1


@pytest.mark.anyio
async def test_async_client_receives_faults_and_the_answer_of_a_task(emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=1200, answer={"amount": 3}, faults=[502, Fault(delay=4)])
    async with async_client_of(emulator) as client:
        started = await client.post(TASKS, json={"prompt": "a", "async": True})
        status = f"{TASKS}/{data(started)[task_id_field()]}/status"
        assert (await client.get(status)).status_code == 502
        before = clock.now()
        assert data(await client.get(status)) == {"status": "RUNNING"}
        assert clock.now() - before == 4
        clock.time += 1200
        assert data(await client.get(status)) == {"status": "COMPLETED", "result": {"amount": 3}}
    assert emulator.starts == 1


@pytest.mark.anyio
async def test_async_client_gets_the_answer_of_a_one_request_start_when_the_task_ends(
    emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=90, answer="done")
    before = clock.now()
    async with async_client_of(emulator) as client:
        assert data(await client.post(TASKS, json={"prompt": "a"})) == {"result": "done"}
    assert clock.now() - before == 90


@pytest.mark.anyio
async def test_async_client_raises_read_timeout_if_the_response_is_late(
    emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=90)
    before = clock.now()
    async with async_client_of(emulator, timeout=30) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post(TASKS, json={"prompt": "a"})
    assert clock.now() - before == 30


@pytest.mark.anyio
async def test_async_client_raises_protocol_error_when_the_connection_is_cut(emulator: Emulator) -> None:
    emulator.on(start_faults=[Fault(cut=True), Fault(cut="midway")])
    async with async_client_of(emulator) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(TASKS, json={"prompt": "a"})
        with pytest.raises(httpx.RemoteProtocolError):
            await client.post(TASKS, json={"prompt": "a"})
    assert emulator.starts == 1


@pytest.mark.anyio
async def test_held_request_does_not_block_other_requests() -> None:
    emulator = Emulator(takes=math.inf, clock=SystemClock())
    async with async_client_of(emulator) as client, anyio.create_task_group() as group:

        async def start_in_one_request() -> None:
            assert data(await client.post(TASKS, json={"prompt": "a"}))

        group.start_soon(start_in_one_request)
        await anyio.wait_all_tasks_blocked()
        assert data(await client.post(TASKS, json={"prompt": "a", "async": True}))
        emulator.tasks[0].finish()
    assert emulator.starts == 2
