"""A client's attribute `api` can call all operations of upstream's complete document; Prism finds no wrong request."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.building import PACKAGE, repository, upstream
from tests.support.prism import entry_point, serving
from tools.generate.generated_folder import generate
from tools.repository import GENERATED, ROOT
from tools.vendor.vendored_spec import vendor

PRISM: Final = entry_point()
CALL_ALL_OPERATIONS: Final = Path(__file__).parent / "programs" / "call_all_operations.py"


def test_every_operation_can_be_called_with_the_sync_and_the_async_client(tmp_path: Path) -> None:
    document = upstream("2026-02-15")
    root = repository(tmp_path / "root")
    vendor(root, str(document), replace=True)
    generate(root)
    generated = root / GENERATED
    with serving(PRISM, generated / PACKAGE / "openapi.json") as address:
        called = subprocess.run(
            [sys.executable, str(CALL_ALL_OPERATIONS), str(generated), address],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
    assert called.stderr == ""
    assert json.loads(called.stdout) == {"sync value": 81, "async value": 81, "sync file": 3, "async file": 3}
