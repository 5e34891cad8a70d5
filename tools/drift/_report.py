"""What a report says, whatever form it gets."""

from __future__ import annotations

import difflib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

import attrs
import jsonpath

from tools._naming import UPSTREAM_TAGS
from tools.drift import _python, _wording
from tools.drift._document import compare
from tools.drift._rows import Row, Severity

if TYPE_CHECKING:
    from pathlib import Path

    from tools._yaml import JSON
    from tools.drift._sides import Side

_OPENED: Final = "our overlay opens this: whatever comes is read"
_OF_VALUES: Final = ("bound-", "format", "null-", "pattern", "type-", "values-")
_MASKED: Final = "on the wire only: our overlay keeps it from the generated code"
_OURS: Final = "by our overlay"


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
                changed = tuple(piece for piece in _wording.change(row) if piece[0] != "=")
                found[row.kind, row.note, _wording.hit(row), changed, row.python].append(row)
        return list(found.values())


def report(root: Path, old: Side, new: Side, version: str) -> Report:
    """Compare two states.

    Args:
        root: The repository.
        old: The old state.
        new: The new one.
        version: The package's version now.
    """
    rows = _rows(old, new)
    surface = ""
    if old.surface is not None and new.surface is not None:
        rows += [*_python.breakages(root, old.name), *_python.narrowed(old.surface, new.surface)]
        lines = difflib.unified_diff(
            old.surface.splitlines(), new.surface.splitlines(), old.name, new.name, lineterm=""
        )
        surface = "\n".join(lines)
    rows.sort(key=lambda row: (-row.severity, row.where, row.kind, row.place))
    return Report(old.name, new.name, rows, surface, [side.note for side in (old, new) if side.note], version)


def _rows(old: Side, new: Side) -> list[Row]:
    """Compare what upstream publishes, and see what of it gets through the overlay to whom uses the package."""
    published = compare(old.published, new.published)
    if old.composed is None or new.composed is None:
        return published
    composed = {(row.kind, row.place): row for row in compare(old.composed, new.composed)}
    found = [_got_through(row, composed.pop((row.kind, row.place), None), new.composed) for row in published]
    added = (row for row in composed.values() if row.note != UPSTREAM_TAGS)  # upstream's own are in a row already
    return [*found, *(attrs.evolve(row, note=_joined(row.note, _OURS)) for row in added)]


def _got_through(row: Row, through: Row | None, composed: JSON) -> Row:
    """Say of what upstream publishes what becomes of it in what code is made of."""
    if row.hits == {"answer"} and row.kind.startswith(_OF_VALUES) and _is_opened(row, through, composed):
        severity = Severity.ADDITIVE if row.kind == "values-added" else min(row.severity, Severity.BEHAVIOUR)
        return attrs.evolve(row, severity=severity, python="", note=_joined(row.note, _OPENED))
    if through is not None:
        return attrs.evolve(
            row,
            severity=max(row.severity, through.severity),
            hits=row.hits | through.hits,
            operations=tuple(sorted({*row.operations, *through.operations})),
            python=through.python,
        )
    if row.severity is Severity.NAMING:
        return attrs.evolve(row, severity=Severity.DOCUMENTATION, python="", note=_joined(row.note, _MASKED))
    if row.severity > Severity.NAMING:
        return attrs.evolve(row, python="", note=_joined(row.note, _MASKED))
    return row


def _is_opened(row: Row, through: Row | None, composed: JSON) -> bool:
    """Tell whether an answer is read whatever it is: there is less to fit than upstream says, or another schema."""
    if through is not None:
        return not through.hits
    return bool(jsonpath.findall(row.place, composed))


def _joined(note: str, more: str) -> str:
    return f"{note}; {more}" if note else more
