"""Requests that the emulator accepts, warns about or refuses, because of their body, query, key, path or method."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask._api.spec import composed_spec
from anchor_webtask._version import __version__
from anchor_webtask.emulator import Emulator, Fault, _request_validation, _responder
from tests.unit.emulator.support import KEY, TASKS, client_of, data, error

if TYPE_CHECKING:
    from tests.unit.emulator.support import Api

SECRET = "hunter2"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "body: 'prompt' is a required property"),
        ({"prompt": 3}, 'body.prompt: does not fit the schema {"type": "string"}'),
        ({"prompt": "a", "max_steps": "many"}, 'body.max_steps: does not fit the schema {"type": "integer"}'),
        ({"prompt": "a", "max_steps": True}, 'body.max_steps: does not fit the schema {"type": "integer"}'),
        ({"prompt": "a", "async": 1}, 'body.async: does not fit the schema {"type": "boolean"}'),
        ({"prompt": "a", "agent": 1}, 'body.agent: does not fit the schema {"type": "string"}'),
        ({"prompt": "a", "output_schema": []}, 'body.output_schema: does not fit the schema {"type": "object"}'),
        ([], 'body: does not fit the schema {"type": "object"}'),
        (None, 'body: does not fit the schema {"type": "object"}'),
    ],
)
def test_body_that_violates_the_spec_is_refused(api: Api, emulator: Emulator, body: Any, message: str) -> None:
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
def test_validation_error_does_not_show_secret_values(api: Api, secrets: Any) -> None:
    response = api.http.post(TASKS, json={"prompt": "a", "secret_values": secrets})
    status, message = error(response)
    assert status == 400
    assert message.startswith("body.secret_values")
    assert SECRET not in response.text
    assert SECRET not in str(response.headers)


def test_body_that_fits_the_spec_is_accepted_without_warning(api: Api) -> None:
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
def test_body_that_is_not_json_is_refused(api: Api, content: bytes) -> None:
    response = api.http.post(TASKS, content=content, headers={"content-type": "application/json"})
    assert error(response) == (400, "the body is not JSON")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_body_with_a_content_type_other_than_json_is_refused(api: Api, content_type: str) -> None:
    response = api.http.post(TASKS, content=b'{"prompt": "a"}', headers={"content-type": content_type})
    assert error(response) == (400, "the content type must be application/json")


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON"])
def test_json_content_type_may_have_parameters_and_capitals(api: Api, content_type: str) -> None:
    assert data(api.http.post(TASKS, content=b'{"prompt": "a"}', headers={"content-type": content_type}))


@pytest.mark.parametrize("field", ["agent", "provider"])
def test_unknown_agent_or_provider_is_accepted_with_a_warning(api: Api, field: str) -> None:
    response = api.start(**{field: "an-agent-of-no-spec"})
    assert data(response)
    assert response.headers["x-emulator-warning"] == f"body.{field}: this value is not in the spec"


def test_unknown_fields_of_the_body_are_accepted_with_a_warning(api: Api) -> None:
    fields: dict[str, Any] = {"not_in_the_spec": True, "größe\r\n": 1}
    response = api.start(agent="an-agent-of-no-spec", **fields)
    assert data(response)
    assert response.headers["x-emulator-warning"] == (
        "body.agent: this value is not in the spec; body.not_in_the_spec: this field is not in the spec; "
        r"body.gr\u00f6\u00dfe\r\n: this field is not in the spec"
    )


def test_warning_header_has_at_most_1000_characters(api: Api) -> None:
    fields: dict[str, Any] = {f"field{number}": 1 for number in range(10_000)}
    response = api.start(**fields)
    assert data(response)
    assert len(response.headers["x-emulator-warning"]) == 1000


def test_unknown_query_parameter_is_accepted_with_a_warning(api: Api) -> None:
    session_id = data(api.http.post("/v1/sessions"))["id"]
    known = api.http.post(TASKS, params={"sessionId": session_id}, json={"prompt": "a"})
    assert data(known)
    assert "x-emulator-warning" not in known.headers
    unknown = api.http.post(TASKS, params={"session": "s1"}, json={"prompt": "a"})
    assert data(unknown)
    assert unknown.headers["x-emulator-warning"] == "query.session: this parameter is not in the spec"


@pytest.mark.parametrize("where", ["the path", "the components"])
def test_parameter_that_is_defined_outside_the_operation_is_known(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    spec = composed_spec()
    item = spec["paths"][TASKS]
    parameter = {"in": "query", "name": "sessionId", "schema": {"type": "string"}}
    item["post"].pop("parameters", None)
    item["parameters"] = [parameter]
    if where == "the components":
        item["parameters"] = [{"$ref": "#/components/parameters/Session"}]
        spec["components"]["parameters"] = {"Session": parameter}
    monkeypatch.setattr(_request_validation, "composed_spec", lambda: spec)
    # without the cache, which is of the real spec
    monkeypatch.setattr(_responder, "operations", _request_validation.operations.__wrapped__)
    with client_of(Emulator(KEY, takes=0)) as api:
        session_id = data(api.http.post("/v1/sessions"))["id"]
        response = api.http.post(TASKS, params={"sessionId": session_id}, json={"prompt": "a"})
    assert data(response)
    assert "x-emulator-warning" not in response.headers


class TestKeys:
    @pytest.mark.parametrize("key", ["", None])
    def test_request_without_an_api_key_is_refused(self, emulator: Emulator, key: str | None) -> None:
        with client_of(emulator) as api:
            api.http.headers.pop("anchor-api-key")
            if key is not None:
                api.http.headers["anchor-api-key"] = key
            for response in (api.start(), api.check("unknown")):
                assert error(response) == (401, "the header anchor-api-key is missing or empty")
        assert emulator.starts == 0

    @pytest.mark.parametrize(("key", "status"), [(KEY, 200), (KEY.upper(), 401), (SECRET, 401)])
    def test_emulator_with_an_api_key_accepts_only_this_key(self, key: str, status: int) -> None:
        emulator = Emulator(KEY, takes=0)
        with client_of(emulator, key) as api:
            response = api.start()
        assert response.status_code == status
        assert key not in response.text
        assert KEY not in response.text


@pytest.mark.parametrize("path", ["/", "/v1", f"{TASKS}/", f"{TASKS}/id", f"{TASKS}/a/b/status", f"{TASKS}//status"])
def test_unknown_path_gets_status_404(api: Api, path: str) -> None:
    assert error(api.http.get(path)) == (404, "the emulator does not implement this path")


@pytest.mark.parametrize("task_id", ["unknown", "a%2Fb", "%2e", "perform-web-task-execution-"])
def test_unknown_task_gets_status_404(api: Api, task_id: str) -> None:
    assert error(api.check(task_id)) == (404, "the emulator has no task with this id")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", TASKS, "POST"), ("DELETE", TASKS, "POST"), ("POST", f"{TASKS}/id/status", "GET")],
)
def test_wrong_method_gets_status_405_and_the_allowed_method(api: Api, method: str, path: str, allowed: str) -> None:
    response = api.http.request(method, path)
    assert error(response) == (405, f"this path accepts only {allowed}")
    assert response.headers["allow"] == allowed


def test_every_response_has_the_header_x_emulator(api: Api, emulator: Emulator) -> None:
    emulator.on(prompt="faulty", start_faults=[502, Fault(307, headers={"X-Emulator": "hidden"})])
    responses = [api.start(), api.start("faulty"), api.start("faulty"), api.check("unknown"), api.http.get("/")]
    assert [response.status_code for response in responses] == [200, 502, 307, 404, 404]
    assert {response.headers["x-emulator"] for response in responses} == {f"anchor-webtask/{__version__}"}
