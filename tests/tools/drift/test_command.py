"""The command `make drift` in git repositories: the states that it compares, its exit status, and its errors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.building import PACKAGE as GENERATED_PACKAGE
from tests.support.building import SLICE, repository
from tests.support.git import WITHOUT_GIT_CONFIG
from tests.support.once import once
from tools.compose.composition import compose
from tools.drift.__main__ import main
from tools.repository import GENERATED, OVERLAY, ROOT, SPEC, SURFACE

if TYPE_CHECKING:
    from _pytest.capture import CaptureFixture

PACKAGE = Path("overlay") / "anchor_webtask"
VALUES = "            - openai-cua\n"


def git(root: Path, *arguments: str) -> None:
    who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
    environment = {**os.environ, **WITHOUT_GIT_CONFIG}
    subprocess.run(["git", *who, *arguments], cwd=root, env=environment, check=True, capture_output=True)


def write_composed_spec(root: Path) -> None:
    """Write the composed spec, the only file of the generated code that `make drift` compares."""
    path = root / GENERATED / GENERATED_PACKAGE / "openapi.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(compose(root / SPEC, root / OVERLAY).to_json(), encoding="utf-8")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a git repository whose main branch has a small spec and a copy of our package."""

    def make(folder: Path) -> None:
        root = repository(folder / "repository")
        write_composed_spec(root)
        shutil.copytree(ROOT / PACKAGE, root / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        (root / SURFACE).parent.mkdir(parents=True)
        shutil.copy(ROOT / SURFACE, root / SURFACE)
        git(root, "init", "--initial-branch=main")
        git(root, "add", ".")
        git(root, "commit", "--message=first")

    return once(tmp_path_factory, "drift-template", make) / "repository"


@pytest.fixture
def root(template: Path, tmp_path: Path) -> Path:
    """Return a copy of the template repository, which the test may change."""
    return Path(shutil.copytree(template, tmp_path / "repository"))


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def run(root: Path, *arguments: str) -> int:
    return main(["--root", str(root), "--format=json", *arguments])


def change(root: Path) -> None:
    replace(root / SPEC, VALUES, "")


def test_report_without_changes_is_one_line(root: Path, specs: list[str], capsys: CaptureFixture[str]) -> None:
    for arguments in (["--format="], ["--format=text", *specs], ["--format=md", *specs]):
        assert main(["--root", str(root), *arguments, "--fail-on=documentation"]) == 0
        assert capsys.readouterr() == ("No API drift.\n", "")


def test_working_tree_is_compared_with_the_commit_where_its_branch_left_main(
    root: Path, capsys: CaptureFixture[str]
) -> None:
    git(root, "checkout", "-b", "branch")
    change(root)
    write_composed_spec(root)
    git(root, "commit", "--all", "--message=second")
    git(root, "checkout", "main")
    replace(root / SPEC, "title: AnchorBrowser API", "title: Another API")
    git(root, "commit", "--all", "--message=third")
    git(root, "checkout", "branch")
    assert run(root) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["kind"], row["before"], row["where"]) == (
        "values-removed",
        ["openai-cua"],
        "PerformWebTaskRequestSchema.agent",
    )
    assert run(root, "--base=main") == 0
    assert {row["kind"] for row in json.loads(capsys.readouterr().out)["rows"]} == {"text", "values-removed"}
    assert run(root, "--base=HEAD") == 0
    assert json.loads(capsys.readouterr().out)["rows"] == []


@pytest.fixture
def specs(tmp_path: Path) -> list[str]:
    """Return the options that compare two specs; both files are equal until the test changes the new one."""
    for name in ("old.yaml", SPEC.name):
        shutil.copy(SLICE, tmp_path / name)
    return [f"--old={tmp_path / 'old.yaml'}", f"--new={tmp_path / SPEC}"]


@pytest.mark.parametrize(("severity", "status"), [("", 0), ("breaking", 1), ("behaviour", 1), ("documentation", 1)])
def test_exit_status_is_1_if_a_change_is_at_least_as_severe_as_the_option_fail_on_says(
    root: Path, tmp_path: Path, specs: list[str], severity: str, status: int
) -> None:
    change(tmp_path)
    assert run(root, *specs, f"--fail-on={severity}") == status


def test_exit_status_is_0_if_all_changes_are_less_severe_than_the_option_fail_on_says(
    root: Path, tmp_path: Path, specs: list[str]
) -> None:
    replace(tmp_path / SPEC, "title: AnchorBrowser API", "title: Another API")
    assert run(root, *specs, "--fail-on=additive") == 0
    assert run(root, *specs, "--fail-on=documentation") == 1


def test_breaking_change_of_the_package_itself_has_a_row(root: Path, capsys: CaptureFixture[str]) -> None:
    paths = sorted((root / PACKAGE).rglob("*.py"))
    path = next(path for path in paths if "    def resume(" in path.read_text(encoding="utf-8"))
    replace(path, "def resume(", "def go_on(")
    replace(root / SURFACE, "class Anchor\n", "class Anchor\n    more()\n")
    assert run(root, "--fail-on=breaking") == 1
    found = json.loads(capsys.readouterr().out)
    (row,) = found["rows"]
    assert (row["kind"], row["severity"], row["note"]) == ("python-api", "breaking", "Public object was removed")
    assert row["where"].endswith(".resume")
    assert "+    more()" in found["surface"].splitlines()


def test_changed_line_of_the_surface_file_has_a_breaking_row(root: Path, capsys: CaptureFixture[str]) -> None:
    replace(root / SURFACE, "class AuthenticationError(StatusError)", "class AuthenticationError(AnchorError)")
    assert run(root, "--fail-on=breaking") == 1
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert (row["kind"], row["before"]) == ("surface", ["class AuthenticationError(StatusError)"])


def test_specs_are_compared_as_upstream_published_them_if_the_commit_has_no_generated_code(
    root: Path, capsys: CaptureFixture[str]
) -> None:
    shutil.rmtree(root / GENERATED)
    git(root, "commit", "--all", "--message=without")
    change(root)
    assert run(root) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["kind"] for row in found["rows"]] == ["values-removed"]
    (note,) = found["notes"]
    assert note.endswith("has no generated code, so both specs are compared as upstream published them")


def test_two_spec_files_are_compared(root: Path, tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    shutil.copy(root / SPEC, tmp_path / "old.yaml")
    change(root)
    assert run(root, f"--old={tmp_path / 'old.yaml'}", f"--new={root / SPEC}") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["old"], found["new"]) == ("old.yaml", SPEC.name)
    assert [row["kind"] for row in found["rows"]] == ["values-removed"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--base=nowhere"], "nowhere^{commit}"),
        (["--base=--output=x"], "--output=x"),
        (["--old=a.yaml"], "OLD and NEW must be given together, and without BASE"),
        (["--old=a.yaml", "--new=b.yaml", "--base=HEAD"], "OLD and NEW must be given together, and without BASE"),
        (["--old=a.yaml", "--new=b.yaml"], "a.yaml: No such file or directory"),
    ],
)
def test_states_that_cannot_be_compared_are_refused(
    root: Path, arguments: list[str], message: str, capsys: CaptureFixture[str]
) -> None:
    assert run(root, *arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("make drift: ")
    assert message in err


@pytest.mark.parametrize("arguments", [["--format=html"], ["--fail-on=bad"]])
def test_unknown_format_or_severity_is_refused(root: Path, arguments: list[str], capsys: CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--root", str(root), *arguments])
    assert caught.value.code == 2
    assert arguments[0].partition("=")[2] in capsys.readouterr().err


def test_repository_without_a_main_branch_requires_the_option_base(root: Path, capsys: CaptureFixture[str]) -> None:
    git(root, "branch", "--move", "trunk")
    assert run(root) == 2
    assert "to compare with; set BASE=<commit>" in capsys.readouterr().err


def test_invalid_spec_in_the_working_tree_is_an_error(root: Path, capsys: CaptureFixture[str]) -> None:
    (root / SPEC).write_text("a: [\n", encoding="utf-8")
    assert run(root) == 2
    assert f"{SPEC}:2:1" in capsys.readouterr().err


def test_specs_are_compared_as_upstream_published_them_if_the_overlay_does_not_fit_the_working_tree(
    root: Path, capsys: CaptureFixture[str]
) -> None:
    with (root / OVERLAY).open("a", encoding="utf-8") as overlay:
        overlay.write("  - {x-id: of-nothing, description: none, target: $.nothing, remove: true}\n")
    assert run(root) == 0
    assert json.loads(capsys.readouterr().out)["notes"] == [
        "our overlay does not fit the working tree (of-nothing), so both specs are compared as upstream published "
        "them; names in Python may differ"
    ]
