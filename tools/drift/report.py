"""What a report says, whatever its form: the rows, the next version, and the rows that are shown together."""

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
    """A report.

    Attributes:
        old: What the old state is called.
        new: What the new one is.
        rows: What changed, the worst first.
        surface: The surface file's diff, empty if it's the same or only specs are compared.
        notes: What limits the comparison.
        version: The package's version now.
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
        """How bad the worst change is; without a row the surface can only have got more."""
        return max((row.severity for row in self.rows), default=Severity.ADDITIVE)

    @property
    def counts(self) -> dict[Severity, int]:
        """How many rows there are of each severity, the worst first."""
        counts = Counter(row.severity for row in self.rows)
        return {severity: counts[severity] for severity in reversed(Severity)}

    @property
    def next_version(self) -> str:
        """The version that follows, by semantic versioning; before 1.0 what breaks counts up the second number."""
        if not (self.rows or self.surface):
            return self.version
        major, minor, patch = (int(part) for part in self.version.split(".")[:3])
        if self.worst is Severity.BREAKING:
            return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
        if self.worst is Severity.DOCUMENTATION or not major:
            return f"{major}.{minor}.{patch + 1}"
        return f"{major}.{minor + 1}.0"

    def groups(self, severity: Severity) -> list[list[Row]]:
        """Return the rows of a severity, those together that say the same of several places."""
        found: dict[Any, list[Row]] = defaultdict(list)
        for row in self.rows:
            if row.severity is severity:
                changed = tuple(piece for piece in wording.change(row) if piece[0] != "=")
                found[row.kind, row.note, wording.hit(row), changed, row.python].append(row)
        return list(found.values())

    def verdict(self) -> Iterator[str]:
        """Yield the parts of the first line: the next version, and how much there is to read of each severity."""
        reason = " because of what breaks" if self.rows and self.worst is Severity.BREAKING else ""
        yield f"anchor-webtask {self.version} → {self.next_version}{reason}"
        yield from (f"{len(self.groups(severity))} {severity}" for severity in reversed(Severity))
        if self.surface:
            yield "the Python surface differs"
