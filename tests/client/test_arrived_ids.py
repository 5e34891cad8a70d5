"""An id that has arrived is never lost, and a start whose response has an id is never sent again."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import StartOutcomeUnknownError
from tests.support.errors import raised
from tests.support.raw_server import (
    COMPLETED,
    RUNNING,
    STARTED,
    Ending,
    http_response,
    json_response,
    raw_server,
    response_head,
)
from tests.support.runners import KEY

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

ID = "perform-web-task-7"
BODY = {"data": {"workflow_id": ID, "status": "running"}}


@pytest.mark.parametrize("status", [200, 201, 202, 203])
def test_every_success_status_starts_a_task(runner: Runner, status: int) -> None:
    with (
        raw_server(start=[json_response(BODY, status)]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.start, "Read").id == ID
    assert server.starts == 1


@pytest.mark.parametrize(
    ("data", "task_id"),
    [
        ({"workflow_id": ID}, ID),
        ({"workflow_id": None, "workflowId": ID, "status": "running"}, ID),
        ({"workflowId": ID}, ID),
        ({"workflow_id": 17, "status": "running"}, "17"),
        ({"workflow_id": ID, "result": None}, ID),
    ],
    ids=["no status", "null beside the former name", "former name", "number", "null result"],
)
def test_id_is_found_whatever_is_beside_it(runner: Runner, data: dict[str, Any], task_id: str) -> None:
    with (
        raw_server(start=[json_response({"data": data})]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.start, "Read").id == task_id


@pytest.mark.parametrize("method", ["start", "run"])
@pytest.mark.parametrize("status", [301, 400, 404, 408, 429, 500, 502, 504, 524])
def test_error_status_with_an_id_raises_an_error_with_the_id_and_sends_nothing_again(
    runner: Runner, clock: InstantClock, status: int, method: str
) -> None:
    del clock
    with (
        raw_server(start=[json_response(BODY, status)]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        error = raised(StartOutcomeUnknownError, runner, getattr(anchor.tasks, method), "Read")
    assert (error.task_id, error.status, server.starts) == (ID, status, 1)
    assert str(error).endswith(f"[the task keeps running; tasks.get({ID!r}) finds it again]")
    assert KEY not in str(error)


@pytest.mark.parametrize("status", [201, 202, 203])
def test_completed_task_ends_the_wait_with_every_success_status(runner: Runner, status: int) -> None:
    completed = json_response({"data": {"status": "COMPLETED", "result": 3}}, status)
    with raw_server(check=[completed]) as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.get(ID).result).value == 3


def test_retry_after_beside_a_running_status_delays_the_next_check(runner: Runner, clock: InstantClock) -> None:
    running = json_response({"data": {"status": "RUNNING"}}, headers={"Retry-After": "30"})
    with (
        raw_server(start=[STARTED], check=[running, RUNNING, COMPLETED]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        runner.call(anchor.tasks.get(ID).result)
    assert clock.sleeps[0] == 30
    assert clock.sleeps[1] < 30


def test_first_check_is_not_earlier_than_retry_after_of_the_response_to_the_start(
    runner: Runner, clock: InstantClock
) -> None:
    started = json_response(BODY, headers={"Retry-After": "30"})
    with (
        raw_server(start=[started], check=[RUNNING, COMPLETED]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        runner.call(anchor.tasks.run, "Read")
    assert clock.sleeps[0] == 30
    assert clock.sleeps[1] < 30


def test_first_check_is_at_most_an_hour_after_a_start(runner: Runner, clock: InstantClock) -> None:
    started = json_response(BODY, headers={"Retry-After": "100000"})
    with raw_server(start=[started]) as server, runner.anchor(base_url=server.base_url) as anchor:
        runner.call(anchor.tasks.run, "Read", timeout=None)
    assert clock.sleeps == [3600]


def test_first_check_heeds_retry_after_of_a_response_that_breaks(runner: Runner, clock: InstantClock) -> None:
    body = json.dumps(BODY).encode()
    broken = (response_head(200, len(body) + 1, {"Retry-After": "30"}) + body, Ending.CLOSE)
    with raw_server(start=[broken]) as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.run, "Read").task_id == ID
    assert clock.sleeps == [30]


@pytest.mark.parametrize("size", [1, 70_000, 300_000])
@pytest.mark.parametrize("pieces", [1, 2], ids=["one piece", "two pieces"])
def test_id_in_a_gzipped_body_with_a_wrong_checksum_is_found(runner: Runner, size: int, pieces: int) -> None:
    packed = bytearray(gzip.compress(json.dumps({**BODY, "more": "x" * size}).encode()))
    packed[-8] ^= 1
    cut = len(packed) // pieces
    head = response_head(200, len(packed), {"content-encoding": "gzip"})
    with (
        raw_server(start=[(head + packed[:cut], bytes(packed[cut:]))]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.start, "Read").id == ID


def test_id_after_a_switch_of_protocols_is_in_the_error(runner: Runner) -> None:
    body = json.dumps(BODY).encode()
    switch = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n"
    with (
        raw_server(start=[(switch + response_head(200, len(body)) + body, Ending.CLOSE)]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        error = raised(StartOutcomeUnknownError, runner, anchor.tasks.start, "Read")
    assert (error.status, server.starts) == (None, 1)
    assert error.task_id == ID


@pytest.mark.parametrize("size", [1_000, 4_000_000])
@pytest.mark.parametrize("filling", [b" ", b"a", b"a;", b"\r\n", b"1\r\n", b"\xef\xbb\xbf"], ids=repr)
def test_hostile_bytes_before_an_id_take_time_in_proportion_to_their_number(
    runner: Runner, filling: bytes, size: int
) -> None:
    """With a pattern that backtracks, the larger bodies would take hours."""
    body = filling * (size // len(filling)) + b"{"
    with (
        raw_server(start=[http_response(200, body)]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert raised(StartOutcomeUnknownError, runner, anchor.tasks.start, "Read").task_id is None
