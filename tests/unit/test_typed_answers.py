"""Types as argument `output`: an answer becomes a value of the type, or an error says where the answer is wrong."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import dataclass
from datetime import date, timedelta
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
from anchor_webtask._output.schema import output_of
from anchor_webtask.emulator._synthetic_answers import make_answer
from tests.support.errors import contents
from tests.support.synthetic_types import json_of, types_with_values
from tests.support.type_cases import (
    OBJECT_CASES,
    ORDER,
    TYPE_CASES,
    WRAPPED_CASES,
    Book,
    Cash,
    Color,
    Comment,
    Finding,
    Folder,
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
    TypeCase,
    Verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable

GOOD = {"name": "web", "cpu": 1.5}
PROSE = "I could not find the page that you asked for."

TEXTS: dict[Any, int] = {str: 0, Verdict: 1, Finding: 1, Parcel: 2, Book | Finding: 2}
"""Types that accept a text as their answer, with the number of `result` keys under which they have the text."""

each_case = pytest.mark.parametrize("case", TYPE_CASES, ids=lambda case: case.name)
each_object_case = pytest.mark.parametrize("case", OBJECT_CASES, ids=lambda case: case.name)
each_wrapped_case = pytest.mark.parametrize("case", WRAPPED_CASES, ids=lambda case: case.name)


def nest(value: object, times: int) -> Any:
    return value if times == 0 else {"result": nest(value, times - 1)}


def read(output: Any, raw: Any) -> Any:
    return output_of(output).value(raw, "task-1")


def refused(output: Any, raw: Any) -> InvalidOutputError:
    """Check that an answer is refused; return the error, which must pass the checks for all such errors."""
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
    assert text.startswith("the task completed, but its answer does not fit output at $")
    assert text.endswith("[task 'task-1' has ended; the error's .raw is its answer as received]")
    assert text.isprintable()
    assert len(text) < 800
    return error


def is_value_of(case: TypeCase, value: object) -> bool:
    return type(value) is type(case.value) and value == case.value


# -- Wrappers and JSON in text -------------------------------------------------------------------------------------


@each_case
@pytest.mark.parametrize("times", [0, 1, 2])
def test_answer_may_be_plain_or_in_one_or_two_result_wrappers(case: TypeCase, times: int) -> None:
    raw = nest(case.answer, times)
    before = copy.deepcopy(raw)
    assert is_value_of(case, read(case.output, raw))
    assert raw == before


AS_TEXT = [
    (case, outside, inside)
    for case in TYPE_CASES
    for outside, inside in [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (2, 0)]
    if outside < TEXTS.get(case.output, 3) or (outside == 0 and inside > 0)
]


@pytest.mark.parametrize(
    ("case", "outside", "inside"), AS_TEXT, ids=lambda it: it.name if isinstance(it, TypeCase) else None
)
def test_answer_may_be_json_text_with_result_wrappers_in_the_text_or_around_it(
    case: TypeCase, outside: int, inside: int
) -> None:
    assert is_value_of(case, read(case.output, nest(json.dumps(nest(case.answer, inside)), outside)))


@each_wrapped_case
def test_answer_to_type_with_wrapped_schema_may_have_three_result_wrappers_but_not_four(case: TypeCase) -> None:
    assert is_value_of(case, read(case.output, nest(case.answer, 3)))
    refused(case.output, nest(case.answer, 4))


@each_object_case
def test_answer_in_three_result_wrappers_is_refused_if_requested_type_is_an_object(case: TypeCase) -> None:
    refused(case.output, nest(case.answer, 3))


@each_object_case
def test_answer_that_is_encoded_as_json_text_twice_is_refused(case: TypeCase) -> None:
    refused(case.output, json.dumps(json.dumps(case.answer)))


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
def test_answer_that_fits_is_not_decoded_or_unwrapped_further(output: Any, raw: Any, value: Any) -> None:
    assert read(output, raw) == value


@pytest.mark.parametrize("raw", [{"result": GOOD, "more": 2}, {"Result": GOOD}, {"answer": GOOD}, [GOOD]])
def test_object_is_removed_as_wrapper_only_if_result_is_the_only_key_of_the_object(raw: Any) -> None:
    refused(Node, raw)


def test_additional_fields_of_answer_are_ignored() -> None:
    assert read(Node, {"name": "web", "cpu": 1.5, "result": "more"}) == Node("web", 1.5)


def test_text_keys_of_answer_become_numbers_or_dates() -> None:
    assert read(dict[int, Node], {"1": {"name": "a", "cpu": 1}}) == {1: Node("a", 1.0)}
    assert read(dict[date, int], {"2026-03-01": 1}) == {date(2026, 3, 1): 1}
    assert read(dict[int, Book], {"1": {"title": "a", "price": 1}}) == {1: Book(title="a", price=1.0)}


@pytest.mark.parametrize(("output", "field"), [(Track, "title"), (Book, "title"), (Price, "currency")])
def test_answer_with_lone_surrogate_is_accepted(output: Any, field: str) -> None:
    answer = {"title": "Emma\ud83d", "currency": "Emma\ud83d", "price": 1, "seconds": 1, "amount": 1}
    assert getattr(read(output, answer), field).startswith("Emma")


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize(("output", "text"), [(float, "{}"), (list[float], "[{}]"), (dict[str, float], '{{"a": {}}}')])
def test_text_with_nan_or_infinity_is_refused_since_it_is_not_json(output: Any, text: str, constant: str) -> None:
    assert refused(output, text.format(constant)).path == "$"


# -- The place that an error names ---------------------------------------------------------------------------------


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
    """A model whose tag, "price", is also the name of a field: the locations in pydantic's errors contain both."""

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
        (Node, BAD, "$.cpu", 'Expected `float`, got `str`; found "high"'),
        (Node, nest(BAD, 1), "$.result.cpu", "Expected `float`, got `str`"),
        (Node, nest(BAD, 2), "$.result.result.cpu", "Expected `float`, got `str`"),
        (Node, json.dumps(BAD), "$.cpu", "Expected `float`, got `str`"),
        (Node, {"name": "web"}, "$", 'Object missing required field `cpu`; found {"name": "web"}'),
        (list[Node], [GOOD, GOOD, GOOD, BAD], "$[3].cpu", "Expected `float`, got `str`"),
        (list[Node], nest([GOOD, BAD], 1), "$.result[1].cpu", "Expected `float`, got `str`"),
        (list[Node], nest([GOOD, BAD], 2), "$.result.result[1].cpu", "Expected `float`, got `str`"),
        (list[Node], [GOOD, None], "$[1]", "Expected `object`, got `null`; found null"),
        (list[Node], nest(json.dumps([BAD]), 1), "$.result[0].cpu", "Expected `float`, got `str`"),
        (tuple[int, Node], [1, BAD], "$[1].cpu", "Expected `float`, got `str`"),
        (tuple[int, Node], [1], "$", "Expected `array` of length 2, got 1; found [1]"),
        (Point, [1.5, "east"], "$[1]", "Expected `float`, got `str`"),
        (Node | None, nest(BAD, 1), "$.result.cpu", "Expected `float`, got `str`"),
        (Cash | Transfer, {"type": "card"}, "$.type", 'expected one of "cash", "transfer"; found "card"'),
        (Cash | Transfer, {"amount": "1"}, "$", "Object missing required field `type`"),
        (Cash | Transfer, {"type": "cash", "amount": "much"}, "$.amount", "Invalid decimal string"),
        (Rating, {"stars": 6, "tags": []}, "$.stars", "Expected `int` <= 5; found 6"),
        (Rating, {"stars": 5, "tags": list("abcd")}, "$.tags", "Expected `array` of length <= 3"),
        (list[Color], ["red", "green"], "$[1]", 'expected one of "blue", "red"; found "green"'),
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
        (dict[int, int], {"1": 1, "x": 2}, "$", 'invalid key "x": Expected `int`, got `str`; found {"1": 1'),
        (
            dict[str, dict[date, int]],
            {"a": {"b": 2}},
            "$.a",
            'invalid key "b": Invalid RFC3339 encoded date; found {"b": 2}',
        ),
        (dict[Color, int], {"red": 1, "green": 2}, "$", 'invalid key "green": expected one of "red", "blue"'),
        (Node, json.dumps({"name": "web"}), "$", "Object missing required field `cpu`"),
        (Shaped, {"inner": {"a b": {"c": GOOD, "d.e": BAD}}}, '$.inner["a b"]["d.e"].cpu', "Expected `float`"),
        (Shaped, {"inner": {"a": {"b": GOOD}, "c": {"b": BAD}}}, "$.inner.c.b.cpu", "Expected `float`"),
        (Shaped, {"inner": {}, "long": {"a": 1}}, "$.long", "Expected `object` of length >= 3"),
        (Shaped, {"inner": {}, "long": {"a": "x", "b": 1, "c": 1}}, "$.long.a", "Expected `int`, got `str`"),
        (dict[str, list[dict[str, Node]]], {"a": [{"b": GOOD}, {"c d": BAD}]}, '$.a[1]["c d"].cpu', "Expected `float`"),
        (Renamed, {"a.b": "x", "c[0]": {}}, '$["a.b"]', "Expected `int`, got `str`"),
        (Renamed, {"a.b": "x", "c[0]": {}, "a": {"b": 1}}, '$["a.b"]', 'found "x"'),
        (Renamed, {"a.b": 1, "c[0]": {}, "a": {"bcd": "x"}}, "$.a.bcd", 'found "x"'),
        (Renamed, {"a.b": 1, "c[0]": {"d e": "x"}}, '$["c[0]"]["d e"]', "Expected `int`, got `str`"),
        (Odd, {**ODD, "a b": "x"}, '$["a b"]', "Expected `int`, got `str`"),
        (Odd, {**ODD, "ü": "x"}, "$.ü", "Expected `int`, got `str`"),
        (Odd, {**ODD, "[...]": "x"}, '$["[...]"]', "Expected `int`, got `str`"),
        (Strict, {"name": "x", " - at `$[9]": 1}, "$", "Object contains unknown field"),
        (list[Literal["a"]], ["a", "b' - at `$[0]`"], "$[1]", 'expected one of "a"; found'),
        (Color, json.dumps("green"), "$", 'expected one of "blue", "red"; found "green"'),
        (Literal["yes", 3], 4, "$", 'expected one of 3, "yes"; found 4'),
        (dict[str, Literal["a"] | None], {"b c": "x"}, '$["b c"]', 'expected one of "a", null; found "x"'),
        (Literal["a"] | int, "x", "$", "Invalid enum value 'x'"),
        (tuple[int, Color], nest([1, "x"], 1), "$.result[1]", 'expected one of "blue", "red"'),
        (list[Cash | Transfer | int], [1, {"type": "x"}], "$[1].type", 'expected one of "cash", "transfer"'),
        (Order, {**ORDER, "color": "x"}, "$.color", 'expected one of "blue", "red"'),
        (Checked, {"low": 2, "high": 1}, "$", "low must not be above high"),
        (list[Checked], [{"low": 2, "high": 1}], "$[0]", "low must not be above high"),
        (Book, {"title": "Emma"}, "$", 'Field required: price; found {"title": "Emma"}'),
        (Book, {**EMMA, "price": 0}, "$.price", "Input should be greater than 0; found 0"),
        (Book, nest({**EMMA, "price": 0}, 2), "$.result.result.price", "Input should be greater than 0"),
        (list[Book], nest([EMMA, {"title": "Emma"}], 1), "$.result[1]", "Field required: price"),
        (Book | None, nest({**EMMA, "title": 3}, 1), "$.result.title", "Input should be a valid string; found 3"),
        (int | Book, nest({**EMMA, "title": 3}, 1), "$.result.title", "Input should be a valid string"),
        (Comment, {"text": "a", "replies": [{"text": "b"}, {"text": 3}]}, "$.replies[1].text", "valid string"),
        (Shelf, {"books": {"a b": [EMMA, {**EMMA, "price": "much"}]}}, '$.books["a b"][1].price', "valid number"),
        (Shelf, {"books": {}, "best": {**EMMA, "price": "much"}}, "$.best.price", "valid number"),
        (Shelf, {"books": {}, "by_number": {"one": EMMA}}, "$.by_number", 'invalid key "one": '),
        (Review, {"stars": 6}, "$.stars", "Input should be less than or equal to 5; found 6"),
        (CheckedModel, {"low": 2, "high": 1}, "$", "low must not be above high"),
        (tuple[int, Book], [1, 2], "$[1]", "Input should be an object; found 2"),
        (list[Sold | Free], [{**SOLD, "price": "x"}], "$[0].price", 'parse string as a number; found "x"'),
        (list[Offer], [{**SOLD, "currency": None}], "$[0].currency", "valid string; found null"),
        (list[Offer], [{"kind": "price", "price": 3.5}], "$[0]", "Field required: currency; found {"),
        (dict[str, Offer], {"price": {**SOLD, "price": "x"}}, "$.price.price", 'parse string as a number; found "x"'),
        (Tagged, {"unit": {"int": "bad"}}, "$.unit", 'found {"int": "bad"}'),
        (dict[str, Book], {"\u202e": 3}, '$["\\u202e"]', "Input should be an object"),
    ],
    ids=lambda value: ascii(value)[:50],
)
def test_error_for_wrong_answer_names_the_place_and_the_expected_value_and_the_found_value(
    output: Any, raw: Any, path: str, expected: str
) -> None:
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
def test_error_describes_deepest_mismatch_of_all_decoding_attempts(output: Any, raw: Any, path: str) -> None:
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
    ("output", "raw", "message"),
    [
        (Careless, None, "TypeError: 'NoneType' object is not subscriptable"),
        (Careless, {}, "KeyError: 'name'"),
        (list[Careless], [3], "TypeError: 'int' object is not subscriptable"),
        (CarelessDataclass, {"name": "x"}, "KeyError: 'x'"),
    ],
)
def test_exception_raised_by_a_types_own_code_becomes_invalid_output_error(output: Any, raw: Any, message: str) -> None:
    assert f"the type's own code raised {message}" in str(refused(output, raw))


@pytest.mark.parametrize(
    ("output", "raw", "excerpt"),
    [
        (Node, {"name": "web", "cpu": "SECRET"}, 'found "[redacted]"'),
        (Node, {"name": "web", "cpu": f"{'x' * 50} SECRET"}, "[redact"),
        (dict[str, int], {"SECRET": "x"}, 'at $["[redacted]"]: '),
        (dict[str, int], {"a SECRET": "x"}, 'at $["a [redacted]"]: '),
        (dict[int, int], {"SECRET": 1}, 'invalid key "[redacted]": '),
        (list[Literal["a"] | int], ["SECRET"], "Invalid enum value '[redacted]'"),
        (dict[str, Book], {"SECRET": 3}, 'at $["[redacted]"]: '),
        (Book, "SECRET", 'found "[redacted]"'),
    ],
)
def test_secret_in_answer_is_redacted_in_error_message_but_not_in_raw_answer(
    output: Any, raw: Any, excerpt: str
) -> None:
    with pytest.raises(InvalidOutputError) as caught:
        output_of(output).value(raw, "task-1", lambda text: text.replace("SECRET", "[redacted]"))
    assert excerpt in str(caught.value)
    assert "SEC" not in str(caught.value) + caught.value.path
    assert caught.value.raw is raw


# -- Huge and hostile answers --------------------------------------------------------------------------------------

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
@pytest.mark.parametrize("text", ["x" * HUGE, HOSTILE, HOSTILE * 1000], ids=["huge", "hostile", "huge and hostile"])
def test_error_is_short_and_printable_for_huge_or_hostile_texts(
    output: Any, wrong: Callable[[str], Any], text: str
) -> None:
    refused(output, wrong(text))


@pytest.mark.parametrize("output", [list[int], dict[str, int], list[Book]])
def test_error_names_last_item_or_key_of_huge_answer(output: Any) -> None:
    count = 200_000
    if output == dict[str, int]:
        assert refused(output, {**{f"k{number}": 1 for number in range(count)}, "last": "x"}).path == "$.last"
        return
    good: Any = 1 if output == list[int] else EMMA
    assert refused(output, [*[good] * count, "x"]).path == f"$[{count}]"


def test_search_for_wrong_key_among_1000_keys_converts_answer_fewer_than_30_times() -> None:
    conversions = 0

    def count(_: object) -> None:
        nonlocal conversions
        conversions += 1

    counting = msgspec.defstruct("Counting", [("name", str)], namespace={"__post_init__": count})
    outer = msgspec.defstruct("Outer", [("first", counting), ("many", dict[str, int])])
    raw = {"first": {"name": "x"}, "many": {**{f"k{number}": 1 for number in range(1000)}, "last": "x"}}
    assert refused(outer, raw).path == "$.many.last"
    assert 0 < conversions < 30


def test_huge_answer_that_fits_is_accepted() -> None:
    text = "x" * HUGE
    assert read(Track, {"title": text, "seconds": 1}) == Track(text, 1)
    assert read(Finding, json.dumps({"result": text})) == Finding(result=text)


def deep(field: str, levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"name": "x", "text": "x", field: []}
    for _ in range(levels):
        value = {"name": "x", "text": "x", field: [value]}
    return value


@pytest.mark.parametrize(("output", "field"), [(Folder, "folders"), (Comment, "replies")])
def test_answer_that_is_nested_too_deeply_is_refused(output: Any, field: str) -> None:
    with pytest.raises(InvalidOutputError, match="recursion") as caught:
        read(output, deep(field, 5000))
    assert caught.value.path == "$"
    assert caught.value.__context__ is None
    assert read(output, deep(field, 50)) is not None


# -- An agent that gave up -----------------------------------------------------------------------------------------

CLASSES = [case for case in OBJECT_CASES if "dict" not in case.name]
LISTS_AND_UNIONS = [
    case
    for case in WRAPPED_CASES
    if case.name.startswith(("list", "NamedTuple", "tuple", "union of tagged", "union of pydantic", "Enum", "date"))
]
GAVE_UP = [PROSE, "", None, {}, {"error": PROSE}, {"message": PROSE}, "null", "{}", '{"error": "no"}', '"no"', 0, False]


ANSWERS_WITHOUT_VALUE = [
    (case, raw, times)
    for case in CLASSES + LISTS_AND_UNIONS
    for raw in GAVE_UP
    for times in range(4)
    if not isinstance(raw, str) or times < TEXTS.get(case.output, 4)
]


@pytest.mark.parametrize(
    ("case", "raw", "times"), ANSWERS_WITHOUT_VALUE, ids=lambda it: it.name if isinstance(it, TypeCase) else repr(it)
)
def test_answer_of_agent_that_gave_up_is_refused(case: TypeCase, raw: Any, times: int) -> None:
    refused(case.output, nest(raw, times))


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
def test_object_without_any_field_of_class_is_refused_even_if_all_fields_have_defaults(
    output: Any, raw: Any, optional: bool, times: int
) -> None:
    error = refused(output | None if optional else output, nest(raw, times))
    assert "expected an object with at least one of these fields: " in str(error) or isinstance(raw, str)


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
def test_empty_or_partial_answer_that_fits_is_accepted(output: Any, raw: Any, value: Any) -> None:
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
def test_answer_may_use_every_name_and_alias_of_pydantic_field(raw: Any, value: Named) -> None:
    assert read(Named, raw) == value


def test_answer_without_any_field_name_or_alias_of_model_is_refused() -> None:
    assert "expected an object with at least one of these fields: full name, age, town; found {" in str(
        refused(Named, {"error": PROSE})
    )


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
def test_answer_without_any_field_of_model_is_refused_even_if_model_accepts_answer(output: Any, raw: Any) -> None:
    assert "expected an object with at least one of these fields: n" in str(refused(output, raw))


def test_answer_to_model_with_validator_or_to_root_model_is_accepted() -> None:
    assert read(Lowered, {"NUMBER": 3}) == Lowered.model_construct(number=3)
    assert read(pydantic.RootModel[NumberOfDefaults], {"number": 3}).root.number == 3


def test_field_name_of_schema_is_not_redacted_in_path_of_error() -> None:
    with pytest.raises(InvalidOutputError) as caught:
        output_of(list[Node]).value([BAD], "task-1", lambda text: text.replace("cpu", "[redacted]"))
    assert caught.value.path == "$[0].cpu"
    assert "at $[0].cpu: " in str(caught.value)


def test_unions_of_same_classes_in_different_order_are_cached_separately() -> None:
    first, second = (pydantic.create_model(name, number=(int, ...)) for name in ("First", "Second"))
    assert type(read(first | second, {"number": 1})) is first
    assert type(read(second | first, {"number": 1})) is second


class Extra(pydantic.BaseModel, extra="allow"):
    __pydantic_extra__: dict[str, int]  # pyright: ignore[reportIncompatibleVariableOverride]  # declared as in pydantic's documentation
    note: str = ""


def test_model_with_typed_extra_fields_accepts_answer_without_declared_fields() -> None:
    assert read(Extra, {"web": 3}).web == 3


# -- Synthetic types -----------------------------------------------------------------------------------------------

synthetic = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@synthetic
@given(type_and_value=types_with_values(), times=st.integers(0, 2), as_text=st.booleans())
def test_json_of_value_of_synthetic_type_is_decoded_to_equal_value(
    type_and_value: tuple[Any, Any], times: int, as_text: bool
) -> None:
    kind, value = type_and_value
    output = output_of(kind)
    answer = json_of(value)
    as_sent = {"result": answer} if output.wrapped else answer
    assert output.schema is not None
    Draft202012Validator.check_schema(output.schema)
    Draft202012Validator(output.schema, registry=Registry()).validate(as_sent)
    raw = nest(as_sent, times)
    found = output.value(json.dumps(raw) if as_text else raw, "task-1")
    assert found == value
    assert type(found) is type(value)


@synthetic
@given(type_and_value=types_with_values(), times=st.integers(0, 2))
def test_synthetic_answer_of_emulator_fits_synthetic_type(type_and_value: tuple[Any, Any], times: int) -> None:
    output = output_of(type_and_value[0])
    assert output.schema is not None
    output.value(nest(make_answer(output.schema), times), "task-1")


@each_case
def test_synthetic_answer_of_emulator_fits_requested_type(case: TypeCase) -> None:
    output = output_of(case.output)
    assert output.schema is not None
    answer = make_answer(output.schema)
    assert type(output.value(answer, "task-1")) is type(case.value) or isinstance(case.value, Transfer | list | int)


@synthetic
@given(
    raw=st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(alphabet=st.characters()),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(st.text() | st.sampled_from(["result", "name", "folders", "title", "items"]), inner)
        ),
        max_leaves=12,
    ),
    case=st.sampled_from(TYPE_CASES),
)
def test_any_json_is_decoded_to_value_or_raises_invalid_output_error(raw: Any, case: TypeCase) -> None:
    before = copy.deepcopy(raw)
    is_refused = False
    try:
        read(case.output, raw)
    except InvalidOutputError:
        is_refused = True
    if is_refused:
        refused(case.output, raw)
    assert raw == before


@pytest.mark.parametrize(
    ("output", "raw", "found"),
    [
        (int, "3.5", '"3.5"'),
        (int | None, "3.50", '"3.50"'),
        (Literal[1, 2], "3", '"3"'),
        (list[Annotated[int, msgspec.Meta(ge=5)]], ["3"], '"3"'),
        (Annotated[int, msgspec.Meta(ge=5)], 3.0, "3.0"),
        (timedelta, "P999999999Y", '"P999999999Y"'),
    ],
    ids=str,
)
def test_error_shows_a_wrong_value_as_it_was_received(output: Any, raw: Any, found: str) -> None:
    assert f"; found {found} [" in str(refused(output, raw))
