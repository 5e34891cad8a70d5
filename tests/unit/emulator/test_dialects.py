"""Dialects: what each changes in the emulator's responses, and that all of them can be combined."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask.emulator import DIALECTS, Emulator, Fault
from anchor_webtask.emulator._dialects import TASK_DIALECTS
from anchor_webtask.emulator._request_validation import task_id_field
from tests.unit.emulator.support import client_of

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock

BY_THE_SPEC: dict[str, Any] = {
    "started": {"data": {"status": "running", "id": "…"}},
    "running": {"data": {"status": "RUNNING"}},
    "completed": {"data": {"status": "COMPLETED", "result": {"amount": 3}}},
    "failed": {"data": {"status": "FAILED", "error": "why"}},
    "in one request": {"data": {"result": {"amount": 3}}},
    "in text": {"data": {"result": "text"}},
    "error": {"error": {"code": 502, "message": "Bad Gateway"}},
    "queued": {"data": {"status": "Queued"}},
}


def bodies(dialects: list[str], clock: InstantClock) -> dict[str, Any]:
    """Return the body of each kind of response."""
    emulator = Emulator(clock=clock, dialects=dialects)
    emulator.on(prompt="in text", answer="text")
    emulator.on(prompt="answer", answer={"amount": 3})
    emulator.on(prompt="fail", fails="why")
    emulator.on(prompt="error", takes=math.inf, faults=[502, Fault(task_status="Queued")])
    with client_of(emulator) as api:
        started = {prompt: api.start(prompt, **{"async": True}).json() for prompt in ("answer", "fail", "error")}
        ids = [task.id for task in emulator.tasks]
        shown: dict[str, Any] = {"started": started["answer"], "running": api.check(ids[0]).json()}
        clock.time += 2
        shown["completed"], shown["failed"] = api.check(ids[0]).json(), api.check(ids[1]).json()
        shown["in one request"], shown["in text"] = api.start("answer").json(), api.start("in text").json()
        shown["error"], shown["queued"] = api.check(ids[2]).json(), api.check(ids[2]).json()
    data = shown["started"].get("data", shown["started"])
    assert data.pop(task_id_field()) == ids[0]
    data["id"] = "…"
    return shown


CHANGES: dict[str, dict[str, Any]] = {
    "nested-result": {
        "completed": {"data": {"status": "COMPLETED", "result": {"result": {"amount": 3}}}},
        "in one request": {"data": {"result": {"result": {"amount": 3}}}},
        "in text": {"data": {"result": {"result": "text"}}},
    },
    "text-result": {
        "completed": {"data": {"status": "COMPLETED", "result": '{"amount": 3}'}},
        "in one request": {"data": {"result": '{"amount": 3}'}},
    },
    "lower-case-status": {
        "running": {"data": {"status": "running"}},
        "completed": {"data": {"status": "completed", "result": {"amount": 3}}},
        "failed": {"data": {"status": "failed", "error": "why"}},
    },
    "upper-case-status": {"started": {"data": {"status": "RUNNING", "id": "…"}}},
    "top-level": {
        "started": {"status": "running", "id": "…"},
        "running": {"status": "RUNNING"},
        "completed": {"status": "success", "result": {"amount": 3}},
        "failed": {"status": "FAILED", "error": "why"},
        "in one request": {"status": "success", "steps": [], "result": {"amount": 3}},
        "in text": {"status": "success", "steps": [], "result": "text"},
        "queued": {"status": "Queued"},
    },
    "flat-errors": {"error": {"error": "Bad Gateway"}},
}


def test_responses_without_a_dialect_are_those_of_the_spec(clock: InstantClock) -> None:
    assert bodies([], clock) == BY_THE_SPEC


@pytest.mark.parametrize("dialect", TASK_DIALECTS)
def test_dialect_changes_the_responses_that_it_is_about_and_no_others(clock: InstantClock, dialect: str) -> None:
    assert bodies([dialect], clock) == BY_THE_SPEC | CHANGES[dialect]


def test_all_dialects_can_be_combined(clock: InstantClock) -> None:
    assert bodies([*DIALECTS], clock) == {
        "started": {"status": "RUNNING", "id": "…"},
        "running": {"status": "running"},
        "completed": {"status": "success", "result": {"result": '{"amount": 3}'}},
        "failed": {"status": "failed", "error": "why"},
        "in one request": {"status": "success", "steps": [], "result": {"result": '{"amount": 3}'}},
        "in text": {"status": "success", "steps": [], "result": {"result": "text"}},
        "error": {"error": "Bad Gateway"},
        "queued": {"status": "Queued"},
    }


@pytest.mark.parametrize(
    ("dialects", "message"),
    [
        (["nested"], "there is no dialect 'nested'; choose from nested-result, text-result"),
        ("top-level", r"dialects must be a list, such as \['top-level'\]"),
        ([5], "there is no dialect 5"),
    ],
)
def test_unknown_dialect_is_refused(dialects: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Emulator(dialects=dialects)
