"""The documents' examples and links work: the README's Python code runs here, and `.ci/run` runs the shell commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask.emulator import Emulator
from anchor_webtask.emulator._http_messages import Request, Response, json_response

if TYPE_CHECKING:
    from tests.support.clocks import VirtualClock

ROOT = Path(__file__).parents[2]
CI_SCRIPT = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
# Commands that the documents show and `.ci/run` does not contain, and how each is tested instead.
TESTED_OTHERWISE = {
    "pip install anchor-webtask": "the nox session `package` installs the distributions that it builds",
    "make generate": "`make check` generates the same code and compares it",
    "make accept": "tests/contract/test_surface.py compares the file that it would write",
}


def code_blocks(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def shell_commands(document: str) -> list[str]:
    return [line for block in code_blocks(document, "sh") for line in block.splitlines()]


class EmulatorWithSessions(Emulator):
    """An emulator with one more operation of the API, which the README calls with the httpx client of `.api`."""

    def _handle(self, request: Request) -> Response:
        if (request.method, request.path) == ("GET", "/v1/sessions/all/status"):
            return json_response(200, {"data": {"count": 0, "items": []}})
        return super()._handle(request)


def test_python_examples_of_the_readme_run_in_order(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = EmulatorWithSessions(clock=clock)
    emulator.on(takes=300, answer={"amount": 3})
    emulator.on(prompt="Read all offers", answer={"result": [{"amount": 3, "currency": "USD"}]})
    emulator.on(prompt="Log in*", answer={"balance": 4})
    names: dict[str, Any] = {}
    with emulator.serve() as server:
        monkeypatch.setenv("ANCHORBROWSER_API_KEY", "emulator-key")
        monkeypatch.setenv("ANCHORBROWSER_BASE_URL", server.base_url)
        for block in code_blocks("README.md", "python"):
            exec(compile(block, "README.md", "exec", dont_inherit=True), names)
    assert names["price"].amount == 3
    assert names["offers"] == [names["Offer"](3, "USD")]
    assert names["result"].value == {"amount": 3}
    assert names["sessions"] == {"data": {"count": 0, "items": []}}
    assert emulator.starts == 9


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_ci_runs_every_command_that_a_document_shows(document: str) -> None:
    shown = shell_commands(document)
    assert shown
    assert [
        command for command in shown if command not in CI_SCRIPT.splitlines() and command not in TESTED_OTHERWISE
    ] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_to_a_file_has_an_existing_target(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [target for target in targets if not (ROOT / target).exists()] == []
