"""A report says what to do about each change that breaks something, and leaves out what a reader need not know."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.support.kind_documents import BRK
from tools.drift import text_report, wording
from tools.drift.advice import to_do
from tools.drift.classification import KINDS
from tools.drift.report import Report
from tools.drift.rows import BOTH, Hit, Row, Severity

OF_THE_PACKAGE = {"surface", "python-api"}  # whoever breaks it writes in MIGRATION.md what to do
BREAKING = [
    (name, direction)
    for name, kind in KINDS.items()
    for direction in ("request", "response")
    if getattr(kind, direction) is BRK and name not in OF_THE_PACKAGE
]


def row(kind: str, hits: frozenset[Hit] = BOTH, severity: Severity = BRK, **more: Any) -> Row:
    return Row(severity, kind, "$", "A.b", hits, ("GET /a",), **more)


def written(*found: Row, is_complete: bool = False) -> str:
    file = io.StringIO()
    text_report.write(Report("old", "new", [*found], "", [], "0.1.0"), file, is_complete=is_complete)
    return file.getvalue()


@pytest.mark.parametrize(("kind", "direction"), BREAKING)
def test_each_breaking_kind_says_what_to_do(kind: str, direction: Hit) -> None:
    assert to_do(row(kind, frozenset({direction})))


def test_advice_is_for_the_direction_that_breaks() -> None:
    assert to_do(row("values-removed")) == "pass only values that remain"
    assert to_do(row("property-removed")) == "no longer pass it, and no longer read it"
    assert to_do(row("property-removed", frozenset({"response"}))) == "no longer read it"
    assert to_do(row("property-renamed", python="A.b: unchanged")) == "update the package; the name in Python stays"
    assert to_do(row("default", severity=Severity.BEHAVIOUR)) == ""


def test_changes_of_python_alone_have_advice_too() -> None:
    assert to_do(row("properties-reordered", severity=Severity.BEHAVIOUR)) == "pass them by name"
    assert to_do(row("schema-removed", severity=Severity.NAMING)) == "no longer import it"
    assert to_do(row("schema-removed", severity=Severity.DOCUMENTATION)) == ""


@pytest.mark.parametrize(("count", "is_told"), [(5, True), (6, False)])
def test_many_changes_of_the_documentation_are_only_named(count: int, is_told: bool) -> None:
    found = [
        Row(
            Severity.DOCUMENTATION,
            "text",
            f"$.{at}",
            f"A.b{at}",
            BOTH,
            ("GET /a",),
            before=f"old {at}",
            after=f"new {at}",
        )
        for at in range(count)
    ]
    assert all(f"A.b{at}: text changed" in written(*found) for at in range(count))
    assert ("new" in written(*found).split("documentation")[-1]) is is_told
    assert "new" in written(*found, is_complete=True).split("documentation")[-1]


def test_text_says_the_name_in_python_only_if_it_differs() -> None:
    assert "Python" not in written(row("values-removed", python="A.b"))
    assert "Python name: A.b_" in written(row("values-removed", python="A.b_"))
    assert "Python: A.b: removed" in written(row("property-removed", python="A.b: removed"))


def test_text_shortens_long_texts_unless_all_is_asked_for() -> None:
    words = " ".join(map(str, range(500)))
    changed = row("text", severity=Severity.DOCUMENTATION, before=f"{words} a {words}", after=f"{words} b {words}")
    assert len(written(changed)) < 600
    assert "[-a-]{+b+}" in written(changed)
    assert written(changed, is_complete=True).count(words) == 2
    added = row("values-opened", before=words)
    assert len(written(added)) < 600
    assert words in written(added, is_complete=True)


def test_shortened_pieces_keep_what_is_short() -> None:
    pieces = (("=", "a" * 80), ("-", "b" * 240))
    assert wording.shortened(pieces) == pieces
    assert wording.shortened((("=", "a" * 40 + "x" * 9 + "b" * 40),)) == (("=", "a" * 40 + "…" + "b" * 40),)
