"""The emulator as a program: what it prints, how it ends, and what it says of wrong arguments."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, NamedTuple

import httpx
import pytest

from tests.support.patience import PATIENCE
from tests.unit.emulator.support import KEY, TASKS, Api, data

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = [sys.executable, "-m", "anchor_webtask.emulator"]


class Running(NamedTuple):
    process: subprocess.Popen[str]
    url: str

    def end(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """Send a signal, and return the exit status and what the program has written on standard error."""
        self.process.send_signal(number)
        rest, errors = self.process.communicate(timeout=PATIENCE)
        assert rest == ""
        return self.process.returncode, errors


@contextlib.contextmanager
def running(*arguments: str) -> Iterator[Running]:
    with subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdout is not None
        try:
            yield Running(process, process.stdout.readline().rstrip("\n"))
        finally:
            process.kill()


def client_at(url: str, key: str = KEY) -> httpx.Client:
    return httpx.Client(base_url=url, headers={"anchor-api-key": key}, timeout=PATIENCE)


def failure(*arguments: str) -> tuple[int, str]:
    """Return the exit status and the last line on standard error of a program that does not start."""
    process = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, timeout=PATIENCE)
    assert process.stdout == ""
    return process.returncode, process.stderr.splitlines()[-1]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_prints_its_url_logs_requests_and_ends_cleanly(number: signal.Signals) -> None:
    with running("--takes", "0") as program, client_at(program.url) as client:
        assert data(Api(client).start("Read\nthe price")) == {"result": "The emulator's answer."}
        assert client.get("/a%0Ab", headers={"host": "evil.example"}).status_code == 421
        status, errors = program.end(number)
    assert status == 0
    first, second = errors.splitlines()
    assert first.endswith(f" POST {TASKS} 200")
    assert second.endswith(" GET /a%0Ab 421")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_program_ends_although_a_request_is_held(number: signal.Signals) -> None:
    body = b'{"prompt": "a"}'
    head = f"POST {TASKS} HTTP/1.1\r\nHost: localhost\r\nanchor-api-key: {KEY}\r\nContent-Type: application/json\r\n"
    with running("--takes", "inf") as program, client_at(program.url) as client:
        url = httpx.URL(program.url)
        with socket.create_connection((url.host, url.port or 0)) as held:
            held.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            Api(client).start_async()
            status, errors = program.end(number)
    assert status == 0
    assert "Traceback" not in errors


def test_program_plays_scenarios_and_speaks_dialects_and_accepts_its_key_only(tmp_path: Path) -> None:
    file = tmp_path / "scenarios.toml"
    file.write_text("[[scenario]]\ntakes = 0\nanswer = { amount = 3 }\n", encoding="utf-8")
    arguments = ["--key", KEY, "--scenarios", str(file), "--dialect", "top-level", "--dialect", "nested-result"]
    with running(*arguments) as program, client_at(program.url) as client:
        assert client.post(TASKS, json={"prompt": "a"}, headers={"anchor-api-key": "other"}).status_code == 401
        response = client.post(TASKS, json={"prompt": "a"})
        assert response.json() == {"status": "success", "steps": [], "result": {"result": {"amount": 3}}}
        status, errors = program.end()
    assert status == 0
    assert KEY not in errors


def test_program_keeps_the_limits_of_its_file(tmp_path: Path) -> None:
    file = tmp_path / "scenarios.toml"
    file.write_text("[[limit]]\nrunning = 1\nretry_after = 5\n", encoding="utf-8")
    with running("--takes", "inf", "--scenarios", str(file)) as program, client_at(program.url) as client:
        Api(client).start_async()
        refused = Api(client).start()
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "5")


def test_program_says_what_is_wrong_with_a_scenario_file(tmp_path: Path) -> None:
    file = tmp_path / "scenarios.toml"
    file.write_text("[[scenario]]\n[[scenario]]\n[[scenario]]\nfaults = [\n  502,\n  99,\n]\n", encoding="utf-8")
    status, message = failure("--scenarios", str(file))
    assert status == 1
    assert message.startswith(f"python -m anchor_webtask.emulator: {file}, line 4, scenario[2].faults[1]: ")


@pytest.mark.parametrize(
    ("arguments", "status", "why"),
    [
        (["--scenarios", "/missing/scenarios.toml"], 1, "No such file or directory: '/missing/scenarios.toml'"),
        (["--scenarios", os.sep], 1, "directory"),
        (["--host", "0.0.0.0"], 1, "is not a loopback address"),
        (["--port", "70000"], 1, "port must be an integer from 0 to 65535"),
        (["--port", "http"], 2, "argument --port: invalid int value"),
        (["--takes", "nan"], 1, "takes must be a number of seconds"),
        (["--key", ""], 1, "api_key must not be empty"),
        (["--dialect", "klingon"], 2, "argument --dialect: invalid choice: 'klingon'"),
    ],
)
def test_program_refuses_a_wrong_argument_with_a_reason(arguments: list[str], status: int, why: str) -> None:
    code, message = failure(*arguments)
    assert code == status
    assert why in message


def test_program_says_that_its_port_is_in_use() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
        code, message = failure("--port", port)
    assert code == 1
    assert port in message


def test_program_listens_at_all_addresses_if_it_is_told_so() -> None:
    arguments = ["--host", "0.0.0.0", "--allow-remote", "--takes", "0"]
    with running(*arguments) as program, client_at(program.url.replace("0.0.0.0", "127.0.0.1")) as client:
        response = client.post(TASKS, json={"prompt": "a"}, headers={"host": "emulator.example"})
        assert response.status_code == 200


def test_help_explains_each_dialect() -> None:
    process = subprocess.run([*PROGRAM, "--help"], capture_output=True, text=True, timeout=PATIENCE, check=True)
    for name in ("nested-result", "text-result", "lower-case-status", "upper-case-status", "top-level", "flat-errors"):
        assert f"\n  {name} " in process.stdout


@pytest.mark.parametrize("missing", ["jsonschema", "uvicorn"])
def test_program_says_what_to_install(missing: str) -> None:
    code = f"""
import runpy, sys
sys.modules[{missing!r}] = None
sys.argv = ["emulator"]
runpy.run_module("anchor_webtask.emulator", run_name="__main__")
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert process.returncode == 1
    assert "pip install 'anchor-webtask[emulator]'" in process.stderr.splitlines()[-1]


def test_signal_at_any_line_of_the_wait_ends_the_program() -> None:
    code = """
import signal, sys
from anchor_webtask.emulator import Emulator
from anchor_webtask.emulator.__main__ import serve

def interrupt_at(point):
    lines = 0

    def trace(frame, event, argument):
        nonlocal lines
        lines += event == "line"
        if lines == point:
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)
        return trace

    def announce(url):
        signal.setitimer(signal.ITIMER_REAL, 0.02)  # for the points after the wait, which never come without an end
        sys.settrace(trace)
        sys._getframe(1).f_trace = trace

    serve(Emulator(), host="127.0.0.1", port=0, allow_remote=False, announce=announce)
    sys.settrace(None)
    assert lines >= point, lines

signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(signal.SIGTERM))
for point in range(1, 41):
    interrupt_at(point)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signal_that_does_not_interrupt_the_wait_ends_the_program(name: str) -> None:
    code = f"""
import os, signal
from anchor_webtask.emulator import Emulator
from anchor_webtask.emulator.__main__ import serve

def announce(url):
    # Now another thread gets the signal: for the main thread, this is as if it came just before the wait began.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.{name}])
    os.kill(os.getpid(), signal.{name})

serve(Emulator(), host="127.0.0.1", port=0, allow_remote=False, announce=announce)
"""
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert (process.returncode, process.stderr) == (0, "")
