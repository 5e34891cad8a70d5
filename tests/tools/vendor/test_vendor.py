from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tools.compose.composition import compose
from tools.repository import ROOT, SOURCE, SPEC
from tools.vendor import vendored_spec
from tools.vendor.__main__ import main

if TYPE_CHECKING:
    from _pytest.capture import CaptureFixture

SMALL = """\
openapi: 3.0.3
info: {title: Things, version: '2'}
paths:
  /things:
    get:
      parameters:
        - {in: query, name: country, schema: {enum: [no, on, 'yes']}}
      responses:
        '200': {description: Fine}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with copies of our vendored spec and its source file."""
    root = tmp_path / "repository"
    root.mkdir()
    for path in (SPEC, SOURCE):
        shutil.copy(ROOT / path, root / path)
    return root


@pytest.fixture
def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL, encoding="utf-8")
    return path


def run(root: Path, origin: Path | str, *options: str) -> int:
    return main(["--root", str(root), *options, "--", str(origin)])


def tree(root: Path) -> dict[str, bytes]:
    """Return the contents of all files in the repository, including unexpected files; the keys are paths."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def source(root: Path) -> Any:
    return json.loads((root / SOURCE).read_text(encoding="utf-8"))


# -- Complete specs ----------------------------------------------------------------------------------------------------


def test_replace_option_replaces_a_different_spec_with_a_complete_spec(
    root: Path, small: Path, capsys: CaptureFixture[str]
) -> None:
    assert run(root, small, "--replace") == 0
    assert tree(root).keys() == {str(SPEC), str(SOURCE)}
    assert (root / SPEC).read_bytes() == small.read_bytes()
    assert source(root) == {
        "source": "small.yaml",
        "sha256": hashlib.sha256(small.read_bytes()).hexdigest(),
        "upstream_version": "2",
    }
    captured = capsys.readouterr()
    assert captured.out.startswith(f"{SPEC}: now small.yaml, version 2\nNext:\n")
    for command in ("make drift", "make generate", "make accept", "make check", "make test"):
        assert f"\n  {command}" in captured.out
    assert captured.err == ""


def test_replacing_a_different_spec_requires_the_replace_option(
    root: Path, small: Path, capsys: CaptureFixture[str]
) -> None:
    before = tree(root)
    assert run(root, small) == 1
    assert capsys.readouterr().err == (
        f"make vendor: small.yaml (version 2) differs from the vendored {SPEC}.\n"
        "Use REPLACE=1 to overwrite the vendored spec; git diff then shows the changes.\n"
        f"{SPEC} is unchanged.\n"
    )
    assert tree(root) == before


def test_spec_that_is_already_vendored_changes_nothing(root: Path, small: Path, capsys: CaptureFixture[str]) -> None:
    run(root, small, "--replace")
    before = tree(root)
    capsys.readouterr()
    assert run(root, small) == 0
    assert capsys.readouterr().out == f"{SPEC}: already up to date\n"
    assert tree(root) == before


def test_same_spec_from_another_source_changes_the_source_file_only(root: Path, capsys: CaptureFixture[str]) -> None:
    before = source(root)
    assert run(root, ROOT / SPEC) == 0
    assert capsys.readouterr().out.startswith(f"{SOURCE}: updated\n")
    assert source(root) == {**before, "source": SPEC.name}
    assert (root / SPEC).read_bytes() == (ROOT / SPEC).read_bytes()


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_spec_in_json_stays_json(root: Path, tmp_path: Path, indent: int | str | None) -> None:
    content = json.dumps({"openapi": "3.1.0", "info": {"title": "T", "version": "1"}, "paths": {}}, indent=indent)
    path = tmp_path / "spec.json"
    path.write_text(content, encoding="utf-8")
    assert run(root, path, "--replace") == 0
    assert (root / SPEC).read_text(encoding="utf-8") == content


@pytest.mark.parametrize("content", [SMALL.replace("\n", "\r\n"), f"\ufeff{SMALL}", SMALL.rstrip("\n"), f"{SMALL}\n\n"])
def test_complete_spec_is_vendored_byte_for_byte(root: Path, small: Path, content: str) -> None:
    small.write_text(content, encoding="utf-8", newline="")
    assert run(root, small, "--replace") == 0
    assert (root / SPEC).read_bytes() == content.encode()


def test_country_code_of_norway_stays_text(root: Path, small: Path, tmp_path: Path) -> None:
    run(root, small, "--replace")
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text("overlay: 1.0.0\ninfo: {title: None, version: '1'}\nactions: []\n", encoding="utf-8")
    composed = json.loads(compose(root / SPEC, overlay).to_json())
    assert composed["paths"]["/things"]["get"]["parameters"][0]["schema"]["enum"] == ["no", "on", "yes"]


def test_first_spec_is_vendored_without_the_replace_option(root: Path, small: Path) -> None:
    for path in (SPEC, SOURCE):
        (root / path).unlink()
    assert run(root, small) == 0
    assert (root / SPEC).read_bytes() == small.read_bytes()
    assert source(root)["source"] == "small.yaml"


# -- Writing -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [KeyboardInterrupt(), OSError(28, "No space left on device")])
@pytest.mark.parametrize("last", [SPEC, SOURCE])
@pytest.mark.parametrize("is_first", [False, True])
def test_old_files_are_restored_if_writing_is_interrupted(
    root: Path, small: Path, monkeypatch: pytest.MonkeyPatch, problem: BaseException, last: Path, *, is_first: bool
) -> None:
    if is_first:
        for path in (SPEC, SOURCE):
            (root / path).unlink()
    before = tree(root)
    replace = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if self.parent.name == "new" and target.name == last.name:
            replace(self, target)
            raise problem
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", interrupted)
    if isinstance(problem, KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt):
            run(root, small, "--replace")
    else:
        assert run(root, small, "--replace") == 1
    assert tree(root) == before


KILLED = """\
import os, pathlib, signal, sys
from tools.vendor.__main__ import main
number = int(sys.argv.pop(1))
replace = pathlib.Path.replace
def killing(self, target):
    global number
    if number == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    number -= 1
    return replace(self, target)
pathlib.Path.replace = killing
sys.exit(main())
"""


@pytest.mark.parametrize("replaced", [0, 1])
def test_next_run_completes_a_run_that_was_killed(root: Path, small: Path, replaced: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", KILLED, str(replaced), "--root", str(root), "--replace", str(small)],
        cwd=ROOT,
        capture_output=True,
    )
    assert ran.returncode < 0, ran.stderr
    assert (root / SPEC).read_bytes() in {(ROOT / SPEC).read_bytes(), SMALL.encode()}
    assert (root / SOURCE).read_bytes() == (ROOT / SOURCE).read_bytes()
    assert run(root, small, *([] if replaced else ["--replace"])) == 0
    assert (root / SPEC).read_bytes() == SMALL.encode()
    assert source(root)["sha256"] == hashlib.sha256(SMALL.encode()).hexdigest()
    assert tree(root).keys() == {str(SPEC), str(SOURCE)}


def test_files_are_written_while_the_lock_is_held(root: Path, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = vendored_spec._write

    def writing(*arguments: Any) -> None:
        folder = os.open(root, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(folder)
        write(*arguments)

    monkeypatch.setattr(vendored_spec, "_write", writing)
    assert run(root, small, "--replace") == 0


def test_folder_that_cannot_be_written_is_an_error(tmp_path: Path, small: Path, capsys: CaptureFixture[str]) -> None:
    assert run(tmp_path / "none", small) == 1
    assert capsys.readouterr().err.startswith(f"make vendor: {tmp_path / 'none'} cannot be written: No such file")


def test_replaced_files_keep_their_permissions(root: Path, small: Path) -> None:
    mode = (root / SPEC).stat().st_mode
    run(root, small, "--replace")
    assert (root / SPEC).stat().st_mode == mode


# -- The command line --------------------------------------------------------------------------------------------------


def test_spec_is_read_from_standard_input(root: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "tools.vendor", "--root", str(root), "--replace", "-"],
        cwd=ROOT,
        input=SMALL.encode(),
        capture_output=True,
    )
    assert ran.returncode == 0, ran.stderr
    assert (root / SPEC).read_text(encoding="utf-8") == SMALL
    assert source(root)["source"] == "standard input"


def test_text_of_a_document_cannot_control_the_terminal(root: Path, small: Path, capsys: CaptureFixture[str]) -> None:
    evil = r"\e]0;title\a\e[31m\x9b\u202e\u2028"
    small.write_text(SMALL.replace("title: Things", f'title: Things, "{evil}": 1, "{evil}": 2'), encoding="utf-8")
    assert run(root, small, "--replace") == 1
    text = capsys.readouterr().err
    assert r'found duplicate key "\x1b]0;title\x07\x1b[31m\x9b\u202e\u2028"' in text
    assert text.replace("\n", "").isprintable()
