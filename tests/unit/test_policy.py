"""`WaitPolicy`: the arguments that it accepts, and the delay that it returns."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_webtask import ConfigurationError, WaitPolicy


@pytest.mark.parametrize("name", ["fraction", "minimum", "maximum", "jitter"])
@pytest.mark.parametrize("value", [-1, -0.001, math.inf, -math.inf, math.nan, True, "1", None, 1j])
def test_policy_refuses_negative_or_infinite_numbers_and_values_that_are_not_numbers(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be a finite number of at least 0"):
        WaitPolicy(**{name: value})  # type: ignore[arg-type]  # a caller without a type checker can pass this


@pytest.mark.parametrize("bounds", [{"minimum": 0}, {"minimum": 61}, {"maximum": 0.5}, {"minimum": 5, "maximum": 4}])
def test_policy_refuses_minimum_of_0_and_minimum_above_maximum(bounds: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match="minimum must be above 0, and not above maximum"):
        WaitPolicy(**bounds)


def test_policy_refuses_jitter_that_could_reduce_delay_to_0() -> None:
    with pytest.raises(ConfigurationError, match="jitter must be below 1"):
        WaitPolicy(jitter=1)


@pytest.mark.parametrize(
    "values", [{}, {"fraction": 0}, {"jitter": 0}, {"minimum": 2, "maximum": 2}, {"fraction": 3.5, "jitter": 0.99}]
)
def test_policy_accepts_valid_values(values: dict[str, float]) -> None:
    policy = WaitPolicy(**values)
    assert {name: getattr(policy, name) for name in values} == values


def test_policy_accepts_arguments_only_by_name_and_the_error_lists_them() -> None:
    with pytest.raises(ConfigurationError) as caught:
        WaitPolicy(0.1)  # type: ignore[arg-type]  # a caller without a type checker can pass this
    assert str(caught.value).startswith(
        "WaitPolicy accepts only fraction, minimum, maximum and jitter, each by its name: WaitPolicy(minimum=5) waits"
    )


def test_policy_is_copied_pickled_and_changed() -> None:
    policy = WaitPolicy(minimum=5)
    assert pickle.loads(pickle.dumps(policy)) == copy.deepcopy(policy) == policy != WaitPolicy()
    assert dataclasses.replace(policy, minimum=2) == WaitPolicy()
    assert hash(WaitPolicy(minimum=5)) == hash(policy)


@given(elapsed=st.floats(0, 1e9), chance=st.floats(0, 1))
def test_jitter_changes_delay_by_at_most_a_tenth(elapsed: float, chance: float) -> None:
    delay = WaitPolicy().delay(elapsed, chance)
    scheduled = min(max(0.09 * elapsed, 2), 60)
    assert 0.9 * scheduled <= delay * (1 + 1e-9)
    assert delay <= 1.1 * scheduled * (1 + 1e-9)
