"""Where a new folder replaces an old one, so that a kill at any moment loses neither.

A folder cannot be renamed over one that has files. So the old folder is renamed to `.replaced-<name>`, the new one
takes its name, and then the old one is deleted. A kill before the first rename leaves the old folder, and a kill after
the second leaves the new one. A kill between the two leaves no folder of that name, and the complete old one beside
it: `recover` puts it back.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def recover(current: Path) -> None:
    """Finish a replacement that a kill interrupted.

    Args:
        current: The folder. If it is missing, the old folder is put back; otherwise the old folder is deleted.
    """
    old = _old(current)
    if not old.exists():
        return
    if current.exists():
        shutil.rmtree(old)
    else:
        old.rename(current)


def replace(current: Path, new: Path) -> None:
    """Replace a folder by a new one.

    Args:
        current: The folder, or the path of a missing one. `recover` must have finished an earlier replacement.
        new: A complete folder on the same file system.

    Raises:
        OSError: A folder cannot be renamed; both are where they were.
    """
    old = _old(current)
    if not current.exists():
        new.rename(current)
        return
    try:
        current.rename(old)
        new.rename(current)
    except BaseException:
        recover(current)
        raise
    shutil.rmtree(old, ignore_errors=True)  # the next `recover` deletes what is left


def _old(current: Path) -> Path:
    return current.with_name(f".replaced-{current.name}")
