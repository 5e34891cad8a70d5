"""Makes small copies of this repository, in which tests run the maintainers' programs.

Their spec and their overlay are files of the tests, since those of the project change with each new spec of upstream.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tools.repository import CONFIG, GENERATED, OVERLAY, ROOT, SPEC

if TYPE_CHECKING:
    from collections.abc import Mapping

PACKAGE: Final = "anchor_webtask_api"
UPSTREAM: Final = ROOT.parent / "shared" / "upstream"
SLICE: Final = Path(__file__).with_name("slice.yaml")
"""The spec of the tests, a part of an old upstream spec."""

FITTING: Final = Path(__file__).with_name("overlay.yaml")
"""The overlay of the tests, which fits `SLICE` and upstream's documents."""

TRY_ALL: Final = ROOT / "tests" / "tools" / "generate" / "programs" / "try_all.py"
NO_ACTIONS: Final = "overlay: 1.0.0\ninfo: {title: none, version: 1.0.0}\nactions: []\n"


def upstream(version: str) -> Path:
    """Return the path of one version of upstream's document; skip the test if the file does not exist."""
    path = UPSTREAM / f"{version}.yaml"
    if not path.is_file():
        pytest.skip(f"upstream's document {path.relative_to(ROOT.parent)} does not exist")
    return path


def repository(root: Path, *, spec: Mapping[str, Any] | None = None) -> Path:
    """Make a new folder with the files from which code is generated: the tests' spec and overlay, and our config.

    Args:
        root: The new folder.
        spec: A spec that replaces that of the tests; the overlay then has no actions.
    """
    (root / OVERLAY).parent.mkdir(parents=True)
    shutil.copy(SLICE, root / SPEC)
    shutil.copy(FITTING, root / OVERLAY)
    for path in (CONFIG, Path("pyproject.toml")):
        shutil.copy(ROOT / path, root / path)
    if spec is not None:
        (root / SPEC).write_text(json.dumps(spec, ensure_ascii=False), encoding="utf-8")
        (root / OVERLAY).write_text(NO_ACTIONS, encoding="utf-8")
    return root


def try_all(root: Path) -> dict[str, list[str]]:
    """Run `try_all.py`, which tests a repository's generated code with samples; return the samples' labels by kind."""
    ran = subprocess.run(
        [sys.executable, str(TRY_ALL), str(root / GENERATED)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    tried: dict[str, list[str]] = json.loads(ran.stdout)
    return tried
