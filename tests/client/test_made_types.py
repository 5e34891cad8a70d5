"""Values of types that hypothesis makes: the emulator sends them, and equal ones come back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anchor_webtask.emulator import Emulator
from tests.support.made_types import json_of, types_with_values
from tests.support.runners import KEY

if TYPE_CHECKING:
    from tests.support.clocks import VirtualClock
    from tests.support.runners import Runner


@pytest.fixture
def emulator(clock: VirtualClock) -> Emulator:
    """An emulator whose tasks take no time."""
    return Emulator(KEY, takes=0, clock=clock)


@pytest.mark.parametrize("method", ["run", "run_in_one_request"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large])
@given(made=types_with_values(), times=st.integers(0, 2))
def test_values_come_back_as_they_were(
    runner: Runner, anchor: Any, emulator: Emulator, method: str, made: tuple[Any, Any], times: int
) -> None:
    kind, value = made
    answer = json_of(value)
    for _ in range(times):
        answer = {"result": answer}
    emulator.on(answer=answer)
    result = runner.call(getattr(anchor.tasks, method), "Read the price", output=kind)
    assert result.value == value
    assert type(result.value) is type(value)
    assert result.raw == answer
