"""A start that a user's own transport sends over HTTP/2 is sent once, also if httpcore would repeat it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import httpx
import pytest
import trustme

from anchor_webtask import StartOutcomeUnknownError
from tests.support.errors import raised
from tests.support.http2_server import http2_server
from tests.support.raw_server import TASK_ID

if TYPE_CHECKING:
    from tests.support.runners import Runner


@pytest.fixture(name="authority", scope="module")
def trusted_authority() -> trustme.CA:
    """Make the authority that signs the server's certificate."""
    return trustme.CA()


def test_start_is_not_repeated_after_a_goaway(runner: Runner, authority: trustme.CA) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    kind = httpx.HTTPTransport if runner.name == "sync" else httpx.AsyncHTTPTransport
    with (
        http2_server(authority.issue_cert("127.0.0.1")) as server,
        runner.anchor(base_url=server.base_url, transport=kind(http2=True, verify=trusting)) as anchor,
    ):
        assert runner.call(anchor.tasks.start, "Read the price").id == TASK_ID
        error = raised(StartOutcomeUnknownError, runner, anchor.tasks.start, "Read the price")
        assert error.task_id is None
        assert server.starts == 2
