"""Reads CHANGELOG.md, which has a section for each version in the form of Keep a Changelog."""

from __future__ import annotations

import re
from typing import Final

import attrs

_HEADING: Final = re.compile(r"^## \[?(?P<version>[^\]\s]+)\]?(?: - (?P<date>\d{4}-\d{2}-\d{2}))?$", re.MULTILINE)
_LINK: Final = re.compile(r"^\[[^\]]+\]: .*\n?", re.MULTILINE)


@attrs.frozen
class Section:
    """One section of the changelog.

    Attributes:
        version: The version, or "Unreleased".
        date: The day of the release, such as "2026-12-01"; None if the heading has none.
        notes: The text below the heading, without the targets of links.
    """

    version: str
    date: str | None
    notes: str


def sections(text: str) -> list[Section]:
    """Return the sections of a changelog, the newest first.

    Args:
        text: The content of the file.
    """
    headings = list(_HEADING.finditer(text))
    ends = [heading.start() for heading in headings[1:]] + [len(text)]
    return [
        Section(heading["version"], heading["date"], _LINK.sub("", text[heading.end() : end]).strip())
        for heading, end in zip(headings, ends, strict=True)
    ]


def problems(text: str, version: str) -> list[str]:
    """Return what is wrong with a changelog if this version is released now.

    Args:
        text: The content of the file.
        version: The version.
    """
    found = sections(text)
    if [section.version for section in found[:2]] != ["Unreleased", version]:
        return [f"the first two sections must be [Unreleased] and [{version}]"]
    unreleased, released = found[:2]
    return [
        *(["entries are left under [Unreleased]"] if unreleased.notes else []),
        *([] if released.date else [f"[{version}] has no date, such as 2026-12-01"]),
        *([] if released.notes else [f"[{version}] has no entries"]),
    ]
