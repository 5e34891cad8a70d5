"""Requests against the composed spec, keys, paths and methods."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask._version import __version__
from anchor_webtask.emulator import Emulator, Fault
from tests.unit.emulator.support import KEY, TASKS, client_of, data, error

if TYPE_CHECKING:
    from tests.unit.emulator.support import Api

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "body: 'prompt' is a required property"),
        ({"prompt": 3}, 'body.prompt: does not fit {"type": "string"}'),
        ({"prompt": "a", "max_steps": "many"}, 'body.max_steps: does not fit {"type": "integer"}'),
        ({"prompt": "a", "max_steps": True}, 'body.max_steps: does not fit {"type": "integer"}'),
        ({"prompt": "a", "async": 1}, 'body.async: does not fit {"type": "boolean"}'),
        ({"prompt": "a", "agent": 1}, 'body.agent: does not fit {"type": "string"}'),
        ({"prompt": "a", "output_schema": []}, 'body.output_schema: does not fit {"type": "object"}'),
        ([], 'body: does not fit {"type": "object"}'),
        (None, 'body: does not fit {"type": "object"}'),
    ],
)
def test_a_body_that_the_spec_does_not_allow(api: Api, emulator: Emulator, body: Any, message: str) -> None:
    response = api.http.post(TASKS, content=json.dumps(body), headers={"content-type": "application/json"})
    assert error(response) == (400, message)
    assert emulator.starts == 0


@pytest.mark.parametrize(
    "secrets",
    [
        {"PASSWORD": [SECRET]},
        {"*.example.com": {"PASSWORD": {"deep": SECRET}}},
        [SECRET],
        SECRET,
    ],
)
def test_an_error_repeats_no_secret(api: Api, secrets: Any) -> None:
    response = api.http.post(TASKS, json={"prompt": "a", "secret_values": secrets})
    status, message = error(response)
    assert status == 400
    assert message.startswith("body.secret_values")
    assert SECRET not in response.text
    assert SECRET not in str(response.headers)


def test_a_body_that_the_spec_allows(api: Api) -> None:
    response = api.start(
        url="https://shop.example/",
        agent="browser-use",
        provider="openai",
        model="some-model",
        detect_elements=True,
        human_intervention=False,
        max_steps=5,
        secret_values={"PASSWORD": SECRET, "*.example.com": {"PASSWORD": SECRET}},
        highlight_elements=False,
        output_schema={"type": "object"},
    )
    assert data(response)
    assert "x-emulator-warning" not in response.headers
    assert SECRET not in response.text


@pytest.mark.parametrize(
    "content", [b"", b"{", b"prompt=a", b'{"prompt": NaN}', b"\xff", b'{"prompt": "hunter2"', b"[" * 100_000]
)
def test_a_body_that_is_not_json(api: Api, content: bytes) -> None:
    response = api.http.post(TASKS, content=content, headers={"content-type": "application/json"})
    assert error(response) == (400, "the body is not JSON")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_of_another_content_type(api: Api, content_type: str) -> None:
    response = api.http.post(TASKS, content=b'{"prompt": "a"}', headers={"content-type": content_type})
    assert error(response) == (400, "the content type is not application/json")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_content_types_that_are_json(api: Api, content_type: str) -> None:
    assert data(api.http.post(TASKS, content=b'{"prompt": "a"}', headers={"content-type": content_type}))


@pytest.mark.parametrize("field", ["agent", "provider"])
def test_an_unknown_agent_or_provider_is_accepted_with_a_warning(api: Api, field: str) -> None:
    response = api.start(**{field: "yutori"})
    assert data(response)
    assert response.headers["x-emulator-warning"] == f"body.{field}: not in the spec"


def test_unknown_fields_are_accepted_with_a_warning(api: Api) -> None:
    fields: dict[str, Any] = {"use_vision": True, "größe\r\n": 1}
    response = api.start(agent="yutori", **fields)
    assert data(response)
    assert response.headers["x-emulator-warning"] == (
        r"body.agent: not in the spec; body.use_vision: not in the spec; body.gr\u00f6\u00dfe\r\n: not in the spec"
    )


def test_a_warning_fits_into_a_header(api: Api) -> None:
    fields: dict[str, Any] = {f"field{number}": 1 for number in range(10_000)}
    response = api.start(**fields)
    assert data(response)
    assert len(response.headers["x-emulator-warning"]) == 1000


def test_query_parameters(api: Api) -> None:
    known = api.http.post(TASKS, params={"sessionId": "s1"}, json={"prompt": "a"})
    assert data(known)
    assert "x-emulator-warning" not in known.headers
    unknown = api.http.post(TASKS, params={"session": "s1"}, json={"prompt": "a"})
    assert data(unknown)
    assert unknown.headers["x-emulator-warning"] == "query.session: not in the spec"


class TestKeys:
    @pytest.mark.parametrize("key", ["", None])
    def test_there_must_be_one(self, emulator: Emulator, key: str | None) -> None:
        with client_of(emulator) as api:
            api.http.headers.pop("anchor-api-key")
            if key is not None:
                api.http.headers["anchor-api-key"] = key
            for response in (api.start(), api.check("unknown")):
                assert error(response) == (401, "the header anchor-api-key is missing")
        assert emulator.starts == 0

    @pytest.mark.parametrize(("key", "status"), [(KEY, 200), (KEY.upper(), 401), (SECRET, 401)])
    def test_it_may_have_to_be_a_certain_one(self, key: str, status: int) -> None:
        emulator = Emulator(KEY, takes=0)
        with client_of(emulator, key) as api:
            response = api.start()
        assert response.status_code == status
        assert key not in response.text
        assert KEY not in response.text


@pytest.mark.parametrize("path", ["/", "/v1", f"{TASKS}/", f"{TASKS}/id", f"{TASKS}/a/b/status", f"{TASKS}//status"])
def test_unknown_paths(api: Api, path: str) -> None:
    assert error(api.http.get(path)) == (404, "the emulator has no such path")


@pytest.mark.parametrize("task_id", ["unknown", "a%2Fb", "%2e", "perform-web-task-execution-"])
def test_unknown_tasks(api: Api, task_id: str) -> None:
    assert error(api.check(task_id)) == (404, "there is no such task")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", TASKS, "POST"), ("DELETE", TASKS, "POST"), ("POST", f"{TASKS}/id/status", "GET")],
)
def test_wrong_methods(api: Api, method: str, path: str, allowed: str) -> None:
    response = api.http.request(method, path)
    assert error(response) == (405, f"this path takes {allowed} only")
    assert response.headers["allow"] == allowed


def test_every_answer_says_that_it_is_an_emulators(api: Api, emulator: Emulator) -> None:
    emulator.on(prompt="faulty", start_faults=[502, Fault(307, headers={"X-Emulator": "hidden"})])
    answers = [api.start(), api.start("faulty"), api.start("faulty"), api.check("unknown"), api.http.get("/")]
    assert [answer.status_code for answer in answers] == [200, 502, 307, 404, 404]
    assert {answer.headers["x-emulator"] for answer in answers} == {f"anchor-webtask/{__version__}"}
