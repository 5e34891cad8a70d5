"""Random types as argument `output`: the emulator's answer is the JSON of a random value, which the client returns."""

from __future__ import annotations

import functools
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anchor_webtask.emulator import Emulator
from tests.support.runners import KEY, make_runner
from tests.support.synthetic_types import json_of, types_with_values

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.clocks import InstantClock


@pytest.fixture
def emulator(clock: InstantClock) -> Emulator:
    """An emulator whose tasks end immediately."""
    return Emulator(KEY, takes=0, clock=clock)


@pytest.fixture
def calls(base_url: str) -> Iterator[dict[str, Callable[..., Any]]]:
    """Each method of each kind of client, by a name; all share the types, since drawing these takes long."""
    with ExitStack() as stack:
        made: dict[str, Callable[..., Any]] = {}
        for name in ("sync", "asyncio", "trio"):
            runner = stack.enter_context(make_runner(name))
            tasks = stack.enter_context(runner.anchor(base_url=base_url)).tasks
            for method in ("run", "run_in_one_request"):
                made[f"{name} {method}"] = functools.partial(runner.call, getattr(tasks, method))
        yield made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large])
@given(type_and_value=types_with_values(), times=st.integers(0, 2))
def test_client_returns_random_value_of_random_type_unchanged(
    calls: dict[str, Callable[..., Any]], emulator: Emulator, type_and_value: tuple[Any, Any], times: int
) -> None:
    kind, value = type_and_value
    answer = json_of(value)
    for _ in range(times):
        answer = {"result": answer}
    emulator.on(answer=answer)
    for name, call in calls.items():
        result = call("Read the price", output=kind)
        assert result.value == value, name
        assert type(result.value) is type(value), name
        assert result.raw == answer, name
