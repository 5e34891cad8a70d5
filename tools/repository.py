"""The paths of the files that the programs in `tools` read and write, relative to the root of the repository."""

from __future__ import annotations

from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]

SPEC: Final = Path("openapi-mintlify.yaml")
"""The vendored spec, as upstream published it."""

SOURCE: Final = SPEC.with_suffix(".source.json")
"""The origin of the vendored spec, its hash and its version."""

OVERLAY: Final = Path("overlay/openapi-overlay.yaml")
CONFIG: Final = Path("generator-config.yaml")
GENERATED: Final = Path("generated")
SURFACE: Final = Path("tests/contract/surface.txt")
CHANGELOG: Final = Path("CHANGELOG.md")
