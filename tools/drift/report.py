"""The content of a report in any format: the rows, their groups, and the next version of the package."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import attrs

from tools.drift.audience import PROMISED, USERS, concerned, first_concerned
from tools.drift.rows import BrokenLine, Row, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.audience import User


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
        used_by: The folder of a user whose code was checked; empty if none was.
        other_breaks: The lines of their code that break by none of the rows.
    """

    old: str
    new: str
    rows: list[Row]
    surface: str
    notes: list[str]
    version: str
    used_by: str = ""
    other_breaks: tuple[BrokenLine, ...] = ()

    @property
    def broken_lines(self) -> int:
        """The number of lines of the user's code that break."""
        lines = {(line.file, line.number) for row in self.rows for line in row.breaks}
        return len(lines | {(line.file, line.number) for line in self.other_breaks})

    @property
    def is_drift(self) -> bool:
        """Whether anything has changed; a report without changes may still have notes."""
        return bool(self.rows or self.surface or self.other_breaks)

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
        """The next version by semantic versioning; before 1.0 a breaking change increments the second number.

        Only `anchor_webtask` promises this. What concerns the generated client alone increments the last number.
        """
        if not (self.rows or self.surface):
            return self.version
        major, minor, patch = (int(part) for part in self.version.split(".")[:3])
        worst = self._worst_of_promise
        if worst is Severity.BREAKING:
            return f"{major + 1}.0.0" if major else f"0.{minor + 1}.0"
        if worst is Severity.DOCUMENTATION or not major:
            return f"{major}.{minor}.{patch + 1}"
        return f"{major}.{minor + 1}.0"

    @property
    def _worst_of_promise(self) -> Severity:
        own = (row.severity for row in self.rows if concerned(row) & PROMISED)
        new = Severity.ADDITIVE if self.surface else Severity.DOCUMENTATION
        return max(own, default=new)

    def groups(self, severity: Severity, user: User | None = None) -> list[list[Row]]:
        """Return the changes of a severity, each as a list with a row for each of its places.

        Those that concern users of `tasks` come first.

        Args:
            severity: The severity.
            user: Only changes that concern these users; None for all.
        """
        found = (row for row in self.rows if row.severity is severity and (user is None or user in concerned(row)))
        return [[*row.places()] for row in sorted(found, key=first_concerned)]

    def verdict(self) -> Iterator[str]:
        """Yield the parts of the report's first line: the next version, and the number of groups of each severity."""
        reason = ""
        if self._worst_of_promise is Severity.BREAKING:
            reason = " because of breaking changes"
        elif self.rows and self.worst is Severity.BREAKING:
            reason = ", since nothing breaks for users of tasks"
        yield f"next version: anchor-webtask {self.version} → {self.next_version}{reason}"
        counts = ((len(self.groups(severity)), severity) for severity in reversed(Severity))
        yield from (f"{count} {severity}" for count, severity in counts if count)
        if self.surface:
            yield "the Python surface differs"
        if self.used_by:
            yield f"{self.broken_lines or 'no'} lines of {self.used_by} break"

    def for_whom(self) -> Iterator[tuple[User, str]]:
        """Yield for each kind of users what changes for them; documentation does not count."""
        for user in USERS:
            counts = ((len(self.groups(each, user)), each) for each in reversed(Severity))
            changes = [f"{count} {each}" for count, each in counts if count and each is not Severity.DOCUMENTATION]
            yield user, ", ".join(changes) or "nothing changes"
