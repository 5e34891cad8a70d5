"""Searches for secrets in handles, updates, results and log records, and in the emulator's own texts.

`tests/faults/test_matrix.py` searches for secrets in the errors that each fault causes.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import InvalidOutputError
from anchor_webtask.emulator import Fault
from tests.support.errors import raised
from tests.support.raw_server import raw_server
from tests.support.secret_search import PASSWORD, find_secrets, log_texts

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner


@pytest.mark.usefixtures("clock")
def test_status_that_contains_a_secret_value_is_still_recognized(runner: Runner) -> None:
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.run, "Log in", secret_values={"INITIALS": "ED"}, timeout=1.5).value == "done"


@pytest.mark.parametrize(
    "faults",
    [[], [404, 429, 502, Fault(cut=True), Fault(cut="midway"), Fault(body=b"<html>")]],
    ids=["without-faults", "with-faults"],
)
def test_no_secret_appears_in_handles_or_updates_or_results_or_logs_or_the_emulator(
    runner: Runner,
    anchor: Any,
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    faults: list[int | Fault],
) -> None:
    caplog.set_level(logging.DEBUG)
    emulator.on(faults=faults)
    secrets = {"PASSWORD": PASSWORD, "*.example.com": {"PASSWORD": PASSWORD}}
    task = runner.call(anchor.tasks.start, "Log in", secret_values=secrets)
    updates = runner.call(task.updates)
    result = runner.call(task.result)
    shown = [task.token(), *map(repr, (anchor, anchor.tasks, anchor.api, task, updates, result))]
    shown += [repr(emulator), repr(emulator.requests), *log_texts(caplog), *capfd.readouterr()]
    assert find_secrets(shown) == []
    assert emulator.starts == 1


def test_secret_in_an_answer_appears_only_in_attribute_raw_of_invalid_output_error(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(answer={"PIN": 1, PASSWORD: f"{PASSWORD} is your password"})
    error = raised(
        InvalidOutputError,
        runner,
        anchor.tasks.run,
        "Log in",
        output=dict[str, int],
        secret_values={"PASSWORD": PASSWORD},
    )
    assert error.raw == {"PIN": 1, PASSWORD: f"{PASSWORD} is your password"}
    assert find_secrets([str(error), repr(error), error.path]) == []
    assert '$["[redacted]"]: Expected `int`, got `str`; found "[redacted] is your password"' in str(error)
