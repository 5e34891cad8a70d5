"""Fixtures and settings for all tests: `runner`, `clock`, a clean environment, and the profiles of hypothesis."""

from __future__ import annotations

import gc
import signal
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from anchor_webtask import _world, testing
from tests.support.clocks import InstantClock
from tests.support.runners import Runner, make_runner

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

# Hypothesis tries the same few examples in each run; with `--hypothesis-profile=long` it tries many new examples.
settings.register_profile("short", derandomize=True, deadline=None)
settings.register_profile("long", max_examples=3_000, deadline=None)
settings.load_profile("short")


if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as in the background of a shell; programs inherit that
    signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # as under `nohup`
    signal.signal(signal.SIGHUP, lambda *_: None)  # which ignores it, too, but programs do not inherit that


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option with which tests try all points at which a call can be interrupted, or a process can die."""
    parser.addoption("--every-point", action="store_true", help="interrupt calls, or kill processes, at every point")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep garbage collections from the tests, which live until the end: each would visit half a million objects."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the caller's API key, base URL and proxies from the environment of each test, and terminal settings."""
    for name in ("ANCHORBROWSER_API_KEY", "ANCHORBROWSER_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name in ("COLUMNS", "FORCE_COLOR", "PY_COLORS"):  # programs that tests run obey them also in a pipe
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(name="runner", params=["sync", "asyncio", "trio"])
def each_runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """Run the test three times: with the sync client, and with the async client under asyncio and under trio."""
    # A virtual clock does not count the threads that were there before it, and the event loop's thread must count.
    for clock in {"anchor_clock", "exact_clock"} & {*request.fixturenames}:
        request.getfixturevalue(clock)
    with make_runner(request.param) as made:
        yield made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> InstantClock:
    """Make every client that the test creates use one virtual clock, and return this clock."""
    made = InstantClock()
    monkeypatch.setattr(_world, "current", _world.World(made))
    return made


@pytest.fixture
def exact_clock(monkeypatch: pytest.MonkeyPatch) -> testing.VirtualClock:
    """Make every client that the test creates use one clock of the test kit, and return this clock."""
    made = testing.VirtualClock()
    monkeypatch.setattr(_world, "current", _world.World(made))
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how many combinations of the fault matrix were tested, and how many of them failed."""
    counts = {
        outcome: sum("/test_matrix.py::test_fault_" in report.nodeid for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "failed")
    }
    if any(counts.values()):
        terminalreporter.write_line(f"fault matrix: {sum(counts.values())} tests, {counts['failed']} failed")
