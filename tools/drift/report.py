"""The content of a report in any format: the rows, their groups, and the next version of the package."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import attrs

from tools.drift import wording
from tools.drift.rows import Row, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator


@attrs.frozen
class Report:
    """The result of a comparison, which the report modules write in their formats.

    Attributes:
        old: The name of the old state.
        new: The name of the new state.
        rows: The changes, the most severe first.
        surface: The diff of the surface file; empty if the file is unchanged, or if only specs are compared.
        notes: A text for each limit of the comparison, such as a missing composed spec.
        version: The current version of the package.
    """

    old: str
    new: str
    rows: list[Row]
    surface: str
    notes: list[str]
    version: str

    def __bool__(self) -> bool:
        return bool(self.rows or self.surface or self.notes)

    @property
    def worst(self) -> Severity:
        """The highest severity; additive if there are no rows, since then the surface file can only have new lines."""
        return max((row.severity for row in self.rows), default=Severity.ADDITIVE)

    @property
    def counts(self) -> dict[Severity, int]:
        """The number of rows of each severity, the most severe first."""
        counts = Counter(row.severity for row in self.rows)
        return {severity: counts[severity] for severity in reversed(Severity)}

    @property
    def next_version(self) -> str:
        """The next version by semantic versioning; before 1.0 a breaking change increments the second number."""
        if not (self.rows or self.surface):
            return self.version
        major, minor, patch = (int(part) for part in self.version.split(".")[:3])
        if self.worst is Severity.BREAKING:
            return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
        if self.worst is Severity.DOCUMENTATION or not major:
            return f"{major}.{minor}.{patch + 1}"
        return f"{major}.{minor + 1}.0"

    def groups(self, severity: Severity) -> list[list[Row]]:
        """Return the rows of a severity in groups; a group has all rows with the same change at different places."""
        found: dict[Any, list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.severity is severity:
                changed = tuple(piece for piece in wording.change(row) if piece[0] != "=")
                found[row.kind, row.note, wording.hit(row), changed, row.python].append(row)
        return list(found.values())

    def verdict(self) -> Iterator[str]:
        """Yield the parts of the report's first line: the next version, and the number of groups of each severity."""
        reason = " because of breaking changes" if self.rows and self.worst is Severity.BREAKING else ""
        yield f"anchor-webtask {self.version} → {self.next_version}{reason}"
        yield from (f"{len(self.groups(severity))} {severity}" for severity in reversed(Severity))
        if self.surface:
            yield "the Python surface differs"
