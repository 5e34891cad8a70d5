"""The nightly job: which sources it checks, and the text of its pull request, also if a step fails."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from markdown_it import MarkdownIt

from tests.support.building import repository
from tests.support.patience import until
from tools.drift.markdown_report import LIMIT
from tools.nightly import recorded_sources
from tools.nightly.__main__ import main
from tools.nightly.pull_request import body
from tools.openapi import reader
from tools.repository import SOURCE, SPEC
from tools.vendor import source_file, vendored_spec
from tools.vendor.fetch import Fetched
from tools.vendor.source_file import Sources
from tools.vendor.vendored_spec import VendorError, vendor_document

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.capture import CaptureFixture

HOSTILE = "$(shell touch pwned) `touch pwned`; touch pwned #"


# -- Sources -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return repository(tmp_path / "root")


@pytest.fixture(autouse=True)
def vendored(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list to which each vendored URL is added; nothing is fetched."""
    urls: list[str] = []

    def vendor(_root: Path, origin: str, *, replace: bool) -> list[str]:
        assert replace
        urls.append(origin)
        if origin.endswith("gone"):
            raise VendorError(f"{origin}: the server responded with status 404 instead of 200")
        return ["updated"] if origin.endswith("new") else []

    monkeypatch.setattr(recorded_sources, "vendor", vendor)
    return urls


def record(root: Path, source: object) -> None:
    (root / SOURCE).write_text(json.dumps({"source": source}), encoding="utf-8")


def run(root: Path, command: str = "vendor") -> int:
    return main([command, str(root / "failures"), "--root", str(root)])


def test_each_recorded_url_is_vendored(root: Path, vendored: list[str], capsys: CaptureFixture[str]) -> None:
    urls = ["https://docs.example/a.md", f"https://docs.example/{HOSTILE}new"]
    record(root, urls)
    assert run(root) == 0
    assert vendored == urls
    assert capsys.readouterr().out == "https://docs.example/a.md: nothing new\nupdated\n"
    record(root, urls[0])
    assert run(root) == 0
    assert vendored[2:] == urls[:1]


@pytest.mark.parametrize("source", ["spec.yaml", "standard input", "-", "--replace", "/etc/passwd", HOSTILE, SPEC.name])
def test_source_that_is_no_url_is_not_checked_and_the_job_goes_on(
    root: Path, vendored: list[str], source: str, capsys: CaptureFixture[str]
) -> None:
    record(root, [source, "https://docs.example/new"])
    before = (root / SPEC).read_bytes()
    assert run(root) == 0
    assert vendored == ["https://docs.example/new"]
    assert capsys.readouterr().out.startswith(f"{source}: not checked, since it is no https URL")
    assert (root / SPEC).read_bytes() == before


@pytest.mark.parametrize("text", ["{}", '{"source": 5}', '{"source": []}', "broken"])
def test_unusable_source_file_is_reported(root: Path, text: str, capsys: CaptureFixture[str]) -> None:
    (root / SOURCE).write_text(text, encoding="utf-8")
    assert run(root) == 0
    assert capsys.readouterr().out == "no source is recorded\n"


GONE = "https://docs.example/gone"
NOT_FOUND = f"{GONE}: the server responded with status 404 instead of 200"


def test_source_that_fails_does_not_stop_the_others_and_fails_the_job_at_its_end(
    root: Path, vendored: list[str], capsys: CaptureFixture[str]
) -> None:
    record(root, [GONE, "https://docs.example/new"])
    assert run(root) == 0
    assert vendored == [GONE, "https://docs.example/new"]
    assert capsys.readouterr().out == f"updated\n{NOT_FOUND}\n"
    assert run(root, "verdict") == 1
    assert capsys.readouterr().err == f"{NOT_FOUND}\n"
    record(root, vendored[1:2])
    assert run(root) == run(root, "verdict") == 0


def test_text_has_the_messages_of_sources_that_failed(root: Path, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    record(root, [GONE, "https://docs.example/new"])
    run(root)
    failures = str(root / "failures")
    capsys.readouterr()
    assert main(["body", failures, "--root", str(programs(tmp_path / "programs", drift="print('The report')"))]) == 0
    assert capsys.readouterr().out == (
        f"**A source failed, so the spec lacks what is new there:**\n\n```text\n{NOT_FOUND}\n```\n\nThe report\n"
    )


def test_no_source_is_checked_after_the_time_limit(
    root: Path, vendored: list[str], monkeypatch: pytest.MonkeyPatch, capsys: CaptureFixture[str]
) -> None:
    monkeypatch.setattr(recorded_sources, "TIME", -1)
    record(root, "https://docs.example/new")
    assert run(root) == 0
    assert vendored == []
    assert "https://docs.example/new: not checked, since the other sources took" in capsys.readouterr().out
    assert run(root, "verdict") == 1


# -- Pages beside a complete document ----------------------------------------------------------------------------------

HEAD: dict[str, Any] = {"openapi": "3.1.0", "info": {"title": "T", "version": "1"}}
URL = "https://docs.example/openapi.json"


def answers(schema: str) -> dict[str, Any]:
    reference = {"$ref": f"#/components/schemas/{schema}"}
    return {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": reference}}}}}


COMPLETE = {
    **HEAD,
    "paths": {"/a": {"get": answers("Both")}, "/old": {"get": answers("Old")}},
    "components": {"schemas": {"Both": {"type": "string"}, "Old": {"type": "string"}}},
}
SLICE = {
    **HEAD,
    "paths": {"/b": {"post": {**answers("Mine"), "security": [{"key": []}]}}},
    "components": {
        "schemas": {
            "Both": {"type": "string"},
            "Mine": {"type": "object", "properties": {"x": {"$ref": "#/components/schemas/Inner"}}},
            "Inner": {"type": "object", "properties": {"both": {"$ref": "#/components/schemas/Both"}}},
        },
        "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "key"}},
    },
}
NEWER = {
    **HEAD,
    "info": {"title": "T", "version": "2"},
    "paths": {"/a": {"get": answers("Both")}},
    "components": {"schemas": {"Both": {"type": "integer"}}},
}


@pytest.fixture
def merged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with a complete document and a page from a local file; upstream then has a newer document."""
    root = tmp_path / "merged"
    root.mkdir()
    vendor_document(root, Fetched(URL, json.dumps(COMPLETE).encode()), replace=False)
    page = tmp_path / "slice.md"
    page.write_text(f"````yaml openapi-mintlify.yaml post /b\n{json.dumps(SLICE)}\n````\n", encoding="utf-8")
    vendored_spec.vendor(root, str(page), replace=False)

    def vendor(root: Path, origin: str, *, replace: bool) -> list[str]:
        if origin != URL:
            raise VendorError(f"{origin}: gone")
        return vendor_document(root, Fetched(origin, json.dumps(NEWER).encode()), replace=replace)

    monkeypatch.setattr(recorded_sources, "vendor", vendor)
    return root


def parts(root: Path) -> tuple[Any, ...]:
    spec: Any = reader.read(root / SPEC)
    components = spec["components"]
    return sorted(spec["paths"]), components["schemas"], sorted(components.get("securitySchemes", {}))


def test_page_of_a_local_file_is_kept_when_the_complete_document_is_replaced(merged: Path) -> None:
    for _ in range(2):  # in the second night, nothing is new, and nothing is lost
        assert run(merged) == 0
        paths, schemas, security = parts(merged)
        assert paths == ["/a", "/b"]
        assert schemas == {
            "Both": {"type": "integer"},
            "Mine": SLICE["components"]["schemas"]["Mine"],
            "Inner": SLICE["components"]["schemas"]["Inner"],
        }
        assert security == ["key"]
        assert source_file.read(merged) == Sources([URL, "slice.md"], {"slice.md": ["post /b"]})
        assert run(merged, "verdict") == 0


def test_page_that_fails_is_kept_as_it_was(merged: Path) -> None:
    text = (merged / SOURCE).read_text(encoding="utf-8")
    (merged / SOURCE).write_text(text.replace("slice.md", "https://docs.example/slice.md"), encoding="utf-8")
    assert run(merged) == 0
    assert parts(merged)[0] == ["/a", "/b"]
    assert run(merged, "verdict") == 1


def test_all_operations_are_kept_if_those_of_the_page_are_not_known(merged: Path) -> None:
    text = json.loads((merged / SOURCE).read_text(encoding="utf-8"))
    del text["pages"]
    (merged / SOURCE).write_text(json.dumps(text), encoding="utf-8")
    assert run(merged) == 0
    assert parts(merged)[0] == ["/a", "/b", "/old"]


def test_complete_document_that_has_the_operation_of_the_page_wins(
    merged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(NEWER, "paths", {**NEWER["paths"], "/b": {"post": {"responses": {}}}})
    assert run(merged) == 0
    assert reader.read(merged / SPEC) == NEWER
    assert source_file.read(merged) == Sources([URL])


# -- The text of the pull request --------------------------------------------------------------------------------------


def programs(folder: Path, **scripts: str) -> Path:
    """Make a folder with programs in place of ours: each has the script that its name is given, or prints `done`."""
    for name in ("generate", "surface", "drift"):
        package = folder / "tools" / name
        package.mkdir(parents=True)
        (package / "__main__.py").write_text(
            f"import sys\n{scripts.get(name, 'print(sys.argv[1:])')}\n", encoding="utf-8"
        )
    return folder


def test_text_is_the_drift_report(tmp_path: Path) -> None:
    assert body(programs(tmp_path, drift="print('The report', sys.argv[1:])")) == (
        "The report ['--base=HEAD', '--format=md']\n"
    )


@pytest.mark.parametrize(("program", "step"), [("generate", "make generate"), ("surface", "make accept")])
def test_text_has_the_message_of_a_step_that_failed(tmp_path: Path, program: str, step: str) -> None:
    failing = {program: "sys.exit('an-action: the target matches nothing')"}
    assert body(programs(tmp_path, drift="print('The report')", **failing)) == (
        f"**`{step}` failed, so the code is not that of this spec:**\n\n"
        "```text\nan-action: the target matches nothing\n```\n\nThe report\n"
    )


def test_text_has_the_message_if_the_drift_report_fails(tmp_path: Path) -> None:
    text = body(programs(tmp_path, drift="print('ha' + 'lf'); raise RecursionError('too deep')"))
    assert text.startswith("**`make drift` failed:**\n\n```text\n")
    assert text.endswith("RecursionError: too deep\n```\n\n")
    assert "half" not in text


def test_message_stays_text_in_markdown_and_fits_beside_the_longest_report(tmp_path: Path) -> None:
    evil = "````\n</details> @someone [x](https://evil.example) \x1b[31m `````\n"
    failing = f"sys.exit({evil * 2000!r})"
    text = body(programs(tmp_path, generate=failing, drift="print('r' * 61_000)"))
    assert len(text) <= LIMIT
    assert text.endswith("r\n")
    title, fence, report = (
        token.content for token in MarkdownIt("commonmark").parse(text) if token.type in {"inline", "fence"}
    )
    assert "failed" in title
    assert "@someone" in fence
    assert set(report) == {"r"}
    assert "\x1b" not in text


def test_program_that_takes_too_long_ends_with_those_that_it_has_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # without its end, the second program would hold the pipe for longer than the time limit of the tests
    child = "import pathlib, time; print(flush=True); pathlib.Path('started').touch(); time.sleep(1000)"
    wait = "while not os.path.exists('started'): pass"
    hanging = (
        f"import os, subprocess, time; subprocess.Popen([sys.executable, '-c', {child!r}])\n{wait}\ntime.sleep(1000)"
    )
    communicate = subprocess.Popen.communicate

    def communicate_till_started(process: subprocess.Popen[str], timeout: float | None = None) -> tuple[str, str]:
        if timeout is not None and "tools.generate" in str(process.args):
            until((tmp_path / "started").exists)
            timeout = 0
        return communicate(process, timeout=timeout)

    monkeypatch.setattr(subprocess.Popen, "communicate", communicate_till_started)
    text = body(programs(tmp_path, generate=hanging, drift="print('The report')"))
    assert "stopped, since it took more than 240 s" in text
    assert text.endswith("The report\n")
    assert (tmp_path / "started").exists()
