"""schemathesis, an independent API tester, sends valid and invalid requests to the emulator and finds no issue."""

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
    pytest.skip("schemathesis is not installed; `nox --session witnesses` installs it", allow_module_level=True)

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
"""All checks of schemathesis, except those for operations that create, list or delete resources: the API has none."""


def emulated_spec(task_id: str) -> dict[str, Any]:
    """Return the spec that the emulator implements; the id of a task is the example for the parameter `workflowId`.

    This spec allows any agent and any provider, because the emulator accepts agents and providers that the API's spec
    does not list. It leaves out what depends on whether a session runs, since a valid request for one that has ended is
    refused with 400, and the creation of sessions, in whose body the emulator does not check the format of texts.
    """
    spec = composed_spec()
    fields = spec["components"]["schemas"]["PerformWebTaskRequestSchema"]["properties"]
    for name in ("agent", "provider"):
        del fields[name]["enum"]
    for path in [path for path in spec["paths"] if "/agent/" in path]:
        del spec["paths"][path]
    del spec["paths"]["/v1/sessions"]["post"]
    start = spec["paths"]["/v1/tools/perform-web-task"]["post"]
    start["parameters"] = [each for each in start["parameters"] if each["name"] != "sessionId"]
    status = spec["paths"]["/v1/tools/perform-web-task/{workflowId}/status"]["get"]
    status["parameters"][0]["example"] = task_id
    return spec


def run_schemathesis(emulator: Emulator, cases: int, folder: Path) -> subprocess.CompletedProcess[str]:
    """Test an emulator with schemathesis.

    Args:
        emulator: The emulator.
        cases: How many random requests to make for each operation, in addition to the fixed requests.
        folder: Where to write the spec.
    """
    with emulator.serve() as server:
        with Anchor(KEY, base_url=server.base_url) as anchor:
            task = anchor.tasks.start("Read the price")
        spec = folder / "openapi.json"
        spec.write_text(json.dumps(emulated_spec(str(task.id))), encoding="utf-8")
        where = (str(spec), "--url", server.base_url, "--header", f"anchor-api-key: {KEY}")
        how = ("--checks", ",".join(CHECKS), "--max-examples", str(cases), "--seed", "1", "--no-color")
        return subprocess.run([str(SCHEMATHESIS), "run", *where, *how], cwd=folder, capture_output=True, text=True)


def test_schemathesis_finds_no_issue_in_the_emulator(tmp_path: Path) -> None:
    emulator = Emulator(KEY, takes=0)
    # A fixed answer, since schemathesis sends random output schemas: for some of them no synthetic answer exists.
    emulator.on(answer={"amount": 3})
    process = run_schemathesis(emulator, 100, tmp_path)
    assert process.returncode == 0, process.stdout
    assert " FAILURES " not in process.stdout  # a warning says that sessions with random ids do not exist
    assert len(emulator.requests) > 200
    assert {request.status for request in emulator.requests} == {200, 400, 401, 404, 405}


def test_schemathesis_finds_a_status_that_the_spec_does_not_list(tmp_path: Path) -> None:
    emulator = Emulator(KEY, takes=0)
    emulator.on(prompt="?*", faults=[418])
    process = run_schemathesis(emulator, 1, tmp_path)
    assert process.returncode == 1, process.stdout
    assert "418" in process.stdout
