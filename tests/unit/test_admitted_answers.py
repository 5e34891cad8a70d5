"""What the schema of a type admits is accepted, and what it excludes is refused, for each kind of type."""

from __future__ import annotations

import abc
import dataclasses
import enum
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, Never, TypedDict, TypeVar

import attrs
import msgspec
import pydantic
import pytest
import typing_extensions

from anchor_webtask import ConfigurationError
from anchor_webtask._output.schema import output_of
from tests.support.admitting import classes_with, is_admitted, read, refused
from tests.support.type_cases import Color, Node, Price

T = TypeVar("T")


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Share(enum.Enum):
    HALF = 0.5
    ALL = 1


class Access(enum.Flag):
    READ = 1
    WRITE = 2


class Mode(enum.IntFlag):
    FAST = 1
    SAFE = 4


Bits: Any = enum.IntFlag("Bits", {f"BIT{bit}": 1 << bit for bit in range(11)})  # type: ignore[misc]


class Closed(typing_extensions.TypedDict, closed=True):
    number: int


class LooseColor(enum.Enum):
    RED = "red"

    @classmethod
    def _missing_(cls, value: object) -> LooseColor | None:
        return cls.RED if str(value).lower() == "red" else None


# -- Numbers -------------------------------------------------------------------------------------------------------

WHOLE_NUMBERS: list[tuple[Any, Any, Any]] = [
    (int, 3.0, 3),
    (int, 1e3, 1000),
    (Literal[1, 2], 1.0, 1),
    (Level, 2.0, Level.HIGH),
    (Share, 1.0, Share.ALL),
    (Access, 3.0, Access.READ | Access.WRITE),
    (Annotated[int, msgspec.Meta(ge=1)], 1.0, 1),
    (Annotated[int, msgspec.Meta(multiple_of=5)], 10.0, 10),
    (list[int], [1, 2.0], [1, 2]),
    (set[int], [1.0], {1}),
    (frozenset[int], [1.0], frozenset({1})),
    (tuple[int, str], [1.0, "a"], (1, "a")),
    (tuple[int, ...], [1.0, 2.0], (1, 2)),
    (dict[str, int], {"a": 1.0}, {"a": 1}),
    (dict[int, int], {"1": 1.0}, {1: 1}),
    (int | None, 3.0, 3),
    (int | str, 3.0, 3),
    (list[int] | int, [3.0], [3]),
    (int | float, 3.0, 3.0),
    (Sequence[int], [1.0], [1]),
]


@pytest.mark.parametrize(("kind", "answer", "value"), WHOLE_NUMBERS, ids=str)
def test_whole_number_with_fraction_of_zero_is_accepted_where_schema_says_integer(
    kind: Any, answer: Any, value: Any
) -> None:
    assert is_admitted(kind, answer)
    assert repr(read(kind, answer)) == repr(value)
    for library, cls in classes_with(kind).items():
        if library != "pydantic" or "Meta(" not in str(kind):
            assert repr(read(cls, {"part": answer}).part) == repr(value), library


class StrictModel(pydantic.BaseModel, strict=True):
    number: int
    share: float


def test_strict_pydantic_model_accepts_whole_number_with_fraction_of_zero() -> None:
    assert read(StrictModel, {"number": 3.0, "share": 2.0}) == StrictModel(number=3, share=2.0)
    assert "$.number" in str(refused(StrictModel, {"number": 3.5, "share": 2.0}))


@pytest.mark.parametrize("value", [19.99, 0.07, 4.35, 600.03, 2.5, 1e15, 3])
def test_multiple_of_a_cent_is_computed_with_decimals(value: float) -> None:
    kind: Any = Annotated[float, msgspec.Meta(multiple_of=0.01, ge=0)]
    assert read(kind, value) == value
    assert read(kind | None, value) == value
    assert "that's a multiple of 0.01; found 19.999" in str(refused(kind, 19.999))
    assert "Expected `float` >= 0.0" in str(refused(kind, -19.99))


@pytest.mark.parametrize("text", ["NaN", "sNaN", "-nan", "NaN12", "Infinity", "-inf", " inf "])
@pytest.mark.parametrize("kind", [Decimal, float, Decimal | None, dict[str, Decimal], dict[str, float]], ids=str)
def test_text_for_nan_or_infinity_is_no_number(kind: Any, text: str) -> None:
    answer = {"a": text} if "dict" in str(kind) else text
    refused(kind, answer)
    for cls in classes_with(kind).values():
        refused(cls, {"part": answer})


@pytest.mark.parametrize("kind", [dict[float, int], dict[Decimal, int]], ids=str)
def test_key_for_nan_or_infinity_is_no_number(kind: Any) -> None:
    for key in ("nan", "Infinity", "-inf"):
        refused(kind, {key: 1})
        for cls in classes_with(kind).values():
            refused(cls, {"part": {key: 1}})


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("kind", [float, list[float], Any, None, {"type": "object"}, Price, int, Decimal], ids=str)
def test_nan_and_infinity_in_answer_are_refused_for_every_type(kind: Any, number: float) -> None:
    error = refused(kind, {"a": ["x", number]})
    assert error.path == "$.a[1]"
    assert "JSON, which has no NaN and no infinities" in str(error)


def test_number_too_large_for_float_is_refused_as_text_and_in_text() -> None:
    for kind in (float, int, float | None):
        refused(kind, "1e400")
        refused(list[kind], "[1e400]")  # type: ignore[valid-type]
    refused(classes_with(float)["pydantic"], {"part": "1e400"})


@pytest.mark.parametrize(
    ("kind", "answer", "value"),
    [
        (dict[int, int], {"01": 1}, {1: 1}),
        (dict[float, int], {"1": 1, "2.5": 2, "01.5": 3}, {1.0: 1, 2.5: 2, 1.5: 3}),
        (dict[Decimal, int], {"1.50": 1}, {Decimal("1.50"): 1}),
        (dict[Literal[1, 2], int], {"1": 3}, {1: 3}),
        (dict[Level, int], {"1": 3}, {Level.LOW: 3}),
        (dict[Share, int], {"0.5": 3}, {Share.HALF: 3}),
        (dict[Access, int], {"3": 3}, {Access.READ | Access.WRITE: 3}),
        (dict[bool, int], {"true": 1, "false": 0}, {True: 1, False: 0}),
        (dict[int | float, int], {"1": 1, "1.5": 2}, {1: 1, 1.5: 2}),
        (dict[int | None, int], {"1": 1, "null": 2}, {1: 1, None: 2}),
        (dict[date | str, int], {"2026-03-01": 1, "x": 2}, {date(2026, 3, 1): 1, "x": 2}),
        (dict[Annotated[int, msgspec.Meta(ge=1)], int], {"1": 1}, {1: 1}),
    ],
    ids=str,
)
def test_keys_of_dict_are_text_that_stands_for_values(kind: Any, answer: Any, value: Any) -> None:
    assert is_admitted(kind, answer)
    assert repr(read(kind, answer)) == repr(value)
    if "str" not in str(kind):
        assert 'invalid key "-"' in str(refused(kind, {"-": 1}))


@pytest.mark.parametrize("kind", [dict[tuple[int, int], int], dict[Price, int], dict[frozenset[str], int]], ids=str)
def test_dict_whose_keys_no_text_stands_for_is_refused_before_the_start(kind: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"the keys of an object are text, which no (array|object) can be$"):
        output_of(kind)


def test_dict_of_pydantic_with_keys_that_are_literal_numbers_is_refused_before_the_start() -> None:
    with pytest.raises(ConfigurationError, match=r"pydantic takes no text for .*: use an IntEnum"):
        output_of(classes_with(dict[Literal[1, 2], int])["pydantic"])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("PT36H", timedelta(hours=36)),
        ("P2W", timedelta(weeks=2)),
        ("P1M", timedelta(days=30)),
        ("P1Y2M3DT4H5M6.5S", timedelta(days=365 + 60 + 3, hours=4, minutes=5, seconds=6.5)),
        ("-P1W", timedelta(weeks=-1)),
    ],
)
def test_duration_in_every_unit_is_accepted(text: str, value: timedelta) -> None:
    assert read(timedelta, text) == value
    assert {name: read(cls, {"part": text}).part for name, cls in classes_with(timedelta).items()} == dict.fromkeys(
        ("attrs", "dataclass", "msgspec", "pydantic"), value
    )


@pytest.mark.parametrize("text", ["P", "PT", "1W", "P1W2", "P1WT", "P-1W", "P1.5W"])
def test_text_that_is_no_duration_is_refused(text: str) -> None:
    refused(timedelta, text)


# -- Enums and literals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Access, Mode])
def test_flag_accepts_combinations_of_its_members_only(kind: type[enum.Flag]) -> None:
    model = classes_with(kind)["pydantic"]
    whole = max(member.value for member in kind) + 1
    for value in range(-2, 9):
        is_combination = value in {0, whole, *(member.value for member in kind)}
        assert is_admitted(kind, value) == is_admitted(model, {"part": value}) == is_combination
        if is_combination:
            assert read(kind, value) == read(model, {"part": value}).part == kind(value)
        else:
            refused(kind, value)
            if value >= 0:  # for pydantic, a negative number stands for the members that its bits leave out
                refused(model, {"part": value})


def test_flag_with_many_members_accepts_combinations_of_its_members_only() -> None:
    bits = {f"BIT{bit}": 1 << bit for bit in range(1, 12)}
    many: Any = enum.IntFlag("many", bits)  # type: ignore[misc]
    assert read(many, 2 + 4096 // 2) == many(2 + 2048)
    for value in (1, 4096, -2):
        refused(many, value)


def test_enum_may_have_numbers_and_its_own_rule_for_other_values() -> None:
    assert read(Share, 0.5) is Share.HALF
    assert read(LooseColor, "RED") is LooseColor.RED
    assert "expected one of 0.5, 1" in str(refused(Share, 0.7))
    assert "expected one of 0.5, 1" in str(refused(Share | None, 0.7)).replace(", null", "")


@pytest.mark.parametrize(
    ("kind", "answer", "value"),
    [
        (Literal[Color.RED], "red", Color.RED),
        (Literal[Color.RED, "no"] | None, None, None),
        (Literal[Level.LOW, True], True, True),
        (Literal[Level.LOW, True], 1, Level.LOW),
    ],
    ids=str,
)
def test_literal_may_list_members_of_enums(kind: Any, answer: Any, value: Any) -> None:
    assert is_admitted(kind, answer)
    assert read(kind, answer) is value
    refused(kind, "green")


# -- Classes -------------------------------------------------------------------------------------------------------


def lowered(tags: Any) -> tuple[str, ...]:
    return tuple(tag.lower() for tag in tags)


def rounded(price: float) -> float:
    return round(price, 2)


def stripped(text: str) -> str:
    return text.strip()


@attrs.define
class Item:
    name: str = attrs.field(converter=stripped)
    tags: tuple[str, ...] = attrs.field(converter=lowered)
    price: float = attrs.field(converter=rounded)


WithoutAnnotation: Any = attrs.make_class(
    "WithoutAnnotation",
    {
        "anything": attrs.field(),
        "number": attrs.field(type=int, default=1),
        "_hidden": attrs.field(type=int, default=2, alias="shown", converter=int),
    },
)

OwnDefault: Any = attrs.make_class(
    "OwnDefault",
    {
        "low": attrs.field(type=int),
        "high": attrs.field(type=int, default=attrs.Factory(lambda made: made.low + 1, takes_self=True)),
    },
)


def test_converters_of_attrs_fields_run() -> None:
    assert read(Item, {"name": " x ", "tags": ["A"], "price": 1.2345}) == Item(" x ", ("A",), 1.2345)
    assert read(list[Item], [{"name": " x ", "tags": ["A"], "price": 1}])[0].name == "x"
    assert refused(Item, {"name": "x", "tags": "A", "price": 1}).path == "$.tags"


def test_attrs_field_needs_no_annotation() -> None:
    assert read(WithoutAnnotation, {"anything": [1], "number": 2.0, "_hidden": 3}) == WithoutAnnotation([1], 2, 3)
    assert read(WithoutAnnotation, {"anything": None}) == WithoutAnnotation(None)
    assert refused(WithoutAnnotation, {"anything": 1, "number": "x"}).path == "$.number"


def test_default_of_attrs_field_may_depend_on_other_fields() -> None:
    assert read(OwnDefault, {"low": 1}) == OwnDefault(1, 2)
    assert read(OwnDefault, {"low": 1, "high": 5.0}) == OwnDefault(1, 5)


class Place(NamedTuple):
    latitude: float
    longitude: float
    label: str = ""


class Row(msgspec.Struct, array_like=True):
    number: int
    text: str = ""


class TaggedRow(msgspec.Struct, array_like=True, tag="row"):
    number: int


@pytest.mark.parametrize(
    ("kind", "as_object", "as_array", "value"),
    [
        (Place, {"latitude": 52.5, "longitude": 13.4}, [52.5, 13.4], Place(52.5, 13.4)),
        (Place, {"latitude": 1, "longitude": 2, "label": "x"}, [1, 2, "x"], Place(1.0, 2.0, "x")),
        (Row, {"number": 3.0, "text": "x"}, [3.0, "x"], Row(3, "x")),
        (TaggedRow, {"type": "row", "number": 3}, ["row", 3.0], TaggedRow(3)),
        (Row | None, {"number": 3.0}, [3.0], Row(3)),
        (list[Place], [{"longitude": 2, "latitude": 1}], [[1, 2]], [Place(1.0, 2.0)]),
        (Place | None, {"longitude": 2, "latitude": 1}, [1, 2], Place(1.0, 2.0)),
    ],
    ids=str,
)
def test_class_with_fields_in_order_is_asked_for_by_names_and_accepted_in_both_forms(
    kind: Any, as_object: Any, as_array: Any, value: Any
) -> None:
    assert is_admitted(kind, as_object)
    assert not is_admitted(kind, as_array)
    assert read(kind, as_object) == read(kind, as_array) == value


@pytest.mark.parametrize("answer", [[1.5], [1.5, 2.5, "x", 4], [1.5, "x"], {"latitude": 1}, []])
def test_named_tuple_refuses_wrong_array_or_object(answer: Any) -> None:
    refused(Place, answer)


@dataclass
class Counted:
    text: str
    length: int = dataclasses.field(init=False)
    kind: ClassVar[type[int]] = int

    def __post_init__(self) -> None:
        self.length = len(self.text)


@attrs.define
class CountedAttrs:
    text: str
    length: int = attrs.field(init=False, default=7)


@dataclass
class CountedData:
    text: str
    length: int = dataclasses.field(init=False, default=7)


def test_field_that_is_no_argument_is_not_asked_for_and_not_taken() -> None:
    assert output_of(Counted).schema == {
        "title": "Counted",
        "type": "object",
        "properties": {"text": {"type": "string"}},
        "required": ["text"],
    }
    assert read(Counted, {"text": "abc", "length": 99}).length == 3
    for kind in (CountedAttrs, CountedData):
        assert read(kind, {"text": "abc", "length": 99}).length == 7


@dataclass
class Scaled:
    number: int
    factor: dataclasses.InitVar[int] = 1

    def __post_init__(self, factor: int) -> None:
        self.number *= factor


Numbers = typing_extensions.TypeAliasType("Numbers", list[int])


class Marked(TypedDict, Generic[T]):
    value: T


class MarkedNumber(Marked[int]):
    name: str


class Nested(MarkedNumber):
    more: int


class Frozen(typing_extensions.TypedDict, total=False):
    a: typing_extensions.ReadOnly[typing_extensions.Required[int]]
    b: Annotated[str, "about b"]
    c: Annotated[typing_extensions.NotRequired[int], "about c"]


@pytest.mark.parametrize(
    ("kind", "answer", "value", "wrong"),
    [
        (Price | Node, {"amount": 1}, Price(1.0), {"name": "web"}),
        (Price | Node, {"name": "web", "cpu": 1}, Node("web", 1.0), {"amount": "x"}),
        (list[Price | Node | str], [{"name": "web", "cpu": 1}, "x"], [Node("web", 1.0), "x"], [3]),
        (str | date, "2026-03-01", date(2026, 3, 1), 3),
        (date | str, "soon", "soon", 3),
        (Scaled, {"number": 2, "factor": 3.0}, Scaled(6), {"number": 2, "factor": "x"}),
        (Marked[int], {"value": 1.0}, {"value": 1}, {"value": "x"}),
        (MarkedNumber, {"value": 1, "name": "x"}, {"value": 1, "name": "x"}, {"value": "x", "name": "x"}),
        (Frozen, {"a": 1.0}, {"a": 1}, {"b": "x"}),
        (Frozen, {"a": 1, "b": "x", "c": 2}, {"a": 1, "b": "x", "c": 2}, {"a": 1, "c": "x"}),
        (Numbers, [1.0], [1], ["x"]),
        (Annotated[int | None, msgspec.Meta(ge=1, description="how many")], 1.0, 1, 0),
    ],
    ids=str,
)
def test_type_of_many_shapes_has_schema_and_its_answer_becomes_value(
    kind: Any, answer: Any, value: Any, wrong: Any
) -> None:
    assert is_admitted(kind, answer)
    assert read(kind, answer) == value
    assert repr(read(kind, answer)) == repr(value)
    assert not is_admitted(kind, wrong)
    refused(kind, wrong)


def test_object_that_fits_several_classes_becomes_the_class_with_most_of_its_fields() -> None:
    few = dataclasses.make_dataclass("Few", [("a", int)])
    many = dataclasses.make_dataclass("Many", [("a", int), ("b", int)])
    for kind in (few | many, many | few):
        assert read(kind, {"a": 1, "b": 2}) == many(1, 2)
        assert read(kind, {"a": 1}) == few(1)


@pytest.mark.parametrize("text", ['[{"amount": 1.0, "currency": "EUR"}]', ' [{"amount": "1"}]'])
def test_list_or_object_may_be_text_in_a_field(text: str) -> None:
    holds = dataclasses.make_dataclass("Holds", [("prices", list[Price])])
    assert read(holds, {"prices": text}).prices == [Price(1.0)]
    assert refused(holds, {"prices": "[x"}).path == "$.prices"


# -- Types that no answer can fit ----------------------------------------------------------------------------------


class Empty(enum.Enum):
    pass


class Pairs(enum.Enum):
    FIRST = (1, 2)


class Abstract(abc.ABC):
    @abc.abstractmethod
    def area(self) -> float: ...


@dataclass
class AbstractData(Abstract):
    width: float


class AbstractModel(pydantic.BaseModel, Abstract):
    width: float


class WithClass(pydantic.BaseModel):
    part: type[int]


class WithEmpty(pydantic.BaseModel):
    part: list[Empty]


@dataclass
class BestOfAll:
    best: float = float("inf")


class BestModel(pydantic.BaseModel):
    best: float = float("nan")


@pytest.mark.parametrize(
    ("kind", "part", "reason"),
    [
        (type[int], "type[int]", "no JSON is a class"),
        (list[type], "type", "no JSON is a class"),
        (WithClass, "type[int]", "no JSON is a class"),
        (Empty, "Empty", "has no members"),
        (WithEmpty, "Empty", "has no members"),
        (AbstractData, "AbstractData", "is abstract"),
        (dict[str, AbstractModel], "AbstractModel", "is abstract"),
        (list[Never], "Never", "has no values"),
        (Pairs, "Pairs", "the value of Pairs.FIRST is not text"),
        (list[Pairs], "Pairs", "the value of Pairs.FIRST is not text"),
        (list[BestOfAll], "BestOfAll", "is not JSON: use a finite number"),
        (list[BestModel], "BestModel", "is not JSON: use a finite number"),
        (Annotated[int, msgspec.Meta(examples=[float("nan")])], "int", "is not JSON"),
        pytest.param(
            Nested,
            "Nested",
            "the field value has the type variable ~T, which stands for no type there",
            marks=pytest.mark.skipif(sys.version_info >= (3, 12), reason="Python 3.12 knows what it stands for"),
        ),
    ],
    ids=str,
)
def test_type_that_no_answer_can_fit_is_refused_before_the_start(kind: Any, part: str, reason: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        output_of(kind)
    assert str(caught.value).startswith(("no answer can fit output=", "output="))
    assert part in str(caught.value)
    assert reason in str(caught.value)


class Registered(pydantic.BaseModel):
    registry: ClassVar[dict[str, type[int]]] = {}
    _kind: type[int] = int
    made: type[int]

    @pydantic.field_validator("made", mode="plain", json_schema_input_type=str)
    @classmethod
    def named(cls, name: str) -> type[int]:
        return {"int": int, "bool": bool}[name]


def test_class_in_a_model_that_no_answer_sets_is_no_obstacle() -> None:
    assert read(Registered, {"made": "bool"}).made is bool


def test_annotation_that_names_a_class_of_a_function_is_refused_with_advice() -> None:
    namespace: dict[str, Any] = {"dataclass": dataclass, "__name__": __name__}
    exec(
        "def local():\n @dataclass\n class Inner: x: int\n @dataclass\n class Outer: i: 'Inner'\n return Outer",
        namespace,
    )
    with pytest.raises(
        ConfigurationError, match="name 'Inner' is not defined: annotations that are text may name only"
    ):
        output_of(namespace["local"]())


# -- The same verdict for every library ----------------------------------------------------------------------------

Verdict = Callable[[Any], Any]


@pytest.mark.parametrize(
    ("kind", "accepted", "refusals"),
    [
        (
            int,
            [3, 3.0, "3", "3.0", "-3", 1e3],
            [3.5, "3.5", "x", "", None, [3], {}, "0x1", "nan", "1e400", "1e5", True, "1_000", " 3 ", "+3"],
        ),
        (
            float,
            [3, 3.5, "3", "3.5", "1e2", "-0.5"],
            ["x", "", None, [3.5], {}, "1,5", "nan", "inf", "1e400", False, "1_000.5", " 3", ".5"],
        ),
        (Decimal, [3, 3.5, "3.50", "1e2"], ["x", "", None, True, [], "nan", "Infinity", "1_000", "+3", " 3"]),
        (str, ["", "3", "true", "null"], [3, 3.5, True, None, [], {}]),
        (bool, [True, False, "true", "false"], [None, "x", 2, 0.5, [], {}, 1, 0, 1.0, "yes", "1", "TRUE", "on"]),
        (bool | None, [True, None, "false"], [1, "yes", "x"]),
        (bool | str, [True, "true", "x"], [1, None]),
        (bool | int, [True, 1], ["x", None]),
        (date, ["2026-03-01"], ["2026-02-30", "March", None, [], True, "", 86400, 0, "86400", 1.5]),
        (datetime, ["2026-03-01T12:00:00Z"], ["x", None, [], True, "", 86400, "86400", 1e9]),
        (time, ["12:30:00"], ["x", None, [], True, "", 60, "60"]),
        (timedelta, ["PT1H", "P1W"], ["x", None, [], True, "", 60, 1.5, "60"]),
        (date | None, ["2026-03-01", None], [86400, True]),
        (date | int, ["2026-03-01", 86400], [True, None, "x"]),
        (Color | int, ["red", 1, "1"], [True, None, "x"]),
        (Literal["a"] | bool, ["a", True, "true"], [1, None, "x"]),
        (Closed, [{"number": 1}], [{"number": 1, "other": 2}, {}]),
        (list[date], [["2026-03-01"]], [[86400], 86400]),
        (dict[str, timedelta], [{"a": "PT1H"}], [{"a": 60}]),
        (Color, ["red", "blue"], ["green", "RED", 1, None, [], True]),
        (Level, [1, 2.0], [3, 1.5, None, "x", [], True, "1", "1.0"]),
        (Share, [0.5, 1, 1.0], [0.7, True, "1", "0.5"]),
        (Level | None, [1, None], [True, "1", 3]),
        (Level | str, [1, "1"], [True, 3]),
        (Mode, [0, 1, 4, 5.0], [2, 8, -1, -2, True, "1", None]),
        (Bits, [0, 1, 2047, 3.0], [2048, -1, -2, True, "1", None]),
        (Literal["a", 1], ["a", 1, 1.0], ["b", 2, "1", None, [], True]),
        (Literal[True], [True], [1, "true", False, None]),
        (list[int], [[], [1, 2.0, "3"]], [[None], ["x"], {}, 1, None, [True]]),
        (set[int], [[], [1, 2.0]], [["x"], {}, 1, None, [True]]),
        (tuple[int, str], [[1.0, "a"]], [[1], [1, 2], [1, "a", 2], "x", None, [True, "a"]]),
        (dict[int, int], [{}, {"1": 1}, {"01": "2"}], [{"x": 1}, {"1.5": 1}, [], None, {"1_0": 1}, {"1": True}]),
        (dict[Level, int], [{}, {"1": 1}], [{"3": 1}, {"x": 1}, [], {"01": 1}]),
        (dict[bool, int], [{}, {"true": 1}], [{"yes": 1}, {"1": 1}]),
        (int | None, [3.0, None, "3"], ["x", 3.5, [], True]),
        (int | str, [3, "3", "x", 3.0], [None, [], True]),
        (Any, [None, 3, "x", [1.5], {"a": {}}, True, "nan"], []),
    ],
    ids=str,
)
def test_answer_gets_the_same_verdict_from_every_library(kind: Any, accepted: list[Any], refusals: list[Any]) -> None:
    values: dict[int, set[str]] = {}
    for cls in classes_with(kind).values():
        for index, answer in enumerate(accepted):
            value = read(cls, {"part": answer}).part
            plain: Any = {Decimal: float, datetime: datetime.isoformat}.get(type(value), repr)
            values.setdefault(index, set()).add(plain(value))
        for answer in refusals:
            assert refused(cls, {"part": answer}).path.startswith("$.part"), cls
    assert [len(found) for found in values.values()] == [1] * len(accepted)


# -- JSON in words -------------------------------------------------------------------------------------------------

PRICE = '{"amount": 3.5}'


@pytest.mark.parametrize(
    "text",
    [
        f"```json\n{PRICE}\n```",
        f"```\n{PRICE}```",
        f"Here it is: {PRICE}",
        f"{PRICE}\n\nAnything else?",
        f"\ufeff{PRICE}",
        f"According to [1], it is {PRICE}.",
        f'{{not JSON}} [ {{"a": 1}} {PRICE} }}',
        '```json\n{"result": {"amount": 3.5}}\n```',
        f"{'{ not JSON ' * 5_000}{PRICE}{' [ not JSON, either' * 5_000}",
    ],
    ids=lambda value: str(value)[:30],
)
@pytest.mark.parametrize("times", [0, 1])
@pytest.mark.parametrize("kind", [Price, pydantic.create_model("PriceModel", amount=(float, ...))])
def test_one_object_in_a_code_fence_or_between_words_is_taken(kind: Any, text: str, times: int) -> None:
    assert read(kind, {"result": text} if times else text).amount == 3.5


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (Price, f"First {PRICE}, then {PRICE}"),
        (Price, 'It is {"amount": "unknown"}'),
        (Price, "I found {} only"),
        (Price, 'It is {"amount": NaN}'),
        (list[int], "[1] and [2]"),
        (float, "It is 3.5"),
        (bool, "That is true."),
        (int, "```\n3\n```"),
        (Literal["yes"], 'It is "yes"'),
        (type(None), "It is null"),
        (Price, "[" * 100_000),
        (Price, '{"' * 100_000),
        (Price, '["a", ' * 100_000),
        (Price, f"{'{ not JSON ' * 5_000}{PRICE} {PRICE}"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_nothing_else_is_taken_out_of_words(kind: Any, text: str) -> None:
    refused(kind, text)


def test_error_describes_the_only_object_between_words() -> None:
    assert refused(Price, 'It is {"amount": "unknown"}').path == "$.amount"
    assert "expected one answer, but the text has 2 that fit" in str(refused(list[int], "[1] and [2]"))


def test_text_stays_complete_if_the_type_is_text() -> None:
    assert read(str, f"Here it is: {PRICE}") == f"Here it is: {PRICE}"
    assert read(Price | str, f"Here it is: {PRICE}") == f"Here it is: {PRICE}"


def test_number_in_parts_of_type_keeps_its_digits_in_text_of_answer() -> None:
    cls = classes_with(Decimal)
    for each in cls.values():
        assert str(read(each, '{"part": 12345678901234567.890}').part) == "12345678901234567.890"


class Coins(pydantic.BaseModel):
    kind: Literal["coins"]
    amount: Decimal


class Card(pydantic.BaseModel):
    kind: Literal["card"]
    number: float | str


class Payment(pydantic.BaseModel):
    parts: list[Annotated[Coins | Card, pydantic.Field(discriminator="kind")]]


def test_decimal_in_tagged_union_of_models_keeps_its_digits_and_numbers_beside_it_stay_numbers() -> None:
    text = '{"parts": [{"kind": "coins", "amount": 0.10}, {"kind": "card", "number": 1.50}]}'
    coins, card = read(Payment, text).parts
    assert (repr(coins.amount), repr(card.number)) == ("Decimal('0.10')", "1.5")


@dataclass
class Pair(Generic[T]):
    left: T
    right: list[T]


class NumberPair(Pair[int]):
    """A class whose fields are those of a generic class."""


def test_iterable_is_a_list_whose_items_are_checked() -> None:
    assert read(Iterable[int], [1.0, "2"]) == [1, 2]
    assert refused(classes_with(list[Iterable[int]])["attrs"], {"part": [[1], ["x"]]}).path == "$.part[1][0]"


@pytest.mark.parametrize("kind", [set, frozenset, set[Any]])
def test_set_that_python_cannot_make_is_refused_with_its_place(kind: Any) -> None:
    for cls in classes_with(kind).values():
        assert refused(cls, {"part": [[1]]}).path.startswith("$.part")


def test_type_arguments_reach_the_fields_of_generic_classes() -> None:
    assert read(list[Pair[int]], [{"left": 1.0, "right": [2.0]}]) == [Pair(1, [2])]
    assert read(NumberPair, {"left": 1.0, "right": [2.0]}) == NumberPair(1, [2])
    for kind in (Pair[int], NumberPair):
        assert refused(kind, {"left": 1, "right": ["x"]}).path == "$.right[0]"
