"""docs/errors.md leads from every error to what to do."""

from __future__ import annotations

import re
from typing import Final

import pytest

import anchor_webtask
from anchor_webtask import AnchorError
from tests.documents.test_documents import ROOT

SECTION: Final = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8").split("\n## ")[1]
PARTS: Final = {
    "tree": "\n".join(re.findall(r"^\d+\. .*(?:\n +.*)*", SECTION, re.MULTILINE)),
    "table": "\n".join(re.findall(r"^\| (`.*?) \|", SECTION, re.MULTILINE)),
}
ERRORS: Final = [
    each
    for each in (getattr(anchor_webtask, name) for name in anchor_webtask.__all__)
    if isinstance(each, type) and issubclass(each, AnchorError) and each is not AnchorError
]


@pytest.mark.parametrize("part", PARTS)
def test_every_error_is_there_or_is_a_kind_of_one_that_is(part: str) -> None:
    assert len(ERRORS) > 15
    named = set(re.findall(r"`(\w+Error)\b", PARTS[part]))
    assert [each for each in ERRORS if not named & {base.__name__ for base in each.__mro__}] == []


@pytest.mark.parametrize("part", PARTS)
def test_every_error_with_advice_of_its_own_is_there(part: str) -> None:
    own = [each for each in ERRORS if "_advice" in vars(each)]
    assert own
    assert [each for each in own if f"`{each.__name__}`" not in PARTS[part]] == []
