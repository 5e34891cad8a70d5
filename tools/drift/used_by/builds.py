"""Provides both packages as they are in one state of the API, for a type checker."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import attrs

from tools.compose.read_overlay import CompositionError
from tools.generate.build import GenerationError, build
from tools.openapi.limits import DocumentError
from tools.repository import CONFIG, GENERATED, OVERLAY, SPEC


class BuildError(Exception):
    """A state of the API cannot be provided. The message tells the maintainer why."""


@attrs.frozen
class Build:
    """Both packages as they are in one state.

    Attributes:
        folders: The folders from which they are imported.
    """

    folders: tuple[Path, ...]


def of_tree(root: Path) -> Build:
    """Return the packages of the working tree."""
    return Build((root / OVERLAY.parent, root / GENERATED))


def of_commit(root: Path, ref: str, work: Path) -> Build:
    """Write the packages of a commit to an empty folder.

    Raises:
        BuildError: The commit does not have them.
    """
    names = [OVERLAY.parent.as_posix(), GENERATED.as_posix()]
    ran = subprocess.run(  # noqa: S603  git, and a name that cannot be an option
        ["git", "archive", "--end-of-options", ref, *names],  # noqa: S607  the caller's git
        cwd=root,
        capture_output=True,
        check=False,
    )
    if ran.returncode:
        raise BuildError(f"{ref} does not have both packages: {ran.stderr.decode(errors='replace').strip()}")
    with tarfile.open(fileobj=io.BytesIO(ran.stdout)) as archive:
        archive.extractall(work, filter="data")
    return Build(tuple(work / name for name in names))


def of_file(root: Path, spec: Path, work: Path) -> Build:
    """Generate the code of a spec in an empty folder, with our overlay; the other package is that of the working tree.

    Raises:
        BuildError: The code cannot be generated.
    """
    inputs = work / "inputs"
    for path in (OVERLAY, CONFIG, Path("pyproject.toml")):
        target = inputs / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(root / path, target)
    shutil.copyfile(spec, inputs / SPEC)
    output = work / "output"
    output.mkdir()
    try:
        build(inputs, output)
    except (GenerationError, CompositionError, DocumentError) as error:
        raise BuildError(f"the code of {spec.name} cannot be generated: {error}") from error
    return Build((root / OVERLAY.parent, output / "new"))
