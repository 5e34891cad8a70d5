"""What the documents show is run: the README's Python here, the commands by `.ci/run`."""

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
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
ELSEWHERE = {
    "pip install anchor-webtask": "the package session installs what it built",
    "make generate": "make check does the same and compares",
    "make accept": "tests/contract compare what it would write",
}


def fenced(document: str, language: str) -> list[str]:
    text = (ROOT / document).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


def commands(document: str) -> list[str]:
    return [line for block in fenced(document, "sh") for line in block.splitlines()]


class EmulatorOfMore(Emulator):
    """An emulator that has one more operation, which the package doesn't wrap."""

    def _handle(self, request: Request) -> Response:
        if (request.method, request.path) == ("GET", "/v1/sessions/all/status"):
            return json_response(200, {"data": {"count": 0, "items": []}})
        return super()._handle(request)


def test_the_readme_runs_from_top_to_bottom(clock: VirtualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    emulator = EmulatorOfMore(clock=clock)
    emulator.on(takes=300, answer={"amount": 3})
    emulator.on(prompt="Read all offers", answer={"result": [{"amount": 3, "currency": "USD"}]})
    emulator.on(prompt="Log in*", answer={"balance": 4})
    names: dict[str, Any] = {}
    with emulator.serve() as server:
        monkeypatch.setenv("ANCHORBROWSER_API_KEY", "emulator-key")
        monkeypatch.setenv("ANCHORBROWSER_BASE_URL", server.base_url)
        for block in fenced("README.md", "python"):
            exec(compile(block, "README.md", "exec", dont_inherit=True), names)
    assert names["price"].amount == 3
    assert names["offers"] == [names["Offer"](3, "USD")]
    assert names["result"].value == {"amount": 3}
    assert names["sessions"] == {"data": {"count": 0, "items": []}}
    assert emulator.starts == 9


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_ci_runs_every_command_that_a_document_shows(document: str) -> None:
    shown = commands(document)
    assert shown
    assert [command for command in shown if command not in CI.splitlines() and command not in ELSEWHERE] == []


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_to_a_file_leads_somewhere(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    assert [target for target in targets if not (ROOT / target).exists()] == []
