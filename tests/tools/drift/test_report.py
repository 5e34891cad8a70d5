"""The drift report: the severities, which the overlay may change, the package's next version, and the three formats."""

from __future__ import annotations

import copy
import io
import json
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
from markdown_it import MarkdownIt

from tests.support.building import FITTING
from tests.support.changes import slice_of_the_api
from tools.compose.composition import compose
from tools.drift import json_report, markdown_report, text_report
from tools.drift.make_report import make_report
from tools.drift.report import Report
from tools.drift.rows import Severity
from tools.drift.sides import Side
from tools.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path

TOOL = "/v1/tools/perform-web-task"
DOC, ADD, NAM, BEH, BRK = Severity
SCHEMA = json.loads((ROOT / "tools" / "drift" / "report.schema.json").read_text(encoding="utf-8"))
HOSTILE = [
    "</details><h1>x</h1><script>alert(1)</script>",
    "`</details>` ``x`` ```",
    "\n\n# heading\n\n- item\n\n</details>\n",
    "@someone #1 https://evil.example [x](https://evil.example) ![x](https://evil.example/x.png)",
    "a | b | c\\|d",
    "**bold** _it_ ~~gone~~ <!-- x -->",
    "```\n</details>\n```",
    "\x1b[31mred\x07\u202eleft",
    "&lt;b&gt; &#64;someone",
    " ",
    "`",
    "\\",
]


def side(name: str, spec: Any, folder: Path, surface: str | None = None) -> Side:
    """Return one of the two compared states; its spec is composed with the tests' overlay."""
    path = folder / f"{len(list(folder.iterdir()))}.json"
    path.write_text(json.dumps(spec), encoding="utf-8")
    return Side(name, spec, compose(path, FITTING).document, surface)


@pytest.fixture(scope="module")
def vendored() -> Any:
    return slice_of_the_api()


def found(old: Any, new: Any, folder: Path) -> Report:
    return make_report(ROOT, side("old", old, folder), side("new", new, folder), "0.1.0")


def only(rows: Any) -> Any:
    (row,) = rows
    return row


# -- The effect of the overlay -----------------------------------------------------------------------------------------


def test_new_enum_value_where_the_overlay_accepts_any_value_is_additive(vendored: Any, tmp_path: Path) -> None:
    new = copy.deepcopy(vendored)
    new["components"]["schemas"]["PerformWebTaskAsyncResponseData"]["properties"]["status"]["enum"].append("queued")
    row = only(found(vendored, new, tmp_path).rows)
    assert (row.kind, row.severity, row.after) == ("values-added", ADD, ["queued"])
    assert row.note == "1 new, 1 before; our overlay accepts any value here"


def test_changed_type_in_a_response_where_the_overlay_accepts_any_value_has_the_severity_behaviour(
    vendored: Any, tmp_path: Path
) -> None:
    new = copy.deepcopy(vendored)
    new["components"]["schemas"]["PerformWebTaskSyncResponseData"]["properties"]["result"]["type"] = "string"
    row = only(found(vendored, new, tmp_path).rows)
    assert (row.kind, row.severity) == ("type-changed", BEH)
    assert row.note == "our overlay accepts any value here"


def test_change_that_the_overlay_hides_from_the_code_keeps_its_severity(vendored: Any) -> None:
    """A new required property stays breaking: the server refuses requests without it, whatever the overlay does."""
    old, new = copy.deepcopy(vendored), copy.deepcopy(vendored)
    request = new["components"]["schemas"]["PerformWebTaskRequestSchema"]
    request["properties"]["more"] = {"type": "string"}
    request["required"].append("more")
    row = only(make_report(ROOT, Side("old", old, vendored), Side("new", new, vendored), "0.1.0").rows)
    assert (row.kind, row.severity) == ("required-property-added", BRK)
    assert row.note == "on the wire only: our overlay keeps the generated code as it was"
    less = copy.deepcopy(vendored)
    del less["paths"]["/v1/tools/perform-web-task"]
    report = make_report(ROOT, Side("old", old, vendored), Side("new", less, vendored), "0.1.0")
    assert ("operation-removed", BRK) in {(row.kind, row.severity) for row in report.rows}


def test_report_without_rows_shows_its_note(vendored: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    report = make_report(ROOT, Side("old", vendored, vendored), Side("new", vendored, None, note="why"), "0.1.0")
    assert markdown_report.markdown(report) == "No API drift.\n\n> `why`\n"
    assert written(report, monkeypatch) == "No API drift.\nwhy\n"
    assert report.next_version == "0.1.0"


def test_changed_operation_id_that_the_overlay_replaces_has_the_severity_documentation(
    vendored: Any, tmp_path: Path
) -> None:
    new = copy.deepcopy(vendored)
    new["paths"]["/v1/tools/perform-web-task"]["post"]["operationId"] = "somethingElse"
    row = only(found(vendored, new, tmp_path).rows)
    assert (row.kind, row.severity) == ("operation-id", DOC)


def test_change_that_only_our_overlay_makes_has_a_note(vendored: Any) -> None:
    other = copy.deepcopy(vendored)
    other["components"]["schemas"]["ErrorResponse"]["properties"]["hint"] = {"type": "string"}
    states = (Side("old", vendored, vendored), Side("new", vendored, other))
    row = only(make_report(ROOT, *states, "0.1.0").rows)
    assert (row.kind, row.severity, row.note) == ("property-added", ADD, "changed by our overlay")


def test_specs_are_compared_as_upstream_published_them_if_a_composed_spec_is_missing(vendored: Any) -> None:
    new = copy.deepcopy(vendored)
    new["components"]["schemas"]["PerformWebTaskAsyncResponseData"]["properties"]["status"]["enum"].append("queued")
    states = (Side("old", vendored, None, note="why"), Side("new", new, new))
    report = make_report(ROOT, *states, "0.1.0")
    assert only(report.rows).severity is BRK
    assert report.notes == ["why"]


# -- The next version --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "severity", "follows"),
    [
        ("0.1.4", BRK, "0.2.0"),
        ("0.1.4", BEH, "0.1.5"),
        ("0.1.4", ADD, "0.1.5"),
        ("0.1.4", DOC, "0.1.5"),
        ("1.2.3", BRK, "2.0.0"),
        ("1.2.3", BEH, "1.3.0"),
        ("1.2.3", NAM, "1.2.4"),  # invisible to users of `tasks`
        ("1.2.3", ADD, "1.3.0"),
        ("1.2.3", DOC, "1.2.4"),
    ],
)
def test_next_version_follows_the_highest_severity_for_tasks(version: str, severity: Severity, follows: str) -> None:
    schema = {"type": "string"}
    changes: dict[Severity, Any] = {
        BRK: {"properties": {}},
        BEH: {"properties": {"b": {**schema, "default": "x"}, "a": schema}},
        NAM: {"properties": {"a": schema, "b": schema}},
        ADD: {"properties": {"b": schema, "a": schema, "c": schema}},
        DOC: {"properties": {"b": schema, "a": schema}, "description": "More"},
    }
    responses = {"200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/A"}}}}}

    def spec(more: Any) -> Any:
        return {"paths": {TOOL: {"post": {"responses": responses}}}, "components": {"schemas": {"A": more}}}

    old = spec({"properties": {"b": schema, "a": schema}})
    report = make_report(ROOT, Side("old", old, None), Side("new", spec(changes[severity]), None), version)
    assert (report.worst, report.next_version) == (severity, follows)


def test_row_shows_the_affected_requests_responses_and_operations(vendored: Any, tmp_path: Path) -> None:
    sent = {"$ref": "#/components/schemas/PerformWebTaskRequestSchema"}
    old, new = copy.deepcopy(vendored), copy.deepcopy(vendored)
    for spec, values in ((old, ["a", "b"]), (new, ["b"])):
        schemas = spec["components"]["schemas"]
        schemas["ErrorResponse"]["properties"]["sent"] = sent
        schemas["PerformWebTaskRequestSchema"]["properties"]["x"] = {"type": "string", "enum": values}
        schemas["Unused"] = {"type": "string", "enum": values}
    report = found(old, new, tmp_path)
    text = markdown_report.markdown(report)
    assert "Requests (in responses: additive) of `GET " in text
    assert 'values removed (`1 of 2`): `["a"]`. No operation uses it.\n' in text
    for number in range(3):
        path = copy.deepcopy(new["paths"]["/v1/tools/perform-web-task"])
        for spec in (old, new):
            spec["paths"][f"/v1/more{number}"] = path
    assert (
        "Requests (in responses: additive) of 5 operations. To do: pass only values that remain.\n"
        in markdown_report.markdown(found(old, new, tmp_path))
    )


# -- Formats -----------------------------------------------------------------------------------------------------------


def hostile() -> Report:
    """Return a report in which all text from specs contains markup, control characters or links."""

    def spec(mark: str) -> Any:
        schemas = {
            f"{text}{number}": {
                "type": "object",
                "description": f"{text} {mark} {text}",
                "properties": {f"{text}{mark}": {"type": "string", "enum": [text, mark], "default": text + mark}},
                f"unknown {text}": mark,
                "pattern": text + mark,
                "example": {text: mark},
            }
            for number, text in enumerate(HOSTILE)
        }
        response = {"content": {text: {"schema": {"type": text + mark}} for text in HOSTILE}}
        operation = {
            "responses": {"200": response, mark: {}},
            "tags": [*HOSTILE, mark],
            "parameters": [{"in": "query", "name": f"{text}{mark}", "schema": {}} for text in HOSTILE],
        }
        paths = {f"/a/{text}": {"get": operation} for text in HOSTILE}
        return {"paths": paths, "components": {"schemas": schemas}, "info": {"title": "".join(HOSTILE) + mark}}

    surface = "\n".join(HOSTILE)
    old = Side(f"{HOSTILE[0]}{HOSTILE[1]}", spec("1"), None, note="".join(HOSTILE))
    report = make_report(ROOT, old, Side("new", spec("2"), None), "0.1.0")
    return Report(report.old, report.new, report.rows, surface, report.notes, report.version)


def test_hostile_text_stays_in_code_spans_of_the_markdown_report() -> None:
    text = markdown_report.markdown(hostile())
    tokens = MarkdownIt("commonmark").parse(text)
    html = [token.content.strip() for token in tokens if token.type == "html_block"]
    assert len(html) == 10
    for block in html:
        assert block == "</details>" or (block.startswith("<details><summary>") and block.endswith("</summary>"))
    words: set[str] = set()
    for token in tokens:
        for inner in token.children or ():
            assert inner.type in {"text", "code_inline", "strong_open", "strong_close"}, inner
            words |= {inner.content} if inner.type == "text" else set()
    assert not any(mark in word for word in words for mark in ("@", "#", "<", "http", "evil", "|"))
    assert not {"\x1b", "\x07", "\u202e"} & set(text)


def test_markdown_report_fits_into_a_github_comment() -> None:
    schemas: Any = {f"S{number}": {"type": "string", "title": f"{number}", "pattern": "x"} for number in range(2000)}
    others = {name: {"type": "integer", "title": name * 900, "pattern": name + "é" * 5000} for name in schemas}
    specs: list[Any] = [{"components": {"schemas": each}} for each in (schemas, others)]
    old, new = (Side("a", spec, None) for spec in specs)
    report = make_report(ROOT, old, new, "0.1.0")
    long = Report("a" * 9000, "b", report.rows, "+ é\n" * 50_000, ["n" * 9000] * 9, "0.1.0")
    text = markdown_report.markdown(long)
    assert len(text.encode()) <= markdown_report.LIMIT
    assert "`make drift` shows all" in text
    for surface in ("+" + "\U000e0001" * 30_000, "+" + "`" * 60_000, "+\U0001f600" * 40_000):
        text = markdown_report.markdown(Report("a", "b", report.rows, surface, [], "0.1.0"))
        assert len(text.encode()) <= markdown_report.LIMIT
        assert text.count("- `S") > 20  # a long surface diff leaves room for rows
    assert text.count("<details>") == text.count("</details>") > 1


def test_json_report_fits_its_schema(vendored: Any, tmp_path: Path) -> None:
    new = copy.deepcopy(vendored)
    del new["components"]["schemas"]["ErrorResponse"]["properties"]["error"]["properties"]["code"]
    for report in (hostile(), found(vendored, new, tmp_path), found(vendored, vendored, tmp_path)):
        written = json.loads(json_report.to_json(report))
        jsonschema.validate(written, SCHEMA, cls=jsonschema.Draft202012Validator)
        assert len(written["rows"]) == len(report.rows)
    described = SCHEMA["properties"]["rows"]["items"]
    assert set(described["required"]) == set(described["properties"])


def written(report: Report, monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    file = io.StringIO()
    text_report.write(report, file)
    return file.getvalue()


def test_text_report_has_colours_only_for_a_terminal(
    vendored: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = copy.deepcopy(vendored)
    error = new["components"]["schemas"]["ErrorResponse"]["properties"]["error"]
    error["properties"]["number"] = error["properties"].pop("code")
    old = copy.deepcopy(vendored)
    for spec, words in ((old, "What went wrong"), (new, "What went very wrong")):
        spec["components"]["schemas"]["ErrorResponse"]["properties"]["error"]["properties"]["message"][
            "description"
        ] = words
    report = found(old, new, tmp_path)
    both = "GET /v1/tools/perform-web-task/{workflowId}/status and POST /v1/tools/perform-web-task"
    assert written(report, monkeypatch).splitlines() == [
        "API drift, old → new: next version: anchor-webtask 0.1.0 → 0.2.0 because of breaking changes · 1 breaking · "
        "1 additive · 1 documentation",
        "Users of tasks: 1 breaking, 1 additive; of sessions: nothing changes; of api: 1 breaking, 1 additive.",
        "",
        "breaking",
        f"  ErrorResponse.error.code: property removed, in responses of {both} · concerns users of tasks",
        "    integer",
        "    Python: ErrorResponseError.code: removed",
        "    To do: no longer read it",
        "",
        "additive",
        f"  ErrorResponse.error.number: optional property added, in responses of {both} · concerns users of tasks",
        "    integer",
        "    Python: ErrorResponseError.number: new",
        "",
        "documentation",
        "  ErrorResponse.error.message: text changed (description)",
        "    What went {+very +}wrong",
    ]
    assert "\x1b" in written(report, monkeypatch, FORCE_COLOR="1")
    assert "\x1b" not in written(hostile(), monkeypatch)


def test_report_without_rows_is_one_line(vendored: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = found(vendored, vendored, tmp_path)
    assert written(report, monkeypatch) == markdown_report.markdown(report) == "No API drift.\n"
    assert json.loads(json_report.to_json(report))["rows"] == []
