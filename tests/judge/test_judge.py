"""The generated code is the judge of `make drift`: both sides of many pairs of documents are built and compared.

Where the code is the same, only a change on the wire may be breaking. Where it differs, there is a row. Where the
generator refuses only one of the documents, there is a row as well. It takes minutes: `nox --session judge` runs it.
"""

from __future__ import annotations

import itertools
import json
import os
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.judge.generating import Code, generate
from tests.judge.mutations import Mutation, mutations
from tests.support.building import UPSTREAM
from tests.support.changes import SINGLE, put, with_x
from tests.support.documents import EVERYTHING
from tests.support.kinds import PAIRS
from tools.drift.documents import compare
from tools.drift.rows import Severity
from tools.openapi import reader
from tools.repository import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Row

COUNT: Final = int(os.environ.get("JUDGE") or 0)
"""The number of random changes."""

if not COUNT:
    pytest.skip("the environment variable JUDGE is not set; `nox --session judge` sets it", allow_module_level=True)

REPORTS: Final = ROOT.parent / "shared" / "reports" / "drift"

ON_THE_WIRE: Final = {
    *("bound-tighter", "constraint", "constraint-added", "format", "pattern", "values-listed", "values-removed"),
    "values-opened",  # of a truth
    *("now-required", "null-refused", "type-narrower", "additional-properties-refused", "alternative-removed"),
    *("part-added", "property-removed", "read-only", "write-only"),
    *("security-asked", "security-alternative-removed", "security-scheme", "security-scheme-removed", "scopes-removed"),
    *("security-flow-removed", "security-more-asked"),
    *("body-removed", "required-body-added"),  # a body without a schema
    *("header-removed", "content-type-removed", "parameter-serialization", "server-removed", "webhook-removed"),
    *("content-encoding", "content-encoding-said", "text-content", "part-content-type", "required-header-added"),
    *("call-credentials", "not-understood"),
}
"""The kinds that may be breaking although the code is the same: the server refuses more, or promises less."""


def table() -> Iterator[Mutation]:
    """Yield all pairs of the tests."""
    spec = with_x()
    for change in SINGLE:
        old, new = (put(spec, change.place, value) for value in (change.old, change.new))
        yield Mutation(f"{change.kind}, {change.where}", old, new, same=False)
    for pair in PAIRS:
        yield Mutation(pair.name, pair.old, pair.new, same=pair.worst is None)


def reported() -> Iterator[Mutation]:
    """Yield the pairs in shared/reports/drift."""
    for folder in sorted(REPORTS.glob("*/")):
        old, new = (reader.read(folder / f"{side}.yaml") for side in ("old", "new"))
        yield Mutation(folder.name, old, new, same=False)


def history() -> Iterator[Mutation]:
    """Yield upstream's versions, each with the next."""
    for old, new in itertools.pairwise(sorted(UPSTREAM.glob("*.yaml"))):
        yield Mutation(f"{old.stem} to {new.stem}", reader.read(old), reader.read(new), same=False)


def random_ones() -> Iterator[Mutation]:
    """Yield random changes of the documents of the tests."""
    pairs = [pair for pair in PAIRS if "media type" not in pair.name]  # the code reads only one of the types
    bases = [EVERYTHING, *(document for pair in pairs for document in (pair.old, pair.new))]
    yield from mutations(bases, COUNT)


@pytest.mark.parametrize("pairs", [table, reported, history, random_ones])
def test_report_agrees_with_the_generated_code(pairs: Any) -> None:
    found = list(pairs())
    if not found:
        pytest.skip("shared/ does not exist")
    codes = generate(document for each in found for document in (each.old, each.new))
    wrong = [
        f"{each.name}: {problem}"
        for each in found
        for problem in judged(each, codes[json.dumps(each.old)], codes[json.dumps(each.new)])
    ]
    assert not wrong, "\n".join(wrong)


def judged(pair: Mutation, old: Code, new: Code) -> Iterator[str]:
    """Yield the verdicts of the report with which the code does not agree."""
    rows = compare(pair.old, pair.new)
    breaking = [row for row in rows if row.severity is Severity.BREAKING]
    if old.refusal or new.refusal:  # `make generate` refuses the document as well, and says why
        if bool(old.refusal) != bool(new.refusal) and not (rows or pair.same):
            yield f"the generator refuses only one document, but there is no row: {old.refusal or new.refusal}"
    elif old.files != new.files:
        if not rows:
            changed = [name for name in {*old.files, *new.files} if old.files.get(name) != new.files.get(name)]
            yield f"the code differs, but there is no row: {', '.join(sorted(changed))}"
    elif more := [row.kind for row in breaking if pair.same or not is_on_the_wire(row)]:
        yield f"the code is the same, but breaking: {', '.join(more)}"


def is_on_the_wire(row: Row) -> bool:
    """Tell whether a row may be breaking although the code is the same.

    It has no headers of responses, nothing of what the API calls, and no parts elsewhere to which references lead.
    """
    places = (row.where, *row.operations)
    words = ("callback", "webhook", "pathItems", "header", "#/")
    return row.kind in ON_THE_WIRE or any(word in place for place in places for word in words)
