"""Reads the two states of the API that are compared, each from a file, a commit or the working tree."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.compose.composition import compose_document
from tools.compose.read_overlay import CompositionError
from tools.generate import config
from tools.openapi import reader
from tools.openapi.limits import DocumentError
from tools.repository import CONFIG, GENERATED, OVERLAY, SPEC, SURFACE

if TYPE_CHECKING:
    from pathlib import Path

    from tools.openapi.limits import JSON

_SHOWN: Final = 3
"""The number of actions of the overlay that a note names."""
_NOT_COMPOSED: Final = (
    "our overlay does not fit {} ({}), so both specs are compared as upstream published them; names in Python may "
    "differ"
)
_MAIN: Final = ("origin/main", "main", "origin/master", "master")


class DriftError(Exception):
    """The states cannot be compared. The message tells the maintainer why."""


@attrs.frozen
class Side:
    """One state of the API.

    Attributes:
        name: Its name in the report.
        published: The spec as upstream published it.
        composed: The spec from which code is generated; None if there is none.
        surface: The text of the surface file; None if only specs are compared.
        note: The reason why there is no composed spec; empty if there is one.
    """

    name: str
    published: JSON
    composed: JSON
    surface: str | None = None
    note: str = ""


def of_file(root: Path, path: Path) -> Side:
    """Read a spec, and compose it with the repository's overlay.

    Raises:
        DriftError: The spec cannot be read.
    """
    published, composed, note = _composed(path, root / OVERLAY, path.name)
    return Side(path.name, published, composed, note=note)


def of_tree(root: Path) -> Side:
    """Read the state in the working tree.

    Raises:
        DriftError: The spec of the working tree cannot be read.
    """
    published, composed, note = _composed(root / SPEC, root / OVERLAY, "the working tree")
    surface = root / SURFACE
    text = surface.read_text(encoding="utf-8") if surface.exists() else ""
    return Side("the working tree", published, composed, text, note)


def of_commit(root: Path, ref: str) -> Side:
    """Read the state in a commit; the composed spec is the file in the generated code of the commit.

    Raises:
        DriftError: There is no such commit, or the commit has no spec.
    """
    name = _git(root, "rev-parse", "--short", "--verify", "--end-of-options", f"{ref}^{{commit}}").strip()
    try:
        published = reader.parse(f"{name}:{SPEC}", _git(root, "show", f"{name}:{SPEC}").encode())
        package = config.read(root / CONFIG).package
        shipped_spec = f"{GENERATED.as_posix()}/{package}/openapi.json"
        shipped = _shown(root, f"{name}:{shipped_spec}")
        composed = reader.parse(f"{name}:{shipped_spec}", shipped.encode()) if shipped else None
    except (config.ConfigError, DocumentError) as error:
        raise DriftError(f"the commit {name} cannot be read: {error}") from error
    note = "" if shipped else f"{name} has no generated code, so both specs are compared as upstream published them"
    return Side(name, published, composed, _shown(root, f"{name}:{SURFACE}"), note)


def base(root: Path) -> str:
    """Return the commit where the current branch left the main branch.

    Raises:
        DriftError: There is no main branch.
    """
    for branch in _MAIN:
        if _shown(root, branch, verb="rev-parse"):
            return _git(root, "merge-base", "HEAD", branch).strip()
    raise DriftError(f"there is no main branch ({', '.join(_MAIN)}) to compare with; set BASE=<commit>")


def _composed(path: Path, overlay: Path, name: str) -> tuple[JSON, Any, str]:
    published = _load(path)
    try:
        return published, compose_document(str(path), json.loads(json.dumps(published)), overlay).document, ""
    except CompositionError as error:
        lost = [problem.action for problem in error.problems if problem.action]
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        why = ", ".join(lost[:_SHOWN]) + more if lost else str(error)
    except Exception as error:  # noqa: BLE001  what is no valid OpenAPI may fail anywhere, but is compared nevertheless
        why = f"{type(error).__name__}: {error}"
    return published, None, _NOT_COMPOSED.format(name, why)


def _load(path: Path) -> JSON:
    try:
        return reader.read(path)
    except DocumentError as error:
        raise DriftError(str(error)) from error


def _git(root: Path, *arguments: str) -> str:
    try:
        ran = subprocess.run(  # noqa: S603  git, and a name that cannot be an option
            ["git", *arguments],  # noqa: S607  the caller's git
            cwd=root,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise DriftError(f"git cannot be run in {root}: {error.strerror}") from error
    if ran.returncode:
        reason = ran.stderr.strip() or "found nothing; in a shallow clone, fetch more commits or set BASE=<commit>"
        raise DriftError(f"git {' '.join(arguments)}: {reason}")
    return ran.stdout


def _shown(root: Path, name: str, verb: str = "show") -> str:
    """Return the output of git for an object, such as a file in a commit; an empty text if there is no such object."""
    try:
        return _git(root, verb, name)
    except DriftError:
        return ""
