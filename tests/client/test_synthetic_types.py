"""Random types as argument `output`: the emulator's answer is the JSON of a random value, which the client returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anchor_webtask.emulator import Emulator
from tests.support.runners import KEY
from tests.support.synthetic_types import json_of, types_with_values

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner


@pytest.fixture
def emulator(clock: InstantClock) -> Emulator:
    """An emulator whose tasks end immediately."""
    return Emulator(KEY, takes=0, clock=clock)


@pytest.mark.parametrize("method", ["run", "run_in_one_request"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large])
@given(type_and_value=types_with_values(), times=st.integers(0, 2))
def test_client_returns_random_value_of_random_type_unchanged(
    runner: Runner, anchor: Any, emulator: Emulator, method: str, type_and_value: tuple[Any, Any], times: int
) -> None:
    kind, value = type_and_value
    answer = json_of(value)
    for _ in range(times):
        answer = {"result": answer}
    emulator.on(answer=answer)
    result = runner.call(getattr(anchor.tasks, method), "Read the price", output=kind)
    assert result.value == value
    assert type(result.value) is type(value)
    assert result.raw == answer
