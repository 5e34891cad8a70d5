"""A response belongs to its request: bytes that follow a response are never read as the next response."""

from __future__ import annotations

import ssl
import sys
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support.raw_server import COMPLETED, STARTED, OneSegment, json_response, raw_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.raw_server import Script
    from tests.support.runners import Runner

FOREIGN = json_response({"data": {"status": "COMPLETED", "result": "foreign", "workflow_id": "foreign-task"}})


def as_bytes(script: Script) -> bytes:
    return b"".join(action for action in script if isinstance(action, bytes))


SURPLUS = {"a second response": as_bytes(FOREIGN), "a line break": b"\r\n", "text": b"surplus"}


@pytest.fixture(scope="module")
def server_tls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ssl.SSLContext]:
    """TLS with a certificate that new clients trust."""
    authority, file = trustme.CA(), tmp_path_factory.mktemp("authority") / "ca.pem"
    authority.cert_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield context


@pytest.fixture(params=["http", "https"])
def tls(request: pytest.FixtureRequest, server_tls: ssl.SSLContext) -> ssl.SSLContext | None:
    return server_tls if request.param == "https" else None


def with_surplus(script: Script, surplus: bytes, *, is_apart: bool) -> Script:
    """Return a script that sends bytes after its response, in one piece with it or as a TLS record of its own."""
    response = as_bytes(script)
    return (OneSegment(response, surplus),) if is_apart else (response + surplus,)


each_surplus = pytest.mark.parametrize("surplus", SURPLUS.values(), ids=SURPLUS.keys())
each_form = pytest.mark.parametrize(
    "is_apart",
    [False, pytest.param(True, marks=pytest.mark.skipif(sys.platform != "linux", reason="TCP_CORK is of Linux"))],
    ids=["one piece", "two pieces"],
)


@each_surplus
@each_form
def test_start_after_a_response_with_surplus_bytes_gets_its_own_task(
    runner: Runner, tls: ssl.SSLContext | None, surplus: bytes, *, is_apart: bool
) -> None:
    own = json_response({"data": {"status": "running", "workflow_id": "task-2"}})
    scripts = [with_surplus(STARTED, surplus, is_apart=is_apart), own]
    with raw_server(start=scripts, tls=tls) as server, runner.anchor(base_url=server.base_url) as anchor:
        ids = [runner.call(anchor.tasks.start, "Read the price").id for _ in range(2)]
    assert ids == ["task-1", "task-2"]
    assert (server.starts, server.connections) == (2, 2)


@each_surplus
@each_form
def test_check_after_a_response_with_surplus_bytes_gets_its_own_result(
    runner: Runner, tls: ssl.SSLContext | None, surplus: bytes, *, is_apart: bool
) -> None:
    scripts = [with_surplus(COMPLETED, surplus, is_apart=is_apart), COMPLETED]
    with raw_server(check=scripts, tls=tls) as server, runner.anchor(base_url=server.base_url) as anchor:
        values = [runner.call(anchor.tasks.get(f"task-{n}").result).value for n in range(2)]
    assert values == ["done", "done"]
    assert (server.checks, server.connections) == (2, 2)


def test_connection_is_reused_after_a_response_without_surplus_bytes(
    runner: Runner, tls: ssl.SSLContext | None
) -> None:
    with raw_server(tls=tls) as server, runner.anchor(base_url=server.base_url) as anchor:
        for _ in range(3):
            runner.call(anchor.tasks.start, "Read the price")
    assert (server.starts, server.connections) == (3, 1)
