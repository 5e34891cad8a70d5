"""The values that users pass in."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_webtask import ConfigurationError, TaskStatus, WaitPolicy


@pytest.mark.parametrize("name", ["fraction", "minimum", "maximum", "jitter"])
@pytest.mark.parametrize("value", [-1, -0.001, math.inf, -math.inf, math.nan, True, "1", None, 1j])
def test_policy_refuses_what_is_no_number_from_0_up(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a finite number of at least 0"):
        WaitPolicy(**{name: value})  # type: ignore[arg-type]  # what a caller without a type checker passes


@pytest.mark.parametrize("bounds", [{"minimum": 0}, {"minimum": 61}, {"maximum": 0.5}, {"minimum": 5, "maximum": 4}])
def test_policy_refuses_bounds_that_leave_nothing(bounds: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="minimum must be above 0 and at most maximum"):
        WaitPolicy(**bounds)


def test_policy_refuses_a_jitter_that_could_take_all() -> None:
    with pytest.raises(ConfigurationError, match="jitter must be below 1"):
        WaitPolicy(jitter=1)


@pytest.mark.parametrize(
    "values", [{}, {"fraction": 0}, {"jitter": 0}, {"minimum": 2, "maximum": 2}, {"fraction": 3.5, "jitter": 0.99}]
)
def test_policy_takes_the_rest(values: dict[str, float]) -> None:
    policy = WaitPolicy(**values)
    assert {name: getattr(policy, name) for name in values} == values


def test_policy_takes_names_only() -> None:
    with pytest.raises(TypeError):
        WaitPolicy(0.1)  # type: ignore[call-arg]  # what a caller without a type checker passes


@given(elapsed=st.floats(0, 1e9), chance=st.floats(0, 1))
def test_delay_stays_within_bounds_and_jitter(elapsed: float, chance: float) -> None:
    delay = WaitPolicy().delay(elapsed, chance)
    plain = min(max(0.09 * elapsed, 2), 60)
    assert 0.9 * plain <= delay * (1 + 1e-9)
    assert delay <= 1.1 * plain * (1 + 1e-9)


def test_status_is_its_text() -> None:
    assert f"{TaskStatus.COMPLETED}" == "completed"
    assert TaskStatus("failed") is TaskStatus.FAILED
