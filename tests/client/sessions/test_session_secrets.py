"""No secret of a session is shown: key, proxy password, answers to questions, and the addresses of its browser."""

from __future__ import annotations

import json
import logging
import traceback
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import (
    BadRequestError,
    NotFoundError,
    SessionError,
    SessionNotEndedWarning,
    SessionOutcomeUnknownError,
    TaskFailedError,
)
from anchor_webtask.emulator import Ask, Download, Emulator, Fault
from tests.support.errors import raised
from tests.support.runners import KEY
from tests.support.secret_search import PASSWORD, exception_texts, find_secrets, log_texts

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

PROXY = {"active": True, "type": "custom", "server": "http://proxy.example:1", "username": "ada", "password": PASSWORD}
CODE = "one-time-code-873215"


@pytest.mark.parametrize(
    "faults",
    [{}, {"get": [400], "recordings": [404, 500], "questions": [Fault(cut=True)], "end": [502, 429, Fault(cut=True)]}],
    ids=["without-faults", "with-faults"],
)
def test_no_secret_appears_in_what_is_shown_of_a_session(
    runner: Runner, clock: InstantClock, caplog: pytest.LogCaptureFixture, tmp_path: Path, faults: Any
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator = Emulator(KEY, takes=30, clock=clock)
    emulator.on(asks=[Ask("The code?")], downloads=[Download("a.txt")])
    emulator.on_session(faults=faults)
    with runner.anchor(transport=emulator.transport(), base_url="https://api.example") as anchor:
        with runner.entered(anchor.sessions.open(proxy=PROXY)) as session:
            shown = [repr(session), repr(vars(session)), session._repr_html_(), repr(anchor.sessions)]
            if faults:
                shown += exception_texts(raised_usage(runner, session))
            result = runner.call(
                session.tasks.run, "Log in", secret_values={"PASSWORD": PASSWORD}, on_question=lambda _: CODE
            )
            (file,) = runner.call(session.downloads)
            runner.call(file.save, tmp_path)
            shown += map(
                repr, (result, file, vars(file), runner.call(session.usage), runner.call(anchor.sessions.list))
            )
            token = str(session.live_view_url).rpartition("=")[2]
        shown += [repr(runner.call(session.recording)), repr(session)]
    shown += [repr(emulator), repr(emulator.requests[0]), repr(emulator.sessions), repr(emulator.sessions[0].body)]
    shown += log_texts(caplog)
    assert find_secrets(shown) == []
    assert [text for text in shown if token in text or CODE in text] == []
    assert emulator.sessions[0].body["session"]["proxy"] == PROXY


def raised_usage(runner: Runner, session: Any) -> Exception:
    with pytest.raises(Exception, match="HTTP 400") as caught:
        runner.call(session.usage)
    return caught.value


def test_errors_of_sessions_show_no_secret(runner: Runner, clock: InstantClock, tmp_path: Path) -> None:
    emulator = Emulator(KEY, clock=clock)
    echo = Fault(400, body=f'{{"error": {{"code": 400, "message": "no: {KEY} TOKEN"}}}}')
    emulator.on_session(faults={"create": [Fault(cut=True)], "list": [500] * 50})
    with runner.anchor(transport=emulator.transport(), base_url="https://api.example") as anchor:
        shown = exception_texts(raised(SessionOutcomeUnknownError, runner, anchor.sessions.open, proxy=PROXY))
        session = runner.call(anchor.sessions.open, proxy=PROXY)
        token = str(session.live_view_url).rpartition("=")[2]
        body = str(echo.body).replace("TOKEN", f"{session.live_view_url} {session.cdp_url}")
        emulator.on_session(faults={"screenshot": [Fault(400, body=body)]})
        with pytest.raises(Exception, match="no: ") as caught:
            runner.call(session.screenshot)
        shown += exception_texts(caught.value)
        emulator.on(downloads=[Download("a", link=f"https://evil.example/?key={KEY}")])
        runner.call(session.tasks.run, "Download")
        (file,) = runner.call(session.downloads)
        shown += exception_texts(raised(SessionError, runner, file.save, tmp_path))
        shown.append(repr(file))
    assert find_secrets(shown) == []
    assert [text for text in shown if token in text] == []


TOKENS = (
    "h0st-token-1x",
    "pa/th tok3n+é",
    "qu3ry-token",
    "fr4gment-token",
    "us3r-name",
    "p4ss-w",
    "pr0xy-pass",
    "pr0xy-path",
)
VIEW = (
    "https://us3r-name:p4ss-w@h0st-token-1x.live.example/sessions/s-1/pa%2Fth%20tok3n+%C3%A9/live-view?t=qu3ry-token"
    "#x=fr4gment-token"
)
SERVER = "ada:pr0xy-pass@proxy.example:1/pr0xy-path"


def test_no_part_of_an_address_is_shown_that_may_be_a_secret(
    runner: Runner, clock: InstantClock, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator = Emulator(KEY, clock=clock)
    echoed = f"{' '.join(TOKENS)} sessions live-view {VIEW} {SERVER}"
    echo = Fault(400, body=json.dumps({"error": {"code": 400, "message": echoed}}))
    link = Fault(
        body=json.dumps({"data": {"items": [{"file_link": "/sessions/f1le-link-token-0123?t=qu3ry-of-the-link-0"}]}})
    )
    emulator.on(fails=echoed)
    shown = []
    with runner.anchor(transport=emulator.transport(), base_url="https://api.example") as anchor:
        known = runner.call(anchor.sessions.open)
        created = Fault(body=json.dumps({"data": {"id": known.id, "live_view_url": VIEW, "cdp_url": VIEW}}))
        emulator.on_session(faults={"create": [created], "screenshot": [echo], "downloads": [link]})
        session = runner.call(anchor.sessions.open, proxy={"active": True, "type": "custom", "server": SERVER})
        shown += [repr(session.live_view_url), repr(session.cdp_url), repr(session), repr(vars(session))]
        for kind, call in ((BadRequestError, session.screenshot), (TaskFailedError, lambda: session.tasks.run("Read"))):
            error = raised(kind, runner, call)
            assert "sessions live-view" in str(error)
            shown += exception_texts(error)
        (file,) = runner.call(session.downloads)
        shown += exception_texts(raised(NotFoundError, runner, file.save, tmp_path))
    shown += [repr(emulator.requests), repr(emulator.sessions), *log_texts(caplog)]
    assert [
        (text, token)
        for text in shown
        for token in (*TOKENS, "f1le-link-token-0123", "qu3ry-of-the-link-0")
        if token in text
    ] == []


def test_traceback_of_a_users_handler_shows_no_secret(
    runner: Runner, clock: InstantClock, caplog: pytest.LogCaptureFixture
) -> None:
    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.getMessage().endswith("created"):
                raise LookupError("mine")

    emulator, logger, handler = Emulator(KEY, clock=clock), logging.getLogger("anchor_webtask"), Handler()
    caplog.set_level(logging.INFO, logger="anchor_webtask")
    logger.addHandler(handler)
    try:
        with runner.anchor(transport=emulator.transport()) as anchor, pytest.raises(LookupError) as caught:
            runner.call(anchor.sessions.open, proxy=PROXY)
    finally:
        logger.removeHandler(handler)
    emulator.expect_no_open_sessions()
    token = emulator._responder.sessions.register.sessions[0].token
    shown = exception_texts(caught.value)
    assert find_secrets(shown) == []
    assert [text for text in shown if token in text] == []


def test_ids_names_and_words_of_the_server_show_no_secret(
    runner: Runner, clock: InstantClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator = Emulator(KEY, clock=clock)
    named = f'{{"data": {{"id": "s-{KEY}"}}}}'
    info = f'{{"id": "s-{KEY}", "status": "{KEY}", "tags": ["anchor-webtask", "{KEY}"], "created_at": "{KEY}"}}'
    file = f'{{"id": "1", "suggested_file_name": "{KEY}.txt", "created_at": "{KEY}"}}'
    used = f'{{"steps": 1, "status": "{KEY}", "tokens": {{"{KEY}": 1, "a": "{KEY}", "b": {{"{KEY}": 2}}}}}}'
    emulator.on_session(
        faults={
            "create": [Fault(body=named), Fault(409, body=named)],
            "list": [Fault(body='{"data": {"items": [INFO]}}'.replace("INFO", info)), *[500] * 50],
            "downloads": [Fault(body='{"data": {"items": [FILE]}}'.replace("FILE", file))],
            "get": [Fault(body=f'{{"data": {used}}}'), 500],
            "end": [Fault(400)],
        }
    )
    with runner.anchor(transport=emulator.transport(), base_url="https://api.example") as anchor:
        session = runner.call(anchor.sessions.open)
        found = anchor.sessions.get(session.id)
        assert session.id == found.id == f"s-{KEY}"
        (info_,) = runner.call(anchor.sessions.list)
        (file_,) = runner.call(session.downloads)
        assert (info_.id, file_.suggested_name) == (session.id, f"{KEY}.txt")
        shown = [repr(each) for each in (session, found, session.tasks, info_, file_, vars(file_), vars(session))]
        shown += [session._repr_html_(), repr(runner.call(session.usage))]
        with pytest.warns(SessionNotEndedWarning) as warned, runner.entered(session):
            pass
        shown += [str(each.message) for each in warned]
        error = raised(SessionOutcomeUnknownError, runner, anchor.sessions.open)
        shown += [str(error), repr(error), *traceback.format_exception(error)]
        assert error.session_id == session.id
    assert find_secrets(shown + log_texts(caplog)) == []
