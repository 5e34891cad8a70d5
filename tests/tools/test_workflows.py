"""The scripts in the GitHub workflows, run with a local git remote and a stub of `gh` that logs its arguments."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import __version__
from tests.support.git import WITHOUT_GIT_CONFIG
from tools.nightly import pull_request, recorded_sources
from tools.openapi import yaml
from tools.repository import CHANGELOG, CONFIG, OVERLAY, ROOT, SPEC, SURFACE
from tools.vendor import fetch

if TYPE_CHECKING:
    from pathlib import Path

WORKFLOWS = ROOT / ".github" / "workflows"
GH = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> "$LOG"
case "$*" in
  "api --paginate "*) jq -r "${@: -1}" "$COMMENTS" ;;
  "pr list "*) cat "$NUMBERS" ;;
esac
"""


def document(workflow: str) -> Any:
    """Return the content of a workflow."""
    return yaml.plain(yaml.load(WORKFLOWS / workflow))


def steps(workflow: str, job: str) -> dict[str, str]:
    """Return the scripts of a job's steps; the keys are the names of the steps."""
    return {
        step["name"]: step["run"]
        for step in document(workflow)["jobs"][job]["steps"]
        if "name" in step and "run" in step
    }


class Runner:
    """A stand-in for the machine on which GitHub runs the steps of a workflow.

    Attributes:
        folder: The checkout.
        environment: The environment variables of the steps.
    """

    def __init__(self, folder: Path) -> None:
        for program in ("bash", "git", "jq"):
            if shutil.which(program) is None:
                pytest.skip(f"{program} is missing")
        self.folder = folder / "checkout"
        self.temp = folder / "temp"
        self.log = folder / "log"
        (folder / "bin").mkdir()
        self.temp.mkdir()
        (folder / "bin" / "gh").write_text(GH, encoding="utf-8")
        (folder / "bin" / "gh").chmod(0o755)
        self.comments, self.numbers = folder / "comments.json", folder / "numbers"
        self.comments.write_text("[]", encoding="utf-8")
        self.numbers.touch()
        self.environment = {
            **os.environ,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            **WITHOUT_GIT_CONFIG,
            "GIT_CONFIG_COUNT": "2",
            "GIT_CONFIG_KEY_0": "user.name",
            "GIT_CONFIG_VALUE_0": "A",
            "GIT_CONFIG_KEY_1": "user.email",
            "GIT_CONFIG_VALUE_1": "a@example.com",
            "LOG": str(self.log),
            "COMMENTS": str(self.comments),
            "NUMBERS": str(self.numbers),
            "GITHUB_REPOSITORY": "us/project",
            "RUNNER_TEMP": str(self.temp),
            "NUMBER": "7",
            "BRANCH": "upstream-spec",
        }
        origin = folder / "origin"
        self.run(f"git init --quiet --initial-branch=main '{origin}'", folder)
        for path in (SPEC, OVERLAY, SURFACE):
            (origin / path).parent.mkdir(parents=True, exist_ok=True)
            (origin / path).write_text(f"{path} of main\n", encoding="utf-8")
        self.run("git add . && git commit --quiet --message=first", origin)
        self.run(f"git clone --quiet '{origin}' '{self.folder}'", folder)
        self.origin = origin

    def run(self, script: str, folder: Path | None = None) -> None:
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder or self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr

    def gh_calls(self) -> list[str]:
        calls = self.log.read_text(encoding="utf-8").splitlines()
        self.log.unlink()
        return calls


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    return Runner(tmp_path)


def test_drift_workflow_fetches_only_three_files_of_the_pull_request(runner: Runner) -> None:
    origin = runner.origin
    (origin / SPEC).write_text("the pull request's\n", encoding="utf-8")
    (origin / OVERLAY).unlink()
    (origin / OVERLAY).symlink_to("/etc/passwd")
    (origin / "Makefile").write_text("evil", encoding="utf-8")
    runner.run("git add . && git commit --quiet --message=second && git update-ref refs/pull/7/merge HEAD", origin)
    runner.run("git reset --quiet --hard HEAD~1", origin)
    runner.run(steps("drift.yml", "report")["Fetch the files as they would be after the merge"])
    assert (runner.folder / SPEC).read_text(encoding="utf-8") == "the pull request's\n"
    assert (runner.folder / OVERLAY).read_text(encoding="utf-8") == "/etc/passwd"
    assert not (runner.folder / OVERLAY).is_symlink()
    assert not (runner.folder / "Makefile").exists()


def test_drift_workflow_updates_its_comment_instead_of_adding_a_second_comment(runner: Runner) -> None:
    script = steps("drift.yml", "report")["Comment"]
    (runner.temp / "report.md").write_text("No API drift.\n", encoding="utf-8")
    comments = "repos/us/project/issues/7/comments"
    body = f"--field body=@{runner.temp}/comment.md"
    runner.run(script)
    assert runner.gh_calls()[-1] == f"api {comments} {body}"
    assert (runner.temp / "comment.md").read_text(encoding="utf-8") == "<!-- drift -->\nNo API drift.\n"
    bot, other = {"login": "github-actions[bot]"}, {"login": "somebody"}
    known = [
        {"id": 1, "user": other, "body": "<!-- drift -->\nmine"},
        {"id": 2, "user": bot, "body": "something else"},
        {"id": 3, "user": bot, "body": "<!-- drift -->\nold"},
    ]
    runner.comments.write_text(json.dumps(known), encoding="utf-8")
    runner.run(script)
    assert runner.gh_calls()[-1] == f"api --method PATCH repos/us/project/issues/comments/3 {body}"


def vendor_step(runner: Runner, program: str) -> str:
    """Run the step that vendors the spec, with a script in place of Python; return the line for later steps."""
    python = runner.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True, exist_ok=True)
    python.write_text(f'#!/usr/bin/env bash\nprintf \'%s\\n\' "$*" >> "$LOG"\n{program}\n', encoding="utf-8")
    python.chmod(0o755)
    variables = runner.temp / "environment"
    variables.unlink(missing_ok=True)
    runner.environment["GITHUB_ENV"] = str(variables)
    runner.run(steps("upstream.yml", "vendor")["Vendor from the recorded sources"])
    assert runner.gh_calls() == [f"-m tools.nightly vendor {runner.temp}/failures.json"]
    return variables.read_text(encoding="utf-8")


def test_upstream_workflow_goes_on_only_if_the_spec_is_new(runner: Runner) -> None:
    assert vendor_step(runner, "") == "CHANGED=false\n"
    newer = f"echo newer > {SPEC}"
    assert vendor_step(runner, newer) == "CHANGED=true\n"
    runner.run(f"git switch --quiet --create upstream-spec && {newer} && git commit --quiet -am branch", runner.origin)
    assert vendor_step(runner, newer) == "CHANGED=false\n"
    assert vendor_step(runner, f"echo newest > {SPEC}") == "CHANGED=true\n"


def test_upstream_workflow_writes_the_text_of_the_pull_request_also_if_no_code_can_be_generated(
    runner: Runner,
) -> None:
    script = steps("upstream.yml", "vendor")["Generate, and report"]
    python = runner.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/usr/bin/env bash\nexec '{sys.executable}' \"$@\"\n", encoding="utf-8")
    python.chmod(0o755)
    shutil.copytree(ROOT / "tools", runner.folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (CONFIG, OVERLAY, "pyproject.toml"):
        shutil.copy(ROOT / path, runner.folder / path)
    (runner.temp / "failures.json").write_text('["a source is gone"]', encoding="utf-8")
    runner.run(script)
    text = (runner.temp / "body.md").read_text(encoding="utf-8")
    assert "a source is gone" in text
    assert "**`make generate` failed, so the code is not that of this spec:**" in text
    assert f"{SPEC}: not an OpenAPI 3.x document" in text
    assert "**`make drift` failed:**" in text


@pytest.mark.parametrize("number", ["", "12\n"])
def test_upstream_workflow_updates_an_open_pull_request_or_creates_one(runner: Runner, number: str) -> None:
    script = steps("upstream.yml", "vendor")["Push, and open or update the pull request"]
    (runner.folder / SPEC).write_text("newer\n", encoding="utf-8")
    runner.numbers.write_text(number, encoding="utf-8")
    runner.run(script)
    runner.run('test "$(git show upstream-spec:openapi-mintlify.yaml)" = newer', runner.origin)
    last = runner.gh_calls()[-1]
    assert last.startswith("pr edit 12 " if number else "pr create --head upstream-spec ")
    assert f"--body-file {runner.temp}/body.md" in last


def test_time_limits_of_the_upstream_workflow_fit_into_that_of_its_job() -> None:
    others = 5 * 60  # to install, and to push
    # the last source may begin just before the limit
    slowest = recorded_sources.TIME + fetch.DEADLINE + fetch.TIMEOUT + len(pull_request.STEPS) * pull_request.TIME
    assert slowest + others <= document("upstream.yml")["jobs"]["vendor"]["timeout-minutes"] * 60


def test_release_workflow_drafts_a_release_with_the_notes_of_its_tag(runner: Runner) -> None:
    python = runner.folder / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/usr/bin/env bash\nexec '{sys.executable}' \"$@\"\n", encoding="utf-8")
    python.chmod(0o755)
    shutil.copytree(ROOT / "tools", runner.folder / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / CHANGELOG, runner.folder)
    (runner.folder / "README.md").write_text("pip install anchor-webtask\n", encoding="utf-8")
    runner.environment["GITHUB_REF_NAME"] = f"v{__version__}"
    runner.run(steps("release.yml", "build")["Check that tag, version, changelog and documents agree"])
    assert (runner.temp / "notes.md").read_text(encoding="utf-8").startswith("The first release.")
    (runner.temp / "dist").mkdir()
    for name in ("a.tar.gz", "a.whl"):
        (runner.temp / "dist" / name).touch()
    runner.run(steps("release.yml", "draft")["Draft the release"])
    (call,) = runner.gh_calls()
    dist = f"{runner.temp}/dist"
    assert call.startswith(f"release create v{__version__} {dist}/a.tar.gz {dist}/a.whl --repo us/project --draft ")
    assert call.endswith(f" --notes-file {runner.temp}/notes/notes.md")


def test_only_the_job_that_publishes_can_prove_who_it_is_and_it_runs_no_code_of_ours() -> None:
    jobs = document("release.yml")["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job["permissions"]] == ["publish"]
    assert jobs["publish"]["environment"] == "release"
    assert [step for step in jobs["publish"]["steps"] if "run" in step] == []
    assert (jobs["test"]["needs"], jobs["publish"]["needs"]) == ("build", "test")


def test_release_is_tested_on_each_python_that_the_package_names() -> None:
    classifiers = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["classifiers"]
    named = [line.rpartition(" ")[2] for line in classifiers if re.search(r":: 3\.\d+$", line)]
    assert document("release.yml")["jobs"]["test"]["strategy"]["matrix"]["python"] == named


@pytest.mark.parametrize("workflow", sorted(path.name for path in WORKFLOWS.glob("*.yml")))
def test_every_action_is_pinned_to_a_commit_beside_which_its_version_is_written(workflow: str) -> None:
    used = re.findall(r"uses: (.*)", (WORKFLOWS / workflow).read_text(encoding="utf-8"))
    assert used
    assert [line for line in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []
