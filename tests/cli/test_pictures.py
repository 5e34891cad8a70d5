"""The pictures of docs/command-line.md show what the program shows now."""

from __future__ import annotations

import html
import re
import sys

import pytest

from tools.repository import ROOT
from tools.screenshots.pictures import FOLDER, pictures


def lines(picture: str) -> list[str]:
    """Return the texts of a picture, without how they are drawn."""
    return [html.unescape(text) for text in re.findall(r"<text[^>]*>(.*?)</text>", picture)]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no terminals of this kind")
def test_pictures_show_what_the_program_shows() -> None:
    made = pictures()
    assert {name: lines(picture) for name, picture in made.items()} == {
        path.name: lines(path.read_text(encoding="utf-8")) for path in (ROOT / FOLDER).glob("*.svg")
    }, "draw them again: python -m tools.screenshots"
