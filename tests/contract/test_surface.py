"""The public surface (operations, models and signatures) equals the accepted file, `surface.txt`."""

from __future__ import annotations

import difflib

import pytest

from tools.repository import ROOT, SURFACE
from tools.surface.surface_text import surface_text


def test_public_surface_equals_the_accepted_file() -> None:
    accepted = (ROOT / SURFACE).read_text(encoding="utf-8")
    diff = difflib.unified_diff(accepted.splitlines(), surface_text().splitlines(), "accepted", "now", lineterm="")
    if lines := "\n".join(diff):
        pytest.fail(f"The public surface has changed. If this is intended, run: make accept\n{lines}", pytrace=False)
