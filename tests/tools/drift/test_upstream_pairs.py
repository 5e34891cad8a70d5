"""The drift reports for the real changes between the versions of upstream's spec."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.support.building import repository, upstream
from tests.support.once import once
from tools.drift import markdown_report, sides
from tools.drift.make_report import make_report
from tools.drift.rows import Severity
from tools.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.drift.report import Report
    from tools.drift.rows import Row

    Compared = Callable[[str, str], Report]

DOC, ADD, NAM, BEH, BRK = Severity
TOOL = "/v1/tools/perform-web-task"


@pytest.fixture
def compared(tmp_path_factory: pytest.TempPathFactory) -> Compared:
    """Return a function that compares two versions; each version is read and composed only once per test run."""

    def side(version: str) -> sides.Side:
        path = upstream(version)

        def make(folder: Path) -> None:
            root = repository(folder / "root")
            (folder / "side").write_bytes(pickle.dumps(sides.of_file(root, path)))

        read: sides.Side = pickle.loads((once(tmp_path_factory, f"side-{version}", make) / "side").read_bytes())
        return read

    return lambda old, new: make_report(ROOT, side(old), side(new), "0.1.0")


def rows(report: Report, *severities: Severity) -> set[tuple[str, str]]:
    return {(each.kind, each.where) for row in report.rows if row.severity in severities for each in row.places()}


def one(report: Report, kind: str, where: str) -> Row:
    (row,) = (row for row in report.rows if (row.kind, row.where) == (kind, where))
    return row


def test_renamed_json_field_of_a_response_is_breaking_but_keeps_its_python_name(compared: Compared) -> None:
    found = compared("2026-01-08b", "2026-01-09")
    assert rows(found, BRK) == {("property-renamed", "PerformWebTaskAsyncResponseData.workflow_id")}
    assert rows(found, BEH) == {("example-shape", f"POST {TOOL}, response 200")}
    assert len(found.rows) == 2
    row = one(found, "property-renamed", "PerformWebTaskAsyncResponseData.workflow_id")
    assert (row.before, row.after, set(row.hits)) == ("workflowId", "workflow_id", {"response"})
    assert row.python == "PerformWebTaskAsyncResponseData.workflow_id: unchanged"
    assert markdown_report.markdown(found).splitlines()[6:] == [
        "- `PerformWebTaskAsyncResponseData.workflow_id`: property renamed: `workflowId` → `workflow_id`. "
        f"Responses of `POST {TOOL}`. Python: `PerformWebTaskAsyncResponseData.workflow_id: unchanged`. "
        "To do: update the package; the name in Python stays.",
        "",
        "<details><summary>Behaviour (1)</summary>",
        "",
        f'- `POST {TOOL}, response 200`: example has another structure (`examples`): `…value": {{"data": '
        '{"status": "running", "[-workflowId-]{+workflow_id+}": "perform-web-task-execution-123e4567-…`. Responses.',
        "",
        "</details>",
        "",
        "In texts, `[-…-]` is removed, `{+…+}` is added, and `⏎` ends a line.",
    ]


def test_new_asynchronous_form_of_web_tasks_is_an_additive_change(compared: Compared) -> None:
    found = compared("2026-01-08a", "2026-01-08b")
    assert rows(found, BRK) == {
        ("property-removed", "BrowserConfig.force_popups_as_tabs"),
        ("property-removed", "BrowserConfig.tracing"),
        ("property-removed", "BrowserConfig.web_bot_auth"),
        ("type-changed", "PerformWebTaskResponseSchema.data"),
    }
    assert rows(found, BEH, NAM) == set()
    assert {
        ("operation-added", f"GET {TOOL}/{{workflowId}}/status"),
        ("property-added", "PerformWebTaskRequestSchema.async"),
        ("schema-added", "PerformWebTaskAsyncResponseData"),
        ("schema-added", "PerformWebTaskSyncResponseData"),
    } < rows(found, ADD)
    assert found.notes == [
        "our overlay does not fit 2026-01-08a.yaml (async-default, sync-result-any, async-status-open), "
        "so both specs are compared as upstream published them; names in Python may differ"
    ]


def test_example_with_another_structure_shows_that_the_result_is_no_longer_nested(compared: Compared) -> None:
    found = compared("2026-01-09", "2026-02-15")
    assert rows(found, BRK) == {
        ("values-removed", "AnchorProxy.country_code"),
        ("values-removed", "AnchorProxy.type"),
    }
    assert one(found, "values-removed", "AnchorProxy.type").before == [
        "anchor_residential",
        "anchor_mobile",
        "anchor_gov",
    ]
    assert rows(found, BEH) == {("example-shape", f"GET {TOOL}/{{workflowId}}/status, response 200")}
    assert rows(found, NAM) == {
        *(("schema-removed", f"{name}CountryCode") for name in ("Gov", "Mobile", "Residential")),
    }
    assert {
        ("operation-added", "POST /v2/tasks/{taskId}/run"),
        ("operation-added", "GET /v2/tasks/runs/{runId}/status"),
        ("property-added", "SessionConfig.tags"),
        ("property-added", "RunTaskRequest.sessionId"),
    } < rows(found, ADD)
    assert one(found, "operation-added", "POST /v2/tasks/{taskId}/run").python == (
        "api.tasks.post_v2_tasks_item_run: new"
    )
    kinds = Counter(each.kind for row in found.rows if row.severity is DOC for each in row.places())
    assert kinds == {"text": 55, "tags": 32}
    assert len(found.groups(DOC)) < 20  # equal changes of several operations are one group


@pytest.mark.parametrize(("old", "new"), [("2026-01-08a", "2026-02-15"), ("2026-02-15", "2026-01-08a")])
def test_first_and_last_version_are_compared_in_both_directions(compared: Compared, old: str, new: str) -> None:
    found = compared(old, new)
    text = markdown_report.markdown(found)
    assert text.startswith(
        f"**API drift, `{old}.yaml` → `{new}.yaml`:** next version: anchor-webtask 0.1.0 → 0.2.0 because of breaking "
        "changes · "
    )
    assert len(text) < markdown_report.LIMIT
    assert "`make drift` shows all" not in text  # the report contains all rows
    assert not any(row.kind == "not-understood" for row in found.rows)


@pytest.mark.parametrize("version", ["2026-01-08a", "2026-01-08b", "2026-01-09", "2026-02-15"])
def test_version_does_not_differ_from_itself(compared: Compared, version: str) -> None:
    found = compared(version, version)
    assert found.rows == []
    if not found.notes:
        assert markdown_report.markdown(found) == "No API drift.\n"
