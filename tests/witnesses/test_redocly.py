"""A second opinion on drift: Redocly compares the same pairs, and where it judges otherwise the reason is said.

It knows three classes; what counts is whether a change breaks programs. Its `major` is our `breaking`.
"""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support.building import upstream
from tests.support.changes import SINGLE, Change, put, with_x
from tools.drift.documents import compare
from tools.drift.rows import Severity
from tools.openapi import yaml

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = os.environ.get("REDOCLY")
if PROGRAM is None:
    pytest.skip("REDOCLY isn't set; `nox --session witnesses` sets it where node is", allow_module_level=True)

ALONE: Final = {
    # what we call breaking and it doesn't
    ("not-understood", ""): "we know nothing of callbacks, webhooks and dialects, and take the worst for granted",
    ("not-understood", "request"): "we don't look into these keywords, and take the worst for granted",
    ("not-understood", "response"): "we don't look into these keywords, and take the worst for granted",
    ("required-body-added", "request"): "a program that sends no body is refused",
    ("property-removed", "request"): "an argument of the model is gone; the server may refuse what it doesn't know",
    ("read-only", "request"): "what programs send is refused or ignored",
    ("write-only", "response"): "what programs read is no longer there",
    ("type-changed", "request"): "of a union that is gone only its removal is seen, not that nothing typed is left",
    ("part-removed", "request"): "the model loses the part's arguments",
    ("discriminator", "request"): "a body has to name its kind",
    ("discriminator", "response"): "the generated parser chooses the class by it",
    ("additional-properties-refused", "response"): "what programs read beside the properties is gone",
    # what it calls breaking and we don't
    (
        "failure-removed",
        "response",
    ): "a program that handles a failure goes on; the failure is read as one that is unknown",
    ("bound-looser", "response"): "no generated code looks at bounds; values that weren't there before may come",
    ("pattern", "response"): "no generated code looks at patterns",
    ("pattern-removed", "response"): "no generated code looks at patterns",
    ("format-removed", "response"): "the generated type is text before and after",
    ("additional-properties-allowed", "response"): "generated models keep what they don't know",
    ("text", ""): "it finds a server by all of it, we by its address",
}
"""Why we judge otherwise, by the kind of a row and whom it hits."""


def asked(old: Path, new: Path) -> Any:
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    ran = subprocess.run(
        ["node", str(PROGRAM), "diff", str(old), str(new), "--format", "json", "--fail-on", "none"],
        env={**os.environ, **quiet},
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def breaks(change: Change, number: int, folder: Path, spec: Any) -> bool:
    files: list[Path] = []
    for name, value in (("old", change.old), ("new", change.new)):
        files.append(folder / f"{number}-{name}.json")
        files[-1].write_text(json.dumps(put(spec, change.place, value)), encoding="utf-8")
    return bool(asked(*files).get("bump") == "major")


def test_it_judges_single_changes_alike_or_for_a_reason(tmp_path: Path) -> None:
    spec = with_x()
    with ThreadPoolExecutor(4) as pool:
        theirs = list(pool.map(lambda each: breaks(each[1], each[0], tmp_path, spec), enumerate(SINGLE)))
    otherwise = {
        (change.kind, change.hits)
        for change, bad in zip(SINGLE, theirs, strict=True)
        if bad != (change.severity is Severity.BREAKING)
    }
    assert otherwise == ALONE.keys()


WHERE: Final = {
    ("2026-01-08a", "2026-01-08b"): (
        {"BrowserConfig"},  # properties of a request are gone, which it doesn't hold to be breaking
        set[str](),
    ),
    ("2026-01-08b", "2026-01-09"): (set[str](), set[str]()),
    ("2026-01-09", "2026-02-15"): (
        set[str](),
        {"AnchorProxyCountryCode"},  # it looks where the property refers to now; this schema is as it was
    ),
}
"""The components in which only we find something that breaks, and those in which only Redocly does."""


@pytest.mark.parametrize(("old", "new"), WHERE)
def test_it_finds_what_breaks_in_the_same_components(tmp_path: Path, old: str, new: str) -> None:
    files: list[Path] = []
    for version in (old, new):  # as JSON, for its YAML is stricter than upstream's
        files.append(tmp_path / f"{version}.json")
        files[-1].write_text(json.dumps(yaml.plain(yaml.load(upstream(version)))), encoding="utf-8")
    verdicts = (verdict for change in asked(*files)["changes"] for verdict in change["verdicts"])
    theirs = {each["location"]["pointer"].split("/")[3] for each in verdicts if each["impact"] == "major"}
    rows = compare(*(json.loads(file.read_bytes()) for file in files))
    ours = {row.where.split(".")[0] for row in rows if row.severity is Severity.BREAKING}
    assert (ours - theirs, theirs - ours) == WHERE[old, new]
