"""Checks with openapi-core that the spec allows the requests of both clients about sessions, and their responses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from anchor_webtask._api.spec import composed_spec
from anchor_webtask.emulator import Ask, Emulator
from tests.contract.test_session_operations import OPERATIONS
from tests.support.openapi import Witness
from tests.support.runners import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

OPTIONS: dict[str, Any] = {
    "initial_url": "https://shop.example/",
    "max_duration": 60,
    "idle_timeout": 5,
    "recording": True,
    "live_view": {"read_only": True},
    "profile": {"name": "shop", "persist": True},
    "tags": ["a"],
    "proxy": {"active": True, "type": "anchor_proxy", "country_code": "de"},
    "browser": {"viewport": {"width": 800, "height": 600}},
    "identities": ["123e4567-e89b-12d3-a456-426614174000"],
}


def test_requests_and_responses_fit_the_spec(runner: Runner, clock: InstantClock, tmp_path: Path) -> None:
    emulator = Emulator(KEY, takes=30, clock=clock)
    emulator.on(asks=[Ask("Sure?")])
    witness = Witness(composed_spec(), emulator.transport())
    with runner.anchor(transport=witness) as anchor:
        with runner.entered(anchor.sessions.open(**OPTIONS)) as session:
            runner.call(session.tasks.run, "Read", on_question=lambda _: "yes")
            runner.call(session.usage)
            runner.call(session.screenshot)
            runner.call(session.downloads)
        runner.call(runner.call(session.recording).save, tmp_path)
        runner.call(anchor.sessions.list)
    # openapi-core takes no bytes for `format: binary`
    assert [each for each in witness.problems if "'binary'" not in each] == []
    seen = {(each.method.lower(), each.url.path) for each, _ in witness.exchanges}
    paths = {name: (method, re.sub(r"\{\w+\}", session.id, path)) for name, (method, path) in OPERATIONS.items()}
    assert [name for name, each in paths.items() if each not in seen] == []
