"""Builds the distributions of a commit, twice under different conditions, so that anybody can build the same bytes."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.release import contents

if TYPE_CHECKING:
    from collections.abc import Mapping


class ReleaseError(Exception):
    """A release cannot be made; the text says why, and what to do."""


_CONDITIONS: Final = {
    "first": (0o022, {"TZ": "UTC", "LC_ALL": "C.UTF-8"}, ["--sdist", "--wheel"]),
    # the wheel is made of the sdist here
    "second/in/deeper/folders": (0o077, {"TZ": "Pacific/Auckland", "LC_ALL": "C"}, []),
}
"""For each folder: the umask, the environment, and what uv builds."""


def build(root: Path, destination: Path, version: str) -> list[Path]:
    """Build the wheel and the sdist of the last commit, check them, and put them into a folder.

    Args:
        root: The repository.
        destination: The folder. Its distributions of this package are replaced.
        version: The version that they must have.

    Returns:
        The paths of the distributions.

    Raises:
        ReleaseError: If files are not committed, or if something is wrong with the distributions.
    """
    if changed := _run(["git", "status", "--porcelain", "--untracked-files=normal"], root):
        raise ReleaseError(f"a release is built from a commit: commit, ignore or remove these files\n{changed}")
    time = _run(["git", "log", "-1", "--format=%ct"], root).strip()
    with tempfile.TemporaryDirectory() as temporary:
        builds = [_build(root, Path(temporary) / name, name, time) for name in _CONDITIONS]
        tracked = _run(["git", "ls-files", "-z"], root).split("\0")
        found = [f"{path} is not in git" for path in contents.NEEDED if path not in tracked]
        for first, second in zip(*builds, strict=True):
            files = contents.read(first)
            wanted = contents.expected(first, tracked, version)
            found += contents.problems(first.name, files, wanted, version, [str(root), temporary])
            if first.read_bytes() != second.read_bytes():
                differing = contents.differences(files, contents.read(second)) or ["order, times or modes of files"]
                found.append(f"{first.name}: two builds differ: {', '.join(differing)}")
        if found:
            raise ReleaseError("\n".join(found))
        _run([sys.executable, "-m", "twine", "check", "--strict", *map(str, builds[0])], root)
        destination.mkdir(parents=True, exist_ok=True)
        for old in destination.glob("anchor_webtask-*"):
            old.unlink()
        return [Path(shutil.copy(path, destination)) for path in builds[0]]


def _build(root: Path, folder: Path, name: str, time: str) -> list[Path]:
    """Build the distributions in a clone that is made for this, and return their paths, sorted."""
    umask, environment, kinds = _CONDITIONS[name]
    folder.mkdir(parents=True)
    checkout, built = folder / "checkout", folder / "built"
    variables = {**os.environ, **environment, "SOURCE_DATE_EPOCH": time}
    _run(["git", "clone", "--quiet", "--no-hardlinks", str(root), str(checkout)], root, variables, umask)
    command = [sys.executable, "-m", "uv", "build", "--quiet", "--no-build-isolation", "--python", sys.executable]
    _run([*command, *kinds, "--out-dir", str(built)], checkout, variables, umask)
    return sorted(path for path in built.iterdir() if path.suffix in {".whl", ".gz"})


def _run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None, umask: int = -1) -> str:
    """Run a program, and return its output.

    Raises:
        ReleaseError: If it fails.
    """
    ran = subprocess.run(  # noqa: S603  git, and programs beside this interpreter
        command, cwd=folder, env=environment, umask=umask, capture_output=True, encoding="utf-8", check=False
    )
    if ran.returncode:
        raise ReleaseError(f"{' '.join(command)} failed:\n{ran.stdout}{ran.stderr}")
    return ran.stdout
