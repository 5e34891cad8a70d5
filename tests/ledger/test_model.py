"""The rules of the ledger as a state machine: the package's own plan, starts and transitions, driven step by step.

Processes are killed, paused and lose their locks; responses are late or lost; users decide. `model/world.py` has the
steps, `model/checks.py` what must always hold, and `model/mutations.py` the rules that are taken out.
"""

from __future__ import annotations

import logging
import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.ledger.model import clock
from tests.ledger.model.checks import BrokenRuleError
from tests.ledger.model.mutations import MUTATIONS
from tests.ledger.model.scenarios import SCENARIOS
from tests.ledger.model.world import World
from tests.support.postgres_server import empty

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

    from anchor_webtask._ledger.postgres.statements import Statements
    from tests.ledger.model.world import Scenario

EXAMPLES = max(settings().max_examples // 4, 1)
CHOICES = 300
WALKS = 4000
"""Random walks among which one must see that a rule is missing."""


@pytest.fixture(autouse=True, scope="module")
def clocks() -> Iterator[None]:
    """Let the ledger read the clock of the model, and write no log."""
    with pytest.MonkeyPatch.context() as patch:
        clock.install(patch)
        patch.setattr(logging.getLogger("anchor_webtask"), "disabled", True)
        yield


@pytest.mark.parametrize("name", SCENARIOS)
@settings(max_examples=EXAMPLES)
@given(choices=st.binary(min_size=CHOICES, max_size=CHOICES))
def test_rules_hold(name: str, choices: bytes) -> None:
    left = iter(choices)
    _walk(SCENARIOS[name], lambda number: next(left, 0) % number)


@pytest.mark.parametrize("name", SCENARIOS)
def test_rules_hold_in_postgres(name: str, made_tables: psycopg.Connection[Any]) -> None:
    for seed in range(max(EXAMPLES // 12, 1)):
        _walk(SCENARIOS[name], Random(seed).randrange, empty(made_tables))


@pytest.mark.parametrize("name", MUTATIONS)
def test_model_sees_that_rule_is_missing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation = MUTATIONS[name]
    mutation.apply(monkeypatch)
    with pytest.raises(BrokenRuleError) as raised:
        _walk_until_rule_is_broken(SCENARIOS[mutation.scenario])
    assert re.match(mutation.fails, str(raised.value)), raised.value


def _walk_until_rule_is_broken(scenario: Scenario) -> None:
    for seed in range(WALKS):
        _walk(scenario, Random(seed).randrange)


def _walk(scenario: Scenario, choose: Callable[[int], int], tables: Statements | None = None) -> None:
    world = World(scenario, tables)
    try:
        world.walk(choose)
    finally:
        world.close()
