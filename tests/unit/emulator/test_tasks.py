"""Tasks over time, the scenarios that say what becomes of them, and what is counted."""

from __future__ import annotations

import math
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask.emulator import Emulator, LoggedRequest
from anchor_webtask.emulator._validation import id_name
from tests.unit.emulator.support import KEY, TASKS, client_of, data, error

if TYPE_CHECKING:
    from tests.support.clocks import VirtualClock
    from tests.unit.emulator.support import Api

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_an_asynchronous_start_is_answered_at_once_with_an_id(api: Api, clock: VirtualClock) -> None:
    before = clock.now()
    answer = data(api.start(**{"async": True}))
    assert answer.keys() == {"status", id_name()}
    assert answer["status"] == "running"
    assert re.fullmatch(f"perform-web-task-execution-{UUID}-{UUID}", answer[id_name()])
    assert clock.now() == before


def test_a_task_runs_until_its_time_has_come(api: Api, emulator: Emulator, clock: VirtualClock) -> None:
    emulator.on(takes=1200, answer={"amount": 3})
    task_id = api.start_async()
    assert api.state(task_id) == {"status": "RUNNING"}
    clock.time += 1199.9
    assert api.state(task_id) == {"status": "RUNNING"}
    clock.time += 0.1
    assert api.state(task_id) == {"status": "COMPLETED", "result": {"amount": 3}}
    assert api.state(task_id) == {"status": "COMPLETED", "result": {"amount": 3}}


@pytest.mark.parametrize("reason", ["Maximum number of steps exceeded", {"code": 7}, ["a"], 0, False])
def test_a_task_fails_for_its_reason(api: Api, emulator: Emulator, clock: VirtualClock, reason: Any) -> None:
    emulator.on(takes=10, fails=reason)
    task_id = api.start_async()
    assert api.state(task_id) == {"status": "RUNNING"}
    clock.time += 10
    assert api.state(task_id) == {"status": "FAILED", "error": reason}


def test_the_one_request_form_holds_the_request(api: Api, emulator: Emulator, clock: VirtualClock) -> None:
    emulator.on(takes=90, answer="done")
    before = clock.now()
    assert data(api.start()) == {"result": "done"}
    assert clock.now() - before == 90


def test_the_one_request_form_of_a_task_that_fails(api: Api, emulator: Emulator, clock: VirtualClock) -> None:
    emulator.on(prompt="text", takes=90, fails="no such page")
    emulator.on(prompt="object", fails={"code": 7})
    before = clock.now()
    assert error(api.start("text")) == (500, "no such page")
    assert clock.now() - before == 90
    assert error(api.start("object")) == (500, '{"code": 7}')


def test_a_task_may_run_for_ever(api: Api, emulator: Emulator, clock: VirtualClock) -> None:
    emulator.on(takes=math.inf)
    task_id = api.start_async()
    clock.time += 1e9
    assert api.state(task_id) == {"status": "RUNNING"}


def test_tasks_have_states_of_their_own(api: Api, emulator: Emulator, clock: VirtualClock) -> None:
    emulator.on(answer=lambda body: body["prompt"].upper())
    one = api.start_async("one")
    clock.time += 1
    two = api.start_async("two")
    clock.time += 1
    assert api.state(one) == {"status": "COMPLETED", "result": "ONE"}
    assert api.state(two) == {"status": "RUNNING"}


def test_without_a_scenario(api: Api, clock: VirtualClock) -> None:
    task_id = api.start_async()
    clock.time += 1.9
    assert api.state(task_id)["status"] == "RUNNING"
    clock.time += 0.1
    assert api.state(task_id) == {"status": "COMPLETED", "result": "The emulator's answer."}


def test_how_long_a_task_takes_by_default(clock: VirtualClock) -> None:
    emulator = Emulator(takes=7, clock=clock)
    emulator.on(prompt="with a scenario", answer=1)
    with client_of(emulator) as api:
        for prompt in ("without", "with a scenario"):
            before = clock.now()
            data(api.start(prompt))
            assert clock.now() - before == 7


@pytest.mark.parametrize("answer", [None, "text", 0, False, [], {}, {"nested": [{"a": None}]}, "ü😀"])
def test_any_json_is_an_answer(api: Api, emulator: Emulator, answer: Any) -> None:
    emulator.on(answer=answer)
    assert data(api.start()) == {"result": answer}


def test_an_answer_is_taken_as_it_is_when_it_is_given(api: Api, emulator: Emulator) -> None:
    answer = {"amount": 3}
    emulator.on(answer=answer)
    answer["amount"] = 4
    assert data(api.start()) == {"result": {"amount": 3}}


def test_an_answer_may_be_made_from_the_request(api: Api, emulator: Emulator) -> None:
    bodies: list[Any] = []

    def answer(body: dict[str, Any]) -> object:
        bodies.append(body)
        return {"prompt": body["prompt"], "starts": emulator.starts}

    emulator.on(answer=answer)
    assert data(api.start("Hello", url="https://a.example")) == {"result": {"prompt": "Hello", "starts": 0}}
    assert bodies == [{"prompt": "Hello", "url": "https://a.example"}]


@pytest.mark.parametrize("answer", [lambda body: body["missing hunter2"], lambda _: {1, 2}, lambda _: math.nan])
def test_a_callable_that_gives_no_json_fails_the_task(api: Api, emulator: Emulator, answer: Any) -> None:
    emulator.on(takes=0, answer=answer)
    state = api.state(api.start_async())
    assert state["status"] == "FAILED"
    assert "callable gave no JSON" in state["error"]
    assert "hunter2" not in state["error"]


class TestMatching:
    @pytest.mark.parametrize(
        ("pattern", "matches"),
        [
            ({"prompt": "*cpu*"}, True),
            ({"prompt": "*CPU*"}, False),
            ({"prompt": "cpu"}, False),
            ({"prompt": "Show the cpu us[ae]ge"}, True),
            ({"url": "https://shop.example/*"}, True),
            ({"url": "https://shop.example"}, False),
            ({"prompt": "*cpu*", "url": "*shop*"}, True),
            ({"prompt": "*cpu*", "url": "*other*"}, False),
            ({"prompt": "*memory*", "url": "*shop*"}, False),
            ({}, True),
        ],
    )
    def test_by_prompt_and_url(self, api: Api, emulator: Emulator, pattern: dict[str, Any], matches: bool) -> None:
        emulator.on(answer="other")
        emulator.on(**pattern, answer="matched")
        response = api.start("Show the cpu usage", url="https://shop.example/p/1")
        assert data(response) == {"result": "matched" if matches else "other"}

    def test_a_task_without_url_matches_no_url(self, api: Api, emulator: Emulator) -> None:
        emulator.on(answer="other")
        emulator.on(url="*", answer="matched")
        assert data(api.start()) == {"result": "other"}

    def test_the_latest_wins(self, api: Api, emulator: Emulator) -> None:
        emulator.on(prompt="*a*", answer=1)
        emulator.on(prompt="*b*", answer=2)
        assert [data(api.start(prompt))["result"] for prompt in ("a", "b", "ab")] == [1, 2, 2]

    def test_what_runs_already_keeps_its_scenario(self, api: Api, emulator: Emulator, clock: VirtualClock) -> None:
        emulator.on(answer=1)
        task_id = api.start_async()
        emulator.on(answer=2)
        clock.time += 2
        assert api.state(task_id)["result"] == 1


class TestCounting:
    def test_starts_of_both_forms(self, api: Api, emulator: Emulator) -> None:
        api.start()
        api.start_async()
        assert emulator.starts == emulator.start_requests == 2

    def test_what_is_refused_makes_no_task(self, api: Api, emulator: Emulator) -> None:
        api.http.post(TASKS, json={})
        api.http.post(TASKS, json={"prompt": "a"}, headers={"anchor-api-key": ""})
        api.http.get(TASKS)
        api.check("unknown")
        assert (emulator.starts, emulator.start_requests) == (0, 2)

    def test_the_log_has_method_path_and_status(self, api: Api, emulator: Emulator) -> None:
        task_id = api.start_async(secret_values={"PASSWORD": "hunter2"})
        api.check(task_id)
        api.http.post(f"{TASKS}?sessionId=hunter2", content=b"hunter2")
        api.http.get("/nowhere")
        assert emulator.requests == (
            LoggedRequest("POST", TASKS, 200),
            LoggedRequest("GET", f"{TASKS}/{task_id}/status", 200),
            LoggedRequest("POST", TASKS, 400),
            LoggedRequest("GET", "/nowhere", 404),
        )

    def test_with_many_threads(self, api: Api, emulator: Emulator) -> None:
        emulator.on(takes=0, answer=lambda body: body["prompt"], faults=[502])

        def run(number: int) -> object:
            task_id = api.start_async(f"{number}")
            assert api.check(task_id).status_code == 502
            return api.state(task_id)["result"]

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(run, range(200))) == [str(number) for number in range(200)]
        assert emulator.starts == 200
        assert len(emulator.requests) == 600


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"takes": -1}, "takes"),
        ({"takes": math.nan}, "takes"),
        ({"takes": "1"}, "takes"),
        ({"answer": 1, "fails": "why"}, "answer or fails"),
        ({"answer": None, "fails": "why"}, "answer or fails"),
        ({"answer": {1, 2}}, "answer is not JSON"),
        ({"answer": math.nan}, "answer is not JSON"),
        ({"fails": object()}, "fails is not JSON"),
    ],
)
def test_wrong_scenarios_are_refused(emulator: Emulator, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        emulator.on(**arguments)


@pytest.mark.parametrize("arguments", [{"api_key": ""}, {"takes": -1}])
def test_wrong_emulators_are_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Emulator(**arguments)


def test_no_repr_shows_the_key() -> None:
    emulator = Emulator(KEY)
    assert KEY not in repr(emulator)
    assert KEY not in repr(emulator.transport())
