from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tools.generate import import_check

if TYPE_CHECKING:
    from pathlib import Path


def output_of(folder: Path, files: dict[str, str]) -> tuple[int, str]:
    for name, text in {"__init__.py": "", "inner/__init__.py": "", "inner/good.py": "NAME = 1\n", **files}.items():
        path = folder / "package" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    command = [sys.executable, import_check.__file__, str(folder), "package"]
    ran = subprocess.run(command, capture_output=True, text=True)
    return ran.returncode, ran.stderr


@pytest.mark.parametrize(
    "text",
    ["from .inner import good\n", "def f():\n    from .inner.good import NAME\n", "from . import inner\nimport json\n"],
)
def test_valid_imports_are_accepted(tmp_path: Path, text: str) -> None:
    assert output_of(tmp_path, {"a.py": text}) == (0, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raise RuntimeError('no')\n", "package.a: RuntimeError: no\n"),
        ("def f(:\n", "package.a: SyntaxError: invalid syntax"),
        ("import nowhere\n", "package.a: ModuleNotFoundError: No module named 'nowhere'\n"),
        ("def f():\n    from .lost import Lost\n", "package.a: No module named 'package.lost'\n"),
        ("def f():\n    from .inner.good import Lost\n", "package.a: No module named 'package.inner.good.Lost'"),
        (
            "import typing\nif typing.TYPE_CHECKING:\n    from .inner import lost\n",
            "package.a: No module named 'package.inner.lost'\n",
        ),
    ],
)
def test_failing_import_is_reported(tmp_path: Path, text: str, expected: str) -> None:
    status, output = output_of(tmp_path, {"a.py": text})
    assert status == 1
    assert output.startswith(expected)
