"""The command line `python -m tools.release`, which `make build` and the workflow `release.yml` run."""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from anchor_webtask._version import __version__
from tools.release import changelog, documents
from tools.release.building import ReleaseError, build
from tools.repository import CHANGELOG, ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments, without the program's name; by default `sys.argv[1:]`.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.release", description="Build and check a release.")
    commands = parser.add_subparsers(dest="command", required=True)
    building = commands.add_parser("build", help="build wheel and sdist of the last commit, twice, and check them")
    building.add_argument("folder", type=Path, help="where to put them")
    tag = commands.add_parser(
        "notes", help="check that tag, version, changelog and documents agree, and print the release's notes"
    )
    tag.add_argument("tag", help="such as v1.2.3")
    options = parser.parse_args(arguments)
    text = (ROOT / CHANGELOG).read_text(encoding="utf-8")
    try:
        print(_built(options.folder, text) if options.command == "build" else _notes(options.tag, text))
    except ReleaseError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _built(folder: Path, text: str) -> str:
    """Build the distributions; return what was built, and what to do next."""
    built = build(ROOT, folder, __version__)
    tag = f"v{__version__}"
    return "\n".join(
        [
            *(f"{path}  sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}" for path in built),
            "Built twice with the same bytes, from the last commit.",
            "Next:",
            "  .venv/bin/nox --session package lowest newest    tests these files",
            *(f"  correct {CHANGELOG}: {problem}" for problem in changelog.problems(text, __version__)),
            *(f"  correct {problem}" for problem in documents.problems(ROOT)),
            f"  git tag {tag} && git push origin {tag}    release.yml builds and tests them again, and publishes them",
        ]
    )


def _notes(tag: str, text: str) -> str:
    """Return the changelog's section about a release.

    Raises:
        ReleaseError: If tag, version and changelog disagree, or if documents say that the package is not released.
    """
    found = changelog.problems(text, __version__)
    problems = [
        *([] if tag == f"v{__version__}" else [f"the tag {tag} does not fit the version {__version__} of the package"]),
        *(f"{CHANGELOG}: {problem}" for problem in found),
        *documents.problems(ROOT),
    ]
    if problems:
        raise ReleaseError("\n".join(problems))
    return changelog.sections(text)[1].notes


if __name__ == "__main__":
    sys.exit(main())
