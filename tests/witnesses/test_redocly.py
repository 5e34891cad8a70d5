"""Redocly and our tool, `make drift`, agree on which changes of a spec break programs, except for listed changes.

Redocly is an independent program that compares two specs. It calls a change that breaks programs `major`, and our tool
calls it `breaking`. Each exception is listed here with its reason.
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
    pytest.skip(
        "the environment variable REDOCLY is not set; `nox --session witnesses` sets it if node is installed",
        allow_module_level=True,
    )

DIFFERENCES: Final = {
    # breaking for our tool, but not for Redocly
    (
        "not-understood",
        "",
    ): "our tool does not understand servers of a path and unknown dialects, so it assumes the worst",
    ("not-understood", "request"): "our tool does not understand these keywords, so it assumes the worst",
    ("not-understood", "response"): "our tool does not understand these keywords, so it assumes the worst",
    ("required-body-added", "request"): "the server refuses programs that send no body",
    ("property-removed", "request"): "the model loses an argument, and the server may refuse the field",
    ("read-only", "request"): "the server refuses or ignores the field that programs send",
    ("write-only", "response"): "the response no longer has the field that programs read",
    ("type-changed", "request"): "Redocly sees that a union is removed, but not that the field then has no type",
    ("part-removed", "request"): "the model loses the arguments of the removed part",
    (
        "constraint-added",
        "request",
    ): "Redocly does not compare these keywords; the server may refuse what programs send",
    (
        "additional-properties-refused",
        "response",
    ): "fields that programs read and the schema lacks are gone",
    (
        "content-encoding-said",
        "request",
    ): "programs send text in an encoding that the server may take literally from now on",
    # breaking for Redocly, but not for our tool
    (
        "failure-removed",
        "response",
    ): "programs that handle this error status keep working, since generated code accepts unknown error statuses",
    ("bound-looser", "response"): "generated code does not check bounds, so it accepts the new values",
    ("pattern", "response"): "generated code does not check patterns",
    ("pattern-removed", "response"): "generated code does not check patterns",
    ("format-removed", "response"): "the generated type is text before and after",
    ("format-wider", "request"): "the server accepts what programs send, and more",
    ("format-wider", "response"): "the generated type is the same number before and after",
    ("content-encoding-said", "response"): "the generated type is text before and after",
    ("text-content", "response"): "the generated type is text before and after",
    ("text-content-removed", "response"): "the generated type is text before and after",
    ("constraint", "response"): "generated code does not check these keywords",
    ("constraint-removed", "response"): "generated code does not check these keywords",
    ("additional-properties-allowed", "response"): "generated models keep fields that they do not know",
    ("security-place", ""): "the operation has a list of its own, so the document's list does not concern it",
    ("security-scheme-removed", ""): "no operation requires the scheme",
    ("text", ""): "Redocly recognizes a server by all its fields, our tool by its URL",
}
"""The exceptions: by a change's kind and direction (request or response), why our tool judges differently."""


def redocly_report(old: Path, new: Path) -> Any:
    """Return Redocly's comparison of two documents."""
    quiet = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}
    ran = subprocess.run(
        ["node", str(PROGRAM), "diff", str(old), str(new), "--format", "json", "--fail-on", "none"],
        env={**os.environ, **quiet},
        capture_output=True,
        encoding="utf-8",
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def is_breaking_for_redocly(change: Change, number: int, folder: Path, spec: Any) -> bool:
    """Return whether Redocly calls a change of the spec `major`; `number` makes the names of the files unique."""
    files: list[Path] = []
    for name, value in (("old", change.old), ("new", change.new)):
        files.append(folder / f"{number}-{name}.json")
        files[-1].write_text(json.dumps(put(spec, change.place, value)), encoding="utf-8")
    return bool(redocly_report(*files).get("bump") == "major")


def test_redocly_and_our_tool_agree_on_which_single_changes_are_breaking_except_for_listed_changes(
    tmp_path: Path,
) -> None:
    spec = with_x()
    with ThreadPoolExecutor(4) as pool:
        theirs = list(
            pool.map(lambda each: is_breaking_for_redocly(each[1], each[0], tmp_path, spec), enumerate(SINGLE))
        )
    different = {
        (change.kind, change.hits)
        for change, is_breaking in zip(SINGLE, theirs, strict=True)
        if is_breaking != (change.severity is Severity.BREAKING)
    }
    assert different == DIFFERENCES.keys()


COMPONENT_DIFFERENCES: Final = {
    ("2026-01-08a", "2026-01-08b"): (
        {"BrowserConfig"},  # a request loses properties, which Redocly does not call breaking
        set[str](),
    ),
    ("2026-01-08b", "2026-01-09"): (set[str](), set[str]()),
    ("2026-01-09", "2026-02-15"): (
        set[str](),
        {"AnchorProxyCountryCode"},  # unchanged; Redocly reports here that a property now refers to this component
    ),
}
"""For each pair of versions, the components where only our tool, and where only Redocly, finds a breaking change."""


@pytest.mark.parametrize(("old", "new"), COMPONENT_DIFFERENCES)
def test_redocly_and_our_tool_find_breaking_changes_in_the_same_components_except_for_listed_components(
    tmp_path: Path, old: str, new: str
) -> None:
    files: list[Path] = []
    for version in (old, new):  # written as JSON, because Redocly does not accept upstream's YAML
        files.append(tmp_path / f"{version}.json")
        files[-1].write_text(json.dumps(yaml.plain(yaml.load(upstream(version)))), encoding="utf-8")
    verdicts = (verdict for change in redocly_report(*files)["changes"] for verdict in change["verdicts"])
    theirs = {each["location"]["pointer"].split("/")[3] for each in verdicts if each["impact"] == "major"}
    rows = compare(*(json.loads(file.read_bytes()) for file in files))
    ours = {row.where.split(".")[0] for row in rows if row.severity is Severity.BREAKING}
    assert (ours - theirs, theirs - ours) == COMPONENT_DIFFERENCES[old, new]
