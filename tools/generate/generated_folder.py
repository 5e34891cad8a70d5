"""Writes the folder `generated/`, or checks that it is up to date.

The contents are built in a temporary folder, which replaces `generated/` only after all steps have succeeded.
"""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.generate import folder_swap
from tools.generate.build import Generated, GenerationError, build
from tools.repository import GENERATED
from tools.repository_lock import locked

if TYPE_CHECKING:
    from collections.abc import Iterator

_WORK: Final = ".generated-"


def generate(root: Path) -> Generated:
    """Build the code and replace `generated/` by it.

    Args:
        root: The repository.

    Returns:
        The composed spec, and the census of the generated code.

    Raises:
        GenerationError: The code cannot be generated; `generated/` is unchanged.
        CompositionError: The overlay does not fit the spec; `generated/` is unchanged.
    """
    with _locked(root), tempfile.TemporaryDirectory(prefix=_WORK, dir=root) as work:
        generated = build(root, Path(work))
        with _replacing(root / GENERATED):
            folder_swap.replace(root / GENERATED, Path(work, "new"))
    return generated


def check(root: Path) -> list[str]:
    """Compare `generated/` with the files that `generate` would write, and change nothing.

    Args:
        root: The repository.

    Returns:
        A line for each file that is missing, extra or changed.

    Raises:
        GenerationError: The code cannot be generated.
        CompositionError: The overlay does not fit the spec.
    """
    with _locked(root), tempfile.TemporaryDirectory() as work:
        build(root, Path(work))
        wanted = _files(Path(work, "new"))
        found = _files(root / GENERATED)
    words = {
        path: "missing" if path not in found else "extra" if path not in wanted else "changed"
        for path in sorted(wanted.keys() | found.keys())
        if wanted.get(path) != found.get(path)
    }
    return [f"{word}: {GENERATED / path}" for path, word in words.items()]


@contextlib.contextmanager
def _locked(root: Path) -> Iterator[None]:
    with locked(root, f"{_WORK}*"):
        with _replacing(root / GENERATED):
            folder_swap.recover(root / GENERATED)
        yield


@contextlib.contextmanager
def _replacing(current: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GenerationError(f"{current} cannot be replaced: {error.strerror}") from error


def _files(folder: Path) -> dict[Path, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder): path.read_bytes() for path in paths}
