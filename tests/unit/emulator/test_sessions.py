"""The emulator's sessions: how long they live, what their end does, and what happens in them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest

from anchor_webtask._api.spec import composed_spec
from anchor_webtask.emulator import Ask, Download, Emulator, Fault
from tests.support.openapi import Witness
from tests.unit.emulator.support import KEY, TASKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.clocks import InstantClock

URL = "https://api.anchorbrowser.io"
SESSIONS = "/v1/sessions"
MINUTE = 60.0


class Api:
    """Calls the operations of sessions, and of tasks in them."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def create(self, **session: Any) -> dict[str, Any]:
        return dict(self.data(self.http.post(SESSIONS, json={"session": session})))

    def get(self, session_id: str) -> dict[str, Any]:
        return dict(self.data(self.http.get(f"{SESSIONS}/{session_id}")))

    def end(self, session_id: str) -> dict[str, Any]:
        return dict(self.data(self.http.delete(f"{SESSIONS}/{session_id}")))

    def items(self, session_id: str, part: str) -> list[dict[str, Any]]:
        found = self.data(self.http.get(f"{SESSIONS}/{session_id}/{part}"))
        assert found["count"] == len(found["items"])
        return list(found["items"])

    def start(self, session_id: str, prompt: str = "Read", **fields: Any) -> str:
        body = {"prompt": prompt, "async": True, **fields}
        started = self.data(self.http.post(TASKS, params={"sessionId": session_id}, json=body))
        return str(started.get("workflow_id") or started["workflowId"])

    def state(self, task_id: str) -> dict[str, Any]:
        return dict(self.data(self.http.get(f"{TASKS}/{task_id}/status")))

    def questions(self, session_id: str) -> list[dict[str, Any]]:
        found = self.data(self.http.get(f"{SESSIONS}/{session_id}/agent/requested-human-intervention"))
        return list(found["requests"])

    def answer(self, session_id: str, request_id: str, response: Any) -> httpx.Response:
        body = {"requestId": request_id, "response": response}
        return self.http.post(f"{SESSIONS}/{session_id}/agent/respond-to-human-intervention", json=body)

    @staticmethod
    def data(response: httpx.Response) -> Any:
        assert response.status_code == 200, response.text
        return response.json()["data"]


def api_of(emulator: Emulator, witness: Witness | None = None) -> Api:
    transport = witness or emulator.transport()
    headers = {"anchor-api-key": KEY}
    return Api(httpx.Client(transport=transport, base_url=URL, headers=headers, timeout=None))


@pytest.fixture
def api(emulator: Emulator) -> Iterator[Api]:
    """A client whose exchanges must fit the spec."""
    witness = Witness(composed_spec(), emulator.transport())
    made = api_of(emulator, witness)
    yield made
    made.http.close()
    # openapi-core takes no bytes for `format: binary`; a fault has a status that the spec does not have
    assert [each for each in witness.problems if not re.search(r"'binary'|status: 50[23]$", each)] == []


def test_session_has_tags_and_can_be_found_by_all_of_them(api: Api) -> None:
    first, second = api.create(tags=["a", "b"])["id"], api.create(tags=["a"])["id"]

    def found(tags: str) -> list[str]:
        response = api.http.get(f"{SESSIONS}/all/status", params={"tags": tags} if tags else {})
        return [each["session_id"] for each in api.data(response)["items"]]

    assert (found("a,b"), found("a"), found("c"), found("")) == ([first], [first, second], [], [first, second])


def test_session_ends_once_and_stays_known(api: Api, emulator: Emulator) -> None:
    session_id = api.create()["id"]
    assert api.get(session_id)["status"] == "running"
    assert emulator.sessions[0].is_open
    with pytest.raises(AssertionError, match=f"open sessions: 1\n  {session_id}"):
        emulator.expect_no_open_sessions()
    for _ in range(2):
        assert api.end(session_id) == {"status": "success"}
    assert api.get(session_id)["status"] == "ended"
    emulator.expect_no_open_sessions()
    assert api.http.delete(f"{SESSIONS}/unknown").status_code == 404


@pytest.mark.parametrize(
    ("timeout", "minutes"),
    [
        ({}, 5),
        ({"idle_timeout": 40}, 20),
        ({"idle_timeout": -1, "max_duration": 7}, 7),
        ({"idle_timeout": 3, "max_duration": -1}, 3),
    ],
    ids=str,
)
def test_session_ends_when_it_has_idled_or_lasted_too_long(
    api: Api, emulator: Emulator, clock: InstantClock, timeout: dict[str, int], minutes: int
) -> None:
    session_id = api.create(timeout=timeout)["id"]
    clock.time += minutes * MINUTE - 1
    assert emulator.sessions[0].is_open
    clock.time += 1
    assert not emulator.sessions[0].is_open
    assert api.get(session_id)["duration"] == minutes * MINUTE


def test_running_task_and_screenshots_keep_a_session_open(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=10 * MINUTE)
    session_id = api.create()["id"]
    clock.time += 4 * MINUTE
    api.start(session_id)
    clock.time += 14 * MINUTE
    assert emulator.sessions[0].is_open
    api.http.get(f"{SESSIONS}/{session_id}/screenshot")
    clock.time += 1.9 * MINUTE
    assert emulator.sessions[0].is_open
    clock.time += 0.1 * MINUTE
    assert not emulator.sessions[0].is_open


AFTER_THE_END = {
    "": {"status": "FAILED", "error": "the browser session has ended"},
    "session-end-cancels": {"status": "CANCELED", "error": None},
    "session-end-is-ignored": {"status": "RUNNING"},
}


@pytest.mark.parametrize("how", ["ended", "timed out"])
@pytest.mark.parametrize("dialect", AFTER_THE_END)
def test_end_of_a_session_has_one_of_three_consequences_for_its_task(
    clock: InstantClock, dialect: str, how: str
) -> None:
    emulator = Emulator(clock=clock, dialects=[dialect] if dialect else [])
    emulator.on(takes=30 * MINUTE)
    emulator.on(prompt="short", takes=1, answer="done")
    api = api_of(emulator)
    session_id = api.create()["id"]
    short, long = api.start(session_id, "short"), api.start(session_id)
    clock.time += 1
    if how == "ended":
        api.end(session_id)
    clock.time += 40 * MINUTE
    assert api.state(short) == {"status": "COMPLETED", "result": "done"}
    assert api.state(long) == AFTER_THE_END[dialect]


def test_one_request_start_ends_with_its_session(clock: InstantClock) -> None:
    emulator = Emulator(clock=clock)
    emulator.on(takes=30 * MINUTE)
    api = api_of(emulator)
    session_id = api.create(timeout={"max_duration": 2})["id"]
    response = api.http.post(TASKS, params={"sessionId": session_id}, json={"prompt": "Read"})
    assert (response.status_code, clock.time) == (500, 2 * MINUTE)
    assert response.json()["error"]["message"] == "the browser session has ended"


def test_idle_tasks_are_no_connection_in_a_dialect(clock: InstantClock) -> None:
    emulator = Emulator(clock=clock, dialects=["idle-tasks", "long-sessions"])
    emulator.on(takes=10 * MINUTE)
    api = api_of(emulator)
    task_id = api.start(api.create()["id"])
    kept = api.create(timeout={"idle_timeout": -1})["id"]
    clock.time += 5 * MINUTE
    assert api.state(task_id)["status"] == "FAILED"
    clock.time += 174 * MINUTE
    assert api.get(kept)["status"] == "running"
    clock.time += 1 * MINUTE
    assert api.get(kept)["status"] == "ended"


def test_task_cannot_start_in_a_session_that_has_ended(api: Api, emulator: Emulator) -> None:
    session_id = api.create()["id"]
    api.end(session_id)
    response = api.http.post(TASKS, params={"sessionId": session_id}, json={"prompt": "Read"})
    assert (response.status_code, emulator.starts) == (400, 0)


def test_session_counts_steps_time_and_credits(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=100, steps=5)
    session_id = api.create()["id"]
    assert (api.get(session_id)["steps"], api.get(session_id)["credits_used"]) == ([], 0.01)
    api.start(session_id)
    assert len(api.get(session_id)["steps"]) == 1
    clock.time += 50
    assert len(api.get(session_id)["steps"]) == 3
    clock.time += 130
    used = api.get(session_id)
    assert (len(used["steps"]), used["duration"]) == (5, 180)
    assert used["credits_used"] == pytest.approx(0.01 + 0.05 * 3 / 60 + 5 * 0.01)
    assert used["tokens"] == {"input": 5000, "output": 500}


@pytest.mark.parametrize("status", [402, 403, 429])
def test_creations_beyond_a_limit_are_refused(api: Api, emulator: Emulator, status: int) -> None:
    emulator.limit(sessions=1, status=status, retry_after=7)
    first = api.create()["id"]
    response = api.http.post(SESSIONS)
    assert (response.status_code, response.headers["retry-after"]) == (status, "7")
    api.end(first)
    assert api.http.post(SESSIONS).status_code == 200
    assert len(emulator.sessions) == 2


def test_agent_asks_one_question_after_the_other_and_waits(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=60, answer="in", asks=[Ask("The code?", fields=["code"], after=10), Ask("Sure?", after=20)])
    session_id = api.create()["id"]
    task_id = api.start(session_id, human_intervention=True)
    assert api.questions(session_id) == []
    clock.time += 100  # of which the agent works 10
    (question,) = api.questions(session_id)
    assert (question["message"], question["fields"]) == ("The code?", [{"name": "code"}])
    assert api.state(task_id) == {"status": "RUNNING"}
    for wrong in ("123", {"cod": "123"}):
        assert api.answer(session_id, question["requestId"], wrong).status_code == 400
    assert api.data(api.answer(session_id, question["requestId"], {"code": "123"})) == {"status": "success"}
    assert api.answer(session_id, question["requestId"], "again").status_code == 404
    assert api.questions(session_id) == []
    clock.time += 10
    (second,) = api.questions(session_id)
    assert second == {"requestId": second["requestId"], "message": "Sure?"}
    api.answer(session_id, second["requestId"], "yes")
    clock.time += 39
    assert api.state(task_id) == {"status": "RUNNING"}
    clock.time += 1
    assert api.state(task_id) == {"status": "COMPLETED", "result": "in"}
    assert emulator.sessions[0].answers == (("The code?", {"code": "123"}), ("Sure?", "yes"))
    api.end(session_id)
    assert api.http.get(f"{SESSIONS}/{session_id}/agent/requested-human-intervention").status_code == 400


def test_agent_asks_nothing_without_permission(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=60, asks=[Ask("The code?")])
    session_id = api.create()["id"]
    task_id = api.start(session_id)
    assert api.questions(session_id) == []
    clock.time += 60
    assert api.state(task_id)["status"] == "COMPLETED"


def test_downloads_arrive_in_time_and_are_fetched_by_their_links(
    api: Api, emulator: Emulator, clock: InstantClock
) -> None:
    late = Download("../late.txt", b"late", after=30)
    emulator.on(takes=10, downloads=[Download("report.csv", b"a,b"), late])
    session_id = api.create()["id"]
    api.start(session_id)
    (item,) = api.items(session_id, "downloads")
    assert (item["suggested_file_name"], item["size"]) == ("report.csv", 3)
    assert item["file_link"].startswith(f"{URL}{SESSIONS}/{session_id}/downloads/")
    clock.time += 30
    links = [each["file_link"] for each in api.items(session_id, "downloads")]
    api.end(session_id)
    with api_of(emulator).http as http:  # not by `api`: the path of the file is not in the spec
        assert [http.get(link).content for link in links] == [b"a,b", b"late"]
        assert http.get(links[0], headers={"anchor-api-key": ""}).status_code == 401
        assert http.get(f"{links[0]}x").status_code == 404


def test_recording_is_ready_some_time_after_the_end(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on_session(recording=b"video", recording_takes=45)
    session_id, silent = api.create()["id"], api.create(recording={"active": False})["id"]
    fetch = f"{SESSIONS}/{session_id}/recordings/primary/fetch"
    for wait in (0, 60):
        clock.time += wait
        assert (api.items(session_id, "recordings"), api.http.get(fetch).status_code) == ([], 404)
    api.end(session_id)
    api.end(silent)
    clock.time += 44
    assert api.http.get(fetch).status_code == 404
    clock.time += 1
    (item,) = api.items(session_id, "recordings")
    assert (item["is_primary"], item["duration"], item["size"]) == (True, "60s", 5)
    assert (api.http.get(fetch).content, api.http.get(item["file_link"]).content) == (b"video", b"video")
    assert api.items(silent, "recordings") == []


def test_screenshot_is_a_picture_of_a_running_session(api: Api) -> None:
    session_id = api.create()["id"]
    response = api.http.get(f"{SESSIONS}/{session_id}/screenshot")
    assert (response.headers["content-type"], response.content[:4]) == ("image/png", b"\x89PNG")
    api.end(session_id)
    assert api.http.get(f"{SESSIONS}/{session_id}/screenshot").status_code == 404


def test_faults_of_requests_apply_in_order_and_may_hide_an_effect(api: Api, emulator: Emulator) -> None:
    emulator.on_session(faults={"create": [502, Fault(503, accepted=True), Fault(delay=3)], "end": [500]})
    assert [api.http.post(SESSIONS).status_code for _ in range(2)] == [502, 503]
    assert len(emulator.sessions) == 1
    session_id = api.create()["id"]
    assert len(emulator.sessions) == 2
    assert emulator.elapsed == 3
    assert api.http.delete(f"{SESSIONS}/{session_id}").status_code == 500
    assert emulator.sessions[1].is_open
    api.end(session_id)
    assert not emulator.sessions[1].is_open


def test_test_can_end_a_session(api: Api, emulator: Emulator) -> None:
    session_id = api.create(tags=["a"])["id"]
    (session,) = emulator.sessions
    assert (session.id, session.tags, session.body) == (session_id, ["a"], {"session": {"tags": ["a"]}})
    assert repr(session) == f"<EmulatedSession {session_id}: open>"
    session.end()
    assert repr(session) == f"<EmulatedSession {session_id}: ended>"


DIALECT_RESPONSES: dict[str, tuple[str, Any]] = {
    "session-ids": ("created", ["cdp_url", "live_view_url", "session_id"]),
    "list-tags": ("tags", ["a"]),
    "untagged-lists": ("listed", 1),
    "used-credits": ("used_credits", "N/A"),
    "counted-steps": ("steps", 3),
    "question-items": ("questions", ["items"]),
    "single-question": ("questions", ["message", "requestId"]),
    "numeric-durations": ("duration", 60),
    "relative-links": ("link", "/v1/"),
}


@pytest.mark.parametrize(("dialect", "changed"), DIALECT_RESPONSES.items(), ids=DIALECT_RESPONSES)
def test_dialect_changes_one_response(clock: InstantClock, dialect: str, changed: tuple[str, Any]) -> None:
    def seen(dialects: list[str]) -> dict[str, Any]:
        emulator = Emulator(clock=clock, dialects=dialects)
        emulator.on(takes=30, downloads=[Download("a")], asks=[Ask("Sure?", after=30)])
        api = api_of(emulator)
        created = api.create(tags=["a"])
        session_id = emulator.sessions[0].id
        api.start(session_id, human_intervention=True)
        clock.time += 60
        questions = api.data(api.http.get(f"{SESSIONS}/{session_id}/agent/requested-human-intervention"))
        listed = api.data(api.http.get(f"{SESSIONS}/all/status", params={"tags": "b"}))
        got = api.get(session_id)
        (file,) = api.items(session_id, "downloads")
        api.end(session_id)
        clock.time += 60
        (recording,) = api.items(session_id, "recordings")
        return {
            "created": sorted(created),
            "tags": got["tags"],
            "listed": len(listed["items"]),
            "used_credits": got.get("used_credits"),
            "steps": got["steps"],
            "questions": sorted(questions),
            "duration": recording["duration"],
            "link": file["file_link"][:4],
        }

    plain = seen([])
    key, value = changed
    assert plain[key] != value
    assert seen([dialect]) == plain | {key: value}


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda e: e.on(asks=[Ask("")]), "must be a text"),
        (lambda e: e.on(asks=Ask("Sure?")), r"asks must be a list, such as \[Ask\(…\)\]"),
        (lambda e: e.on(asks=["Sure?"]), "asks must hold only Ask, not str"),
        (lambda e: e.on(asks=[Ask("Sure?", fields="code")]), r"fields must be a list, such as \['code'\]"),
        (lambda e: e.on(asks=[Ask("Sure?", fields=[{"label": "x"}])]), "must have a name"),
        (lambda e: e.on(asks=[Ask("Sure?", after=-1)]), "after must be a number of seconds"),
        (lambda e: e.on(downloads=[Download("a", cast("Any", "b"))]), "content of a download must be bytes"),
        (lambda e: e.on(downloads=[Download(cast("Any", 5))]), "name of a download must be a text"),
        (lambda e: e.on(downloads=Download("a")), "downloads must be a list"),
        (lambda e: e.on(steps=-1), "steps must be an integer"),
        (lambda e: e.on_session(recording="x"), "recording must be bytes"),
        (lambda e: e.on_session(recording_takes=-1), "recording_takes must be a number of seconds"),
        (lambda e: e.on_session(faults={"creation": [502]}), "there is no request 'creation' about sessions; choose"),
        (lambda e: e.on_session(faults={"create": 502}), r"faults must be a list, such as \[502\]"),
        (lambda e: e.limit(sessions=-1), "sessions must be an integer"),
    ],
)
def test_invalid_arguments_are_refused(emulator: Emulator, make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(emulator)


def test_scenario_file_has_steps_questions_and_downloads(
    tmp_path: Any, api: Api, emulator: Emulator, clock: InstantClock
) -> None:
    file = tmp_path / "scenarios.toml"
    file.write_text(
        "[[scenario]]\nsteps = 4\ntakes = 10\nasks = [{ message = 'Sure?', fields = ['code'] }]\n"
        "downloads = [{ name = 'a.txt', content = 'text' }, { name = 'b', content_base64 = 'AAE=' }]\n"
        "[[limit]]\nsessions = 1\n",
        encoding="utf-8",
    )
    emulator.load(file)
    session_id = api.create()["id"]
    assert api.http.post(SESSIONS).status_code == 429
    api.start(session_id, human_intervention=True)
    (question,) = api.questions(session_id)
    assert question["fields"] == [{"name": "code"}]
    assert [each["size"] for each in api.items(session_id, "downloads")] == [4, 2]
    api.answer(session_id, question["requestId"], {"code": "1"})
    clock.time += 10
    assert len(api.get(session_id)["steps"]) == 4
