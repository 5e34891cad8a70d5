"""A session's id that has arrived is never lost, whatever the response and whatever user code raises; both clients."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import SessionError, SessionOutcomeUnknownError, StatusError
from anchor_webtask._api.session_responses import arrived_session
from anchor_webtask.emulator import Emulator, Fault
from tests.support.errors import raised

if TYPE_CHECKING:
    from tests.support.runners import Runner

NAMED = '{"data": {"id": "s-123"}}'


@pytest.mark.parametrize("status", [500, 409, 429, 302])
def test_session_that_an_error_names_is_adopted_if_it_has_our_tag(
    runner: Runner, anchor: Any, emulator: Emulator, status: int
) -> None:
    emulator.on_session(faults={"create": [Fault(status, body=NAMED, accepted=True)]})
    with runner.entered(anchor.sessions.open()) as session:
        assert session.id == emulator.sessions[0].id
    assert len(emulator.sessions) == 1
    emulator.expect_no_open_sessions()


@pytest.mark.parametrize("status", [500, 409, 429])
def test_session_that_an_error_names_is_said_if_it_is_not_found(
    runner: Runner, anchor: Any, emulator: Emulator, status: int
) -> None:
    emulator.on_session(faults={"create": [Fault(status, body=NAMED)]})
    error = raised(SessionOutcomeUnknownError, runner, anchor.sessions.open)
    assert (error.session_id, error.tag is not None) == ("s-123", True)
    assert "names the session 's-123'" in str(error)
    assert "anchor-webtask session end --base-url https://api.example s-123" in str(error)
    # It may be another session, which is in the way of the new one.
    assert not any(each.method == "DELETE" for each in emulator.requests)


@pytest.mark.parametrize("body", ['{"id": "request-1", "error": {"message": "no"}}', '{"data": {}}', "<html>"])
def test_refusal_that_names_no_session_stays_a_refusal(
    runner: Runner, anchor: Any, emulator: Emulator, body: str
) -> None:
    emulator.on_session(faults={"create": [Fault(409, body=body)]})
    raised(StatusError, runner, anchor.sessions.open)
    assert len(emulator.requests) == 1


def test_id_is_enough_of_a_success_that_is_cut(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on_session(faults={"create": [Fault(cut="midway")], "list": [500] * 100})
    with runner.entered(anchor.sessions.open()) as session:
        assert session.id == emulator.sessions[0].id
    emulator.expect_no_open_sessions()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ('{"data": {"id": "s-1", "cdp', "s-1"),
        ('{ "session_id" : "s-1"', "s-1"),
        ('{"data": {"created_at": "to\\"day", "n": -1.5, "sessionId": "s-1", ', "s-1"),
        ('{"data": {"profile": {"id": "p-1", ', None),
        ('{"data": {"id": "s-', None),
        ('{"data": {"id": ["s-1"], ', None),
        ('{"data": {"name": "id", "x', None),
        ("[" * 100_000, None),
        ("5", None),
        ("", None),
    ],
)
def test_id_is_read_from_the_beginning_of_a_body(body: str, found: str | None) -> None:
    created = arrived_session([b"\xff", body.encode()])
    assert (created and created.id) == found


class Handler(logging.Handler):
    """A user's handler that raises an error of this package."""

    def __init__(self, at: str) -> None:
        super().__init__()
        self._at = at

    def emit(self, record: logging.LogRecord) -> None:
        if self._at in record.getMessage():
            raise SessionError("mine")


@pytest.mark.parametrize("at", ["created", "found by its tag", "no known outcome"])
def test_session_is_ended_if_user_code_raises_an_error_of_this_package(
    runner: Runner, anchor: Any, emulator: Emulator, caplog: pytest.LogCaptureFixture, at: str
) -> None:
    if at != "created":
        emulator.on_session(faults={"create": [Fault(cut=True, accepted=True)]})
    logger, handler = logging.getLogger("anchor_webtask"), Handler(at)
    caplog.set_level(logging.INFO, logger="anchor_webtask")
    logger.addHandler(handler)
    try:
        # A later message of the same text raises as well, while the session is ended.
        error = raised(SessionError, runner, anchor.sessions.open)
    finally:
        logger.removeHandler(handler)
    assert "mine" in str(error)
    assert len(emulator.sessions) == 1
    if at == "no known outcome":
        assert getattr(error, "__notes__", []) == []
    emulator.expect_no_open_sessions()


def test_session_that_cannot_be_ended_then_is_said(
    runner: Runner, anchor: Any, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.on_session(faults={"end": [500] * 100})
    logger, handler = logging.getLogger("anchor_webtask"), Handler("created")
    caplog.set_level(logging.INFO, logger="anchor_webtask")
    logger.addHandler(handler)
    try:
        error = raised(SessionError, runner, anchor.sessions.open)
    finally:
        logger.removeHandler(handler)
    (note,) = error.__notes__
    (session,) = emulator.sessions
    assert f"anchor-webtask session end --base-url https://api.example {session.id}" in note
    assert "or for 40 minutes without a connection" in note
    session.end()
