"""The program in the form for bug reports runs, so that a report can begin with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.openapi import yaml
from tools.repository import ROOT

if TYPE_CHECKING:
    import pytest


def test_program_of_the_bug_form_runs(capsys: pytest.CaptureFixture[str]) -> None:
    form: Any = yaml.plain(yaml.load(ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml"))
    (program,) = (part["attributes"]["value"] for part in form["body"] if part.get("id") == "program")
    exec(compile(program, "bug.yml", "exec", dont_inherit=True), {})
    assert "{'amount': 3}" in capsys.readouterr().out
