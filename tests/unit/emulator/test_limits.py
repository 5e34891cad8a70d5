"""Limits on starts: how many tasks may run at once, how many may be started in all, and how many ran at once."""

from __future__ import annotations

import math
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from anchor_webtask import testing
from anchor_webtask.emulator import Emulator, Fault, LoggedRequest
from tests.support.patience import PATIENCE
from tests.unit.emulator.support import KEY, TASKS, Api, client_of, data, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.clocks import InstantClock


def start(api: Api) -> int:
    """Return the status of the response to an asynchronous start."""
    return api.start(**{"async": True}).status_code


class TestRunning:
    def test_start_beyond_the_limit_is_refused_until_a_task_has_ended(
        self, api: Api, emulator: Emulator, clock: InstantClock
    ) -> None:
        emulator.on(takes=10)
        emulator.limit(running=2, retry_after=5)
        assert [start(api), start(api)] == [200, 200]
        refused = api.start(**{"async": True})
        assert error(refused) == (429, "too many tasks are running: the emulator's limit is 2")
        assert refused.headers["retry-after"] == "5"
        assert refused.headers["x-emulator"]
        clock.time += 9.9
        assert start(api) == 429
        clock.time += 0.1
        assert [start(api), start(api), start(api)] == [200, 200, 429]
        assert emulator.max_running_seen == 2

    def test_refused_starts_are_requests_but_not_starts(self, api: Api, emulator: Emulator) -> None:
        emulator.limit(running=1)
        api.start_async("a")
        api.start("b")
        assert emulator.requests[1] == LoggedRequest("POST", TASKS, 429, {"prompt": "b"})
        assert (emulator.starts, emulator.start_requests, len(emulator.tasks)) == (1, 2, 1)

    @pytest.mark.parametrize("end", [lambda task: task.finish(), lambda task: task.fail()])
    def test_task_that_the_test_ends_no_longer_runs(
        self, api: Api, emulator: Emulator, end: Callable[[Any], None]
    ) -> None:
        emulator.on(takes=math.inf)
        emulator.limit(running=1)
        assert [start(api), start(api)] == [200, 429]
        end(emulator.tasks[0])
        assert [start(api), start(api)] == [200, 429]
        assert emulator.max_running_seen == 1

    @pytest.mark.parametrize(
        "fault", [Fault(cut=True, accepted=True), Fault(504, accepted=True), Fault(cut="midway")], ids=repr
    )
    def test_task_whose_response_was_lost_counts_as_running(
        self, api: Api, emulator: Emulator, clock: InstantClock, fault: Fault
    ) -> None:
        emulator.on(takes=10, start_faults=[fault])
        emulator.limit(running=1)
        with suppress(httpx.RemoteProtocolError):
            start(api)
        assert start(api) == 429
        clock.time += 10
        assert start(api) == 200

    def test_one_request_start_counts_as_running_also_after_its_client_has_given_up(
        self, api: Api, emulator: Emulator, clock: InstantClock
    ) -> None:
        emulator.on(takes=90)
        emulator.limit(running=1)
        during: list[int] = []
        clock.during_next_sleep(lambda: during.append(start(api)))
        with pytest.raises(httpx.ReadTimeout):
            api.http.post(TASKS, json={"prompt": "a"}, timeout=30)
        assert (during, clock.now()) == ([429], 30)
        assert start(api) == 429
        clock.time += 60
        assert start(api) == 200

    def test_refused_one_request_start_is_not_held_and_does_not_count(
        self, api: Api, emulator: Emulator, clock: InstantClock
    ) -> None:
        emulator.on(takes=10)
        emulator.limit(running=1)
        api.start_async()
        assert api.start().status_code == 429
        assert clock.now() == 0
        clock.time += 10
        assert data(api.start())
        assert emulator.max_running_seen == 1

    def test_task_that_takes_no_time_never_runs(self, api: Api, emulator: Emulator) -> None:
        emulator.on(takes=0)
        emulator.limit(running=1)
        assert [start(api) for _ in range(3)] == [200] * 3
        assert emulator.max_running_seen == 0

    def test_checks_are_not_limited(self, api: Api, emulator: Emulator) -> None:
        task_id = api.start_async()
        emulator.limit(running=0)
        emulator.limit(starts=0)
        assert api.state(task_id) == {"status": "RUNNING"}


class TestStarts:
    def test_account_is_out_of_credit_after_its_starts(self, api: Api, emulator: Emulator, clock: InstantClock) -> None:
        emulator.on(takes=1)
        emulator.limit(starts=2)
        api.start_async()
        assert data(api.start())
        refused = api.start()
        assert error(refused) == (402, "out of credit: the emulator's limit is 2 starts")
        assert "retry-after" not in refused.headers
        clock.time += 1e9
        assert start(api) == 402
        assert emulator.starts == 2

    def test_starts_before_the_limit_count_and_refused_ones_do_not(self, api: Api, emulator: Emulator) -> None:
        api.start_async()
        emulator.limit(starts=1)
        assert start(api) == 402
        emulator.limit(starts=2)
        assert [start(api), start(api)] == [200, 402]

    @pytest.mark.parametrize("kinds", [("running", "starts"), ("starts", "running")])
    def test_starts_apply_if_both_limits_are_reached(
        self, api: Api, emulator: Emulator, kinds: tuple[str, str]
    ) -> None:
        for kind in kinds:
            emulator.limit(**{kind: 1})
        assert [start(api), start(api)] == [200, 402]


class TestChanges:
    @pytest.mark.parametrize("kind", ["running", "starts"])
    def test_limit_that_is_changed_or_removed_applies_at_once(self, api: Api, emulator: Emulator, kind: str) -> None:
        emulator.on(takes=math.inf)
        limits: list[tuple[float, int]] = [(0, 503), (2, 200), (2, 200), (2, 503), (1, 503), (math.inf, 200), (3, 503)]
        for most, status in limits:
            emulator.limit(**{kind: most}, status=503)  # type: ignore[arg-type]
            assert start(api) == status
        assert [task.status for task in emulator.tasks] == ["RUNNING"] * 3
        assert emulator.max_running_seen == 3

    def test_change_of_one_limit_keeps_the_other_one(self, api: Api, emulator: Emulator) -> None:
        emulator.limit(running=1)
        emulator.limit(starts=1)
        emulator.limit(starts=math.inf)
        assert [start(api), start(api)] == [200, 429]

    def test_later_limit_replaces_status_and_retry_after(self, api: Api, emulator: Emulator) -> None:
        emulator.limit(running=0, status=503, retry_after=7)
        emulator.limit(running=0)
        refused = api.start()
        assert refused.status_code == 429
        assert "retry-after" not in refused.headers


class TestFaults:
    def test_fault_that_hides_the_response_comes_before_the_limit(self, api: Api, emulator: Emulator) -> None:
        emulator.on(start_faults=[502, Fault(504, accepted=True)])
        emulator.limit(running=0)
        assert [start(api), start(api), start(api)] == [502, 504, 429]
        assert emulator.starts == 0

    def test_fault_in_place_of_a_start_uses_up_nothing_of_the_limit(self, api: Api, emulator: Emulator) -> None:
        emulator.on(start_faults=[502])
        emulator.limit(starts=1)
        assert [start(api), start(api), start(api)] == [502, 200, 402]

    def test_other_faults_change_the_refusal(self, api: Api, emulator: Emulator, clock: InstantClock) -> None:
        emulator.on(
            start_faults=[Fault(delay=5), Fault(headers={"Retry-After": "9"}), Fault(task_status="a"), Fault(cut=True)]
        )
        emulator.limit(running=0, retry_after=1)
        assert error(api.start())[0] == 429
        assert clock.now() == 5
        assert api.start().headers["retry-after"] == "9"
        assert error(api.start())[0] == 429
        with pytest.raises(httpx.RemoteProtocolError):
            api.start()

    def test_invalid_requests_and_wrong_keys_are_refused_before_the_limit(self, clock: InstantClock) -> None:
        emulator = Emulator(KEY, clock=clock)
        emulator.limit(starts=0)
        with client_of(emulator, key="other") as api:
            assert start(api) == 401
        with client_of(emulator) as api:
            assert api.start(max_steps="many").status_code == 400

    def test_refusal_has_warnings_and_the_wording_of_the_dialect(self, clock: InstantClock) -> None:
        emulator = Emulator(clock=clock, dialects=["flat-errors"])
        emulator.limit(running=0)
        with client_of(emulator) as api:
            refused = api.start(new_field=1)
        assert refused.json() == {"error": "too many tasks are running: the emulator's limit is 0"}
        assert "new_field" in refused.headers["x-emulator-warning"]


class TestMaxRunningSeen:
    def test_is_the_most_tasks_at_once_without_a_limit(self, api: Api, emulator: Emulator, clock: InstantClock) -> None:
        assert emulator.max_running_seen == 0
        emulator.on(takes=10)
        for _ in range(3):  # the first two run at once; the third starts as the first ends
            api.start_async()
            clock.time += 5
        assert emulator.max_running_seen == 2
        clock.time += 100
        api.start_async()
        assert emulator.max_running_seen == 2

    def test_counts_a_task_only_until_the_test_has_ended_it(
        self, api: Api, emulator: Emulator, clock: InstantClock
    ) -> None:
        emulator.on(takes=math.inf)
        for _ in range(3):
            api.start_async()
            clock.time += 1
            emulator.tasks[-1].finish()
        assert emulator.max_running_seen == 1


class TestConcurrency:
    @pytest.mark.parametrize("way", ["transport", "server"])
    @pytest.mark.parametrize(("limit", "status"), [({"running": 3}, 429), ({"starts": 3}, 402)])
    def test_many_threads_start_as_many_tasks_as_the_limit_admits(
        self, emulator: Emulator, way: str, limit: dict[str, Any], status: int
    ) -> None:
        emulator.on(takes=lambda _: math.inf)
        emulator.limit(**limit)
        barrier = threading.Barrier(8)
        with emulator.serve() as server:
            transport = emulator.transport() if way == "transport" else None
            with httpx.Client(
                transport=transport, base_url=server.base_url, headers={"anchor-api-key": KEY}, timeout=60
            ) as http:

                def start_ten(_: int) -> list[int]:
                    barrier.wait(PATIENCE)
                    return [start(Api(http)) for _ in range(10)]

                with ThreadPoolExecutor(8) as pool:
                    statuses = Counter(status for ten in pool.map(start_ten, range(8)) for status in ten)
        assert statuses == {200: 3, status: 77}
        assert emulator.starts == emulator.max_running_seen == 3

    @pytest.mark.anyio
    @pytest.mark.parametrize("way", ["transport", "server"])
    @pytest.mark.parametrize(("limit", "status"), [({"running": 3}, 429), ({"starts": 3}, 402)])
    async def test_many_async_calls_start_as_many_tasks_as_the_limit_admits(
        self, emulator: Emulator, way: str, limit: dict[str, Any], status: int
    ) -> None:
        emulator.on(takes=math.inf)
        emulator.limit(**limit)
        statuses: Counter[int] = Counter()
        async with emulator.serve() as server:
            transport = emulator.transport() if way == "transport" else None
            async with httpx.AsyncClient(
                transport=transport, base_url=server.base_url, headers={"anchor-api-key": KEY}, timeout=60
            ) as client:

                async def start_async() -> None:
                    statuses[(await client.post(TASKS, json={"prompt": "a", "async": True})).status_code] += 1

                async with anyio.create_task_group() as group:
                    for _ in range(20):
                        group.start_soon(start_async)
        assert statuses == {200: 3, status: 17}
        assert emulator.starts == emulator.max_running_seen == 3

    @pytest.mark.parametrize(("limit", "status"), [({"running": 1}, 429), ({"starts": 1}, 402)])
    @pytest.mark.parametrize("function", ["takes", "answer"])
    def test_start_counts_while_a_function_of_its_scenario_runs(
        self, api: Api, emulator: Emulator, function: str, limit: dict[str, Any], status: int
    ) -> None:
        called, go_on = threading.Event(), threading.Event()

        def wait(_: dict[str, Any]) -> int:
            called.set()
            assert go_on.wait(PATIENCE)
            return 5

        scenario: dict[str, Any] = {function: wait}
        emulator.on(**scenario)
        emulator.limit(**limit)
        with ThreadPoolExecutor(1) as pool:
            first = pool.submit(start, api)
            try:
                assert called.wait(PATIENCE)
                assert start(api) == status
                assert emulator.starts == 0
            finally:
                go_on.set()
            assert first.result(PATIENCE) == 200

    @pytest.mark.parametrize("kind", ["running", "starts"])
    def test_start_that_is_interrupted_does_not_count(self, api: Api, emulator: Emulator, kind: str) -> None:
        def interrupt(_: dict[str, Any]) -> float:
            raise KeyboardInterrupt

        emulator.on(takes=interrupt)
        emulator.limit(**{kind: 1})
        with pytest.raises(KeyboardInterrupt):
            api.start()
        emulator.on()
        assert start(api) == 200

    def test_functions_of_a_scenario_are_not_called_for_a_refused_start(self, api: Api, emulator: Emulator) -> None:
        prompts: list[str] = []
        emulator.on(answer=lambda body: prompts.append(body["prompt"]))
        emulator.limit(running=1)
        for prompt in ("a", "b"):
            api.start(prompt, **{"async": True})
        assert prompts == ["a"]


class TestVirtualTime:
    """Six clients at a limit of three, which try again after `Retry-After`: two rounds of ten seconds."""

    def test_clients_in_threads_keep_the_limit(self) -> None:
        clock = testing.VirtualClock()
        emulator = Emulator(takes=10, clock=clock)
        emulator.limit(running=3, retry_after=10)
        with client_of(emulator) as api, ThreadPoolExecutor(6) as pool:

            def start_until_accepted(number: int) -> object:
                while (response := api.start(f"{number}")).status_code == 429:
                    clock.sleep(float(response.headers["retry-after"]))
                return data(response)

            with clock.hold():
                results = [pool.submit(start_until_accepted, number) for number in range(6)]
            assert [result.result(PATIENCE) for result in results] == [{"result": "The emulator's answer."}] * 6
        assert (emulator.starts, emulator.start_requests, emulator.max_running_seen) == (6, 9, 3)
        assert clock.elapsed == 20

    @pytest.mark.anyio
    @pytest.mark.parametrize("is_async", [True, False], ids=["asynchronous start", "one-request start"])
    async def test_async_clients_keep_the_limit(self, is_async: bool) -> None:
        clock = testing.VirtualClock()
        emulator = Emulator(takes=10, clock=clock)
        emulator.limit(running=3, retry_after=10)
        async with httpx.AsyncClient(
            transport=emulator.transport(),
            base_url="https://api.example",
            headers={"anchor-api-key": KEY},
            timeout=None,
        ) as client:

            async def start_until_accepted() -> None:
                while (
                    response := await client.post(TASKS, json={"prompt": "a", "async": is_async})
                ).status_code == 429:
                    await clock.sleep_async(float(response.headers["retry-after"]))
                assert data(response)

            async with anyio.create_task_group() as group:
                for _ in range(6):
                    group.start_soon(start_until_accepted)
        assert (emulator.starts, emulator.start_requests, emulator.max_running_seen) == (6, 9, 3)
        assert clock.elapsed == (10 if is_async else 20)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs running, starts or sessions"),
        ({"status": 429}, "needs running, starts or sessions"),
        ({"running": 1, "starts": 1}, "set two limits"),
        ({"running": -1}, "running must be an integer, 0 or more, or math.inf for no limit, not -1"),
        ({"running": 1.5}, "running must be"),
        ({"running": True}, "running must be"),
        ({"running": "3"}, "running must be"),
        ({"starts": -1}, "starts must be"),
        ({"starts": math.nan}, "starts must be"),
        ({"starts": -math.inf}, "starts must be"),
        ({"running": 1, "status": 399}, "status must be an integer from 400 to 599, not 399"),
        ({"running": 1, "status": 600}, "status"),
        ({"running": 1, "status": "429"}, "status"),
        ({"running": 1, "retry_after": -1}, "retry_after"),
        ({"running": 1, "retry_after": 1.5}, "retry_after must be an integer, not 1.5"),
        ({"running": 1, "retry_after": True}, "retry_after"),
        ({"running": 1, "retry_after": 10**400}, "retry_after"),
        ({"running": 1, "retry_after": "5"}, "retry_after"),
    ],
)
def test_invalid_limit_argument_is_refused(
    api: Api, emulator: Emulator, arguments: dict[str, Any], message: str
) -> None:
    emulator.limit(running=1)
    with pytest.raises(ValueError, match=message):
        emulator.limit(**arguments)
    assert [start(api), start(api)] == [200, 429]
