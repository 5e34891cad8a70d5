"""The two states that are compared: files, or the working tree and a commit."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.compose.composition import compose
from tools.compose.read_overlay import CompositionError
from tools.generate import config
from tools.openapi import yaml
from tools.repository import CONFIG, GENERATED, OVERLAY, SPEC, SURFACE

if TYPE_CHECKING:
    from tools.openapi.yaml import JSON

_MAIN: Final = ("origin/main", "main", "origin/master", "master")


class DriftError(Exception):
    """Nothing can be compared; the message is for the maintainer."""


@attrs.frozen
class Side:
    """One state.

    Attributes:
        name: What to call it.
        published: The spec as upstream has published it.
        composed: The spec that code is made of, None if there is none.
        surface: The surface file, None if only a spec is compared.
        note: Why there is no composed spec, empty if there is one.
    """

    name: str
    published: JSON
    composed: JSON
    surface: str | None = None
    note: str = ""


def of_file(root: Path, path: Path) -> Side:
    """Read a spec, and compose it with the repository's overlay.

    Raises:
        DriftError: It can't be read.
    """
    published, composed, note = _composed(path, root / OVERLAY, path.name)
    return Side(path.name, published, composed, note=note)


def of_tree(root: Path) -> Side:
    """Read the working tree.

    Raises:
        DriftError: Its spec can't be read.
    """
    published, composed, note = _composed(root / SPEC, root / OVERLAY, "the working tree")
    surface = root / SURFACE
    text = surface.read_text(encoding="utf-8") if surface.exists() else ""
    return Side("the working tree", published, composed, text, note)


def of_commit(root: Path, ref: str) -> Side:
    """Read a commit: its composed spec is the one that its generated code has.

    Raises:
        DriftError: There is no such commit, or it has no spec.
    """
    name = _git(root, "rev-parse", "--short", "--verify", "--end-of-options", f"{ref}^{{commit}}").strip()
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder) / SPEC.name
        spec.write_text(_git(root, "show", f"{name}:{SPEC}"), encoding="utf-8")
        published = _load(spec)
    try:
        package = config.read(root / CONFIG).package
        shipped = _shown(root, f"{name}:{GENERATED.as_posix()}/{package}/openapi.json")
        composed = json.loads(shipped) if shipped else None
    except (config.ConfigError, ValueError) as error:
        raise DriftError(f"the generated code of {name} can't be read: {error}") from error
    note = "" if shipped else f"{name} has no generated code, so both are compared as upstream published them"
    return Side(name, published, composed, _shown(root, f"{name}:{SURFACE}"), note)


def base(root: Path) -> str:
    """Return where the working tree's branch has left the main one.

    Raises:
        DriftError: There is no main branch to have left.
    """
    for branch in _MAIN:
        if _shown(root, branch, verb="rev-parse"):
            return _git(root, "merge-base", "HEAD", branch).strip()
    raise DriftError(f"none of {', '.join(_MAIN)} is here to compare with: say BASE=<commit>")


def _composed(path: Path, overlay: Path, name: str) -> tuple[JSON, Any, str]:
    published = _load(path)
    try:
        return published, yaml.plain(compose(path, overlay).document), ""
    except CompositionError as error:
        lost = ", ".join(problem.action for problem in error.problems if problem.action)
        note = f"{name} doesn't go with our overlay ({lost or error}), so both are compared as upstream published them"
        return published, None, note


def _load(path: Path) -> JSON:
    try:
        return yaml.plain(yaml.load(path))
    except yaml.DocumentError as error:
        raise DriftError(str(error)) from error


def _git(root: Path, *arguments: str) -> str:
    try:
        ran = subprocess.run(  # noqa: S603  git, and a name that can't be an option
            ["git", *arguments],  # noqa: S607  the caller's git
            cwd=root,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise DriftError(f"git can't be run in {root}: {error.strerror}") from error
    if ran.returncode:
        reason = ran.stderr.strip() or "found nothing; in a shallow clone fetch more, or say BASE=<commit>"
        raise DriftError(f"git {' '.join(arguments)}: {reason}")
    return ran.stdout


def _shown(root: Path, name: str, verb: str = "show") -> str:
    """Return what a commit has, nothing if it doesn't have it."""
    try:
        return _git(root, verb, name)
    except DriftError:
        return ""
