"""The report that docs/drift.md shows is the one that `make drift` makes of this pair of specs."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.documents.test_documents import ROOT, code_blocks
from tests.support.changes import SENT, put, slice_of_the_api

if TYPE_CHECKING:
    from pathlib import Path

STARTED = ["components", "schemas", "PerformWebTaskAsyncResponseData"]


def pair() -> tuple[Any, Any]:
    """Return two specs. The id's other name is a change that upstream has made; the others are typical ones."""
    old = slice_of_the_api()
    renamed = copy.deepcopy(old["components"]["schemas"][STARTED[-1]])
    renamed["properties"]["workflowId"] = renamed["properties"].pop("workflow_id")
    new = put(old, [*SENT, "required"], ["prompt", "url"])
    new = put(new, [*SENT, "properties", "max_steps", "default"], 40)
    new = put(new, [*SENT, "properties", "use_vision"], {"type": "boolean"})
    return put(old, STARTED, renamed), new


def test_page_shows_the_report_of_this_pair(tmp_path: Path) -> None:
    for name, spec in zip(("old.json", "new.json"), pair(), strict=True):
        (tmp_path / name).write_text(json.dumps(spec), encoding="utf-8")
    options = [f"--old={tmp_path / 'old.json'}", f"--new={tmp_path / 'new.json'}", "--all"]
    ran = subprocess.run([sys.executable, "-m", "tools.drift", *options], cwd=ROOT, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert any_version(ran.stdout) in map(any_version, code_blocks("docs/drift.md", "text"))


def any_version(report: str) -> str:
    """Return a report without the version of the package, which a release changes."""
    return re.sub(r"\d+\.\d+\.\d+", "X", report)
