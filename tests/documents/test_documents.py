"""The documents' examples and links work: each Python example runs, alone; CI runs each command.

The examples of a page in docs/ are either programs that run alone, as those of the README, or files that have names and
work together, which test_pages.py tests.
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
    "pip install '.[emulator]'": "the nox session `tests` installs the extra",
    "pip install '.[cli]'": "the nox session `tests` installs the extra",
    "pip install '.[postgres]'": "the group `tests` has what the extra installs",
    "anchor-webtask run 'Read the price' --url https://shop.example/p/1": "tests/cli/test_page.py runs it",
    "pip install '.[cli,postgres]'": "the nox session `tests` installs what the extras name",
    "export LEDGER='postgresql://me@db.example/shop?schema=prices'": "test_workers_page.py exports another one",
    "python submit.py": "tests/ledger/test_workers_page.py runs it",
    'anchor-webtask worker "$LEDGER" --max-running 25 &': "tests/ledger/test_workers_page.py runs it",
    "make bench": "tests/benchmarks runs the groups that take seconds",
    "make generate": "`make check` generates the same code and compares it",
    "make accept": "tests/contract/test_surface.py compares the file that it would write",
    "python -m anchor_webtask.emulator --scenarios shop.toml": "test_pages.py runs it, beside the file of its page",
}
PAGES = [path.relative_to(ROOT).as_posix() for path in sorted((ROOT / "docs").glob("*.md"))]


def code_blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


TESTED_ELSEWHERE = {
    "docs/workers.md": "tests/ledger/test_workers_page.py runs its programs and commands, with a database",
    "docs/with-your-engine.md": "tests/ledger/test_with_your_engine_page.py and tests/witnesses run two programs",
}
RUN_COMPLETELY = {"docs/command-line.md": "tests/cli/test_page.py runs each of its commands"}
FILE_NAME = re.compile(r"# ([a-z_]+\.(?:py|toml))\n")


def has_files(page: str) -> bool:
    """Return whether the examples of a page begin with the name of a file."""
    return any(FILE_NAME.match(block) for block in code_blocks(page, "python"))


PAGES_WITH_PROGRAMS = [page for page in PAGES if has_files(page) and page not in TESTED_ELSEWHERE]
PAGES_WITH_EXAMPLES = [page for page in PAGES if code_blocks(page, "python") and not has_files(page)]


def shell_commands(document: str) -> list[str]:
    """Return the commands that a document shows, without the comments behind them."""
    return [line.partition("  #")[0] for block in code_blocks(document, "sh") for line in block.splitlines()]


PAGES_WITH_COMMANDS = [page for page in PAGES if shell_commands(page) and page not in RUN_COMPLETELY]


class ResponderWithSessions(Responder):
    """A responder with one more operation of the API, which the README calls with the httpx client of `.api`."""

    def _respond(self, request: Request) -> Play:
        if (request.method, request.path) == ("GET", "/v1/sessions/all/status"):
            return json_response(200, {"data": {"count": 0, "items": []}})
        return (yield from super()._respond(request))


EXAMPLES = {
    f"{Path(document).stem}-{number}": example
    for document in ["README.md", *PAGES_WITH_EXAMPLES]
    for number, example in enumerate(code_blocks(document, "python"), 1)
}
"""The examples that run alone, by the name of their document and their number there."""
RESULTS = {
    "price": {"Price(amount=3.0)", "3.0"},
    "product": {"Product(amount=3.0)"},
    "checked": {"{'amount': 3}"},
    "offers": {"[Offer(amount=3.0, currency='USD')]"},
    "prices": {repr({f"https://shop.example/p/{number}": 3.0 for number in range(5)})},
    "total": {"15.0"},
    "sessions": {"{'data': {'count': 0, 'items': []}}"},
}
"""The variables of the examples, and the reprs that they may have in the end."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_python_example_runs_alone(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def answer(body: dict[str, Any]) -> object:
        return {"amount": 3} if "amount" in str(body) else 3.0

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging.root, "handlers", [logging.NullHandler()])  # so that basicConfig does nothing
    monkeypatch.setattr("anchor_webtask.emulator._emulator.Responder", ResponderWithSessions)
    emulator = Emulator()
    emulator.on(takes=300, answer=answer)
    emulator.on(prompt="Read all offers", answer={"result": [{"amount": 3, "currency": "USD"}]})
    names: dict[str, Any] = {}
    with nullcontext() if "install(" in EXAMPLES[name] else install(emulator):
        exec(compile(EXAMPLES[name], name, "exec", dont_inherit=True), names)
    assert emulator.requests or names.keys() & {"Emulator", "install"}
    found = {each: repr(names[each]) for each in RESULTS.keys() & names.keys()}
    assert [(each, text) for each, text in found.items() if text not in RESULTS[each]] == []


def test_every_result_that_the_examples_are_tested_for_is_in_one_of_them() -> None:
    assert [name for name in RESULTS if not any(f"{name} = " in example for example in EXAMPLES.values())] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", *PAGES_WITH_COMMANDS])
def test_ci_runs_every_command_that_a_document_shows(document: str) -> None:
    shown = shell_commands(document)
    assert shown
    assert [
        command for command in shown if command not in CI_SCRIPT.splitlines() and command not in TESTED_OTHERWISE
    ] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", *PAGES])
def test_every_link_to_a_file_has_an_existing_target(document: str) -> None:
    path = ROOT / document
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [target for target in targets if not (path.parent / target).exists()] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "SECURITY.md", *PAGES])
def test_every_link_to_a_heading_has_an_existing_target(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    links = [link.split("#") for link in re.findall(r"\]\(((?!https?:)[^)]*#[^)]+)", text)]
    assert [f"{path}#{anchor}" for path, anchor in links if anchor not in anchors(document, path)] == []


def anchors(document: str, path: str) -> set[str]:
    """Return the anchors of the headings of a page, to which a document links by its path."""
    target = (ROOT / document).parent / path if path else ROOT / document
    text = re.sub(r"^```.*?^```$", "", target.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
