"""`make drift USED_BY=…` over upstream's history: it finds each line of applications that breaks, and no other."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.support.building import upstream
from tools.drift.__main__ import main

if not os.environ.get("JUDGE"):
    pytest.skip("the environment variable JUDGE is not set; `nox --session judge` sets it", allow_module_level=True)

APPLICATIONS = Path(__file__).with_name("applications")


def test_every_line_that_breaks_in_an_application_is_found(capsys: pytest.CaptureFixture[str]) -> None:
    specs = ["--old", str(upstream("2026-01-09")), "--new", str(upstream("2026-02-15"))]
    assert main([*specs, "--used-by", str(APPLICATIONS), "--format=json"]) == 0
    report = json.loads(capsys.readouterr().out)
    broken = {
        (line["file"], line["number"])
        for each in (*(row["breaks"] for row in report["rows"]), report["other_breaks"])
        for line in each
        if "import" not in line["text"]
    }
    expected = {
        (path.name, number)
        for path in APPLICATIONS.glob("*.py")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "# BREAKS" in line
    }
    assert broken == expected
    assert report["other_breaks"] == []
    assert {row["kind"] for row in report["rows"] if row["breaks"]} >= {"schema-removed"}
    assert report["for_whom"]["tasks"] == "1 behaviour"
