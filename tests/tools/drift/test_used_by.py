"""`make drift USED_BY=<folder>`: the lines of a user's code that break, and the change by which each does."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.building import repository
from tools.drift import text_report
from tools.drift.__main__ import main
from tools.drift.json_report import to_json
from tools.drift.markdown_report import markdown
from tools.drift.report import Report
from tools.drift.rows import BOTH, BrokenLine, Row, Severity
from tools.drift.used_by.builds import Build, BuildError, of_commit
from tools.drift.used_by.findings import CheckError, broken_lines
from tools.drift.used_by.matching import assigned
from tools.repository import ROOT, SPEC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGES = ("anchor_webtask", "anchor_webtask_api")
OLD = """
class Proxy:
    country: str
    kind: str
    def __init__(self, country: str, kind: str) -> None: ...

class Gone:
    name: str

class Answer:
    amount: float

def fetch(name: str) -> Answer: ...
def removed() -> None: ...
"""
NEW = """
class Proxy:
    land: str
    kind: str
    def __init__(self, land: str, kind: str) -> None: ...

class Answer:
    amount: float | None

def fetch(name: str, region: str) -> Answer: ...
"""
JOB = """\
from api import Answer, Proxy, fetch, removed
import unknown_package


def read(name):
    proxy = Proxy(country="bd", kind="x")  # BREAKS country
    print(proxy.country, proxy.kind)  # BREAKS country
    answer = fetch(name)  # BREAKS fetch
    unknown_package.run(answer)
    return answer.amount + 1  # BREAKS amount


def wrong_before_and_after() -> int:
    return "text"
"""
OTHER = """\
from api import (
    Gone as Lost,
    Proxy,
)

made = Lost()  # BREAKS Gone
names = [Proxy.__name__, Lost.__name__]  # BREAKS Gone
"""


def text(report: Report) -> str:
    file = io.StringIO()
    text_report.write(report, file)
    return file.getvalue()


def row(kind: str, python: str, where: str = "somewhere") -> Row:
    return Row(Severity.BREAKING, kind, "$", where, BOTH, (), python=python)


ROWS = {
    "country": row("property-renamed", "Proxy.country → Proxy.land"),
    "fetch": row("required-parameter-added", "api.things.fetch"),
    "amount": row("null-allowed", "Answer.amount"),
    "Gone": row("schema-removed", "models.Gone: removed"),
    "kind": row("text", "Proxy.kind"),
}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[BrokenLine]:
    """Return the lines of an application that break."""
    root = tmp_path_factory.mktemp("used-by")
    builds = []
    for name, text in (("old", OLD), ("new", NEW)):
        (root / name).mkdir()
        (root / name / "api.py").write_text(text)
        builds.append(Build((root / name,)))
    app = root / "app"
    (app / "package").mkdir(parents=True)
    (app / "job.py").write_text(JOB)
    (app / "package" / "other.py").write_text(OTHER)
    return broken_lines(app, builds[0], builds[1], root / "cache")


def test_every_line_that_breaks_is_found_and_no_other(lines: list[BrokenLine]) -> None:
    expected = {
        (file, number): line.strip()
        for file, text in (("job.py", JOB), ("package/other.py", OTHER))
        for number, line in enumerate(text.splitlines(), 1)
        if "BREAKS" in line
    }
    imports = {("job.py", 1), ("package/other.py", 1)}  # of `removed`, and of the class that is gone
    found = {(line.file, line.number): line.text for line in lines}
    assert {place: text for place, text in found.items() if place not in imports} == expected
    assert imports <= found.keys()
    assert all(line.errors for line in lines)


def test_each_line_stands_under_its_change(lines: list[BrokenLine]) -> None:
    rows, rest = assigned([*ROWS.values()], lines)
    for name, found in zip(ROWS, rows, strict=True):
        said = {line.text.partition("BREAKS ")[2] for line in found.breaks} - {""}
        assert said == ({name} if name != "kind" else set()), name
    assert [line.number for line in rest] == [1]  # no row is about the function that is gone


def test_code_that_cannot_be_parsed_is_an_error_of_its_own(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    (app / "broken.py").write_text("def (\n")
    with pytest.raises(CheckError, match=r"mypy cannot check .*app"):
        broken_lines(app, Build(()), Build(()), tmp_path)


APPLICATION = """\
from anchor_webtask_api.models import PerformWebTaskRequestSchema


def start() -> PerformWebTaskRequestSchema:
    request = PerformWebTaskRequestSchema(prompt="x", url="https://a.example")  # BREAKS
    request.prompt = "y"
    return request
"""


def test_command_shows_lines_under_their_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root, app, renamed = repository(tmp_path / "root"), tmp_path / "app", tmp_path / "renamed.yaml"
    renamed.write_text((root / SPEC).read_text().replace("        url:\n", "        address:\n"))
    app.mkdir()
    (app / "job.py").write_text(APPLICATION)
    files = ["--old", str(root / SPEC), "--new", str(renamed)]
    assert main([*files, "--used-by", str(app), "--format", "json", "--root", str(root)]) == 0
    report = json.loads(capsys.readouterr().out)
    rows = [row for row in report["rows"] if row["breaks"]]
    assert [row["kind"] for row in rows] == ["property-renamed"]
    assert [(line["file"], line["number"]) for line in rows[0]["breaks"]] == [("job.py", 5)]
    assert (report["used_by"], report["other_breaks"]) == ("app", [])


@pytest.mark.parametrize("write", [to_json, markdown, text])
def test_report_shows_lines_in_each_format(lines: list[BrokenLine], write: Callable[[Report], str]) -> None:
    rows, rest = assigned([*ROWS.values()], lines)
    written = write(Report("old", "new", rows, "", [], "0.1.0", "app", tuple(rest)))
    for line in lines:
        assert line.text.replace('"', '\\"' if write is to_json else '"') in written
    if write is not to_json:
        assert f"{len(lines)} lines of app break" in written


@pytest.mark.parametrize("name", ["none", "empty"])
def test_folder_without_python_files_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    root = repository(tmp_path / "root")
    (tmp_path / "empty").mkdir()
    spec = str(root / SPEC)
    assert main(["--old", spec, "--new", spec, "--used-by", str(tmp_path / name), "--root", str(root)]) == 2
    assert "has no Python files" in capsys.readouterr().err


def test_commit_provides_both_packages(tmp_path: Path) -> None:
    build = of_commit(ROOT, "HEAD", tmp_path)
    assert {(folder / name).is_dir() for folder, name in zip(build.folders, PACKAGES, strict=True)} == {True}
    with pytest.raises(BuildError, match="does not have both packages"):
        of_commit(ROOT, "no-such-commit", tmp_path)
