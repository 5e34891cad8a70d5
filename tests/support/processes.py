"""Programs of the tests, run in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.support.faces import KEY

ROOT: Final = Path(__file__).parents[2]
PASSWORD: Final = "correct-horse-battery"


def spawn(program: Path, *arguments: str, base_url: str) -> subprocess.Popen[str]:
    """Start a program whose environment has the key, the base URL and a password; its output is text."""
    environment = {
        **os.environ,
        "ANCHORBROWSER_API_KEY": KEY,
        "ANCHORBROWSER_BASE_URL": base_url,
        "PASSWORD": PASSWORD,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    return subprocess.Popen(
        [sys.executable, str(program), *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
