"""Constraints of numbers are checked in decimal arithmetic, and hostile numbers cost neither time nor memory."""

from __future__ import annotations

import tracemalloc
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_webtask import ConfigurationError, JsonSchema
from anchor_webtask._output.schema import output_of
from tests.support.admitting import classes_with, is_admitted, read, refused

Cents = Annotated[Decimal, msgspec.Meta(multiple_of=0.01)]
Share = Annotated[Decimal, msgspec.Meta(gt=0.1, le=1, description="of the total")]
Price = Annotated[Decimal, msgspec.Meta(ge=-0.5, lt=10)]

CLASSES = ["attrs", "dataclass", "msgspec"]


@pytest.mark.parametrize(
    ("kind", "accepted", "refusals"),
    [
        (
            Cents,
            [19.99, "19.99", 3, "0", "-0.07", "12345678901234567890.01"],
            [19.999, "0.001", None, "x", True, "nan"],
        ),
        (Share, [0.11, "1", 1, "1.0", "0.10000000000000000001"], [0.1, "0.1", 1.01, "1.0000000000000001", [], "inf"]),
        (Price, [-0.5, "-0.5", 0, 9.99], [-0.51, "-0.50001", 10, "10.0", {}]),
    ],
    ids=["multiple", "share", "price"],
)
def test_decimal_may_have_constraints(kind: Any, accepted: list[Any], refusals: list[Any]) -> None:
    for answer in accepted:
        assert read(kind, answer) == Decimal(str(answer))
        for library in CLASSES:
            assert str(read(classes_with(kind)[library], {"part": answer}).part) == str(answer)
    for answer in refusals:
        assert not is_admitted(kind, answer)
        refused(kind, answer)
        for library in CLASSES:
            assert refused(classes_with(kind)[library], {"part": answer}).path == "$.part"


def test_decimal_with_constraints_is_asked_for_as_a_number_that_keeps_its_digits() -> None:
    sent = output_of(classes_with(Share)["attrs"]).schema
    assert sent is not None
    assert sent["properties"]["part"] == {
        "description": "of the total",
        "type": "number",
        "exclusiveMinimum": 0.1,
        "maximum": 1,
    }
    assert str(read(classes_with(Share)["attrs"], '{"part": 0.5000000000000000000}').part) == "0.5000000000000000000"
    assert "Expected `decimal` > 0.1; found 0.1" in str(refused(Share, 0.1))


def test_constraint_of_text_on_a_decimal_is_refused_before_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"Can only set `pattern` on a str type - type .*decimal"):
        output_of(Annotated[Decimal, msgspec.Meta(pattern="[0-9]")])


@given(
    digits=st.integers(-(10**6), 10**6),
    exponent=st.integers(-6, 6),
    factor=st.sampled_from([0.01, 0.5, 3, 7, 2.5, 1e-5, 100, 0.07, 12.5]),
)
def test_multiple_is_what_exact_arithmetic_says(digits: int, exponent: int, factor: float) -> None:
    number = Decimal(digits).scaleb(exponent)
    kind: Any = Annotated[Decimal, msgspec.Meta(multiple_of=factor)]
    if int(number * 10**6) % int(Decimal(repr(factor)) * 10**6):
        refused(kind, str(number))
    else:
        assert read(kind, str(number)) == number


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("1e999999999", True),
        ("-7e99999999", True),
        ("0e-999999999", True),
        ("1e-999999999", False),
        (f"1.{'1' * 990}", False),
        (f"{'1' * 900}.25", False),
        (f"{'1' * 900}.50", True),
    ],
)
def test_hostile_number_takes_no_memory(number: str, fits: bool) -> None:
    half = classes_with(Annotated[Decimal, msgspec.Meta(multiple_of=0.5)])["attrs"]
    output_of(half)
    tracemalloc.start()
    try:
        if fits:
            assert read(half, {"part": number}).part == Decimal(number)
        else:
            refused(half, {"part": number})
        assert tracemalloc.get_traced_memory()[1] < 10_000_000  # bytes; written out, 1e999999999 has 400 million
    finally:
        tracemalloc.stop()


def test_number_with_very_many_digits_is_no_multiple() -> None:
    half = classes_with(Annotated[Decimal, msgspec.Meta(multiple_of=0.5)])["attrs"]
    assert "multiple of 0.5" in str(refused(half, f'{{"part": 0.5{"0" * 2000}}}'))


def test_schema_as_dict_has_the_same_multiples() -> None:
    schema = JsonSchema({"type": "number", "multipleOf": 0.01})
    for number in (19.99, 1e308, 5, 0):
        assert read(schema, number) == number
    refused(schema, 19.999)
    refused(schema, 1e-300)
