"""What the emulator remembers and logs of requests: bodies with sealed secret values, in reports of one line."""

from __future__ import annotations

import logging
import math
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest

from anchor_webtask.emulator import Emulator, Fault, LoggedRequest, SecretValue
from tests.unit.emulator.support import KEY, TASKS, Api, client_of

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock

SECRET = "hunter2-hunter2"


def secret_values(emulator: Emulator) -> Any:
    (request,) = emulator.requests
    assert request.body is not None
    return request.body["secret_values"]


def test_request_keeps_its_body_and_reveals_secret_values_on_purpose_only(api: Api, emulator: Emulator) -> None:
    api.start_async("Log in", url="https://a.example", secret_values={"PASSWORD": SECRET})
    (request,) = emulator.requests
    assert request.body == {
        "prompt": "Log in",
        "url": "https://a.example",
        "secret_values": {"PASSWORD": SecretValue(SECRET)},
        "async": True,
    }
    assert secret_values(emulator)["PASSWORD"].reveal() == SECRET
    assert secret_values(emulator)["PASSWORD"] != SecretValue("other")
    assert secret_values(emulator)["PASSWORD"] == SECRET
    assert secret_values(emulator)["PASSWORD"] != "another"
    (task,) = emulator.tasks
    assert task.body == request.body
    for shown in (emulator.requests, emulator.tasks, request.body, task.body, SecretValue(SECRET)):
        assert SECRET not in f"{shown!r} {shown}"


@pytest.mark.parametrize(
    ("values", "sealed"),
    [
        ({"a.example": {"PASSWORD": SECRET}}, {"a.example": {"PASSWORD": SecretValue(SECRET)}}),
        ({"A": [SECRET]}, {"A": SecretValue([SECRET])}),
        ({"A": {"B": {"C": SECRET}}}, {"A": {"B": SecretValue({"C": SECRET})}}),
        (SECRET, SecretValue(SECRET)),
        ([SECRET], SecretValue([SECRET])),
    ],
)
def test_secret_values_of_any_shape_are_sealed(api: Api, emulator: Emulator, values: Any, sealed: Any) -> None:
    api.start(secret_values=values)
    assert secret_values(emulator) == sealed
    assert SECRET not in repr(emulator.requests)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\xff\x00", id="binary"),
        pytest.param(b'[{"secret_values": "hunter2-hunter2"}]', id="array"),
        pytest.param(b"[" * 100_000, id="deep"),
        pytest.param(b'"hunter2-hunter2"', id="text"),
    ],
)
def test_request_without_a_json_object_has_no_body(api: Api, emulator: Emulator, body: bytes) -> None:
    response = api.http.post(TASKS, content=body, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert emulator.requests == (LoggedRequest("POST", TASKS, 400),)


def test_deep_secret_values_are_refused_and_sealed(api: Api, emulator: Emulator) -> None:
    deep = b'{"prompt": "a", "secret_values": {"A": %s}}' % (b'{"a":' * 400 + b"1" + b"}" * 400)
    response = api.http.post(TASKS, content=deep, headers={"content-type": "application/json"})
    assert response.status_code == 400
    assert secret_values(emulator)["A"]["a"].reveal()


def test_functions_of_a_scenario_receive_the_body_with_sealed_secret_values(
    api: Api, emulator: Emulator, clock: InstantClock
) -> None:
    received: list[Any] = []

    def takes(body: dict[str, Any]) -> float:
        received.append(body)
        return 5.0

    def fails(body: dict[str, Any]) -> object:
        return "wrong password" if body["secret_values"]["PASSWORD"].reveal() == "wrong" else None

    emulator.on(takes=takes, fails=fails, answer=lambda body: body["prompt"])
    good = api.start_async("good", secret_values={"PASSWORD": SECRET})
    bad = api.start_async("bad", secret_values={"PASSWORD": "wrong"})
    clock.time += 4
    assert api.state(good) == api.state(bad) == {"status": "RUNNING"}
    clock.time += 1
    assert api.state(good) == {"status": "COMPLETED", "result": "good"}
    assert api.state(bad) == {"status": "FAILED", "error": "wrong password"}
    assert [body["secret_values"]["PASSWORD"] for body in received] == [SecretValue(SECRET), SecretValue("wrong")]


@pytest.mark.parametrize("takes", [-1, math.nan, "1", 10**400])
def test_task_fails_at_once_if_a_callable_duration_is_invalid(api: Api, emulator: Emulator, takes: Any) -> None:
    emulator.on(takes=lambda _: takes)
    assert api.state(api.start_async())["status"] == "FAILED"


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "anchor_webtask.emulator"]


def test_log_has_a_line_for_each_request_and_no_contents(
    api: Api, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "anchor_webtask.emulator")
    emulator.on(prompt="cut", start_faults=[Fault(cut=True)])
    api.start("Log in\n2027-01-01 forged", secret_values={"PASSWORD": SECRET})
    with pytest.raises(httpx.RemoteProtocolError):
        api.start("cut")
    api.http.get("/a?token=hunter2-hunter2")
    assert logged(caplog) == [f"POST {TASKS} 200", f"POST {TASKS} connection cut", "GET /a 404"]


@pytest.mark.parametrize("task_id", ["a\n\x1b[31mb", "\u2028\x85\x7f", "x" * 5000])
def test_log_has_one_printable_line_for_an_id_with_control_characters(
    api: Api, caplog: pytest.LogCaptureFixture, task_id: str
) -> None:
    caplog.set_level(logging.INFO, "anchor_webtask.emulator")
    response = api.http.request("GET\n2027-01-01 forged\x7f", f"{TASKS}/a/status")
    assert response.status_code == 405
    assert api.check(quote(task_id, safe="")).status_code == 404
    lines = logged(caplog)
    assert len(lines) == 2
    for line in lines:
        assert line.isascii()
        assert line.isprintable()
        assert len(line) < 2100


def test_request_that_the_client_gives_up_is_logged_and_has_no_status(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "anchor_webtask.emulator")
    emulator.on(takes=90)
    with client_of(emulator) as api, pytest.raises(httpx.ReadTimeout) as caught:
        api.http.post(TASKS, json={"prompt": "a"}, timeout=30)
    assert caught.tb  # it keeps the frames of the call, and so what the call does not close
    assert emulator.requests == (LoggedRequest("POST", TASKS, None, {"prompt": "a"}),)
    assert logged(caplog) == [f"POST {TASKS} ended without a response"]


def test_key_is_in_no_repr_of_a_request(api: Api, emulator: Emulator) -> None:
    api.start()
    assert KEY not in repr(emulator.requests)
