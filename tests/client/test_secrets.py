"""What is shown where nothing goes wrong, and by the emulator: neither the key nor a secret value."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import InvalidOutputError
from anchor_webtask.emulator import Fault
from tests.support.errors import raised
from tests.support.hunt import PASSWORD, found, logged
from tests.support.raw_server import raw_server

if TYPE_CHECKING:
    from anchor_webtask.emulator import Emulator
    from tests.support.runners import Runner


@pytest.mark.usefixtures("clock")
def test_a_secret_value_that_is_part_of_a_status_does_not_hide_it(runner: Runner) -> None:
    with raw_server() as server, runner.anchor(base_url=server.base_url) as anchor:
        assert runner.call(anchor.tasks.run, "Log in", secret_values={"INITIALS": "ED"}, timeout=1.5).value == "done"


@pytest.mark.parametrize(
    "faults", [[], [404, 429, 502, Fault(cut=True), Fault(cut="midway"), Fault(body=b"<html>")]], ids=["well", "badly"]
)
def test_nothing_is_shown_of_a_task_and_by_the_emulator(
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
    shown += [repr(emulator), repr(emulator.requests), *logged(caplog), *capfd.readouterr()]
    assert found(shown) == []
    assert emulator.starts == 1


def test_a_secret_that_an_answer_echoes_is_in_its_raw_form_alone(
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
    assert found([str(error), repr(error), error.path]) == []
    assert '$["[redacted]"]: Expected `int`, got `str`; found "[redacted] is your password"' in str(error)
