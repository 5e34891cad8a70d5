"""Browser sessions: how they are opened and ended, what is known of them, and tasks in them; with both clients."""

from __future__ import annotations

import copy
import inspect
import pickle
from contextlib import ExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from anchor_webtask import (
    Anchor,
    AnchorError,
    AsyncAnchor,
    AuthenticationError,
    BadRequestError,
    ConfigurationError,
    InvalidOutputError,
    ListPrice,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SessionError,
    SessionInfo,
    SessionNotEndedWarning,
    SessionOutcomeUnknownError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
    TransportError,
    UnexpectedResponseError,
)
from anchor_webtask._http.record import ExchangeRecord
from anchor_webtask.emulator import Download, Emulator, Fault
from anchor_webtask.emulator._dialects import SESSION_DIALECTS, TASK_DIALECTS
from tests.support.errors import raised
from tests.support.runners import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


def opened(runner: Runner, anchor: Any, **options: Any) -> Any:
    """Open a session that nobody ends."""
    return runner.call(anchor.sessions.open, **options)


def test_context_manager_opens_a_session_and_ends_it(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(answer="done")
    with runner.entered(anchor.sessions.open()) as session:
        assert runner.call(session.tasks.run, "Read").value == "done"
        assert emulator.sessions[0].is_open
        assert repr(session) == f"<{type(session).__name__} {session.id!r}>"
    assert session.id == emulator.sessions[0].id
    assert repr(session).endswith(": ended>")
    emulator.expect_no_open_sessions()


def test_open_alone_returns_a_session_that_its_end_ends(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    session = opened(runner, anchor)
    assert emulator.sessions[0].is_open
    for _ in range(2):
        runner.call(session.end)
    emulator.expect_no_open_sessions()
    assert [each.method for each in emulator.requests] == ["POST", "DELETE"]


def test_session_is_also_ended_after_an_error(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    for error in (ValueError("mine"), KeyboardInterrupt()):
        with pytest.raises(type(error)) as caught, runner.entered(anchor.sessions.open()):
            raise error
        assert caught.value is error
        assert getattr(error, "__notes__", []) == []
    assert len(emulator.sessions) == 2
    emulator.expect_no_open_sessions()


def test_found_session_works_and_is_not_ended_by_its_context(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    first = opened(runner, anchor)
    found = anchor.sessions.get(f" {first.id} ")
    assert (found.id, found.tag, found.live_view_url, found.cdp_url) == (first.id, None, None, None)
    with runner.entered(found):
        runner.call(found.tasks.run, "Read")
    assert emulator.sessions[0].is_open
    runner.call(found.end)
    emulator.expect_no_open_sessions()


OPTIONS: dict[str, Any] = {
    "initial_url": " https://shop.example/ ",
    "max_duration": -1,
    "idle_timeout": 60,
    "recording": False,
    "live_view": {"read_only": True},
    "profile": "shop",
    "tags": ["mine"],
    "proxy": {"active": True, "type": "anchor_proxy"},
    "browser": {"adblock": {"active": False}},
    "identities": ["i-1"],
    "integrations": (
        {"id": "550e8400-e29b-41d4-a716-446655440000", "type": "1PASSWORD", "configuration": {"load_mode": "all"}},
    ),
    "extra_body": {"session": {"new": [1]}, "newer": True},
}


def test_options_are_sent_under_the_names_of_the_api(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    plain, full = opened(runner, anchor, recording=None), opened(runner, anchor, **OPTIONS)
    body = emulator.sessions[0].body
    timeout = {"max_duration": 180, "idle_timeout": 40}
    assert body == {"session": {"tags": ["anchor-webtask", plain.tag], "timeout": timeout}}
    assert plain.tag.startswith("awt-")
    assert plain.tag != full.tag
    assert emulator.sessions[1].body == {
        "session": {
            "tags": ["anchor-webtask", full.tag, "mine"],
            "timeout": {"max_duration": -1, "idle_timeout": 60},
            "initial_url": "https://shop.example/",
            "recording": {"active": False},
            "live_view": {"read_only": True},
            "proxy": {"active": True, "type": "anchor_proxy"},
            "new": [1],
        },
        "browser": {"adblock": {"active": False}, "profile": {"name": "shop"}},
        "identities": [{"id": "i-1"}],
        "integrations": [*OPTIONS["integrations"]],
        "newer": True,
    }


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"initial_url": "shop.example"}, "initial_url must start with https:// or http://"),
        (
            {"idle_timeout": 1800},
            "idle_timeout is in minutes, and must be at most 1440, or -1 for no limit; it is 1800",
        ),
        ({"max_duration": 0}, "max_duration must be at least 1 minute, or -1"),
        ({"max_duration": 2.5}, "max_duration must be a whole number of minutes, not float"),
        ({"recording": 1}, "recording must be True or False"),
        ({"tags": "mine"}, "tags must be a list of texts, not str"),
        ({"tags": ["a,b"]}, "tags must be without commas"),
        ({"tags": [5]}, "tags must be a list of texts: one must be text, not int"),
        ({"proxy": "http://proxy"}, "proxy must be a mapping under the API's names"),
        ({"profile": 5}, "profile must be a mapping"),
        ({"identities": "i-1"}, "identities must be a list of ids"),
        ({"integrations": [5]}, "integrations must be a mapping"),
        ({"extra_body": {"session": {"tags": []}}}, r"extra_body must not have 'session.tags'"),
        ({"extra_body": {"a": object()}}, "the options of a session must be JSON"),
        (
            {"profile": "a", "browser": {"profile": {"name": "b"}}},
            "browser must not have 'profile', which is set already",
        ),
        ({"url": "https://shop.example"}, "sessions.open has no argument 'url': pass it as initial_url=…"),
        ({"timeout": 600}, "sessions.open has no argument 'timeout': pass minutes as idle_timeout=… or max_duration=…"),
        ({"profil": "shop"}, "sessions.open has no argument 'profil': did you mean profile"),
    ],
)
def test_invalid_options_are_refused(
    runner: Runner, anchor: Any, emulator: Emulator, options: dict[str, Any], message: str
) -> None:
    error = raised(ConfigurationError, runner, anchor.sessions.open, **options)
    assert str(error).startswith(message.replace("\\", "")) or message in str(error)
    assert emulator.requests == ()


def test_arguments_by_position_are_refused(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    for given, advice in (("https://shop.example", "the URL as initial_url=…"), (5, "each by name, such as")):
        error = raised(ConfigurationError, runner, anchor.sessions.open, given)
        assert str(error).startswith(f"sessions.open accepts nothing by position: pass {advice}")
    assert emulator.requests == ()


@pytest.mark.parametrize("session_id", ["all", "ALL", " all "])
def test_all_is_no_session_since_the_api_would_end_every_one_of_the_key(
    runner: Runner, anchor: Any, emulator: Emulator, session_id: str
) -> None:
    with pytest.raises(ConfigurationError, match="the session's id is 'all', by which the API means every session"):
        anchor.sessions.get(session_id)
    emulator.on_session(faults={"create": [Fault(body=f'{{"data": {{"id": "{session_id}"}}}}')]})
    raised(SessionOutcomeUnknownError, runner, anchor.sessions.open)
    emulator.on_session(faults={"list": [Fault(body=f'[{{"id": "{session_id}"}}, {{"id": "s-1"}}]')]})
    assert [each.id for each in runner.call(anchor.sessions.list, tags=[])] == ["s-1"]
    assert not any(each.method == "DELETE" for each in emulator.requests)


@pytest.mark.parametrize("session_id", ["", "a\nb", "..", 5, "https://x.example"])
def test_invalid_ids_are_refused(anchor: Any, session_id: Any) -> None:
    with pytest.raises(ConfigurationError, match="the session's id"):
        anchor.sessions.get(session_id)


def test_addresses_of_the_browser_are_known_but_not_shown(runner: Runner, anchor: Any) -> None:
    session = opened(runner, anchor)
    assert session.live_view_url.startswith("https://live.anchorbrowser.io?sessionId=")
    assert session.cdp_url.startswith("wss://connect.anchorbrowser.io?apiKey=")
    assert repr(session.live_view_url) == "'https://live.anchorbrowser.io/[redacted]'"
    assert repr(session.cdp_url) == "'wss://connect.anchorbrowser.io/[redacted]'"
    token = str(session.live_view_url).rpartition("=")[2]
    for shown in (repr(session), session._repr_html_(), repr(vars(session)), repr(session.tasks)):
        assert KEY not in shown
        assert token not in shown
    for copied in (copy.copy, pickle.dumps):
        with pytest.raises(TypeError, match=r"pass its .id"):
            copied(session)


def test_usage_has_the_cost_by_list_price(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(takes=90, steps=5)
    session = opened(runner, anchor)
    assert (runner.call(session.usage).steps, runner.call(session.usage).duration) == (0, 0)
    runner.call(session.tasks.run, "Read")
    used = runner.call(session.usage)
    assert used.steps == 5
    assert used.status == "running"
    assert used.tokens == {"input": 5000, "output": 500}
    minutes = -(-int(used.duration) // 60)
    amount = Decimal("0.01") + Decimal("0.05") * minutes / 60 + Decimal("0.05")
    assert used.cost.amount - amount < Decimal("0.0001")
    assert used.cost == ListPrice(
        amount=used.cost.amount, date="2026-03-12", source="https://docs.anchorbrowser.io/pricing"
    )
    assert used.credits == pytest.approx(amount, abs=Decimal("0.00001"))


@pytest.mark.parametrize(
    "fields", ['"steps": 1', '"duration": 60', '"steps": -1, "duration": 60', '"steps": 1, "duration": "-60"', None]
)
def test_cost_is_unknown_if_the_use_is(runner: Runner, anchor: Any, emulator: Emulator, fields: str | None) -> None:
    session = opened(runner, anchor)
    known = '"steps": 0, "duration": 0, "credits_used": -5'
    body = f'{{"data": {{"session_id": "s", {fields or known}}}}}'.replace(", }", "}")
    emulator.on_session(faults={"get": [Fault(body=body)]})
    used = runner.call(session.usage)
    assert used.credits is None
    assert (used.cost and used.cost.amount) == (Decimal("0.01") if fields is None else None)


def test_errors_of_tasks_in_a_session_have_its_id(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(prompt="fails", fails="no")
    emulator.on(prompt="invalid", answer=5)
    emulator.on(prompt="refused", start_faults=[400] * 4)
    emulator.on(prompt="unknown", start_faults=[Fault(cut=True)])
    emulator.on(prompt="late", takes=10_000)
    emulator.on(prompt="gone", faults=[401, 401])

    def caught(call: Any, *args: Any, **options: Any) -> tuple[type[AnchorError], str | None]:
        with pytest.raises(AnchorError) as found:
            runner.call(call, *args, **options)
        assert (repr(found.value.session_id) in str(found.value)) == (found.value.session_id is not None)
        return type(found.value), found.value.session_id

    async def collected(outcomes: Any) -> Any:
        return [each async for each in outcomes]

    with runner.entered(anchor.sessions.open()) as session:
        tasks, known = session.tasks, session.id
        assert caught(tasks.run, "fails") == (TaskFailedError, known)
        assert caught(tasks.run, "invalid", output=dict[str, int]) == (InvalidOutputError, known)
        assert caught(tasks.start, "refused") == (BadRequestError, known)
        assert caught(tasks.run_in_one_request, "refused") == (BadRequestError, known)
        assert caught(anchor.tasks.run, "refused", session_id=known) == (BadRequestError, known)
        assert caught(tasks.start, "unknown") == (StartOutcomeUnknownError, known)
        assert caught(tasks.run, "late", timeout=5) == (TaskTimeoutError, known)
        task = runner.call(tasks.start, "gone")
        assert caught(task.refresh) == (AuthenticationError, known)
        assert caught(tasks.get(task.id).result) == (AuthenticationError, known)
        outcomes = tasks.map(["fails", "refused"])
        found = [*outcomes] if runner.name == "sync" else runner.call(collected, outcomes)
        assert [each.error.session_id for each in found] == [known, known]
    assert caught(anchor.tasks.run, "fails") == (TaskFailedError, None)


def test_short_name_of_a_proxys_user_is_not_hidden(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    for name, shown in (("run", "running"), ("runni", "[redacted]ng")):
        session = opened(runner, anchor, proxy={"active": True, "username": name, "password": "the-password"})
        emulator.on_session(faults={"get": [Fault(body='{"data": {"status": "running", "steps": 1}}')]})
        assert runner.call(session.usage).status == shown


def test_task_in_an_unknown_session_is_not_started(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    error = raised(NotFoundError, runner, anchor.tasks.start, "Read", session_id="mistyped")
    assert "the emulator has no session with this id" in str(error)
    assert emulator.tasks == ()


def test_screenshot_is_a_png(runner: Runner, anchor: Any) -> None:
    session = opened(runner, anchor)
    assert runner.call(session.screenshot).startswith(b"\x89PNG")
    runner.call(session.end)
    error = raised(NotFoundError, runner, session.screenshot)
    assert (error.session_id, f"[browser session {session.id!r}]" in str(error)) == (session.id, True)


def test_sessions_are_listed_by_tags(runner: Runner, anchor: Any) -> None:
    first, second = opened(runner, anchor, tags=["a"]), opened(runner, anchor)
    runner.call(second.end)
    ids = {tags: [each.id for each in runner.call(anchor.sessions.list, tags=[*tags])] for tags in ("a", "z", "")}
    assert ids == {"a": [first.id], "z": [], "": [first.id, second.id]}
    listed = runner.call(anchor.sessions.list)
    assert listed[1] == SessionInfo(
        id=second.id, status="ended", tags=("anchor-webtask", second.tag), created_at=listed[1].created_at
    )
    assert raised(ConfigurationError, runner, anchor.sessions.list, tags="a")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [(400, BadRequestError), (402, PaymentRequiredError), (403, PermissionDeniedError), (429, RateLimitError)],
)
def test_refused_creation_is_not_repeated(
    runner: Runner, anchor: Any, emulator: Emulator, fault: int, kind: type[AnchorError]
) -> None:
    emulator.on_session(faults={"create": [fault]})
    raised(kind, runner, anchor.sessions.open)
    assert (len(emulator.requests), emulator.sessions) == (1, ())


LOST = [
    Fault(cut=True, accepted=True),
    Fault(502, accepted=True),
    Fault(408, accepted=True),
    Fault(delay=100),
    Fault(cut="midway"),
    Fault(body="<html>", accepted=True),
    Fault(body='{"data": {}}', accepted=True),
]


@pytest.mark.parametrize("fault", LOST, ids=str)
def test_session_whose_creation_lost_its_response_is_found_by_its_tag(
    runner: Runner, anchor: Any, emulator: Emulator, fault: Fault
) -> None:
    emulator.on_session(faults={"create": [fault], "list": [502, Fault(cut=True)]})
    opened(runner, anchor)
    with runner.entered(anchor.sessions.open()) as other:
        assert other.live_view_url
    session = anchor.sessions.get(emulator.sessions[0].id)
    runner.call(session.end)
    assert [each.method for each in emulator.requests if each.path == "/v1/sessions"] == ["POST", "POST"]
    emulator.expect_no_open_sessions()


def test_adopted_session_is_ended_by_its_context(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on_session(faults={"create": [Fault(cut=True, accepted=True)]})
    with runner.entered(anchor.sessions.open()) as session:
        assert (session.id, session.live_view_url) == (emulator.sessions[0].id, None)
        assert session.tag in emulator.sessions[0].tags
    emulator.expect_no_open_sessions()


def test_creation_with_an_unknown_outcome_says_the_tag_and_the_command(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on_session(faults={"create": [Fault(cut=True)], "list": [500] * 100})
    error = raised(SessionOutcomeUnknownError, runner, anchor.sessions.open)
    assert error.tag
    assert clock.time == 30
    assert f"anchor-webtask session list --base-url https://api.example --tag {error.tag}" in str(error)
    assert "or for 40 minutes without a connection" in str(error)
    assert [each.method for each in emulator.requests].count("POST") == 1


def test_sessions_of_others_are_neither_adopted_nor_listed(runner: Runner, clock: InstantClock) -> None:
    emulator = Emulator(KEY, clock=clock, dialects=["untagged-lists"])
    with runner.anchor(transport=emulator.transport()) as anchor:
        opened(runner, anchor)
        assert len(runner.call(anchor.sessions.list)) == 1
        assert runner.call(anchor.sessions.list, tags=["other"]) == ()
        emulator.on_session(faults={"create": [Fault(cut=True), Fault(cut=True, accepted=True)]})
        raised(SessionOutcomeUnknownError, runner, anchor.sessions.open)
        assert opened(runner, anchor).id == emulator.sessions[1].id


def test_unreachable_api_creates_nothing_and_is_tried_three_times(runner: Runner, clock: InstantClock) -> None:
    with runner.anchor(base_url="https://127.0.0.1:1") as anchor:
        error = raised(TransportError, runner, anchor.sessions.open)
    assert "refused" in str(error)
    assert clock.sleeps == [1, 2]


@pytest.mark.parametrize(
    "faults", [[502, Fault(cut=True), 429], [Fault(cut=True, accepted=True)], [Fault(delay=100)]], ids=str
)
def test_end_is_repeated_until_it_is_certain(
    runner: Runner, anchor: Any, emulator: Emulator, faults: list[int | Fault]
) -> None:
    emulator.on_session(faults={"end": faults})
    with runner.entered(anchor.sessions.open()):
        pass
    emulator.expect_no_open_sessions()


def test_session_that_has_ended_on_its_own_is_ended(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on_session(faults={"end": [404]})
    with runner.entered(anchor.sessions.open()):
        emulator.sessions[0].end()


@pytest.mark.parametrize("fault", [400, 409, 410, 403, [500] * 100], ids=str)
def test_refused_end_of_a_session_that_is_over_is_none(
    runner: Runner, anchor: Any, emulator: Emulator, fault: Any
) -> None:
    emulator.on_session(faults={"end": fault if isinstance(fault, list) else [fault]})
    with runner.entered(anchor.sessions.open()) as session:
        emulator.sessions[0].end()
    assert "ended" in repr(session)


@pytest.mark.parametrize("lookup", [404, 500], ids=str)
def test_end_of_a_session_that_the_api_does_not_know_is_an_error(
    runner: Runner, anchor: Any, emulator: Emulator, lookup: int
) -> None:
    emulator.on_session(faults={"get": [lookup]})
    error = raised(NotFoundError, runner, anchor.sessions.get("mistyped").end)
    assert str(error).startswith("the API knows no session with this id")
    assert error.session_id == "mistyped"


def test_found_session_that_has_ended_is_ended_though_its_end_is_refused(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    session = opened(runner, anchor)
    runner.call(session.end)
    emulator.on_session(faults={"end": [404]})
    runner.call(anchor.sessions.get(session.id).end)


@pytest.mark.parametrize("body", ['{"status": "running"}', '{"status": "mystery"}', "{}", "<html>"])
def test_refused_end_of_a_session_that_may_be_open_is_said(
    runner: Runner, anchor: Any, emulator: Emulator, body: str
) -> None:
    emulator.on_session(faults={"end": [409], "get": [Fault(body=body)]})
    with (
        pytest.warns(SessionNotEndedWarning, match="may still be open .HTTP 409"),
        runner.entered(anchor.sessions.open()),
    ):
        pass
    assert len([each for each in emulator.requests if each.method == "DELETE"]) == 1


@pytest.mark.parametrize(("pause", "time"), [(20, 20), (45, 45), (500, 90)], ids=str)
def test_end_obeys_a_pause_and_is_tried_at_the_end_of_its_time(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock, pause: int, time: int
) -> None:
    emulator.on_session(faults={"end": [Fault(429, headers={"Retry-After": str(pause)})]})
    with runner.entered(anchor.sessions.open()):
        pass
    emulator.expect_no_open_sessions()
    assert clock.time == time


def test_failed_end_is_a_warning_with_the_id_and_what_it_costs(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on_session(faults={"end": [500] * 100})
    with (
        pytest.warns(SessionNotEndedWarning) as warned,
        runner.entered(anchor.sessions.open(idle_timeout=7)) as session,
    ):
        pass
    (text,) = (str(each.message) for each in warned)
    assert text.startswith(f"the browser session {session.id!r} may still be open (HTTP 500: Internal Server Error")
    assert "it costs $0.05 an hour by list price until it is ended, or for 7 minutes without a connection" in text
    assert text.endswith(f"anchor-webtask session end --base-url https://api.example {session.id}")
    assert 20 < clock.time <= 30


def test_warning_points_to_the_block_of_the_session(emulator: Emulator) -> None:
    def work() -> None:
        with Anchor(KEY, transport=emulator.transport()) as anchor, anchor.sessions.open():
            pass

    async def work_async() -> None:
        async with AsyncAnchor(KEY, transport=emulator.transport()) as anchor, anchor.sessions.open():
            pass

    async def work_in_an_open_session() -> None:
        async with AsyncAnchor(KEY, transport=emulator.transport()) as anchor, await anchor.sessions.open():
            pass

    def work_in_a_stack() -> None:
        with Anchor(KEY, transport=emulator.transport()) as anchor, ExitStack() as stack:
            stack.enter_context(anchor.sessions.open())

    emulator.on_session(faults={"end": [401] * 4})
    for function in (work, work_async, work_in_an_open_session, work_in_a_stack):
        with pytest.warns(SessionNotEndedWarning) as warned:
            anyio.run(function) if inspect.iscoroutinefunction(function) else function()
        (found,) = warned
        assert (found.filename, found.lineno) == (__file__, function.__code__.co_firstlineno + 1)


def test_command_has_no_base_url_if_it_is_that_of_the_environment(
    runner: Runner, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORBROWSER_BASE_URL", "https://api.example/")
    emulator.on_session(faults={"end": [401]})
    with (
        pytest.warns(SessionNotEndedWarning, match="this command ends it: anchor-webtask session end [^-]"),
        runner.anchor(transport=emulator.transport()) as anchor,
        runner.entered(anchor.sessions.open()),
    ):
        pass


def test_failed_end_after_an_error_is_a_note_of_that_error(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on_session(faults={"end": [401]})
    with pytest.raises(ValueError, match="mine") as caught, runner.entered(anchor.sessions.open()) as session:
        raise ValueError("mine")
    (note,) = caught.value.__notes__
    assert note.startswith(f"the browser session {session.id!r} may still be open (HTTP 401")


def test_failed_end_raises_if_it_was_called(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on_session(faults={"end": [500] * 100})
    session = opened(runner, anchor)
    error = raised(ServerError, runner, session.end)
    assert error.session_id == session.id
    assert pickle.loads(pickle.dumps(error)).session_id == session.id
    emulator.sessions[0].end()


def test_downloads_are_saved_under_safe_names(runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path) -> None:
    names = ["../../etc/passwd", "report.csv", "report.csv", "..", "C:\\a\\con.txt", "\u202egpj.exe", ".bashrc"]
    emulator.on(downloads=[Download(name, name.encode()) for name in names])
    session = opened(runner, anchor)
    runner.call(session.tasks.run, "Download")
    files = runner.call(session.downloads)
    assert [each.suggested_name for each in files] == names
    runner.call(session.end)
    (tmp_path / "bashrc").write_bytes(b"kept")
    paths = [runner.call(each.save, tmp_path) for each in files]
    saved = ["passwd", "report.csv", "report (2).csv", "download", "_con.txt", "gpj.exe", "bashrc (2)"]
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == saved
    assert [path.read_bytes() for path in paths] == [name.encode() for name in names]
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted([*saved, "bashrc"])
    assert "http" not in repr(files)


FOREIGN = [
    "https://evil.example/file",
    "http://api.example/file",
    "https://api.example:444/file",
    "//evil.example/a",
    "https://api.example@evil.example/",
    "https://user:x@api.example/",
    "file:///etc/passwd",
    "https://[",
    "",
]


@pytest.mark.parametrize("link", FOREIGN)
def test_files_are_fetched_from_the_api_alone(
    runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path, link: str
) -> None:
    emulator.on(downloads=[Download("a", link=link or "x")])
    session = opened(runner, anchor)
    runner.call(session.tasks.run, "Download")
    if not link:
        emulator.on_session(faults={"downloads": [Fault(body='{"data": {"items": [{"id": "1"}]}}')]})
    (file,) = runner.call(session.downloads)
    before = len(emulator.requests)
    error = raised(SessionError, runner, file.save, tmp_path)
    assert error.session_id == session.id
    assert ("which alone may receive the key" if link else "the API gave no address") in str(error)
    assert (len(emulator.requests), [*tmp_path.iterdir()]) == (before, [])


BROKEN: list[tuple[int | Fault, type[AnchorError]]] = [
    (502, ServerError),
    (Fault(cut="midway"), TransportError),
    (Fault(cut=True), TransportError),
    (Fault(302, headers={"location": "/x"}), UnexpectedResponseError),
]


@pytest.mark.parametrize(("fault", "kind"), BROKEN, ids=["502", "midway", "cut", "redirect"])
def test_broken_download_leaves_no_file(
    runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path, fault: int | Fault, kind: type[AnchorError]
) -> None:
    emulator.on(downloads=[Download("a.txt", b"content")])
    count = 1 if kind is UnexpectedResponseError else 3
    emulator.on_session(faults={"file": [fault] * count})
    session = opened(runner, anchor)
    runner.call(session.tasks.run, "Download")
    (file,) = runner.call(session.downloads)
    error = raised(kind, runner, file.save, tmp_path)
    assert error.session_id == session.id
    assert count == 1 or str(error).startswith("the file 'a.txt' was not saved: ")
    assert [*tmp_path.iterdir()] == []
    assert runner.call(file.save, tmp_path).read_bytes() == b"content"


def test_what_only_reads_is_repeated(runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path) -> None:
    emulator.on(downloads=[Download("a.txt", b"content")])
    session = opened(runner, anchor)
    runner.call(session.tasks.run, "Download")
    broken: list[int | Fault] = [500, Fault(cut=True), Fault(body="<html>")]
    faults: dict[str, list[int | Fault]] = dict.fromkeys(("get", "list", "downloads"), broken)
    faults |= {"screenshot": [500, 503], "file": [502, Fault(cut="midway")]}
    emulator.on_session(faults=faults)
    assert runner.call(session.usage).steps == 3
    assert len(runner.call(anchor.sessions.list)) == 1
    assert runner.call(session.screenshot).startswith(b"\x89PNG")
    (file,) = runner.call(session.downloads)
    assert runner.call(file.save, tmp_path).read_bytes() == b"content"
    emulator.on_session(faults={"downloads": [Fault(429, headers={"Retry-After": "60"})]})
    assert raised(RateLimitError, runner, session.downloads).retry_after == 60


def test_size_of_a_file_is_limited(runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path) -> None:
    emulator.on(downloads=[Download("a.txt", b"x" * 100)])
    session = opened(runner, anchor)
    runner.call(session.tasks.run, "Download")
    (file,) = runner.call(session.downloads)
    assert "has 100 bytes, more than max_bytes=99" in str(
        raised(SessionError, runner, file.save, tmp_path, max_bytes=99)
    )
    assert file.size == 100
    file.size = None  # the API need not say it
    error = raised(UnexpectedResponseError, runner, file.save, tmp_path, max_bytes=99)
    assert str(error).startswith("the file is larger than max_bytes=99")
    assert [*tmp_path.iterdir()] == []
    for wrong in (0, True, 1.5):
        raised(ConfigurationError, runner, file.save, tmp_path, max_bytes=wrong)
    assert "is not a folder" in str(raised(ConfigurationError, runner, file.save, tmp_path / "none"))
    for place in (None, 5, b"folder"):
        assert "folder must be a text or a path, not" in str(raised(ConfigurationError, runner, file.save, place))


def test_file_is_written_piece_by_piece_and_kept_nowhere_else(runner: Runner, tmp_path: Path) -> None:
    content = bytes(range(256)) * 8192
    emulator = Emulator(KEY, takes=0)
    emulator.on(downloads=[Download("a.bin", content)])
    kept: list[int] = []

    def sum_of_pieces(record: ExchangeRecord) -> None:
        forget(record)
        if record.sink is not None:
            kept.append(sum(map(len, record.pieces)))

    forget = ExchangeRecord.forget_pieces
    with pytest.MonkeyPatch.context() as patched, emulator.serve() as server:
        patched.setattr(ExchangeRecord, "forget_pieces", sum_of_pieces)
        with runner.anchor(base_url=server.base_url) as anchor, runner.entered(anchor.sessions.open()) as session:
            runner.call(session.tasks.run, "Download")
            (file,) = runner.call(session.downloads)
            path = runner.call(file.save, tmp_path)
    assert path.read_bytes() == content
    assert len(kept) > 8
    assert max(kept) == 0


def test_recording_is_waited_for_and_saved(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock, tmp_path: Path
) -> None:
    emulator.on_session(recording=b"video", recording_takes=45, faults={"recordings": [404, 502]})
    with runner.entered(anchor.sessions.open()) as session:
        error = raised(SessionError, runner, session.recording)
        assert str(error).startswith("the session still runs, and its recording is ready some time after its end")
        assert clock.time == 0
    error = raised(SessionError, runner, session.recording, 0)
    assert "the recording is not ready yet" in str(error)
    recording = runner.call(session.recording, None)
    assert 45 <= clock.time < 80
    path = runner.call(recording.save, tmp_path)
    assert (path.name, path.read_bytes()) == (f"{session.id}.mp4", b"video")


def test_recording_of_an_unknown_session_is_not_waited_for(runner: Runner, anchor: Any, clock: InstantClock) -> None:
    error = raised(NotFoundError, runner, anchor.sessions.get("mistyped").recording)
    assert str(error).startswith("the API knows no session with this id")
    assert clock.time == 0


RECORDING = '{"data": {"items": [{"id": "1", "file_link": "https://storage.example/a", "is_primary": %s}]}}'


@pytest.mark.parametrize(
    "option", [{"recording": False}, {"extra_body": {"session": {"recording": {"active": False}}}}]
)
def test_session_without_a_recording_is_not_waited_for(
    runner: Runner, anchor: Any, emulator: Emulator, clock: InstantClock, option: dict[str, Any]
) -> None:
    with runner.entered(anchor.sessions.open(**option)) as session:
        before = len(emulator.requests)
        error = raised(SessionError, runner, session.recording)
        assert "the session has no recording: it was opened with recording=False" in str(error)
        assert len(emulator.requests) == before
        found = raised(SessionError, runner, anchor.sessions.get(session.id).recording)
        assert str(found) == str(error)
    assert clock.time == 0


def test_primary_recording_is_fetched_by_its_operation_and_others_by_links_of_the_api(
    runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.on_session(
        recording_takes=0, faults={"recordings": [Fault(body=RECORDING % "true"), Fault(body=RECORDING % "false")]}
    )
    with runner.entered(anchor.sessions.open()) as session:
        pass
    assert runner.call(runner.call(session.recording).save, tmp_path).exists()
    other = runner.call(session.recording)
    raised(SessionError, runner, other.save, tmp_path)


@pytest.mark.parametrize(
    "dialects", [[name] for name in SESSION_DIALECTS] + [["top-level"], [*SESSION_DIALECTS, *TASK_DIALECTS]], ids=str
)
def test_session_works_in_each_dialect(
    runner: Runner, clock: InstantClock, dialects: list[str], tmp_path: Path
) -> None:
    emulator = Emulator(KEY, takes=30, clock=clock, dialects=dialects)
    emulator.on(steps=4, downloads=[Download("a.txt", b"content")])
    emulator.on_session(faults={"create": [Fault(cut=True, accepted=True)]})
    with runner.anchor(transport=emulator.transport()) as anchor:
        with runner.entered(anchor.sessions.open()) as adopted, runner.entered(anchor.sessions.open()) as session:
            assert adopted.id == emulator.sessions[0].id
            assert session.live_view_url
            runner.call(session.tasks.run, "Read")
            assert runner.call(session.usage).steps == 4
            (file,) = runner.call(session.downloads)
            assert runner.call(file.save, tmp_path).read_bytes() == b"content"
            assert {each.id for each in runner.call(anchor.sessions.list)} == {adopted.id, session.id}
        assert runner.call(session.usage).credits > Decimal("0.04")
        assert runner.call(runner.call(session.recording).save, tmp_path).suffix == ".mp4"
    emulator.expect_no_open_sessions()


def test_tasks_of_a_session_run_in_it_one_after_the_other(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    with runner.entered(anchor.sessions.open()) as session:
        outcomes = runner.call(session.tasks.map, ["a", "b", "c"])
        task = runner.call(session.tasks.start, "d")
        assert runner.call(session.tasks.get(task.id).result).value
        assert emulator.max_running_seen == 1
        assert len(outcomes) == 3
        runner.call(session.tasks.map, ["a", "b"], max_running=2)
        assert emulator.max_running_seen == 2
        runner.call(session.tasks.run_in_one_request, "e")
        assert runner.call(session.usage).steps == 3 * 7
        refused = raised(ConfigurationError, runner, session.tasks.run, "f", session_id="other")
    assert "leave session_id out" in str(refused)
    assert emulator.starts == 7
    assert repr(session.tasks).endswith(f", in the browser session {session.id!r}>")


def test_opening_is_used_once(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    if runner.name == "sync":
        pytest.skip("the sync client opens a session at once")
    opening = anchor.sessions.open()
    assert emulator.requests == ()
    assert repr(opening) == "<SessionOpening: write `async with` or `await`>"

    async def wait() -> Any:
        return await opening

    session = runner.call(wait)
    with pytest.raises(ConfigurationError, match=r"call sessions.open again"):
        runner.call(wait)
    with runner.entered(session):
        assert len(emulator.sessions) == 1
    emulator.expect_no_open_sessions()


def test_other_names_are_explained(anchor: Any) -> None:
    with pytest.raises(AttributeError, match=r"'create': use open\(\)"):
        anchor.sessions.create  # noqa: B018  the lookup itself raises
    with pytest.raises(AttributeError, match=r"'run': it belongs to .tasks"):
        anchor.sessions.get("s-1").run  # noqa: B018
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(anchor.sessions)


def test_opening_of_the_async_client_says_how_it_is_used(emulator: Emulator) -> None:
    opening: Any = AsyncAnchor(KEY, transport=emulator.transport()).sessions.open()
    with pytest.raises(ConfigurationError, match="write `async with"), opening:
        pass
    with pytest.raises(AttributeError, match=r"write `async with .* has no 'tasks'"):
        _ = opening.tasks
