"""Both clients get the expected result from each response in `tests/samples/`, whose README describes the format."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from anchor_webtask import AnchorError
from tests.support.raw_server import TASK_ID, http_response, raw_server

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

SAMPLES: Final = Path(__file__).parents[1] / "samples"
CONTENT_TYPES: Final = {".json": "application/json", ".html": "text/html; charset=utf-8", ".txt": "text/plain"}
KEYS: Final = {"about", "status", "headers", "expected"}
REQUESTS: Final = {"start", "one-request", "check"}
OUTCOMES: Final = ({"value", "raw"}, {"id"}, {"status"})


@dataclass(frozen=True)
class Sample:
    """A sample response, and the expected result of each kind of request that can get this response."""

    status: int
    headers: dict[str, str]
    body: bytes
    expected: dict[str, dict[str, Any]]


def read_sample(folder: Path) -> Sample:
    """Read the sample from its folder. An unknown key or file, or a missing expected result, raises AssertionError."""
    (body,) = folder.glob("body.*")
    assert {path.name for path in folder.iterdir()} == {body.name, "sample.json"}
    described = json.loads((folder / "sample.json").read_text(encoding="utf-8"))
    assert described.keys() | {"headers"} == KEYS
    assert described["about"].endswith(".")
    expected = described["expected"]
    assert expected
    assert expected.keys() <= REQUESTS
    for outcome in expected.values():
        assert "error" in outcome or outcome.keys() in OUTCOMES
    headers = {"content-type": CONTENT_TYPES[body.suffix], **described.get("headers", {})}
    return Sample(described["status"], headers, body.read_bytes(), expected)


FOLDERS: Final = sorted(path.parent for path in SAMPLES.glob("*/sample.json"))
CASES: Final = [
    pytest.param(folder, request, id=f"{folder.name}-{request}")
    for folder in FOLDERS
    for request in json.loads((folder / "sample.json").read_text(encoding="utf-8")).get("expected", {})
]


def outcome_of(runner: Runner, anchor: Any, request: str) -> dict[str, Any]:
    """Send a request of this kind, and return its result in the format of `expected` in `sample.json`."""
    if request == "one-request":
        result = runner.call(anchor.tasks.run_in_one_request, "Read the price")
    else:
        task = anchor.tasks.get(TASK_ID) if request == "check" else runner.call(anchor.tasks.start, "Read the price")
        if request == "check":
            runner.call(task.refresh)
        if not task.done:
            return {"status": task.status} if request == "check" else {"id": task.id}
        result = runner.call(task.result)
    return {"value": result.value, "raw": result.raw}


@pytest.mark.parametrize(("folder", "request_"), CASES)
def test_sample_response_has_the_expected_result(
    runner: Runner, clock: InstantClock, folder: Path, request_: str
) -> None:
    sample = read_sample(folder)
    expected = sample.expected[request_]
    response = http_response(sample.status, sample.body, sample.headers)
    with raw_server(start=[response], check=[response]) as server, runner.anchor(base_url=server.base_url) as anchor:
        try:
            outcome = outcome_of(runner, anchor, request_)
        except AnchorError as error:
            outcome = {name: vars(error).get(name) for name in expected} | {"error": type(error).__name__}
    assert outcome == expected
    assert (len(server.requests), clock.sleeps) == (1, [])


@pytest.mark.parametrize(
    "folder", sorted(path for path in SAMPLES.iterdir() if path.is_dir()), ids=lambda path: path.name
)
def test_sample_folder_has_all_required_files_and_keys_and_no_other_files_or_keys(folder: Path) -> None:
    assert read_sample(folder).expected


def test_sample_with_an_unknown_key_or_without_an_expected_result_is_refused(tmp_path: Path) -> None:
    (tmp_path / "body.txt").write_text("")
    described: dict[str, Any] = {
        "about": "An empty body.",
        "status": 200,
        "expected": {"check": {"status": "running"}},
    }
    (tmp_path / "sample.json").write_text(json.dumps(described))
    assert read_sample(tmp_path).status == 200
    changes: tuple[dict[str, Any], ...] = (
        {"expects": {}},
        {"expected": {}},
        {"expected": {"status": {"status": "running"}}},
        {"expected": {"check": {}}},
        {"expected": {"check": {"state": "running"}}},
    )
    for change in changes:
        (tmp_path / "sample.json").write_text(json.dumps({**described, **change}))
        with pytest.raises(AssertionError):
            read_sample(tmp_path)
