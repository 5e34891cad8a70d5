"""The nightly job: which sources it checks, and the text of its pull request, also if a step fails."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from markdown_it import MarkdownIt

from tests.support.building import repository
from tools.drift.markdown_report import LIMIT
from tools.nightly import recorded_sources
from tools.nightly.__main__ import main
from tools.nightly.pull_request import body
from tools.repository import SOURCE, SPEC
from tools.vendor.vendored_spec import VendorError

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


def run(root: Path) -> int:
    return main(["vendor", "--root", str(root)])


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


def test_document_that_cannot_be_vendored_fails_the_job(root: Path, capsys: CaptureFixture[str]) -> None:
    record(root, "https://docs.example/gone")
    assert run(root) == 1
    assert capsys.readouterr().err == (
        "the spec cannot be vendored: https://docs.example/gone: the server responded with status 404 instead of 200\n"
    )


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
