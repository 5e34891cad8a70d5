"""What all tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from anchor_webtask import _clock
from tests.support.clocks import VirtualClock
from tests.support.runners import Runner, make_runner

if TYPE_CHECKING:
    from collections.abc import Iterator

# What hypothesis draws: the same few examples each time, or with `--hypothesis-profile=long` many new ones.
settings.register_profile("short", derandomize=True, deadline=None)
settings.register_profile("long", max_examples=3_000, deadline=None)
settings.load_profile("short")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No key, base URL or proxy of the caller's reaches a test."""
    for name in ("ANCHORBROWSER_API_KEY", "ANCHORBROWSER_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture(name="runner", params=["sync", "asyncio", "trio"])
def each_runner(request: pytest.FixtureRequest) -> Iterator[Runner]:
    """The sync client, and the async one under asyncio and trio."""
    with make_runner(request.param) as made:
        yield made


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> VirtualClock:
    """Virtual time for every client made in the test."""
    made = VirtualClock()
    monkeypatch.setattr(_clock, "default", made)
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how large the matrix of faults is, as far as it ran."""
    counts = {
        outcome: sum("/test_matrix.py::test_fault_" in report.nodeid for report in terminalreporter.getreports(outcome))
        for outcome in ("passed", "failed")
    }
    if any(counts.values()):
        terminalreporter.write_line(f"matrix of faults: {sum(counts.values())} cells, {counts['failed']} failed")
