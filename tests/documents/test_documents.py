"""The documents' examples and links work: each Python example of the README runs, alone; CI runs each command.

test_pages.py tests the examples of docs/.
"""

from __future__ import annotations

import logging
import re
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask.emulator import Emulator
from anchor_webtask.emulator._http_messages import json_response
from anchor_webtask.emulator._responder import Responder
from anchor_webtask.testing import install

if TYPE_CHECKING:
    from anchor_webtask.emulator._http_messages import Play, Request

ROOT = Path(__file__).parents[2]
CI_SCRIPT = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
# Commands that the documents show and `.ci/run` does not contain, and how each is tested instead.
TESTED_OTHERWISE = {
    "pip install .": "the nox session `package` installs the distributions that it builds",
    "pip install 'anchor-webtask[emulator]'": "the nox session `tests` installs the extra, but from the checkout",
    "make generate": "`make check` generates the same code and compares it",
    "make accept": "tests/contract/test_surface.py compares the file that it would write",
    "python -m anchor_webtask.emulator --scenarios shop.toml": "test_pages.py runs it, beside the file of its page",
}
PAGES = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md"))]


def code_blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


PAGES_WITH_PROGRAMS = [page for page in PAGES if code_blocks(page, "python")]


def shell_commands(document: str) -> list[str]:
    return [line for block in code_blocks(document, "sh") for line in block.splitlines()]


class ResponderWithSessions(Responder):
    """A responder with one more operation of the API, which the README calls with the httpx client of `.api`."""

    def _respond(self, request: Request) -> Play:
        if (request.method, request.path) == ("GET", "/v1/sessions/all/status"):
            return json_response(200, {"data": {"count": 0, "items": []}})
        return (yield from super()._respond(request))


EXAMPLES = code_blocks("README.md", "python")
RESULTS = {
    "price": {"Price(amount=3.0)", "3.0"},
    "offers": {"[Offer(amount=3.0, currency='USD')]"},
    "prices": {repr({f"https://shop.example/p/{number}": 3.0 for number in range(5)})},
    "total": {"15.0"},
    "sessions": {"{'data': {'count': 0, 'items': []}}"},
}
"""The variables of the examples, and the reprs that they may have in the end."""


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_python_example_of_the_readme_runs_alone(number: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> object:
        return {"amount": 3} if "amount" in str(body) else 3.0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.root, "handlers", [logging.NullHandler()])  # so that basicConfig does nothing
    monkeypatch.setattr("anchor_webtask.emulator._emulator.Responder", ResponderWithSessions)
    emulator = Emulator()
    emulator.on(takes=300, answer=answer)
    emulator.on(prompt="Read all offers", answer={"result": [{"amount": 3, "currency": "USD"}]})
    names: dict[str, Any] = {}
    with nullcontext() if "install(" in EXAMPLES[number] else install(emulator):
        exec(compile(EXAMPLES[number], f"README.md, example {number}", "exec", dont_inherit=True), names)
    assert emulator.requests or names.keys() & {"Emulator", "install"}
    found = {name: repr(names[name]) for name in RESULTS.keys() & names.keys()}
    assert [(name, text) for name, text in found.items() if text not in RESULTS[name]] == []


def test_every_result_that_the_examples_are_tested_for_is_in_one_of_them() -> None:
    assert [name for name in RESULTS if not any(f"{name} = " in example for example in EXAMPLES)] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", *PAGES_WITH_PROGRAMS])
def test_ci_runs_every_command_that_a_document_shows(document: str) -> None:
    shown = shell_commands(document)
    assert shown
    assert [
        command for command in shown if command not in CI_SCRIPT.splitlines() and command not in TESTED_OTHERWISE
    ] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", *PAGES])
def test_every_link_to_a_file_has_an_existing_target(document: str) -> None:
    path = ROOT / document
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("document", PAGES)
def test_every_link_to_a_heading_of_a_page_has_an_existing_target(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    anchors = [re.sub(r"[^a-z0-9 -]", "", heading.lower()).replace(" ", "-") for heading in headings]
    assert [target for target in re.findall(r"\]\(#([^)]+)", text) if target not in anchors] == []
