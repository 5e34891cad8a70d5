"""What the documents say only until the first release: that no index has the package, and how to install it then."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

UNRELEASED: Final = ("on no index", "pip install .", "pip install '.[")
"""What no document may contain when the package is released."""


def problems(root: Path) -> list[str]:
    """Return what the README and the pages in docs/ still say of a package that is not released.

    Args:
        root: The repository.
    """
    documents = [root / "README.md", *sorted((root / "docs").rglob("*.md"))]
    return [
        f"{document.relative_to(root).as_posix()}: it still says {text!r}, which ends with the release"
        for document in documents
        for text in UNRELEASED
        if text in document.read_text(encoding="utf-8")
    ]
