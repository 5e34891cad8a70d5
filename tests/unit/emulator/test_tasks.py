"""The emulator's tasks over time, its scenarios, and its counts of starts and requests."""

from __future__ import annotations

import json
import math
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask.emulator import Emulator, LoggedRequest
from anchor_webtask.emulator._request_validation import task_id_field
from tests.unit.emulator.support import KEY, TASKS, client_of, data, error

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock
    from tests.unit.emulator.support import Api

UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"


def test_asynchronous_start_returns_an_id_at_once(api: Api, clock: InstantClock) -> None:
    before = clock.now()
    started = data(api.start(**{"async": True}))
    assert started.keys() == {"status", task_id_field()}
    assert started["status"] == "running"
    assert re.fullmatch(f"perform-web-task-execution-{UUID}-{UUID}", started[task_id_field()])
    assert clock.now() == before


def test_task_runs_until_its_duration_has_passed(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=1200, answer={"amount": 3})
    task_id = api.start_async()
    assert api.state(task_id) == {"status": "RUNNING"}
    clock.time += 1199.9
    assert api.state(task_id) == {"status": "RUNNING"}
    clock.time += 0.1
    assert api.state(task_id) == {"status": "COMPLETED", "result": {"amount": 3}}
    assert api.state(task_id) == {"status": "COMPLETED", "result": {"amount": 3}}


@pytest.mark.parametrize("reason", ["Maximum number of steps exceeded", {"code": 7}, ["a"], 0, False])
def test_failed_task_has_the_reason_of_its_scenario(
    api: Api, emulator: Emulator, clock: InstantClock, reason: Any
) -> None:
    emulator.on(takes=10, fails=reason)
    task_id = api.start_async()
    assert api.state(task_id) == {"status": "RUNNING"}
    clock.time += 10
    assert api.state(task_id) == {"status": "FAILED", "error": reason}


def test_one_request_start_is_held_open_until_the_task_ends(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=90, answer="done")
    before = clock.now()
    assert data(api.start()) == {"result": "done"}
    assert clock.now() - before == 90


def test_one_request_start_of_a_failing_task_gets_status_500(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(prompt="text", takes=90, fails="no such page")
    emulator.on(prompt="object", fails={"code": 7})
    before = clock.now()
    assert error(api.start("text")) == (500, "no such page")
    assert clock.now() - before == 90
    assert error(api.start("object")) == (500, '{"code": 7}')


def test_task_with_infinite_duration_never_ends(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(takes=math.inf)
    task_id = api.start_async()
    clock.time += 1e9
    assert api.state(task_id) == {"status": "RUNNING"}


def test_each_task_has_its_own_state(api: Api, emulator: Emulator, clock: InstantClock) -> None:
    emulator.on(answer=lambda body: body["prompt"].upper())
    one = api.start_async("one")
    clock.time += 1
    two = api.start_async("two")
    clock.time += 1
    assert api.state(one) == {"status": "COMPLETED", "result": "ONE"}
    assert api.state(two) == {"status": "RUNNING"}


def test_task_without_a_scenario_takes_two_seconds_and_has_a_fixed_answer(api: Api, clock: InstantClock) -> None:
    task_id = api.start_async()
    clock.time += 1.9
    assert api.state(task_id)["status"] == "RUNNING"
    clock.time += 0.1
    assert api.state(task_id) == {"status": "COMPLETED", "result": "The emulator's answer."}


def test_duration_that_is_set_on_the_emulator_applies_with_and_without_a_scenario(clock: InstantClock) -> None:
    emulator = Emulator(takes=7, clock=clock)
    emulator.on(prompt="with a scenario", answer=1)
    with client_of(emulator) as api:
        for prompt in ("without", "with a scenario"):
            before = clock.now()
            data(api.start(prompt))
            assert clock.now() - before == 7


@pytest.mark.parametrize("answer", [None, "text", 0, False, [], {}, {"nested": [{"a": None}]}, "ü😀"])
def test_answer_of_a_scenario_can_be_any_json_value(api: Api, emulator: Emulator, answer: Any) -> None:
    emulator.on(answer=answer)
    assert data(api.start()) == {"result": answer}


def test_answer_is_copied_when_the_scenario_is_added(api: Api, emulator: Emulator) -> None:
    answer = {"amount": 3}
    emulator.on(answer=answer)
    answer["amount"] = 4
    assert data(api.start()) == {"result": {"amount": 3}}


def test_callable_answer_receives_the_body_of_the_start(api: Api, emulator: Emulator) -> None:
    bodies: list[Any] = []

    def answer(body: dict[str, Any]) -> object:
        bodies.append(body)
        return {"prompt": body["prompt"], "starts": emulator.starts}

    emulator.on(answer=answer)
    assert data(api.start("Hello", url="https://a.example")) == {"result": {"prompt": "Hello", "starts": 0}}
    assert bodies == [{"prompt": "Hello", "url": "https://a.example"}]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(lambda body: body["missing"], id="raises KeyError"),
        pytest.param(lambda _: {1, 2}, id="returns a set"),
        pytest.param(lambda _: math.nan, id="returns NaN"),
    ],
)
def test_task_fails_if_a_callable_answer_raises_an_exception_or_does_not_return_json(
    api: Api, emulator: Emulator, answer: Any
) -> None:
    emulator.on(takes=0, answer=answer)
    state = api.state(api.start_async())
    assert state["status"] == "FAILED"
    reason = state["error"].removeprefix("a function of the scenario failed or returned an invalid value: ")
    assert re.match("KeyError: 'missing'|ValueError: answer must be JSON", reason)


def test_callable_that_fails_cannot_show_a_secret_value(api: Api, emulator: Emulator) -> None:
    emulator.on(takes=0, answer=json.dumps)
    state = api.state(api.start_async(secret_values={"PASSWORD": "hunter2"}))
    assert "TypeError: Object of type SecretValue is not JSON serializable" in state["error"]
    assert "hunter2" not in state["error"]


class TestMatching:
    @pytest.mark.parametrize(
        ("patterns", "matches"),
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
    def test_scenario_matches_by_patterns_for_prompt_and_url(
        self, api: Api, emulator: Emulator, patterns: dict[str, Any], matches: bool
    ) -> None:
        emulator.on(answer="other")
        emulator.on(**patterns, answer="matched")
        response = api.start("Show the cpu usage", url="https://shop.example/p/1")
        assert data(response) == {"result": "matched" if matches else "other"}

    def test_task_without_url_matches_no_url_pattern(self, api: Api, emulator: Emulator) -> None:
        emulator.on(answer="other")
        emulator.on(url="*", answer="matched")
        assert data(api.start()) == {"result": "other"}

    def test_matching_scenario_that_was_added_last_is_used(self, api: Api, emulator: Emulator) -> None:
        emulator.on(prompt="*a*", answer=1)
        emulator.on(prompt="*b*", answer=2)
        assert [data(api.start(prompt))["result"] for prompt in ("a", "b", "ab")] == [1, 2, 2]

    def test_running_task_keeps_its_scenario(self, api: Api, emulator: Emulator, clock: InstantClock) -> None:
        emulator.on(answer=1)
        task_id = api.start_async()
        emulator.on(answer=2)
        clock.time += 2
        assert api.state(task_id)["result"] == 1


class TestCounting:
    def test_asynchronous_and_one_request_starts_are_counted(self, api: Api, emulator: Emulator) -> None:
        api.start()
        api.start_async()
        assert emulator.starts == emulator.start_requests == 2

    def test_refused_request_starts_no_task(self, api: Api, emulator: Emulator) -> None:
        api.http.post(TASKS, json={})
        api.http.post(TASKS, json={"prompt": "a"}, headers={"anchor-api-key": ""})
        api.http.get(TASKS)
        api.check("unknown")
        assert (emulator.starts, emulator.start_requests) == (0, 2)

    def test_request_log_has_method_path_and_status(self, api: Api, emulator: Emulator) -> None:
        task_id = api.start_async(secret_values={"PASSWORD": "hunter2"})
        api.check(task_id)
        api.http.post(f"{TASKS}?sessionId=hunter2", content=b"hunter2")
        api.http.get("/nowhere")
        assert emulator.requests == (
            LoggedRequest("POST", TASKS, 200, emulator.tasks[0].body),
            LoggedRequest("GET", f"{TASKS}/{task_id}/status", 200),
            LoggedRequest("POST", TASKS, 400),
            LoggedRequest("GET", "/nowhere", 404),
        )

    def test_counts_and_faults_are_correct_with_many_threads(self, api: Api, emulator: Emulator) -> None:
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
        ({"answer": {1, 2}}, "answer must be JSON"),
        ({"answer": math.nan}, "answer must be JSON"),
        ({"fails": object()}, "fails must be JSON"),
    ],
)
def test_invalid_scenario_argument_is_refused(emulator: Emulator, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        emulator.on(**arguments)


@pytest.mark.parametrize("arguments", [{"api_key": ""}, {"takes": -1}])
def test_invalid_emulator_argument_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(arguments))):
        Emulator(**arguments)


def test_reprs_of_emulator_and_transport_do_not_show_the_api_key() -> None:
    emulator = Emulator(KEY)
    assert KEY not in repr(emulator)
    assert KEY not in repr(emulator.transport())
