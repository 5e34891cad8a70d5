"""Lets mypy check a user's code against two builds, and returns the lines that only the new one breaks."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

import attrs

from tools.drift.rows import BrokenLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tools.drift.used_by.builds import Build

# The user's own settings may switch checks off, and other packages of theirs need not be installed here.
_OPTIONS: Final = (
    "--config-file=",
    "--output=json",
    "--no-error-summary",
    "--check-untyped-defs",
    "--ignore-missing-imports",
    "--no-warn-unused-ignores",
    "--explicit-package-bases",
)


class CheckError(Exception):
    """The user's code cannot be checked. The message says why."""


@attrs.frozen
class _Error:
    file: str
    line: int
    message: str


def check_folder(folder: Path) -> None:
    """Refuse a folder in which there is nothing to check.

    Raises:
        CheckError: It has no Python files.
    """
    if not any(folder.rglob("*.py")):
        raise CheckError(f"{folder} has no Python files")


def broken_lines(folder: Path, old: Build, new: Build, work: Path) -> list[BrokenLine]:
    """Return the lines of the Python files in a folder that break.

    Args:
        folder: The user's folder.
        old: The old state of the packages.
        new: The new state.
        work: A folder for the cache of the type checker, which knows what has changed between the builds.

    Raises:
        CheckError: The type checker cannot read them.
    """
    before, after = (_errors(folder, build, work) for build in (old, new))
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for error in (after - before).elements():
        found[error.file, error.line].append(error.message)
    for file, number in [*found]:
        for use, name in _uses(folder / file, number, found[file, number]):
            found[file, use].append(f"uses {name}, whose import breaks")
    return [
        BrokenLine(file, number, _text(folder / file, number), tuple(dict.fromkeys(messages)))
        for (file, number), messages in sorted(found.items())
    ]


def _errors(folder: Path, build: Build, cache: Path) -> Counter[_Error]:
    environment = {**os.environ, "MYPYPATH": os.pathsep.join(map(str, build.folders))}
    ran = subprocess.run(  # noqa: S603  our own type checker, and a path that cannot be an option
        [sys.executable, "-m", "mypy", *_OPTIONS, f"--cache-dir={cache}", "--", str(folder)],
        cwd=folder,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if ran.returncode not in {0, 1}:
        raise CheckError(f"mypy cannot check {folder}: {(ran.stderr or ran.stdout).strip()[:2_000]}")
    return Counter(_parsed(folder, ran.stdout))


def _parsed(folder: Path, output: str) -> Iterator[_Error]:
    for line in output.splitlines():
        error = json.loads(line)
        path = (folder / error["file"]).resolve()
        if error["severity"] == "error" and path.is_relative_to(folder):
            yield _Error(path.relative_to(folder).as_posix(), error["line"], error["message"])


def _uses(file: Path, number: int, errors: list[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that use a name whose import breaks: the type checker takes it for anything, and says nothing.

    Args:
        file: The file.
        number: The line of the import.
        errors: What is wrong with it.
    """
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    statements = (node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom))
    aliases = (alias for node in statements for alias in node.names if node.lineno <= number <= (node.end_lineno or 0))
    names = {
        alias.asname or alias.name.partition(".")[0]: alias.name
        for alias in aliases
        if any(alias.name in error for error in errors)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in names:
            yield node.lineno, names[node.id]


def _text(file: Path, number: int) -> str:
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""
