"""The import contracts that `pyproject.toml` declares: the code keeps them, and import-linter reports violations."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter, with the contracts of pyproject.toml, on the packages in a folder."""
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", str(ROOT / "pyproject.toml")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(str(folder / name) for name in ("overlay", "generated")),
        "PYTHONIOENCODING": "utf-8",
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")


def test_declared_import_contracts_hold() -> None:
    linted = lint_imports(ROOT)
    assert linted.returncode == 0, linted.stdout


PACKAGE = "overlay/anchor_webtask"


@pytest.mark.parametrize(
    ("module", "statement", "contract"),
    [
        (f"{PACKAGE}/_polling/wait.py", "import anchor_webtask._tasks.handle", "The package's layers"),
        (f"{PACKAGE}/_errors.py", "import anchor_webtask._redaction.secrets", "The package's layers"),
        (f"{PACKAGE}/_http/body.py", "import anchor_webtask._output.decode", "The package's layers"),
        (f"{PACKAGE}/_not_in_a_layer.py", "", "The package's layers"),
        (f"{PACKAGE}/_polling/start.py", "import time", "Decisions over time do no I/O"),
        (f"{PACKAGE}/_http/sender.py", "import anchor_webtask_api.errors", "Only _api imports the generated code"),
        (f"{PACKAGE}/_api/requests.py", "import anchor_webtask_api.api.tools", "Only _api.generated imports endpoints"),
        (f"{PACKAGE}/emulator/_server.py", "import anchor_webtask._errors", "The emulator needs no client"),
        (f"{PACKAGE}/_tasks/sync.py", "import anchor_webtask.emulator", "The client needs no emulator"),
        (f"{PACKAGE}/_tasks/sync.py", "import anchor_webtask._tasks.async_", "Sync and async are independent"),
        (f"{PACKAGE}/_tasks/resume_token.py", "import anchor_webtask._tasks.sync", "No imports in a circle"),
        ("generated/anchor_webtask_api/errors.py", "import anchor_webtask", "The generated code is independent"),
        ("tools/openapi/yaml.py", "import tools.compose.composition", "The layers of the tools"),
        ("tools/vendor/merge.py", "import tools.compose.composition", "The layers of the tools"),
        ("tools/not_in_a_layer.py", "", "The layers of the tools"),
        ("tools/drift/sides.py", "import tools.generate.__main__", "No module imports a command line"),
    ],
)
def test_import_that_breaks_a_contract_is_reported(module: str, statement: str, contract: str, tmp_path: Path) -> None:
    for name in ("overlay", "generated", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{statement}\n")
    linted = lint_imports(tmp_path)
    assert linted.returncode == 1
    assert f"{contract} BROKEN" in linted.stdout
