"""An answer becomes a value of the type that was asked for, or an error that says where it isn't one."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry

from anchor_webtask import InvalidOutputError
from anchor_webtask._output.decode import output_of
from anchor_webtask.emulator._synthetic_answers import make_answer
from tests.support.errors import contents
from tests.support.kinds import (
    KINDS,
    OBJECTS,
    ORDER,
    OTHERS,
    Book,
    Cash,
    Color,
    Comment,
    Finding,
    Folder,
    Kind,
    Node,
    Order,
    Parcel,
    Point,
    Price,
    Rating,
    Review,
    Settings,
    Track,
    Transfer,
    Verdict,
)
from tests.support.made_types import json_of, types_with_values

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = {"name": "web", "cpu": 1.5}
PROSE = "I could not find the page that you asked for."

TEXTS: dict[Any, int] = {str: 0, Verdict: 1, Finding: 1, Parcel: 2, Book | Finding: 2}
"""Types that a text fits, with how many `result` keys it then is under."""

each_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
each_object = pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.name)
each_other = pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.name)


def nest(value: object, times: int) -> Any:
    return value if times == 0 else {"result": nest(value, times - 1)}


def read(output: Any, raw: Any) -> Any:
    return output_of(output).value(raw, "task-1")


def refused(output: Any, raw: Any) -> InvalidOutputError:
    """Return why an answer isn't taken, once all is right about the error that is so for each."""
    before = copy.deepcopy(raw)
    with pytest.raises(InvalidOutputError) as caught:
        read(output, raw)
    error = caught.value
    assert error.raw is raw
    assert raw == before
    assert error.task_id == "task-1"
    assert error.__cause__ is error.__context__ is None
    assert contents(pickle.loads(pickle.dumps(error))) == contents(copy.copy(error)) == contents(error)
    text = str(error)
    assert text.startswith("the task completed, but its answer is not what output asks for, at $")
    assert text.endswith("[task 'task-1' has ended; the error's .raw is its answer as received]")
    assert text.isprintable()
    assert len(text) < 800
    return error


def is_value(found: object, kind: Kind) -> bool:
    return type(found) is type(kind.value) and found == kind.value


# -- The attempts --------------------------------------------------------------------------------------------------


@each_kind
@pytest.mark.parametrize("times", [0, 1, 2])
def test_answer_may_come_as_it_is_or_wrapped_once_or_twice(kind: Kind, times: int) -> None:
    raw = nest(kind.answer, times)
    before = copy.deepcopy(raw)
    assert is_value(read(kind.output, raw), kind)
    assert raw == before


AS_TEXT = [
    (kind, outside, inside)
    for kind in KINDS
    for outside, inside in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]
    if outside < TEXTS.get(kind.output, 3) or (outside == 0 and inside > 0)
]


@pytest.mark.parametrize(
    ("kind", "outside", "inside"), AS_TEXT, ids=lambda it: it.name if isinstance(it, Kind) else None
)
def test_answer_may_come_as_json_in_a_string(kind: Kind, outside: int, inside: int) -> None:
    assert is_value(read(kind.output, nest(json.dumps(nest(kind.answer, inside)), outside)), kind)


@each_other
def test_wrapped_type_has_one_wrapping_of_its_own_and_two_of_the_api(kind: Kind) -> None:
    assert is_value(read(kind.output, nest(kind.answer, 3)), kind)
    refused(kind.output, nest(kind.answer, 4))


@each_object
def test_type_that_is_not_wrapped_is_not_unwrapped_three_times(kind: Kind) -> None:
    refused(kind.output, nest(kind.answer, 3))


@each_object
def test_json_is_decoded_once_only(kind: Kind) -> None:
    refused(kind.output, json.dumps(json.dumps(kind.answer)))


@pytest.mark.parametrize(
    ("output", "raw", "value"),
    [
        (str, "3", "3"),
        (str, '{"result": "x"}', "x"),
        (str, nest('{"result": "x"}', 1), '{"result": "x"}'),
        (str, nest("[1]", 1), "[1]"),
        (int | str, "3", "3"),
        (dict[str, dict[str, int]], {"result": {"a": 1}}, {"result": {"a": 1}}),
        (dict[str, Any], nest({"a": 1}, 2), nest({"a": 1}, 2)),
        (dict, nest({"a": 1}, 2), nest({"a": 1}, 2)),
        (Parcel, nest("x", 2), Parcel(Verdict("x"))),
        (Parcel, nest("x", 3), Parcel(Verdict("x"))),
        (Verdict, nest("x", 3), Verdict("x")),
        (Verdict, nest('{"result": "x"}', 1), Verdict('{"result": "x"}')),
        (Book | Finding, nest("gold", 2), Finding(result="gold")),
        (list[Verdict] | Verdict, nest("x", 2), Verdict("x")),
    ],
)
def test_what_fits_sooner_is_not_decoded_or_unwrapped(output: Any, raw: Any, value: Any) -> None:
    assert read(output, raw) == value


@pytest.mark.parametrize("wrapping", [{"result": GOOD, "more": 2}, {"Result": GOOD}, {"answer": GOOD}, [GOOD]])
def test_only_a_lone_result_is_a_wrapping(wrapping: Any) -> None:
    refused(Node, wrapping)


def test_fields_that_were_not_asked_for_are_ignored() -> None:
    assert read(Node, {"name": "web", "cpu": 1.5, "result": "more"}) == Node("web", 1.5)


def test_keys_of_a_dict_may_be_other_than_text() -> None:
    assert read(dict[int, Node], {"1": {"name": "a", "cpu": 1}}) == {1: Node("a", 1.0)}
    assert read(dict[date, int], {"2026-03-01": 1}) == {date(2026, 3, 1): 1}
    assert read(dict[int, Book], {"1": {"title": "a", "price": 1}}) == {1: Book(title="a", price=1.0)}


@pytest.mark.parametrize(("output", "named"), [(Track, "title"), (Book, "title"), (Price, "currency")])
def test_half_a_surrogate_pair_costs_no_answer(output: Any, named: str) -> None:
    answer = {"title": "Emma\ud83d", "currency": "Emma\ud83d", "price": 1, "seconds": 1, "amount": 1}
    assert getattr(read(output, answer), named).startswith("Emma")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(("output", "text"), [(float, "{}"), (list[float], "[{}]"), (dict[str, float], '{{"a": {}}}')])
def test_text_that_is_no_json_but_pythons_is_not_decoded(output: Any, text: str, constant: str) -> None:
    assert refused(output, text.format(constant)).path == "$"


# -- Where it is wrong ---------------------------------------------------------------------------------------------


class Inner(msgspec.Struct, frozen=True):
    bcd: int = 0


class Renamed(msgspec.Struct, rename={"dotted": "a.b", "indexed": "c[0]", "plain": "a"}):
    dotted: int
    indexed: dict[str, int]
    plain: Inner = Inner()


class Strict(msgspec.Struct, forbid_unknown_fields=True):
    name: str


Odd = TypedDict("Odd", {"a b": int, "ü": int, "[...]": int})

ODD = {"a b": 1, "ü": 1, "[...]": 1}


class Shaped(msgspec.Struct):
    inner: dict[str, dict[str, Node]]
    long: Annotated[dict[str, int], msgspec.Meta(min_length=3)] = {}


@dataclass
class Checked:
    low: int
    high: int

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low must not be above high")


class CheckedModel(pydantic.BaseModel):
    low: int
    high: int

    @pydantic.model_validator(mode="after")
    def in_order(self) -> CheckedModel:
        if self.low > self.high:
            raise ValueError("low must not be above high")
        return self


class Shelf(pydantic.BaseModel):
    books: dict[str, list[Book]]
    best: Book | None = None
    by_number: dict[int, Book] = {}


class Sold(pydantic.BaseModel):
    """Its tag is also the name of one of its fields, as pydantic says where something is wrong by both."""

    kind: Literal["price"]
    price: float
    currency: str


class Free(pydantic.BaseModel):
    kind: Literal["free"]
    note: str


class Tagged(pydantic.BaseModel):
    unit: int | list[int]


Offer = Annotated[Sold | Free, pydantic.Field(discriminator="kind")]
SOLD = {"kind": "price", "price": 3.5, "currency": "EUR"}

BAD = {"name": "web", "cpu": "high"}
EMMA = {"title": "Emma", "price": 1}


@pytest.mark.parametrize(
    ("output", "raw", "path", "expected"),
    [
        (Node, BAD, "$.cpu", 'Expected `float`, got `str`; it is "high"'),
        (Node, nest(BAD, 1), "$.result.cpu", "Expected `float`, got `str`"),
        (Node, nest(BAD, 2), "$.result.result.cpu", "Expected `float`, got `str`"),
        (Node, json.dumps(BAD), "$.cpu", "Expected `float`, got `str`"),
        (Node, {"name": "web"}, "$", 'Object missing required field `cpu`; it is {"name": "web"}'),
        (list[Node], [GOOD, GOOD, GOOD, BAD], "$[3].cpu", "Expected `float`, got `str`"),
        (list[Node], nest([GOOD, BAD], 1), "$.result[1].cpu", "Expected `float`, got `str`"),
        (list[Node], nest([GOOD, BAD], 2), "$.result.result[1].cpu", "Expected `float`, got `str`"),
        (list[Node], [GOOD, None], "$[1]", "Expected `object`, got `null`; it is null"),
        (list[Node], nest(json.dumps([BAD]), 1), "$.result[0].cpu", "Expected `float`, got `str`"),
        (tuple[int, Node], [1, BAD], "$[1].cpu", "Expected `float`, got `str`"),
        (tuple[int, Node], [1], "$", "Expected `array` of length 2, got 1; it is [1]"),
        (Point, [1.5, "east"], "$[1]", "Expected `float`, got `str`"),
        (Node | None, nest(BAD, 1), "$.result.cpu", "Expected `float`, got `str`"),
        (Cash | Transfer, {"type": "card"}, "$.type", 'expected one of "cash", "transfer"; it is "card"'),
        (Cash | Transfer, {"amount": "1"}, "$", "Object missing required field `type`"),
        (Cash | Transfer, {"type": "cash", "amount": "much"}, "$.amount", "Invalid decimal string"),
        (Rating, {"stars": 6, "tags": []}, "$.stars", "Expected `int` <= 5; it is 6"),
        (Rating, {"stars": 5, "tags": list("abcd")}, "$.tags", "Expected `array` of length <= 3"),
        (list[Color], ["red", "green"], "$[1]", 'expected one of "blue", "red"; it is "green"'),
        (list[date], ["2026-02-30"], "$[0]", "Invalid RFC3339 encoded date"),
        (Folder, {"name": "/", "folders": [{"name": "a", "folders": [{}]}]}, "$.folders[0].folders[0]", "`name`"),
        (dict[str, int], {"a": 1, "b c": "x"}, '$["b c"]', "Expected `int`, got `str`"),
        (dict[str, int], {"a": "x", "b": "x"}, "$.a", "Expected `int`, got `str`"),
        (dict[str, int], {"ok": 1, "": "x"}, '$[""]', "Expected `int`, got `str`"),
        (dict[str, int], {"ok": 1, 'a"b\\': "x"}, '$["a\\"b\\\\"]', "Expected `int`, got `str`"),
        (dict[str, int], {"line\n\u202eend": "x"}, '$["line\\n\\u202eend"]', "Expected `int`, got `str`"),
        (dict[str, int], {"\U000e0001\ud800": "x"}, '$["\\udb40\\udc01\\ud800"]', "Expected `int`, got `str`"),
        (dict[str, int], {"größe": "x"}, "$.größe", "Expected `int`, got `str`"),
        (dict[str, int], {str(number): number if number < 999 else "x" for number in range(1000)}, '$["999"]', "`int`"),
        (dict[int, int], {"1": 1, "x": 2}, "$", 'Expected `int`, got `str`, as the key "x"; it is {"1": 1'),
        (dict[str, dict[date, int]], {"a": {"b": 2}}, "$.a", 'encoded date, as the key "b"; it is {"b": 2}'),
        (dict[Color, int], {"red": 1, "green": 2}, "$", 'expected one of "red", "blue", as the key "green"'),
        (Node, json.dumps({"name": "web"}), "$", "Object missing required field `cpu`"),
        (Shaped, {"inner": {"a b": {"c": GOOD, "d.e": BAD}}}, '$.inner["a b"]["d.e"].cpu', "Expected `float`"),
        (Shaped, {"inner": {"a": {"b": GOOD}, "c": {"b": BAD}}}, "$.inner.c.b.cpu", "Expected `float`"),
        (Shaped, {"inner": {}, "long": {"a": 1}}, "$.long", "Expected `object` of length >= 3"),
        (Shaped, {"inner": {}, "long": {"a": "x", "b": 1, "c": 1}}, "$.long", "Expected `int`, got `str`"),
        (dict[str, list[dict[str, Node]]], {"a": [{"b": GOOD}, {"c d": BAD}]}, '$.a[1]["c d"].cpu', "Expected `float`"),
        (Renamed, {"a.b": "x", "c[0]": {}}, '$["a.b"]', "Expected `int`, got `str`"),
        (Renamed, {"a.b": "x", "c[0]": {}, "a": {"b": 1}}, '$["a.b"]', 'it is "x"'),
        (Renamed, {"a.b": 1, "c[0]": {}, "a": {"bcd": "x"}}, "$.a.bcd", 'it is "x"'),
        (Renamed, {"a.b": 1, "c[0]": {"d e": "x"}}, '$["c[0]"]["d e"]', "Expected `int`, got `str`"),
        (Odd, {**ODD, "a b": "x"}, '$["a b"]', "Expected `int`, got `str`"),
        (Odd, {**ODD, "ü": "x"}, "$.ü", "Expected `int`, got `str`"),
        (Odd, {**ODD, "[...]": "x"}, '$["[...]"]', "Expected `int`, got `str`"),
        (Strict, {"name": "x", " - at `$[9]": 1}, "$", "Object contains unknown field"),
        (list[Literal["a"]], ["a", "b' - at `$[0]`"], "$[1]", 'expected one of "a"; it is'),
        (Color, json.dumps("green"), "$", 'expected one of "blue", "red"; it is "green"'),
        (Literal["yes", 3], 4, "$", 'expected one of 3, "yes"; it is 4'),
        (dict[str, Literal["a"] | None], {"b c": "x"}, '$["b c"]', 'expected one of "a", null; it is "x"'),
        (Literal["a"] | int, "x", "$", "Invalid enum value 'x'"),
        (tuple[int, Color], nest([1, "x"], 1), "$.result[1]", 'expected one of "blue", "red"'),
        (list[Cash | Transfer | int], [1, {"type": "x"}], "$[1].type", 'expected one of "cash", "transfer"'),
        (Order, {**ORDER, "color": "x"}, "$.color", 'expected one of "blue", "red"'),
        (Checked, {"low": 2, "high": 1}, "$", "low must not be above high"),
        (list[Checked], [{"low": 2, "high": 1}], "$[0]", "low must not be above high"),
        (Book, {"title": "Emma"}, "$", 'Field required: price; it is {"title": "Emma"}'),
        (Book, {**EMMA, "price": 0}, "$.price", "Input should be greater than 0; it is 0"),
        (Book, nest({**EMMA, "price": 0}, 2), "$.result.result.price", "Input should be greater than 0"),
        (list[Book], nest([EMMA, {"title": "Emma"}], 1), "$.result[1]", "Field required: price"),
        (Book | None, nest({**EMMA, "title": 3}, 1), "$.result.title", "Input should be a valid string; it is 3"),
        (int | Book, nest({**EMMA, "title": 3}, 1), "$.result.title", "Input should be a valid string"),
        (Comment, {"text": "a", "replies": [{"text": "b"}, {"text": 3}]}, "$.replies[1].text", "valid string"),
        (Shelf, {"books": {"a b": [EMMA, {**EMMA, "price": "much"}]}}, '$.books["a b"][1].price', "valid number"),
        (Shelf, {"books": {}, "best": {**EMMA, "price": "much"}}, "$.best.price", "valid number"),
        (Shelf, {"books": {}, "by_number": {"one": EMMA}}, "$.by_number", 'as the key "one"'),
        (Review, {"stars": 6}, "$.stars", "Input should be less than or equal to 5; it is 6"),
        (CheckedModel, {"low": 2, "high": 1}, "$", "low must not be above high"),
        (tuple[int, Book], [1, 2], "$[1]", "Input should be an object; it is 2"),
        (list[Sold | Free], [{**SOLD, "price": "x"}], "$[0].price", 'parse string as a number; it is "x"'),
        (list[Offer], [{**SOLD, "currency": None}], "$[0].currency", "valid string; it is null"),
        (list[Offer], [{"kind": "price", "price": 3.5}], "$[0]", "Field required: currency; it is {"),
        (dict[str, Offer], {"price": {**SOLD, "price": "x"}}, "$.price.price", 'parse string as a number; it is "x"'),
        (Tagged, {"unit": {"int": "bad"}}, "$.unit", 'it is {"int": "bad"}'),
        (dict[str, Book], {"\u202e": 3}, '$["\\u202e"]', "Input should be an object"),
    ],
    ids=lambda it: ascii(it)[:50],
)
def test_error_says_where_and_what(output: Any, raw: Any, path: str, expected: str) -> None:
    error = refused(output, raw)
    assert error.path == path
    assert f"at {path}: " in str(error)
    assert expected in str(error)


@pytest.mark.parametrize(
    ("output", "raw", "path"),
    [
        (Node, {"name": "web", "cpu": PROSE}, "$.cpu"),
        (Node, {"name": "web"}, "$"),
        (Book, {"title": "Emma", "price": PROSE}, "$.price"),
        (Order, {"id": "no id"}, "$.id"),
    ],
)
def test_of_several_attempts_the_one_that_came_furthest_is_told(output: Any, raw: Any, path: str) -> None:
    assert refused(output, raw).path == path
    assert refused(output, nest(raw, 1)).path == path.replace("$", "$.result")
    assert refused(output, json.dumps(raw)).path == path


class Careless(pydantic.BaseModel):
    name: str

    @pydantic.model_validator(mode="before")
    @classmethod
    def upper(cls, data: Any) -> Any:
        return {"name": data["name"].upper()}


@dataclass
class CarelessDataclass:
    name: str

    def __post_init__(self) -> None:
        raise KeyError(self.name)


@pytest.mark.parametrize(
    ("output", "raw", "said"),
    [
        (Careless, None, "TypeError: 'NoneType' object is not subscriptable"),
        (Careless, {}, "KeyError: 'name'"),
        (list[Careless], [3], "TypeError: 'int' object is not subscriptable"),
        (CarelessDataclass, {"name": "x"}, "KeyError: 'x'"),
    ],
)
def test_what_a_types_own_code_raises_is_told_and_the_answer_kept(output: Any, raw: Any, said: str) -> None:
    assert f"the type's own code raised {said}" in str(refused(output, raw))


@pytest.mark.parametrize(
    ("output", "raw", "shows"),
    [
        (Node, {"name": "web", "cpu": "SECRET"}, 'it is "[redacted]"'),
        (Node, {"name": "web", "cpu": f"{'x' * 50} SECRET"}, "[redact"),
        (dict[str, int], {"SECRET": "x"}, 'at $["[redacted]"]: '),
        (dict[str, int], {"a SECRET": "x"}, 'at $["a [redacted]"]: '),
        (dict[int, int], {"SECRET": 1}, 'as the key "[redacted]"'),
        (list[Literal["a"] | int], ["SECRET"], "Invalid enum value '[redacted]'"),
        (dict[str, Book], {"SECRET": 3}, 'at $["[redacted]"]: '),
        (Book, "SECRET", 'it is "[redacted]"'),
    ],
)
def test_secret_that_an_answer_echoes_is_not_told(output: Any, raw: Any, shows: str) -> None:
    with pytest.raises(InvalidOutputError) as caught:
        output_of(output).value(raw, "task-1", lambda text: text.replace("SECRET", "[redacted]"))
    assert shows in str(caught.value)
    assert "SEC" not in str(caught.value) + caught.value.path
    assert caught.value.raw is raw


# -- Huge and hostile ----------------------------------------------------------------------------------------------

HUGE = 10_000_000
HOSTILE = "\x00\x1b[31m\r\n\u202e\u2066\u2028\ufeff\ud800\U000e0001"


@pytest.mark.parametrize(
    ("output", "wrong"),
    [
        (Node, lambda text: text),
        (Node, lambda text: {"name": "web", "cpu": text}),
        (Node, lambda text: {"name": "web", text: text}),
        (Node, lambda text: [text] * 3),
        (list[Node], lambda text: [[text]]),
        (dict[str, Node], lambda text: {text: 3}),
        (dict[str, dict[str, int]], lambda text: {text: {text: text}}),
        (list[Literal["yes"]], lambda text: [text]),
        (Cash | Transfer, lambda text: {"type": text}),
        (Strict, lambda text: {"name": "x", text: text}),
        (Color, lambda text: text),
        (date, lambda text: text),
        (Decimal, lambda text: text),
        (Book, lambda text: text),
        (Book, lambda text: {"title": text, "price": text}),
        (dict[str, Book], lambda text: {text: 3}),
        (dict[int, Book], lambda text: {text: {"title": "Emma", "price": 1}}),
        (Annotated[Book, pydantic.Field()] | Literal["yes"], lambda text: text),
    ],
)
@pytest.mark.parametrize("text", ["x" * HUGE, HOSTILE, HOSTILE * 1000], ids=["huge", "hostile", "both"])
def test_error_stays_short_and_printable(output: Any, wrong: Callable[[str], Any], text: str) -> None:
    refused(output, wrong(text))


@pytest.mark.parametrize("output", [list[int], dict[str, int], list[Book]])
def test_huge_answer_that_is_wrong_at_its_end_is_told_by_its_end(output: Any) -> None:
    count = 200_000
    if output == dict[str, int]:
        assert refused(output, {**{f"k{number}": 1 for number in range(count)}, "last": "x"}).path == "$.last"
        return
    good: Any = 1 if output == list[int] else EMMA
    assert refused(output, [*[good] * count, "x"]).path == f"$[{count}]"


def test_huge_answer_beside_many_keys_is_not_read_once_for_each() -> None:
    reads = 0

    def count(_: object) -> None:
        nonlocal reads
        reads += 1

    counting = msgspec.defstruct("Counting", [("name", str)], namespace={"__post_init__": count})
    whole = msgspec.defstruct("Whole", [("first", counting), ("many", dict[str, int])])
    raw = {"first": {"name": "x"}, "many": {**{f"k{number}": 1 for number in range(1000)}, "last": "x"}}
    assert refused(whole, raw).path == "$.many.last"
    assert 0 < reads < 30


def test_huge_answer_that_fits_is_taken() -> None:
    text = "x" * HUGE
    assert read(Track, {"title": text, "seconds": 1}) == Track(text, 1)
    assert read(Finding, json.dumps({"result": text})) == Finding(result=text)


def deep(field: str, levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"name": "x", "text": "x", field: []}
    for _ in range(levels):
        value = {"name": "x", "text": "x", field: [value]}
    return value


@pytest.mark.parametrize(("output", "field"), [(Folder, "folders"), (Comment, "replies")])
def test_answer_that_is_nested_too_deeply_is_an_error(output: Any, field: str) -> None:
    with pytest.raises(InvalidOutputError, match="recursion") as caught:
        read(output, deep(field, 5000))
    assert caught.value.path == "$"
    assert caught.value.__context__ is None
    assert read(output, deep(field, 50)) is not None


# -- An agent that gave up -----------------------------------------------------------------------------------------

CLASSES = [kind for kind in OBJECTS if "dict" not in kind.name]
LISTS_AND_UNIONS = [
    kind
    for kind in OTHERS
    if kind.name.startswith(("list", "NamedTuple", "tuple", "union of tagged", "union of pydantic", "Enum", "date"))
]
GAVE_UP = [PROSE, "", None, {}, {"error": PROSE}, {"message": PROSE}, "null", "{}", '{"error": "no"}', '"no"', 0, False]


NO_VALUES = [
    (kind, raw, times)
    for kind in CLASSES + LISTS_AND_UNIONS
    for raw in GAVE_UP
    for times in range(4)
    if not isinstance(raw, str) or times < TEXTS.get(kind.output, 4)
]


@pytest.mark.parametrize(
    ("kind", "raw", "times"), NO_VALUES, ids=lambda it: it.name if isinstance(it, Kind) else repr(it)
)
def test_answer_of_an_agent_that_gave_up_is_no_value(kind: Kind, raw: Any, times: int) -> None:
    refused(kind.output, nest(raw, times))


class AllDefaults(TypedDict, total=False):
    name: str


class StructOfDefaults(msgspec.Struct):
    name: str = ""


class ModelOfDefaults(pydantic.BaseModel):
    name: str = ""


@pydantic.dataclasses.dataclass
class PydanticDataclassOfDefaults:
    name: str = ""


@dataclass
class DataclassOfDefaults:
    name: str = ""


class RecursiveOfDefaults(msgspec.Struct):
    next: RecursiveOfDefaults | None = None


DEFAULTS = [
    Settings,
    AllDefaults,
    StructOfDefaults,
    ModelOfDefaults,
    PydanticDataclassOfDefaults,
    DataclassOfDefaults,
    RecursiveOfDefaults,
]


@pytest.mark.parametrize("output", DEFAULTS)
@pytest.mark.parametrize("optional", [False, True])
@pytest.mark.parametrize("times", [0, 1, 2])
@pytest.mark.parametrize("raw", [{}, {"error": PROSE}, "{}", {"unrelated": {"name": 1}}], ids=repr)
def test_object_without_one_field_of_a_class_of_defaults_is_no_value(
    output: Any, raw: Any, optional: bool, times: int
) -> None:
    error = refused(output | None if optional else output, nest(raw, times))
    assert "expected an object with " in str(error) or isinstance(raw, str)


@pytest.mark.parametrize(
    ("output", "raw", "value"),
    [
        (Settings, {"size": 3}, Settings(size=3)),
        (Settings | None, {"size": 3}, Settings(size=3)),
        (Settings | None, None, None),
        (Settings | None, nest(None, 1), None),
        (dict[str, int], {}, {}),
        (dict[str, int] | None, {}, {}),
        (dict[str, Book], {}, {}),
        (list[Node], [], []),
        (Book | dict[str, int], {"a": 1}, {"a": 1}),
    ],
)
def test_what_is_empty_but_asked_for_is_taken(output: Any, raw: Any, value: Any) -> None:
    assert read(output, raw) == value


class Named(pydantic.BaseModel, populate_by_name=True):
    name: str = pydantic.Field("", alias="full name")
    age: int = pydantic.Field(0, validation_alias=pydantic.AliasChoices("age", "years"))
    town: str = pydantic.Field("", validation_alias=pydantic.AliasPath("address", "town"))


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ({"name": "Ada"}, Named.model_construct(name="Ada")),
        ({"full name": "Ada"}, Named.model_construct(name="Ada")),
        ({"years": 36}, Named.model_construct(age=36)),
        ({"address": {"town": "London"}}, Named.model_construct(town="London")),
    ],
)
def test_fields_may_come_by_every_name_that_pydantic_takes(raw: Any, value: Named) -> None:
    assert read(Named, raw) == value


def test_model_of_other_names_is_no_value_without_any_of_them() -> None:
    assert "expected an object with full name, age, town; it is {" in str(refused(Named, {"error": PROSE}))


class AnythingBeside(pydantic.BaseModel, extra="allow"):
    note: str = ""


class NumberOfDefaults(pydantic.BaseModel):
    number: int = 0


class Doubled(pydantic.BaseModel):
    number: int = 0
    double: int = 0

    @pydantic.model_validator(mode="after")
    def multiply(self) -> Doubled:
        self.double = self.number * 2
        return self


class Lowered(pydantic.BaseModel):
    number: int = 0

    @pydantic.model_validator(mode="before")
    @classmethod
    def lower(cls, data: Any) -> Any:
        return {key.lower(): value for key, value in data.items()}


@pytest.mark.parametrize("output", [AnythingBeside, pydantic.RootModel[NumberOfDefaults], Doubled, Lowered])
@pytest.mark.parametrize("raw", [{}, {"error": PROSE}])
def test_a_models_own_code_makes_no_value_of_nothing(output: Any, raw: Any) -> None:
    assert "expected an object with n" in str(refused(output, raw))


def test_what_a_models_own_code_takes_is_taken() -> None:
    assert read(Lowered, {"NUMBER": 3}) == Lowered.model_construct(number=3)
    assert read(pydantic.RootModel[NumberOfDefaults], {"number": 3}).root.number == 3


def test_names_that_the_schema_has_are_no_secrets() -> None:
    with pytest.raises(InvalidOutputError) as caught:
        output_of(list[Node]).value([BAD], "task-1", lambda text: text.replace("cpu", "[redacted]"))
    assert caught.value.path == "$[0].cpu"
    assert "at $[0].cpu: " in str(caught.value)


def test_unions_are_kept_apart_by_their_order() -> None:
    first, second = (pydantic.create_model(name, number=(int, ...)) for name in ("First", "Second"))
    assert type(read(first | second, {"number": 1})) is first
    assert type(read(second | first, {"number": 1})) is second


class Extra(pydantic.BaseModel, extra="allow"):
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride]  # as pydantic's manual says
    note: str = ""


def test_model_that_takes_any_fields_of_a_type_needs_none_of_its_own() -> None:
    assert read(Extra, {"web": 3}).web == 3


# -- Generated types -----------------------------------------------------------------------------------------------

generated = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@generated
@given(made=types_with_values(), times=st.integers(0, 2), as_text=st.booleans())
def test_value_of_a_generated_type_comes_back_as_it_was(made: tuple[Any, Any], times: int, as_text: bool) -> None:
    kind, value = made
    output = output_of(kind)
    answer = json_of(value)
    as_asked = {"result": answer} if output.wrapped else answer
    assert output.schema is not None
    Draft202012Validator.check_schema(output.schema)
    Draft202012Validator(output.schema, registry=Registry()).validate(as_asked)
    raw = nest(as_asked, times)
    found = output.value(json.dumps(raw) if as_text else raw, "task-1")
    assert found == value
    assert type(found) is type(value)


@generated
@given(made=types_with_values(), times=st.integers(0, 2))
def test_answer_that_is_made_up_for_a_generated_type_is_one(made: tuple[Any, Any], times: int) -> None:
    output = output_of(made[0])
    assert output.schema is not None
    output.value(nest(make_answer(output.schema), times), "task-1")


@each_kind
def test_answer_that_is_made_up_for_a_kind_is_one(kind: Kind) -> None:
    output = output_of(kind.output)
    assert output.schema is not None
    answer = make_answer(output.schema)
    assert type(output.value(answer, "task-1")) is type(kind.value) or isinstance(kind.value, Transfer | list | int)


@generated
@given(
    raw=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet=st.characters()),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text() | st.sampled_from(["result", "name", "folders", "title", "items"]), inner)
        ),
        max_leaves=12,
    ),
    kind=st.sampled_from(KINDS),
)
def test_answer_is_a_value_or_an_error_of_ours_whatever_it_is(raw: Any, kind: Kind) -> None:
    before = copy.deepcopy(raw)
    is_refused = False
    try:
        read(kind.output, raw)
    except InvalidOutputError:
        is_refused = True
    if is_refused:
        refused(kind.output, raw)
    assert raw == before
