"""Clients in unusual use: shared by threads or async tasks, used in a second event loop, or never closed."""

from __future__ import annotations

import ssl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest
import trustme

from anchor_webtask import Anchor, AsyncAnchor, ConfigurationError, TransportError, WaitPolicy
from tests.support.errors import raised
from tests.support.patience import PATIENCE
from tests.support.processes import spawn
from tests.support.raw_server import COMPLETED, RUNNING, TASK_ID, Drip, json_response, raw_server
from tests.support.runners import KEY

if TYPE_CHECKING:
    from tests.support.runners import Runner

LEAVE_CLIENT_OPEN: Final = Path(__file__).parent / "programs" / "leave_client_open.py"
OFTEN = WaitPolicy(minimum=0.01, maximum=0.05)


def two_requests() -> Any:
    """Return a script action that waits until two requests have arrived, so that two checks are in flight at once."""
    return threading.Barrier(2, timeout=PATIENCE).wait


def test_two_threads_can_wait_on_the_same_handle() -> None:
    meet = two_requests()
    scripts = [(meet, *RUNNING), (meet, *RUNNING), RUNNING, COMPLETED]
    with raw_server(check=scripts) as server, Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor:
        task = anchor.tasks.get(TASK_ID)
        with ThreadPoolExecutor(2) as threads:
            results = list(threads.map(lambda _: task.result(timeout=PATIENCE), range(2)))
    assert [result.value for result in results] == ["done", "done"]
    assert task.done


def test_closing_the_client_ends_the_request_of_another_thread() -> None:
    begun = Drip(b"HTTP/1.1 200 OK", every=10 * PATIENCE)
    with ThreadPoolExecutor(1) as threads, raw_server(check=[(begun,)]) as server:
        anchor = Anchor(KEY, base_url=server.base_url, http_timeout=10 * PATIENCE)
        check = threads.submit(anchor.tasks.get(TASK_ID).refresh)
        server.wait_for_requests(1)
        anchor.close()
        assert type(check.exception(PATIENCE)) is TransportError


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_two_async_tasks_can_wait_on_the_same_handle(backend: str) -> None:
    meet = two_requests()
    scripts = [(meet, *RUNNING), (meet, *RUNNING), RUNNING, COMPLETED]
    values: list[str] = []

    async def main(base_url: str) -> None:
        async with AsyncAnchor(KEY, base_url=base_url, wait=OFTEN) as anchor, anyio.create_task_group() as group:
            task = anchor.tasks.get(TASK_ID)

            async def wait() -> None:
                values.append((await task.result(timeout=PATIENCE)).value)

            group.start_soon(wait)
            group.start_soon(wait)

    with raw_server(check=scripts) as server:
        anyio.run(main, server.base_url, backend=backend)
    assert values == ["done", "done"]


@pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)
def test_async_client_refuses_a_second_event_loop(runner: Runner) -> None:
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        runner.call(anchor.tasks.get(TASK_ID).refresh)
        task = anchor.tasks.get(TASK_ID)
        with pytest.raises(ConfigurationError, match="another event loop"):
            anyio.run(task.refresh, backend=runner.name)
        assert runner.call(task.refresh).done
        runner.call(anchor.aclose)
        server.wait_for_open_connections(0)
    assert server.count("GET") == 2


@pytest.mark.usefixtures("clock")
def test_certificate_file_that_disappears_stops_a_start_before_it_is_sent(
    runner: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority, file = trustme.CA(), tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(tls)
    started = json_response({"data": {"status": "running", "workflow_id": "task-1"}}, headers={"connection": "close"})
    with raw_server(start=[started], tls=tls) as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.start, "Read the price").id == "task-1"
        file.unlink()
        error = raised(TransportError, runner, anchor.tasks.start, "Read the price")
    assert (type(error), server.starts) == (TransportError, 1)


@pytest.mark.parametrize("name", ["sync", "asyncio", "trio"])
def test_process_exits_without_messages_if_the_client_is_not_closed(name: str) -> None:
    with raw_server() as server, spawn(LEAVE_CLIENT_OPEN, name, base_url=server.base_url) as process:
        output, errors = process.communicate(timeout=PATIENCE)
    assert (output, errors, process.returncode) == ("done\n", "", 0)
