"""Whom a change concerns, what the next version is, how long the text is, and the draft of a changelog's entry."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import attrs
import pytest

from tools.drift import changelog_report, text_report
from tools.drift.audience import concerned
from tools.drift.report import Report
from tools.drift.rows import BOTH, Place, Row, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

DOC, ADD, NAM, BEH, BRK = Severity
TASK, STATUS = "POST /v1/tools/perform-web-task", "GET /v1/tools/perform-web-task/{taskId}/status"
SESSION, OTHER = "DELETE /v1/sessions/{id}", "GET /v1/sessionsettings"


def row(kind: str, severity: Severity, *operations: str, where: str = "Thing.name", after: object = None) -> Row:
    return Row(severity, kind, "$", where, BOTH, operations, after=after)  # type: ignore[arg-type]  # text or a list


def report(rows: Iterable[Row], surface: str = "") -> Report:
    return Report("old", "new", [*rows], surface, [], "0.1.4")


@pytest.mark.parametrize(
    ("changed", "users"),
    [
        (row("property-removed", BRK, STATUS), {"tasks", "api"}),
        (row("property-removed", BRK, SESSION, TASK), {"tasks", "sessions", "api"}),
        (row("property-removed", BRK, OTHER), {"api"}),
        (row("schema-removed", NAM), {"api"}),
        (row("operation-id", NAM, TASK), {"api"}),
        (row("server-removed", BRK), {"tasks", "sessions", "api"}),
        (row("security-asked", BRK, OTHER), {"api"}),
        (row("python-api", BRK), {"tasks"}),
        (row("surface", BRK), {"tasks"}),
    ],
)
def test_row_concerns_the_users_of_its_operations(changed: Row, users: set[str]) -> None:
    assert concerned(changed) == users


def test_verdict_says_for_whom_nothing_changes() -> None:
    found = report([row("property-removed", BRK, OTHER), row("text", DOC, TASK), row("property-added", ADD, SESSION)])
    assert dict(found.for_whom()) == {
        "tasks": "nothing changes",
        "sessions": "1 additive",
        "api": "1 breaking, 1 additive",
    }


@pytest.mark.parametrize(
    ("rows", "surface", "version"),
    [
        ([], "", "0.1.4"),
        ([row("property-removed", BRK, OTHER)], "", "0.1.5"),
        ([row("property-removed", BRK, STATUS)], "", "0.2.0"),
        ([row("python-api", BRK)], "", "0.2.0"),
        ([row("text", DOC)], "+ more()", "0.1.5"),
    ],
)
def test_next_version_keeps_the_promise_of_the_package_alone(rows: list[Row], surface: str, version: str) -> None:
    assert report(rows, surface).next_version == version


def written(found: Report, *, is_complete: bool = False) -> str:
    file = io.StringIO()
    text_report.write(found, file, is_complete=is_complete)
    return file.getvalue()


def many() -> Report:
    """Return a report with long lists, long texts, many changes of each severity, and a long surface."""
    rows = [row("text", DOC, where=f"Place {number}", after=f"{number}\n" * 30) for number in range(40)]
    for severity, kind in ((BRK, "property-removed"), (ADD, "property-added"), (BEH, "default"), (NAM, "reference")):
        rows += [row(kind, severity, OTHER, where=f"A.{number}", after=f"{number}") for number in range(45)]
        more = tuple(Place("$", f"Same.{number}", (OTHER,), "") for number in range(45))
        rows.append(attrs.evolve(row(kind, severity, OTHER, where="Same", after="same"), more=more))
    return report(rows, "+ line\n" * 300)


def test_text_has_fewer_than_200_lines_and_begins_with_the_most_severe() -> None:
    lines = written(many()).splitlines()
    assert len(lines) < 200
    titles = ["breaking", "behaviour", "naming, in Python only", "additive", "documentation", "Python surface"]
    assert [line for line in lines if line in titles] == titles
    assert sum("ALL=1 shows all" in line for line in lines) == len(titles) - 1  # all that is breaking fits
    assert len([line for line in lines if line.startswith("  A.")]) > 20


def test_text_has_all_if_it_is_asked_for() -> None:
    text = written(many(), is_complete=True)
    assert "ALL=1" not in text
    assert all(f"A.{number}: " in text for number in range(45))
    assert text.count("+ line") == 300


def test_short_text_is_complete() -> None:
    found = report([row("property-removed", BRK, STATUS)])
    assert written(found) == written(found, is_complete=True)


def test_changelog_has_what_users_need_by_what_they_use() -> None:
    found = report(
        [
            row("property-removed", BRK, STATUS, where="`Answer`.x"),
            row("property-added", ADD, SESSION, TASK, where="Both.y"),
            row("property-added", ADD, SESSION, where="Session.tags"),
            row("reference", NAM, OTHER),
            row("text", DOC, TASK),
            *(row("operation-added", ADD, OTHER, where=f"GET /{number}", after=f"{number}") for number in range(13)),
        ]
    )
    text = changelog_report.changelog(found)
    lines = text.splitlines()
    assert lines[:8] == [
        "## [0.2.0]",
        "",
        "### Changed",
        "",
        "- For users of `tasks`:",
        "  - **breaking:** `` `Answer`.x ``: property removed; no longer pass it, and no longer read it.",
        "  - `Both.y`: optional property added.",
        "- For users of sessions through `api`:",
    ]
    assert len([line for line in lines if "operation added" in line]) == 10
    assert lines[-1] == "  - 3 more changes."


def test_changelog_says_that_nothing_changes() -> None:
    assert changelog_report.changelog(report([row("text", DOC, TASK)])).endswith(changelog_report.NOTHING)
