"""Faults of the emulator, as an httpx client sees them: error statuses, wrong bodies, delays and cut connections."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask.emulator import Fault, LoggedRequest
from tests.unit.emulator.support import TASKS, data, error

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.clocks import InstantClock
    from tests.unit.emulator.support import Api


class TestChecks:
    def test_status_checks_receive_all_faults_in_order_before_normal_responses(
        self, api: Api, emulator: Emulator
    ) -> None:
        emulator.on(takes=0, answer=1, faults=[502, Fault(429, headers={"Retry-After": "3"}), 200, 520])
        task_id = api.start_async()
        statuses = [api.check(task_id).status_code for _ in range(6)]
        assert statuses == [502, 429, 200, 520, 200, 200]

    def test_status_checks_of_every_task_receive_all_faults_of_its_scenario(self, api: Api, emulator: Emulator) -> None:
        emulator.on(faults=[502])
        one, two = api.start_async(), api.start_async()
        assert [api.check(task_id).status_code for task_id in (one, two, one, two)] == [502, 502, 200, 200]

    def test_faults_for_checks_do_not_affect_a_one_request_start(self, api: Api, emulator: Emulator) -> None:
        emulator.on(answer=1, faults=[502])
        assert data(api.start()) == {"result": 1}

    @pytest.mark.parametrize(("status", "message"), [(503, "Service Unavailable"), (520, "Status 520")])
    def test_fault_with_an_error_status_has_the_error_body_of_the_api(
        self, api: Api, emulator: Emulator, status: int, message: str
    ) -> None:
        emulator.on(faults=[Fault(status, headers={"Retry-After": "3", "X-Request-Id": "r1"})])
        response = api.check(api.start_async())
        assert error(response) == (status, message)
        assert response.headers["retry-after"] == "3"
        assert response.headers["x-request-id"] == "r1"
        assert response.headers["content-type"] == "application/json"

    def test_fault_with_a_redirect_status_has_no_body(self, api: Api, emulator: Emulator) -> None:
        emulator.on(faults=[Fault(307, headers={"Location": "https://elsewhere.example/"})])
        response = api.check(api.start_async())
        assert (response.status_code, response.content) == (307, b"")
        assert response.headers["location"] == "https://elsewhere.example/"

    @pytest.mark.parametrize("status", [204, 304])
    def test_fault_with_status_204_or_304_has_no_body_and_no_content_length(
        self, api: Api, emulator: Emulator, status: int
    ) -> None:
        emulator.on(faults=[status])
        response = api.check(api.start_async())
        assert (response.status_code, response.content) == (status, b"")
        assert "content-length" not in response.headers

    @pytest.mark.parametrize("body", ["<html>ü", "<html>ü".encode()])
    def test_fault_can_replace_body_and_content_type(self, api: Api, emulator: Emulator, body: str | bytes) -> None:
        emulator.on(faults=[Fault(200, body=body, content_type="text/html")])
        response = api.check(api.start_async())
        assert (response.status_code, response.content) == (200, "<html>ü".encode())
        assert response.headers["content-type"] == "text/html"

    def test_fault_can_make_the_body_empty(self, api: Api, emulator: Emulator) -> None:
        emulator.on(faults=[Fault(body=b"")])
        response = api.check(api.start_async())
        assert (response.status_code, response.content) == (200, b"")

    def test_fault_with_only_a_content_type_keeps_status_and_body(self, api: Api, emulator: Emulator) -> None:
        emulator.on(faults=[Fault(content_type="text/plain")])
        response = api.check(api.start_async())
        assert data(response) == {"status": "RUNNING"}
        assert response.headers["content-type"] == "text/plain"

    def test_fault_with_only_a_task_status_keeps_the_rest_of_the_response(self, api: Api, emulator: Emulator) -> None:
        emulator.on(takes=0, answer=1, faults=[Fault(task_status="SLEEPING")])
        task_id = api.start_async()
        assert api.state(task_id) == {"status": "SLEEPING", "result": 1}
        assert api.state(task_id) == {"status": "COMPLETED", "result": 1}

    def test_delay_of_a_fault_delays_the_response(self, api: Api, emulator: Emulator, clock: InstantClock) -> None:
        emulator.on(faults=[Fault(delay=4), Fault(503, delay=3)])
        task_id = api.start_async()
        before = clock.now()
        assert api.state(task_id) == {"status": "RUNNING"}
        assert clock.now() - before == 4
        assert api.check(task_id).status_code == 503
        assert clock.now() - before == 7

    def test_delay_longer_than_the_read_timeout_raises_read_timeout(
        self, api: Api, emulator: Emulator, clock: InstantClock
    ) -> None:
        emulator.on(faults=[Fault(delay=40)])
        task_id = api.start_async()
        before = clock.now()
        with pytest.raises(httpx.ReadTimeout):
            api.http.get(f"{TASKS}/{task_id}/status", timeout=30)
        assert clock.now() - before == 30

    def test_connection_that_is_cut_raises_protocol_error_after_the_delay(
        self, api: Api, emulator: Emulator, clock: InstantClock
    ) -> None:
        emulator.on(faults=[Fault(cut=True, delay=2)])
        task_id = api.start_async()
        before = clock.now()
        check = api.http.build_request("GET", f"{TASKS}/{task_id}/status")
        with pytest.raises(httpx.RemoteProtocolError):
            api.http.send(check, stream=True)
        assert clock.now() - before == 2
        assert emulator.requests[-1] == LoggedRequest("GET", f"{TASKS}/{task_id}/status", None)
        assert api.state(task_id)["status"] == "COMPLETED"

    @pytest.mark.parametrize("status", [None, 500])
    def test_connection_that_is_cut_midway_raises_protocol_error_after_a_part_of_the_body(
        self, api: Api, emulator: Emulator, status: int | None
    ) -> None:
        emulator.on(faults=[Fault(status, cut="midway")])
        task_id = api.start_async()
        with api.http.stream("GET", f"{TASKS}/{task_id}/status") as response:
            assert response.status_code == (status or 200)
            chunks = response.iter_bytes()
            assert 0 < len(next(chunks)) < int(response.headers["content-length"])
            with pytest.raises(httpx.RemoteProtocolError):
                next(chunks)
        assert api.check(task_id).status_code == 200

    def test_status_check_of_an_unknown_task_uses_up_no_fault(self, api: Api, emulator: Emulator) -> None:
        emulator.on(faults=[502])
        task_id = api.start_async()
        assert api.check("unknown").status_code == 404
        assert api.check(task_id).status_code == 502


class TestStarts:
    def test_start_requests_receive_all_start_faults_before_they_succeed(self, api: Api, emulator: Emulator) -> None:
        emulator.on(start_faults=[Fault(429, headers={"Retry-After": "3"}), 503])
        first = api.start(**{"async": True})
        assert error(first) == (429, "Too Many Requests")
        assert first.headers["retry-after"] == "3"
        assert api.start().status_code == 503
        api.start_async()
        assert (emulator.starts, emulator.start_requests) == (1, 3)

    def test_only_valid_starts_that_match_the_scenario_use_up_its_faults(self, api: Api, emulator: Emulator) -> None:
        emulator.on(prompt="*cpu*", start_faults=[503])
        assert api.start("memory").status_code == 200
        assert api.start("cpu", max_steps="many").status_code == 400
        assert api.start("cpu").status_code == 503

    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(Fault(503), id="status 503"),
            pytest.param(Fault(200, body="<html>"), id="HTML"),
            pytest.param(Fault(cut=True), id="cut before the response"),
            pytest.param(Fault(307), id="redirect"),
            pytest.param(Fault(204), id="status 204"),
        ],
    )
    @pytest.mark.parametrize("is_async", [True, False], ids=["asynchronous start", "one-request start"])
    def test_task_does_not_start_if_a_fault_hides_the_response(
        self, api: Api, emulator: Emulator, clock: InstantClock, fault: Fault, is_async: bool
    ) -> None:
        emulator.on(start_faults=[fault])
        before = clock.now()
        start_and_ignore_lost_response(api, is_async)
        assert (emulator.starts, emulator.start_requests) == (0, 1)
        assert clock.now() == before

    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(Fault(503, accepted=True), id="status 503, accepted"),
            pytest.param(Fault(200, body="<html>", accepted=True), id="HTML, accepted"),
            pytest.param(Fault(cut=True, accepted=True), id="cut before the response, accepted"),
            pytest.param(Fault(cut="midway"), id="cut midway"),
            pytest.param(Fault(content_type="text/html"), id="wrong content type"),
            pytest.param(Fault(delay=1), id="delay"),
        ],
    )
    @pytest.mark.parametrize("is_async", [True, False], ids=["asynchronous start", "one-request start"])
    def test_task_starts_if_the_argument_accepted_is_true_or_the_fault_does_not_hide_the_response(
        self, api: Api, emulator: Emulator, fault: Fault, is_async: bool
    ) -> None:
        emulator.on(start_faults=[fault])
        start_and_ignore_lost_response(api, is_async)
        assert (emulator.starts, emulator.start_requests) == (1, 1)

    @pytest.mark.parametrize(
        "fault",
        [
            pytest.param(Fault(504, delay=60, accepted=True), id="status 504"),
            pytest.param(Fault(body="<html>", delay=60, accepted=True), id="HTML"),
            pytest.param(Fault(cut=True, delay=60, accepted=True), id="cut before the response"),
        ],
    )
    def test_response_that_a_fault_hides_is_not_held_until_the_task_ends(
        self, api: Api, emulator: Emulator, clock: InstantClock, fault: Fault
    ) -> None:
        emulator.on(takes=100, start_faults=[fault])
        before = clock.now()
        start_and_ignore_lost_response(api, is_async=False)
        assert clock.now() - before == 60

    def test_delay_of_a_one_request_start_is_added_to_the_duration_of_the_task(
        self, api: Api, emulator: Emulator, clock: InstantClock
    ) -> None:
        emulator.on(takes=100, start_faults=[Fault(delay=5)])
        before = clock.now()
        assert data(api.start())
        assert clock.now() - before == 105

    def test_fault_can_change_the_task_status_in_the_response_to_a_start(self, api: Api, emulator: Emulator) -> None:
        emulator.on(answer=1, start_faults=[Fault(task_status="queued"), Fault(task_status="queued")])
        assert data(api.start(**{"async": True}))["status"] == "queued"
        assert data(api.start()) == {"result": 1}

    def test_fault_with_delay_or_task_status_keeps_the_reason_of_a_failed_task(
        self, api: Api, emulator: Emulator
    ) -> None:
        emulator.on(fails="no such page", start_faults=[Fault(delay=1), Fault(task_status="queued")])
        assert error(api.start()) == (500, "no such page")
        assert error(api.start()) == (500, "no such page")


def start_and_ignore_lost_response(api: Api, is_async: bool) -> None:
    with contextlib.suppress(httpx.TransportError):
        api.start(**{"async": is_async})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"status": 199}, "status"),
        ({"status": 600}, "status"),
        ({"status": "502"}, "status"),
        ({"delay": -1}, "delay"),
        ({"cut": "before"}, "cut"),
        ({"body": {"data": {}}}, "body"),
        ({"status": 204, "body": "x"}, "no body"),
        ({"status": 304, "cut": "midway"}, "no body"),
        ({"status": 502, "task_status": "SLEEPING"}, "task_status"),
        ({"body": "{}", "task_status": "SLEEPING"}, "task_status"),
        ({"cut": True, "task_status": "SLEEPING"}, "task_status"),
        ({"headers": {"Content-Length": "3"}}, "content-length"),
        ({"headers": {"Retry After": "3"}}, "retry after"),
        ({"headers": {"Retry-After": 3}}, "retry-after"),
        ({"headers": {"X-Name": "ü"}}, "x-name"),
        ({"headers": {"X-Name": "a\r\nb: c"}}, "x-name"),
        ({"content_type": "text/html\n"}, "content-type"),
    ],
)
def test_invalid_fault_argument_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Fault(**arguments)


@pytest.mark.parametrize("faults", [502, Fault(502), [199], ["502"]])
@pytest.mark.parametrize("where", ["faults", "start_faults"])
def test_invalid_list_of_faults_is_refused(emulator: Emulator, where: str, faults: Any) -> None:
    with pytest.raises(ValueError, match="fault"):
        emulator.on(**{where: faults})


def test_fault_for_checks_is_refused_if_its_argument_accepted_is_true(emulator: Emulator) -> None:
    with pytest.raises(ValueError, match="start_faults"):
        emulator.on(faults=[Fault(502, accepted=True)])
