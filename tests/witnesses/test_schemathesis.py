"""schemathesis, a stranger to this project, asks the emulator what the composed spec allows, and what it doesn't."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

from anchor_webtask import Anchor
from anchor_webtask._api.spec import composed_spec
from anchor_webtask.emulator import Emulator
from tests.support.runners import KEY

SCHEMATHESIS: Final = shutil.which("schemathesis", path=Path(sys.executable).parent)
if SCHEMATHESIS is None:
    pytest.skip("schemathesis isn't installed; `nox --session witnesses` has it", allow_module_level=True)

CHECKS: Final = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ignored_auth",
)
"""All that it has but those for operations that make, list and delete resources, which there are none of."""


def emulated_spec(task_id: str) -> dict[str, Any]:
    """Return the spec as the emulator takes it, with a task's id as an example.

    Agents and providers are open there: the API has newer ones than the spec.
    """
    spec = composed_spec()
    fields = spec["components"]["schemas"]["PerformWebTaskRequestSchema"]["properties"]
    for name in ("agent", "provider"):
        del fields[name]["enum"]
    status = spec["paths"]["/v1/tools/perform-web-task/{workflowId}/status"]["get"]
    status["parameters"][0]["example"] = task_id
    return spec


def look(emulator: Emulator, cases: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Let it look at an emulator; it makes up this many cases for an operation, beside some that it always tries."""
    with emulator.serve() as server:
        with Anchor(KEY, base_url=server.base_url) as anchor:
            task = anchor.tasks.start("Read the price")
        spec = folder / "openapi.json"
        spec.write_text(json.dumps(emulated_spec(str(task.id))), encoding="utf-8")
        where = (str(spec), "--url", server.base_url, "--header", f"anchor-api-key: {KEY}")
        how = ("--checks", ",".join(CHECKS), "--max-examples", str(cases), "--seed", "1", "--no-color")
        return subprocess.run([str(SCHEMATHESIS), "run", *where, *how], cwd=folder, capture_output=True, text=True)


def test_it_finds_nothing_in_the_emulator(tmp_path: Path) -> None:
    emulator = Emulator(KEY, takes=0)
    # Not one that is made up to fit the schema of a request: a random schema may be one that nothing fits.
    emulator.on(answer={"amount": 3})
    looked = look(emulator, 100, tmp_path)
    assert looked.returncode == 0, looked.stdout
    assert "No issues found" in looked.stdout
    assert len(emulator.requests) > 200
    assert {request.status for request in emulator.requests} == {200, 400, 401, 404, 405}


def test_it_would_find_something(tmp_path: Path) -> None:
    emulator = Emulator(KEY, takes=0)
    emulator.on(prompt="?*", faults=[418])
    looked = look(emulator, 1, tmp_path)
    assert looked.returncode == 1, looked.stdout
    assert "418" in looked.stdout
