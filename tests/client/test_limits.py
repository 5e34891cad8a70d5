"""Answers without end, in time or in size, over real sockets and in real time.

A server that drips goes on for longer than any limit here, and ends with a right answer: a client that isn't stopped
in time gets it, and the test fails.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import tracemalloc
from typing import TYPE_CHECKING, Final

import pytest

from anchor_webtask import (
    AnchorError,
    RequestTimeoutError,
    StartOutcomeUnknownError,
    TaskTimeoutError,
    UnexpectedResponseError,
    WaitPolicy,
)
from tests.support.errors import raised
from tests.support.raw_server import (
    COMPLETED,
    TASK_ID,
    Drip,
    Ending,
    Script,
    http_response,
    json_response,
    raw_server,
    response_head,
)

if TYPE_CHECKING:
    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner

OFTEN: Final = WaitPolicy(minimum=0.01, maximum=0.05)
DONE: Final = json.dumps({"data": {"status": "COMPLETED", "result": "done"}}).encode()
DRIPPED_BODY: Final[Script] = (response_head(200, len(DONE) + 150), Drip(b" " * 150 + DONE))
DRIPPED_HEAD: Final[Script] = (Drip(response_head(200, len(DONE))), DONE)
PACKED: Final = {"content-encoding": "gzip"}


@pytest.mark.parametrize("play", [DRIPPED_BODY, (Ending.SILENCE,)], ids=["drips", "hangs"])
def test_a_wait_ends_at_its_deadline_whatever_the_server_does(runner: Runner, play: Script) -> None:
    with (
        raw_server(check=[play]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.2, wait=OFTEN) as anchor,
    ):
        caught = raised(TaskTimeoutError, runner, anchor.tasks.get(TASK_ID).result, timeout=0.2)
    assert type(caught.last_error) is RequestTimeoutError
    assert caught.task_id == TASK_ID


@pytest.mark.parametrize("runner", ["asyncio", "trio"], indirect=True)
def test_an_async_wait_ends_at_its_deadline_while_the_head_drips(runner: Runner) -> None:
    with (
        raw_server(check=[DRIPPED_HEAD]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.2, wait=OFTEN) as anchor,
    ):
        caught = raised(TaskTimeoutError, runner, anchor.tasks.get(TASK_ID).result, timeout=0.2)
    assert type(caught.last_error) is RequestTimeoutError


def test_a_request_gets_what_is_left_of_the_deadline(runner: Runner) -> None:
    slow = json_response({"data": {"status": "COMPLETED", "result": "slow"}})[0]
    assert isinstance(slow, bytes)
    with (
        raw_server(check=[(Drip(slow[:1], every=3), slow[1:]), COMPLETED]) as server,
        runner.anchor(base_url=server.base_url, wait=OFTEN) as anchor,
    ):
        # The slow check is cut at the deadline, and the last one brings the end.
        assert runner.call(anchor.tasks.get(TASK_ID).result, timeout=0.3).value == "done"


def test_a_start_whose_answer_drips_is_of_unknown_outcome(runner: Runner) -> None:
    with (
        raw_server(start=[DRIPPED_BODY]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.2) as anchor,
    ):
        caught = raised(StartOutcomeUnknownError, runner, anchor.tasks.start, "Read the price")
    assert (server.starts, caught.status) == (1, 200)


def packed(size: int) -> Script:
    """Script a right answer of so many bytes, packed."""
    return http_response(200, gzip.compress(DONE[:-1] + b" " * (size - len(DONE)) + DONE[-1:]), PACKED)


def test_a_packed_answer_is_unpacked(runner: Runner) -> None:
    with raw_server(check=[packed(2000)]) as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.get(TASK_ID).result).value == "done"


@pytest.mark.parametrize("size", [4096, 4097])
def test_the_limit_is_on_what_is_unpacked(runner: Runner, size: int) -> None:
    with (
        raw_server(check=[packed(size)]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=4096) as anchor,
    ):
        task = anchor.tasks.get(TASK_ID)
        if size <= 4096:
            assert runner.call(task.result).value == "done"
        else:
            assert "max_response_bytes=4096" in str(raised(UnexpectedResponseError, runner, task.result))


def test_an_answer_is_unpacked_no_further_than_it_is_wanted(runner: Runner) -> None:
    with (
        raw_server(check=[packed(100_000_000)]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=1_000_000) as anchor,
    ):
        task = anchor.tasks.get(TASK_ID)
        tracemalloc.start()
        try:
            raised(UnexpectedResponseError, runner, task.refresh)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 10_000_000


def test_a_packed_answer_that_drips_is_cut_also_before_anything_is_unpacked(runner: Runner) -> None:
    # A gzip head with a file name that goes on and on.
    body = b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"name" * 50 + gzip.compress(DONE)[3:]
    with (
        raw_server(check=[(response_head(200, len(body), PACKED), Drip(body))]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.2) as anchor,
    ):
        raised(RequestTimeoutError, runner, anchor.tasks.get(TASK_ID).refresh)


@pytest.mark.parametrize(
    ("play", "seconds"),
    [
        ((response_head(200, 10**9) + b" " * 1000, Ending.SILENCE), 30.0),
        ((response_head(403, 10**9) + b" " * 70_000, Ending.SILENCE), 30.0),
        ((response_head(307, 10**9), Ending.SILENCE), 30.0),
        ((response_head(200, 10**9) + b" ", Ending.SILENCE), 0.2),
    ],
    ids=["too-large", "error-too-large", "redirect", "too-slow"],
)
def test_what_is_not_read_to_its_end_is_hung_up_on(runner: Runner, play: Script, seconds: float) -> None:
    with (
        raw_server(check=[play]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=100, http_timeout=seconds) as anchor,
        contextlib.suppress(AnchorError),
    ):
        try:
            runner.call(anchor.tasks.get(TASK_ID).refresh)
        finally:
            server.wait_for_disconnects(1)


def test_a_body_gets_what_its_head_has_left_of_the_time(runner: Runner) -> None:
    """A head that is late, and after it a silence that by itself would be within the limit."""
    whole = response_head(200, len(DONE))
    late = (Drip(whole[:1], every=0.2), whole[1:-1], Drip(whole[-1:], every=0.2), DONE)
    with raw_server(check=[late]) as server, runner.anchor(base_url=server.base_url, http_timeout=0.3) as anchor:
        raised(RequestTimeoutError, runner, anchor.tasks.get(TASK_ID).refresh)


def test_a_refused_answer_leaves_the_client_usable(runner: Runner) -> None:
    endless = (response_head(200, 10**9), Drip(b" " * 1000, every=0))
    with (
        raw_server(check=[endless, COMPLETED]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=100) as anchor,
    ):
        raised(UnexpectedResponseError, runner, anchor.tasks.get(TASK_ID).refresh)
        assert runner.call(anchor.tasks.get(TASK_ID).refresh).done


@pytest.mark.parametrize("packing", ["", "none", "utf-8", "identity"])
def test_json_is_read_whatever_the_server_calls_its_packing(runner: Runner, packing: str) -> None:
    with (
        raw_server(check=[http_response(200, DONE, {"content-encoding": packing})]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.get(TASK_ID).result).value == "done"


@pytest.mark.parametrize(
    ("body", "packing"),
    [(DONE, "gzip"), (gzip.compress(gzip.compress(DONE)), "gzip, gzip"), (b"\x8b\x02\x80", "br")],
    ids=["no-gzip", "packed-twice", "not-asked-for"],
)
def test_what_does_not_unpack_as_asked_for_is_looked_at_again(
    runner: Runner, clock: VirtualClock, body: bytes, packing: str
) -> None:
    with (
        raw_server(check=[http_response(200, body, {"content-encoding": packing}), COMPLETED]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.get(TASK_ID).result).value == "done"
    assert clock.sleeps == [1.0]
    assert server.requests[0].headers["accept-encoding"] == "gzip"
