"""Transports that are not our own: a proxy's, and those of the user, which are believed only as far as they show."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from anchor_webtask import StartOutcomeUnknownError, TransportError
from tests.support.errors import raised
from tests.support.raw_server import STARTED, TASK_ID, json_response, raw_server

if TYPE_CHECKING:
    from tests.support.runners import Runner

FOREIGN: Final = json_response({"data": {"status": "running", "workflow_id": "foreign"}})
OWN: Final = json_response({"data": {"status": "running", "workflow_id": "own"}})
ID_NOTE: Final = f"tasks.get({TASK_ID!r}) finds it again"


def test_surplus_response_through_a_proxy_is_not_taken_for_that_of_the_next_start(runner: Runner) -> None:
    with (
        raw_server(start=[(*STARTED, *FOREIGN), OWN]) as proxy,
        runner.anchor(base_url="http://127.0.0.1:1", proxy=proxy.base_url) as anchor,
    ):
        ids = [runner.call(anchor.tasks.start, "Read the price").id for _ in range(2)]
    assert ids == [TASK_ID, "own"]


class TwoAttempts(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Traces an attempt that makes no connection, and then sends the request without a trace."""

    def __init__(self, error: type[httpx.TransportError]) -> None:
        self.error = error
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.extensions["trace"]("connection.connect_tcp.started", {"host": "127.0.0.1", "port": 1})
        self.requests += 1
        raise self.error("lost")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.extensions["trace"]("connection.connect_tcp.started", {"host": "127.0.0.1", "port": 1})
        self.requests += 1
        raise self.error("lost")


@pytest.mark.parametrize("error", [httpx.ReadError, httpx.ReadTimeout, httpx.WriteError, httpx.RemoteProtocolError])
def test_start_is_not_repeated_if_only_the_trace_says_that_it_was_not_sent(
    runner: Runner, error: type[httpx.TransportError]
) -> None:
    transport = TwoAttempts(error)
    with runner.anchor(transport=transport) as anchor:
        raised(StartOutcomeUnknownError, runner, anchor.tasks.run, "Read the price")
    assert transport.requests == 1


@pytest.mark.usefixtures("clock")
def test_start_is_repeated_if_the_exception_also_says_that_it_was_not_sent(runner: Runner) -> None:
    transport = TwoAttempts(httpx.ConnectError)
    with runner.anchor(transport=transport) as anchor:
        raised(TransportError, runner, anchor.tasks.start, "Read the price")
    assert transport.requests == 3


class Repeating(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends each request twice, as a transport that retries does, and reports both."""

    def __init__(self) -> None:
        self.requests = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(2):
            request.extensions["trace"]("http11.send_request_headers.started", {"request": _Sent(request)})
            self.requests += 1
        return httpx.Response(200, json={"data": {"status": "COMPLETED", "result": "done"}})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(2):
            await request.extensions["trace"]("http11.send_request_headers.started", {"request": _Sent(request)})
            self.requests += 1
        return httpx.Response(200, json={"data": {"status": "COMPLETED", "result": "done"}})


class _Sent:
    """A request as httpcore passes it to a trace."""

    def __init__(self, request: httpx.Request) -> None:
        self.method = request.method.encode()
        self.extensions = request.extensions


def test_check_may_be_repeated_by_a_transport_and_a_start_may_not(runner: Runner) -> None:
    transport = Repeating()
    with runner.anchor(transport=transport) as anchor:
        assert runner.call(anchor.tasks.get(TASK_ID).result).value == "done"
        assert transport.requests == 2
        raised(StartOutcomeUnknownError, runner, anchor.tasks.start, "Read the price")
    assert transport.requests == 3


class RaisingFilter(logging.Filter):
    """A filter that raises."""

    def filter(self, record: logging.LogRecord) -> bool:
        del record
        raise LookupError("a mistake in the filter")


def test_filter_that_raises_loses_no_id_with_a_transport_of_the_user(
    runner: Runner, caplog: pytest.LogCaptureFixture
) -> None:
    """httpx logs a response before its client returns it."""
    caplog.set_level(logging.INFO, logger="httpx")
    answer = {"data": {"status": "running", "workflow_id": TASK_ID}}
    raising = RaisingFilter()
    with runner.anchor(transport=httpx.MockTransport(lambda _: httpx.Response(200, json=answer))) as anchor:
        logging.getLogger("httpx").addFilter(raising)
        try:
            with pytest.raises(LookupError) as caught:
                runner.call(anchor.tasks.start, "Read the price")
        finally:
            logging.getLogger("httpx").removeFilter(raising)
    assert [ID_NOTE in note for note in caught.value.__notes__] == [True]
