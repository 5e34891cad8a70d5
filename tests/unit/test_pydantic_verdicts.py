"""pydantic refuses what the schema of its types excludes, and the error names the place."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

import pydantic
import pydantic.dataclasses
import pytest
import typing_extensions

from anchor_webtask import ConfigurationError
from anchor_webtask._output.schema import output_of
from tests.support.admitting import classes_with, is_admitted, read, refused


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Access(enum.IntFlag):
    READ = 1
    WRITE = 4


class Ratio(enum.Enum):
    HALF = 0.5


class LooseLevel(enum.IntEnum):
    LOW = 1

    @classmethod
    def _missing_(cls, value: object) -> LooseLevel | None:
        return None if value is None else cls.LOW


class Part(pydantic.BaseModel):
    """A model with a part of each kind that pydantic converts in its own way."""

    number: int = 0
    share: float = 0
    amount: Decimal = Decimal(0)
    is_open: bool = False
    day: date = date(2026, 3, 1)
    delay: timedelta = timedelta(0)
    level: Level = Level.LOW
    access: Access = Access.READ
    word: Literal[1, "a"] = 1


class Page(pydantic.BaseModel):
    parts: list[Part] = []
    by_name: dict[str, Part] = {}
    pair: tuple[str, Part] | None = None
    levels: dict[Level, float] = {}
    shares: dict[float, int] = {}


@pydantic.dataclasses.dataclass
class Data:
    access: Access


WRONG: list[tuple[str, Any]] = [
    *[("number", each) for each in (True, "1_0", " 3")],
    *[("share", each) for each in (False, "nan", "-inf", "1e999", "1_0.5")],
    *[("amount", each) for each in ("+3", "1_0")],
    *[("is_open", each) for each in (1, 0.0, "yes", "1")],
    *[("day", each) for each in (86400, "86400")],
    *[("delay", each) for each in (60, 1.5)],
    *[("level", each) for each in (True, "1")],
    *[("access", each) for each in (2, 8, -1, True, "1")],
    ("word", True),
]


@pytest.mark.parametrize(("name", "value"), WRONG, ids=str)
def test_error_names_the_place_of_what_pydantic_takes_and_the_schema_excludes(name: str, value: Any) -> None:
    part = {name: value}
    for answer, path in [
        ({"parts": [{}, part]}, f"$.parts[1].{name}"),
        ({"by_name": {"a b": part}}, f'$.by_name["a b"].{name}'),
        ({"pair": ["x", part]}, f"$.pair[1].{name}"),
    ]:
        error = refused(Page, answer)
        assert error.path == path
        assert f"at {path}: " in str(error)


def test_error_names_the_key_that_the_schema_excludes() -> None:
    assert 'at $.levels: invalid key "01": expected one of' in str(refused(Page, {"levels": {"01": 1}}))
    assert 'at $.shares: invalid key "inf": Expected `float`, got `str`' in str(refused(Page, {"shares": {"inf": 1}}))
    assert "expected one of 0, 1, 4, 5; found 2" in str(refused(Data, {"access": 2}))
    assert "Expected `duration`, got `int`; found 60" in str(refused(Page, {"parts": [{"delay": 60}]}))


# -- Unions: only what no alternative admits is refused ------------------------------------------------------------


class Coins(pydantic.BaseModel):
    kind: Literal["coins"]
    number: int


class Note(pydantic.BaseModel):
    kind: Literal["note"]
    number: bool


class Plain(pydantic.BaseModel):
    number: int | None = None


class Marked(pydantic.BaseModel):
    number: bool
    mark: str


@pytest.mark.parametrize(
    ("kind", "accepted", "refusals"),
    [
        (Coins | Note, [{"kind": "coins", "number": 1}, {"kind": "note", "number": True}], []),
        (Coins | Note, [], [{"kind": "coins", "number": True}, {"kind": "note", "number": 1}]),
        (
            Annotated[Coins | Note, pydantic.Field(discriminator="kind")],
            [{"kind": "note", "number": False}],
            [{"kind": "note", "number": 0}],
        ),
        (Plain | Marked, [{"number": 1}, {"number": True, "mark": "x"}], [{"number": "x"}]),
        (list[Plain] | Plain, [[{"number": 1}], {"number": 1}], [[{"number": True}], {"number": True}]),
        (dict[str, int] | list[bool], [{"a": 1}, [True]], [{"a": True}, [1]]),
    ],
    ids=str,
)
def test_alternative_that_pydantic_took_decides(kind: Any, accepted: list[Any], refusals: list[Any]) -> None:
    model = classes_with(kind)["pydantic"]
    for answer in accepted:
        assert is_admitted(model, {"part": answer})
        read(model, {"part": answer})
    for answer in refusals:
        assert not is_admitted(model, {"part": answer})
        refused(model, {"part": answer})


def test_error_names_the_place_in_the_alternative_whose_tag_the_answer_has() -> None:
    for answer in ({"kind": "coins", "number": True}, {"kind": "note", "number": 1}):
        assert refused(list[Coins | Note], [answer]).path == "$[0].number"


# -- What the author of a model decides ----------------------------------------------------------------------------


def as_day(value: Any) -> Any:
    return date(2026, 1, value) if isinstance(value, int) else value


class Own(pydantic.BaseModel):
    before: Annotated[date, pydantic.BeforeValidator(as_day)] = date(2026, 3, 1)
    plain: Annotated[bool, pydantic.PlainValidator(bool, json_schema_input_type=bool)] = False
    size: pydantic.ByteSize = pydantic.ByteSize(0)
    level: LooseLevel = LooseLevel.LOW
    text: Annotated[str, pydantic.Field(coerce_numbers_to_str=True)] = ""
    other: Annotated[int, pydantic.WithJsonSchema({"type": "string", "format": "date"})] = 0


@pytest.mark.parametrize(
    ("name", "answer", "value"),
    [
        ("before", 5, date(2026, 1, 5)),
        ("plain", "x", True),
        ("size", "1kb", 1000),
        ("level", 7, LooseLevel.LOW),
        ("text", 3, "3"),
        ("other", 3, 3),
    ],
)
def test_what_the_author_of_a_model_allows_is_accepted(name: str, answer: Any, value: Any) -> None:
    assert getattr(read(Own, {name: answer}), name) == value


def test_validator_of_a_model_may_take_anything() -> None:
    class Renamed(pydantic.BaseModel):
        number: int

        @pydantic.model_validator(mode="before")
        @classmethod
        def renamed(cls, value: dict[str, Any]) -> dict[str, Any]:
            return {"number": int(value["number"])}

    assert read(Renamed, {"number": True}).number == 1


def test_field_with_several_names_is_accepted_by_each() -> None:
    class Named(pydantic.BaseModel, populate_by_name=True):
        number: int = pydantic.Field(alias="count")

    assert read(Named, {"number": 3}) == read(Named, {"count": 3.0}) == Named(count=3)
    assert refused(Named, {"count": True}).path == "$.count"


def test_schema_that_is_sent_has_no_marks() -> None:
    assert "anchor_webtask" not in str(output_of(Page).schema)


def test_keys_that_pydantic_takes_no_text_for_are_refused_before_the_start() -> None:
    for kind in (Ratio, Literal[1]):
        with pytest.raises(ConfigurationError, match=r"pydantic takes no text for .*: use an IntEnum"):
            output_of(classes_with(dict[kind, int])["pydantic"])  # type: ignore[valid-type]


class Word(enum.StrEnum):
    YES = "yes"


def test_literal_of_a_member_that_pydantic_cannot_read_is_refused_before_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"no JSON for the member Ratio.HALF .*: make its class a StrEnum"):
        output_of(classes_with(Literal[Ratio.HALF])["pydantic"])
    for kind, answer in [(Literal[Word.YES], "yes"), (Literal[Level.LOW], 1)]:
        assert read(classes_with(kind)["pydantic"], {"part": answer}).part == answer


def test_iterable_whose_items_pydantic_does_not_check_is_refused_before_the_start() -> None:
    with pytest.raises(ConfigurationError, match="does not check the items of an Iterable: use a list"):
        output_of(classes_with(Iterable[int])["pydantic"])


class Extra(typing_extensions.TypedDict):
    number: Annotated[int, pydantic.Field(ge=0)]
    day: typing_extensions.NotRequired[date]


def test_typed_dict_that_pydantic_reads_is_compared_too() -> None:
    assert read(Extra, {"number": 1.0}) == {"number": 1}
    assert refused(Extra, {"number": True}).path == "$.number"
    assert refused(Extra, {"number": 1, "day": 5 * 86400}).path == "$.day"
