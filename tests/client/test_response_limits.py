"""A response that is too slow or too large is cut off. These tests use real sockets and real time.

A slow response takes longer than every time limit of the client, but its contents are correct and complete. So if a
client did not cut off the response, the request would succeed, and the test would fail.
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
from tests.support.patience import PATIENCE
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
from tests.support.time_limits import with_time_enough

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

OFTEN: Final = WaitPolicy(minimum=0.01, maximum=0.05)
DONE: Final = json.dumps({"data": {"status": "COMPLETED", "result": "done"}}).encode()
SLOW_BODY: Final[Script] = (response_head(200, len(DONE) + 10_000), Drip(b" " * 10_000 + DONE))
SLOW_HEAD: Final[Script] = (Drip(response_head(200, len(DONE))), DONE)
CONTINUES: Final[Script] = (b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000, response_head(200, len(DONE)), DONE)
GZIP: Final = {"content-encoding": "gzip"}


@pytest.mark.parametrize("script", [SLOW_BODY, (Ending.SILENCE,)], ids=["slow-body", "no-response"])
def test_wait_ends_at_its_deadline_even_if_the_server_is_slow_or_hangs(runner: Runner, script: Script) -> None:
    with (
        raw_server(check=[script]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.2, wait=OFTEN) as anchor,
    ):
        caught = raised(TaskTimeoutError, runner, anchor.tasks.get(TASK_ID).result, timeout=0.2)
    assert type(caught.last_error) is RequestTimeoutError
    assert caught.task_id == TASK_ID


@pytest.mark.parametrize("script", [SLOW_HEAD, CONTINUES], ids=["slow-head", "informational-responses"])
def test_wait_ends_at_its_deadline_even_if_the_response_head_is_slow(runner: Runner, script: Script) -> None:
    with (
        raw_server(check=[script]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.2, wait=OFTEN) as anchor,
    ):
        caught = raised(TaskTimeoutError, runner, anchor.tasks.get(TASK_ID).result, timeout=0.2)
    assert type(caught.last_error) is RequestTimeoutError


def test_check_is_cut_off_at_the_deadline_of_the_wait(runner: Runner) -> None:
    slow = json_response({"data": {"status": "COMPLETED", "result": "slow"}})[0]
    assert isinstance(slow, bytes)

    def check_deadline(seconds: float) -> None:
        with (
            raw_server(check=[(Drip(slow[:1], every=seconds + 10), slow[1:]), COMPLETED]) as server,
            runner.anchor(base_url=server.base_url, http_timeout=PATIENCE, wait=OFTEN) as anchor,
        ):
            # The first check is cut off at the deadline; then the wait makes its last check, which returns the result.
            assert runner.call(anchor.tasks.get(TASK_ID).result, timeout=seconds).value == "done"

    with_time_enough(check_deadline, 0.3, 3, 20)


def test_outcome_of_a_start_is_unknown_if_the_response_body_is_too_slow(runner: Runner) -> None:
    def check_limit(seconds: float) -> None:
        with (
            raw_server(start=[SLOW_BODY]) as server,
            runner.anchor(base_url=server.base_url, http_timeout=seconds) as anchor,  # the head arrives within that
        ):
            caught = raised(StartOutcomeUnknownError, runner, anchor.tasks.start, "Read the price")
        assert (server.starts, caught.status) == (1, 200)

    with_time_enough(check_limit, 0.4, 4, 20)


def gzipped(size: int) -> Script:
    """Return the script of a response with a correct gzipped body, which has `size` bytes after decompression."""
    return http_response(200, gzip.compress(DONE[:-1] + b" " * (size - len(DONE)) + DONE[-1:]), GZIP)


def test_gzipped_response_is_decompressed(runner: Runner) -> None:
    with raw_server(check=[gzipped(2000)]) as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.get(TASK_ID).result).value == "done"


@pytest.mark.parametrize("size", [4096, 4097])
def test_option_max_response_bytes_limits_the_decompressed_size(runner: Runner, size: int) -> None:
    with (
        raw_server(check=[gzipped(size)]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=4096) as anchor,
    ):
        task = anchor.tasks.get(TASK_ID)
        if size <= 4096:
            assert runner.call(task.result).value == "done"
        else:
            assert "max_response_bytes=4096" in str(raised(UnexpectedResponseError, runner, task.result))


def test_decompression_of_a_huge_response_stops_at_the_limit_max_response_bytes(runner: Runner) -> None:
    with (
        raw_server(check=[gzipped(100_000_000)]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=1_000_000) as anchor,
    ):
        task = anchor.tasks.get(TASK_ID)
        tracemalloc.start()
        try:
            raised(UnexpectedResponseError, runner, task.refresh)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 10_000_000


def test_slow_gzipped_response_is_cut_off_before_its_first_decompressed_byte(runner: Runner) -> None:
    # A gzip header may hold a file name. This one is so long that the time limit passes before the content begins.
    body = b"\x1f\x8b\x08\x08" + b"\0" * 6 + b"name" * 50 + gzip.compress(DONE)[3:]
    with (
        raw_server(check=[(response_head(200, len(body), GZIP), Drip(body))]) as server,
        runner.anchor(base_url=server.base_url, http_timeout=0.2) as anchor,
    ):
        raised(RequestTimeoutError, runner, anchor.tasks.get(TASK_ID).refresh)


@pytest.mark.parametrize(
    ("script", "seconds"),
    [
        ((response_head(200, 10**9) + b" " * 1000, Ending.SILENCE), 30.0),
        ((response_head(403, 10**9) + b" " * 70_000, Ending.SILENCE), 30.0),
        ((response_head(307, 10**9), Ending.SILENCE), 30.0),
        ((response_head(200, 10**9) + b" ", Ending.SILENCE), 0.2),
    ],
    ids=["response-too-large", "error-response-too-large", "redirect", "response-too-slow"],
)
def test_client_closes_the_connection_of_a_response_that_it_does_not_read_to_the_end(
    runner: Runner, script: Script, seconds: float
) -> None:
    with (
        raw_server(check=[script]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=100, http_timeout=seconds) as anchor,
        contextlib.suppress(AnchorError),
    ):
        try:
            runner.call(anchor.tasks.get(TASK_ID).refresh)
        finally:
            server.wait_for_disconnects(1)


def test_option_http_timeout_limits_the_total_time_of_head_and_body(runner: Runner) -> None:
    """The head takes 2 s and the body 2 s: each alone is within the timeout of 2.1 s, but their sum is not.

    The client accepts a response of which all has arrived when it looks: it may stand still for almost 2 s here.
    """
    head = response_head(200, len(DONE))
    slow = (Drip(head[:1], every=2.0), head[1:-1], Drip(head[-1:], every=2.0), DONE)
    with raw_server(check=[slow]) as server, runner.anchor(base_url=server.base_url, http_timeout=2.1) as anchor:
        raised(RequestTimeoutError, runner, anchor.tasks.get(TASK_ID).refresh)


def test_client_is_usable_after_a_response_that_is_too_large(runner: Runner) -> None:
    endless = (response_head(200, 10**9), Drip(b" " * 1000, every=0))
    with (
        raw_server(check=[endless, COMPLETED]) as server,
        runner.anchor(base_url=server.base_url, max_response_bytes=100) as anchor,
    ):
        raised(UnexpectedResponseError, runner, anchor.tasks.get(TASK_ID).refresh)
        assert runner.call(anchor.tasks.get(TASK_ID).refresh).done


@pytest.mark.parametrize("encoding", ["", "none", "utf-8", "identity"])
def test_uncompressed_json_is_read_if_header_content_encoding_names_no_compression(
    runner: Runner, encoding: str
) -> None:
    with (
        raw_server(check=[http_response(200, DONE, {"content-encoding": encoding})]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.get(TASK_ID).result).value == "done"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [(DONE, "gzip"), (gzip.compress(gzip.compress(DONE)), "gzip, gzip"), (b"\x8b\x02\x80", "br")],
    ids=["invalid-gzip", "gzipped-twice", "brotli-not-requested"],
)
def test_check_is_repeated_if_its_response_cannot_be_decompressed(
    runner: Runner, clock: InstantClock, body: bytes, encoding: str
) -> None:
    with (
        raw_server(check=[http_response(200, body, {"content-encoding": encoding}), COMPLETED]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        assert runner.call(anchor.tasks.get(TASK_ID).result).value == "done"
    assert clock.sleeps == [1.0]
    assert server.requests[0].headers["accept-encoding"] == "gzip"
