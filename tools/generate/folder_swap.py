"""Replaces a folder by a new one, so that either the old or the new folder survives a kill at any moment.

A folder cannot be renamed to the name of another folder that has files. So the old folder is first renamed to
`.replaced-<name>`, then the new folder is renamed to `<name>`, and then the old folder is deleted. After a kill before
both renames, `<name>` is the old folder; after a kill that follows both, `<name>` is the new folder. After a kill
between them, `<name>` is missing, and `.replaced-<name>` is the complete old folder: `recover` renames it back.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def recover(current: Path) -> None:
    """Finish a replacement that a kill interrupted.

    Args:
        current: The folder `<name>`. If it is missing, the old folder is renamed back; otherwise the old folder is
            deleted.
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
        current: The path of the folder, which may be missing. `recover` must have finished an earlier replacement.
        new: A complete folder on the same file system.

    Raises:
        OSError: A folder cannot be renamed; both folders are unchanged and in their old places.
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
    shutil.rmtree(old, ignore_errors=True)  # `recover` deletes files that could not be deleted here


def _old(current: Path) -> Path:
    return current.with_name(f".replaced-{current.name}")
