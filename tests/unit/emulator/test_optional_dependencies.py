"""The libraries that the emulator imports, and its error if one of them is not installed."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.support.patience import PATIENCE

INSTALL = "pip install 'anchor-webtask[emulator]'"


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE)


@pytest.mark.parametrize("missing", ["jsonschema", "referencing"])
def test_import_error_for_a_missing_library_says_what_to_install(missing: str) -> None:
    process = python(f"import sys; sys.modules[{missing!r}] = None; import anchor_webtask.emulator")
    assert process.returncode == 1
    assert INSTALL in process.stderr.splitlines()[-1]


@pytest.mark.parametrize("missing", ["starlette", "uvicorn"])
def test_transport_works_without_a_server_library_and_error_of_method_serve_says_what_to_install(missing: str) -> None:
    code = f"""
import sys
sys.modules[{missing!r}] = None
from anchor_webtask.emulator import Emulator
Emulator().transport()
try:
    Emulator().serve()
except ImportError as error:
    print(error)
"""
    process = python(code)
    assert process.returncode == 0, process.stderr
    assert INSTALL in process.stdout


def test_transport_does_not_import_server_libraries() -> None:
    code = """
import sys
from anchor_webtask.emulator import Emulator
Emulator().transport()
print(sorted({"starlette", "uvicorn"} & sys.modules.keys()))
"""
    assert python(code).stdout == "[]\n"
