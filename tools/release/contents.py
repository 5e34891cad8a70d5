"""What the distributions contain: the files of both packages that are in git, some documents, and nothing else."""

from __future__ import annotations

import re
import tarfile
import zipfile
from email import message_from_bytes
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PACKAGES: Final = ("overlay/anchor_webtask/", "generated/anchor_webtask_api/")
"""The folders of the packages; a wheel has them without `overlay/` and `generated/`."""

DOCUMENTS: Final = ("CHANGELOG.md", "LICENSE", "README.md")

NEEDED: Final = (*DOCUMENTS, *(f"{package}py.typed" for package in PACKAGES), f"{PACKAGES[1]}openapi.json")
"""What must be in git, since both distributions would otherwise lack it without a difference."""

_RELATIVE_LINK: Final = re.compile(r"\]\((?!https://)[^)]*\)")


def read(distribution: Path) -> dict[str, bytes]:
    """Return the files in a distribution by their paths; those in an sdist without its folder."""
    if distribution.suffix == ".whl":
        with zipfile.ZipFile(distribution) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist()}
    files: dict[str, bytes] = {}
    with tarfile.open(distribution) as sdist:
        for member in sdist:
            content = sdist.extractfile(member)
            files[member.name.partition("/")[2]] = content.read() if content else b""
    return files


def expected(distribution: Path, tracked: Iterable[str], version: str) -> set[str]:
    """Return the paths that a distribution must have.

    Args:
        distribution: The distribution, whose name says its kind.
        tracked: The paths in git.
        version: The version.
    """
    packages = {path for path in tracked if path.startswith(PACKAGES)}
    if distribution.suffix == ".whl":
        metadata = ("METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE")
        return {path.partition("/")[2] for path in packages} | {
            f"anchor_webtask-{version}.dist-info/{name}" for name in metadata
        }
    return packages | {*DOCUMENTS, ".gitignore", "PKG-INFO", "pyproject.toml"}


def problems(
    name: str, files: Mapping[str, bytes], wanted: set[str], version: str, forbidden: Iterable[str]
) -> list[str]:
    """Return what is wrong with the files of a distribution.

    Args:
        name: The distribution's name, for the messages.
        files: Its files, as `read` returns them.
        wanted: The paths that it must have, as `expected` returns them.
        version: The version that its metadata must say.
        forbidden: Texts that no file may contain: the folders of this machine.
    """
    metadata = next((files[path] for path in files if path.endswith((".dist-info/METADATA", "PKG-INFO"))), b"")
    fields = message_from_bytes(metadata)
    description = fields.get_payload()
    links = _RELATIVE_LINK.findall(description) if isinstance(description, str) else []
    return [
        *(f"{name}: {path} does not belong into it" for path in sorted(files.keys() - wanted)),
        *(f"{name}: {path} is missing" for path in sorted(wanted - files.keys())),
        *(f"{name}: {path} contains {text}" for text in forbidden for path in files if text.encode() in files[path]),
        *([] if fields["Version"] == version else [f"{name}: its version is {fields['Version']}, not {version}"]),
        *(f"{name}: its description has the link {link}, which no index can follow" for link in links),
    ]


def differences(first: Mapping[str, bytes], second: Mapping[str, bytes]) -> list[str]:
    """Return the paths that only one of two distributions has, or whose content differs."""
    return sorted(path for path in first.keys() | second.keys() if first.get(path) != second.get(path))
