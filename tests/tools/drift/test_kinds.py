"""Documents that say the same in another way, and changes that reach further than it seems, are judged right."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.documents import JSON, document, read
from tests.support.kind_documents import (
    BRK,
    LEAF,
    NAM,
    Pair,
    by_reference,
    calls,
    elsewhere,
    of_path,
    operation,
    shared,
    wrapped,
)
from tests.support.kinds import PAIRS
from tests.support.kinds_of_references import body, part_elsewhere
from tools.drift import wording
from tools.drift.documents import compare
from tools.drift.make_report import make_report
from tools.drift.sides import Side
from tools.openapi import reader
from tools.repository import ROOT

if TYPE_CHECKING:
    from tools.drift.report import Report

REPORTS = ROOT.parent / "shared" / "reports" / "drift"


@pytest.mark.parametrize("pair", PAIRS, ids=[pair.name for pair in PAIRS])
def test_pair_has_the_expected_class(pair: Pair) -> None:
    rows = compare(pair.old, pair.new)
    worst = rows[0].severity if rows else None
    assert (
        worst,
        worst is None or not pair.kind or pair.kind in {row.kind for row in rows if row.severity is worst},
    ) == (
        pair.worst,
        True,
    ), rows


def test_place_of_a_path_item_is_no_component() -> None:
    rows = compare(calls(), elsewhere(calls(), "x-calls", "a"))
    assert [(row.where, row.kind) for row in rows] == [
        ("the document", "extension"),
        ("webhook w", "document-place"),
    ]


def test_word_of_a_path_item_names_all_that_use_it() -> None:
    (row,) = compare(of_path(by_reference(calls())), of_path(by_reference(calls("s"))))
    assert (row.kind, row.operations) == ("text", ("/b", "webhook w"))


def test_reported_pairs_have_the_expected_classes() -> None:
    expected = REPORTS / "expected.json"
    if not expected.is_file():
        pytest.skip("the reported pairs in shared/reports/drift do not exist")
    classes = json.loads(expected.read_bytes())
    found: dict[str, str] = {}
    for name in classes:
        rows = compare(*(reader.read(REPORTS / name / f"{side}.yaml") for side in ("old", "new")))
        found[name] = str(rows[0].severity) if rows else "none"
    assert {name: worst for name, worst in found.items() if worst not in classes[name]} == {}
    assert len(found) == 38


def reported(old: Any, new: Any) -> Report:
    return make_report(ROOT, Side("old", old, None), Side("new", new, None), "0.1.0")


def test_answers_that_moved_out_of_an_object_in_many_operations_are_one_row() -> None:
    (row,) = reported(wrapped(inside=True), wrapped(inside=False)).rows
    assert (row.kind, row.severity, row.before, row.after) == ("properties-moved-out", BRK, "data", ["a", "b"])
    assert row.operations == tuple(f"GET /{name}" for name in "abcdefg")
    assert [each.where for each in row.more] == [f"GET /{name}, response 200.data" for name in "bcdefg"]
    assert [each.operations for each in row.more] == [(f"GET /{name}",) for name in "bcdefg"]


def operations(prefix: str = "", schema: Any = LEAF, **more: Any) -> Any:
    """Return a document with some operations, which are alike."""
    responses = {
        "200": {"description": "ok", "content": {JSON: {"schema": {"type": "object", "properties": {"x": schema}}}}}
    }
    paths = {f"{prefix}/{name}": {"get": operation(operationId=name, responses=responses, **more)} for name in "abcde"}
    return document(paths, securitySchemes={name: {"type": "http", "scheme": "basic"} for name in "kl"})


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (operations(), operations("/v2"), "path-changed"),
        (operations(security=[{"k": []}]), operations(security=[{"k": [], "l": []}]), "security-more-asked"),
        (operations(security=[{"k": []}]), operations(security=[]), "security-not-asked"),
        (operations(), operations(schema={"type": "array", "items": LEAF}), "type-changed"),
        (operations(), operations(parameters=[{"name": "q", "in": "query"}]), "parameter-added"),
    ],
)
def test_one_change_of_many_operations_is_one_row(old: Any, new: Any, kind: str) -> None:
    (row,) = reported(old, new).rows
    assert (row.kind, len(row.operations), len(row.more)) == (kind, 5, 4)


def test_row_of_changed_paths_shows_what_they_have_in_common() -> None:
    (row,) = reported(operations(), operations("/v2")).rows
    assert wording.common([*row.places()]) == (("+", "/v2"), ("=", "…"))


def test_row_of_a_security_scheme_names_the_operations_that_require_it() -> None:
    old = operations(security=[{"k": []}])
    new = operations(security=[{"k": []}])
    new["components"]["securitySchemes"]["k"] = {"type": "http", "scheme": "bearer"}
    (row,) = reported(old, new).rows
    assert row.operations == tuple(f"GET /{name}" for name in "abcde")


@pytest.mark.parametrize("old", [{"type": "string"}, {"type": "object", "properties": {"a": {"type": "string"}}}])
def test_row_names_each_operation_however_it_reaches_the_component(old: Any) -> None:
    """Both operations refer to a list, whose items refer to the component."""
    rows = reported(shared(old), shared({"type": "object"})).rows
    assert {row.operations for row in rows if row.severity is BRK} == {("GET /a", "GET /b")}


def test_rows_name_each_operation_that_refers_to_a_part_of_another_one() -> None:
    olds, news = (
        part_elsewhere(body(*required), ("paths", "/c", "post", "requestBody"), "requestBody") for required in ("", "a")
    )
    assert {(row.kind, row.where, row.operations, row.python) for row in compare(olds, news)} == {
        ("now-required", "#/paths/~1c/post/requestBody.a", ("POST /b",), ""),
        ("now-required", "POST /c, body.a", ("POST /c",), "PostCBody.a"),
    }


def test_row_names_each_operation_if_what_they_refer_to_is_replaced() -> None:
    leaf, other = ({"type": "object", "properties": {name: {"type": "string"}}} for name in "ab")
    old, new = shared(leaf), shared(other)
    new["components"]["schemas"]["Other"] = new["components"]["schemas"].pop("Deep")
    new["components"]["schemas"]["Center"] = {"type": "array", "items": {"$ref": "#/components/schemas/Other"}}
    del new["components"]["schemas"]["Middle"]
    for item in new["paths"].values():
        content = item["get"]["responses"]["200"]["content"]["application/json"]
        item["get"]["responses"]["200"]["content"] = {
            "application/json": {**content, "schema": {"$ref": "#/components/schemas/Center"}}
        }
    breaking = [row for row in reported(old, new).rows if row.severity is BRK]
    assert breaking
    assert {row.operations for row in breaking} == {("GET /a", "GET /b")}
    assert {wording.hit(row) for row in breaking} == {("responses of", ("GET /a", "GET /b"))}


def test_references_to_other_documents_are_a_note() -> None:
    outside = shared({"$ref": "other.yaml#/A"})
    (note, _) = reported(outside, outside).notes
    assert note == "old refers to other documents, which are not read: other.yaml#/A"
    inside = shared({"$ref": "#here"})
    inside["components"]["schemas"]["Here"] = {"$anchor": "here", "type": "string"}
    assert reported(inside, inside).notes == []


@pytest.mark.parametrize("key", ["$ref", "$dynamicRef"])
def test_anchors_are_followed_so_that_other_components_count_as_unused(key: str) -> None:
    old, new = (
        read({key: "#A"}, A={"$anchor": "A", "type": "string"}, B={"type": kind}) for kind in ("string", "object")
    )
    (row,) = compare(old, new)
    assert (row.where, row.severity, row.operations) == ("B", NAM, ())
