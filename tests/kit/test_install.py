"""`install` connects all clients of a process to an emulator, and restores everything when it ends."""

from __future__ import annotations

import asyncio
import math
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask import Anchor, AsyncAnchor, ConfigurationError, TaskFailedError, TaskTimeoutError
from anchor_webtask.emulator import Emulator, Fault, ScenarioError
from anchor_webtask.testing import SystemClock, VirtualClock, VirtualTimeError, install

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runners import Runner

HOUR = 3600.0
BASE_URL, KEY = "ANCHORBROWSER_BASE_URL", "ANCHORBROWSER_API_KEY"


def run_with_own_client(runner: Runner, prompt: str = "Read the price", **options: Any) -> Any:
    """Run a task by a client that is made without arguments, as an application would make it."""
    if runner.name == "sync":
        with Anchor() as anchor:
            return anchor.tasks.run(prompt, **options)

    async def run() -> Any:
        async with AsyncAnchor() as anchor:
            return await anchor.tasks.run(prompt, **options)

    return runner.call(run)


def test_task_of_an_hour_takes_an_hour_of_virtual_time(runner: Runner) -> None:
    with install() as emulator:
        emulator.on(url="https://shop.example/*", takes=HOUR, answer={"amount": 3}, faults=[502, 502])
        result = run_with_own_client(runner, url="https://shop.example/p/1", timeout=2 * HOUR)
    assert (result.value, emulator.starts) == ({"amount": 3}, 1)
    assert HOUR <= emulator.elapsed < HOUR + 60


def test_one_request_start_is_held_in_virtual_time(runner: Runner) -> None:
    with install() as emulator:
        emulator.on(takes=90, answer="done")
        anchor = Anchor() if runner.name == "sync" else AsyncAnchor()
        assert runner.call(anchor.tasks.run_in_one_request, "Read", http_timeout=100).value == "done"
    assert emulator.elapsed == 90


def test_deadline_is_kept_in_virtual_time(runner: Runner) -> None:
    with install() as emulator:
        emulator.on(takes=math.inf)
        with pytest.raises(TaskTimeoutError) as caught:
            run_with_own_client(runner, timeout=HOUR)
    assert (caught.value.task_id, emulator.elapsed) == (emulator.tasks[0].id, HOUR)


def test_forty_waits_see_their_own_deadlines_and_take_as_long_as_the_longest(runner: Runner) -> None:
    def elapsed_at_deadline(number: int) -> float:
        with pytest.raises(TaskTimeoutError), Anchor() as anchor:
            anchor.tasks.run("Read", timeout=100 + number)
        return emulator.elapsed

    async def elapsed_at_deadline_async(anchor: AsyncAnchor, number: int) -> float:
        with pytest.raises(TaskTimeoutError):
            await anchor.tasks.run("Read", timeout=100 + number)
        return emulator.elapsed

    async def all_async() -> list[float]:
        import anyio

        found: list[float] = []

        async def add(number: int) -> None:
            found.append(await elapsed_at_deadline_async(anchor, number))

        async with AsyncAnchor() as anchor, anyio.create_task_group() as group:
            for number in range(40):
                group.start_soon(add, number)
        return found

    with install() as emulator:
        emulator.on(takes=math.inf)
        if runner.name == "sync":
            with ThreadPoolExecutor(40) as pool:
                found = list(pool.map(elapsed_at_deadline, range(40)))
        else:
            found = runner.call(all_async)
    assert sorted(found) == [100.0 + number for number in range(40)]


def test_wait_without_a_deadline_for_a_task_that_never_ends_fails_the_test(runner: Runner) -> None:
    emulator = Emulator()
    emulator.on(takes=math.inf)
    with pytest.raises(VirtualTimeError, match="86400 s") as caught, install(emulator):
        run_with_own_client(runner, timeout=None)
    assert emulator.tasks[0].id in caught.value.__notes__[0]


def test_time_error_that_the_application_hides_fails_the_test_at_the_end(runner: Runner) -> None:
    def hide() -> None:
        with suppress(Exception):
            run_with_own_client(runner, timeout=None)

    emulator = Emulator()
    emulator.on(takes=math.inf)
    with pytest.raises(VirtualTimeError, match="86400 s"), install(emulator):
        hide()


def test_other_exception_of_the_body_is_not_replaced() -> None:
    emulator = Emulator()
    emulator.on(takes=math.inf)

    def fail() -> None:
        with pytest.raises(VirtualTimeError):
            Anchor().tasks.run("Read", timeout=None)
        raise KeyError

    with pytest.raises(KeyError), install(emulator):
        fail()


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": "own-key", "base_url": "https://gateway.example/anchor/"},
        {"base_url": "http://127.0.0.1:1", "http_timeout": 5},
        {"proxy": "http://127.0.0.1:1"},
    ],
    ids=["base URL with a path", "loopback", "proxy"],
)
def test_whatever_a_clients_arguments_are_it_talks_to_the_emulator(runner: Runner, arguments: dict[str, Any]) -> None:
    with install() as emulator:
        anchor = (Anchor if runner.name == "sync" else AsyncAnchor)(**arguments)
        assert runner.call(anchor.tasks.run, "Read").value == "The emulator's answer."
    assert emulator.starts == 1


def test_own_transport_of_a_client_is_replaced(runner: Runner) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise AssertionError("a request left the process")

    with install() as emulator, runner.anchor(transport=httpx.MockTransport(fail)) as anchor:
        runner.call(anchor.tasks.run, "Read")
    assert emulator.starts == 1


def test_generated_client_talks_to_the_emulator(runner: Runner) -> None:
    with install() as emulator, runner.anchor() as anchor:
        client = anchor.api.get_httpx_client() if runner.name == "sync" else anchor.api.get_async_httpx_client()
        with pytest.raises(Exception, match="the emulator does not implement this path"):
            runner.call(client.get, "/v1/nowhere")
    assert [request.path for request in emulator.requests] == ["/v1/nowhere"]


def test_key_of_the_emulator_is_in_the_environment() -> None:
    with install(Emulator("only-this-key")) as emulator:
        Anchor().tasks.start("Read")
        with pytest.raises(Exception, match="401"):
            Anchor("another-key").tasks.start("Read")
    assert emulator.starts == 1


@pytest.mark.parametrize("before", [None, "before"])
@pytest.mark.parametrize("error", [None, KeyError])
def test_environment_and_clients_are_restored(
    monkeypatch: pytest.MonkeyPatch, before: str | None, error: type[Exception] | None
) -> None:
    if before is not None:
        monkeypatch.setenv(KEY, before)
        monkeypatch.setenv(BASE_URL, "https://before.example")
    environment = dict(os.environ)
    try:
        with install():
            assert os.environ[BASE_URL] == "http://127.0.0.1:1"
            assert os.environ[KEY] == "test-key"
            if error:
                raise error
    except KeyError:
        pass
    assert dict(os.environ) == environment
    with Emulator(clock=SystemClock()).serve() as server, Anchor("key", base_url=server.base_url) as anchor:
        assert anchor.tasks.start("Read").id == server.emulator.tasks[0].id


def test_client_made_before_is_refused_inside_and_works_again_after(runner: Runner) -> None:
    with Emulator(takes=0).serve() as server, runner.anchor(base_url=server.base_url) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        with install() as emulator:
            for call in (lambda: anchor.tasks.start("Read"), task.refresh, task.result):
                with pytest.raises(ConfigurationError, match=r"made before testing\.install\(\).*make it inside"):
                    runner.call(call)
        assert emulator.requests == ()
        assert runner.call(task.refresh).done


def test_client_made_inside_is_refused_after_and_in_another_installation(runner: Runner) -> None:
    with install():
        anchor = Anchor() if runner.name == "sync" else AsyncAnchor()
        runner.call(anchor.tasks.start, "Read")
    with pytest.raises(ConfigurationError, match=r"made inside testing\.install\(\), which has ended"):
        runner.call(anchor.tasks.start, "Read")
    with install(), pytest.raises(ConfigurationError, match="which has ended: make a new one"):
        runner.call(anchor.tasks.start, "Read")


def test_it_refuses_to_nest_and_goes_on() -> None:
    with install() as emulator:
        with pytest.raises(RuntimeError, match="install\\(\\) is in use already"), install():
            pass
        Anchor().tasks.start("Read")
    assert emulator.starts == 1


def test_clients_of_all_threads_are_led_to_the_emulator() -> None:
    before = ThreadPoolExecutor(1)
    before.submit(threading.get_ident).result()
    with install() as emulator:
        before.submit(lambda: Anchor().tasks.run("Read")).result()
        asyncio.run(asyncio.to_thread(lambda: Anchor().tasks.run("Read")))
    before.shutdown()
    assert emulator.starts == 2


def fail_in_a_task(runner: Runner, emulator: Emulator) -> None:
    with install(emulator), pytest.raises(TaskFailedError):
        run_with_own_client(runner)


class TestMistakesOfTheTest:
    def test_error_of_a_scenarios_function_fails_the_test_at_the_end(self, runner: Runner) -> None:
        def answer(body: dict[str, Any]) -> Any:
            assert body["prompt"] == "another prompt"

        emulator = Emulator()
        emulator.on(answer=answer)
        with pytest.raises(ScenarioError, match=r"a function of the scenario failed.*: AssertionError") as caught:
            fail_in_a_task(runner, emulator)
        assert isinstance(caught.value.__cause__, AssertionError)
        assert caught.value.__cause__.__traceback__ is not None

    def test_task_that_is_polled_without_a_wait_is_an_error(self, runner: Runner) -> None:
        def poll() -> None:
            with runner.anchor() as anchor:
                task = runner.call(anchor.tasks.start, "Read")
                while not task.done:
                    runner.call(task.refresh)  # an application would sleep here, in real time

        with pytest.raises(VirtualTimeError, match=r"checked more than 100 times .*clock\.wait") as caught, install():
            poll()
        assert "perform-web-task-execution" in caught.value.__notes__[0]

    def test_task_that_is_polled_by_the_clock_ends(self, anchor_emulator: Emulator, anchor_clock: VirtualClock) -> None:
        anchor_emulator.on(takes=HOUR)
        stop = threading.Event()
        with Anchor() as anchor:
            task = anchor.tasks.start("Read")
            while not task.refresh().done:
                assert not anchor_clock.wait(stop, 10)
        assert anchor_clock.elapsed == HOUR


class TestClock:
    def test_clock_is_the_emulators_if_it_has_one(self) -> None:
        clock = VirtualClock()
        with install(Emulator(clock=clock)) as emulator:
            Anchor().tasks.run("Read")
            assert emulator.clock is clock
        assert clock.elapsed == emulator.elapsed > 0

    def test_clock_of_the_argument_is_used(self) -> None:
        clock = VirtualClock()
        with install(clock=clock) as emulator:
            clock.sleep(100)
            assert emulator.elapsed == 100

    def test_emulator_with_another_clock_is_refused(self) -> None:
        with (
            pytest.raises(ValueError, match="another clock"),
            install(Emulator(clock=VirtualClock()), clock=VirtualClock()),
        ):
            pass
        Anchor("key")  # nothing is left installed
        with install():
            pass

    def test_system_clock_may_be_used(self) -> None:
        with install(Emulator(takes=0), clock=SystemClock()) as emulator:
            emulator.on(takes=0, start_faults=[Fault(delay=0.001)])
            Anchor().tasks.start("Read")
        assert emulator.starts == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_forked_child_is_told_to_use_the_server() -> None:
    with install() as emulator:
        old = Anchor()
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            said = []
            clients: list[Callable[[], Anchor]] = [lambda: old, Anchor]
            for make in clients:
                try:
                    make().tasks.start("Read")
                except BaseException as error:  # noqa: BLE001  the child must not go on as a second test run
                    said.append(str(error))
            os.write(write, "\n".join(said).encode())
            os._exit(0)
        os.waitpid(child, 0)
        os.close(write)
        with os.fdopen(read, encoding="utf-8") as file:
            lines = file.read().splitlines()
    assert len(lines) == 2
    assert all(
        "forked by a test, and testing.install() does not reach" in line and "anchor_emulator_server" in line
        for line in lines
    )
    assert emulator.requests == ()


def test_process_that_a_test_starts_reaches_no_api() -> None:
    program = """
from anchor_webtask import Anchor
try:
    Anchor()
except Exception as error:
    print(type(error).__name__, error)
"""
    with install() as emulator:
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith(
        "ConfigurationError this process was started by a test, and testing.install() does not"
    )
    assert emulator.requests == ()
