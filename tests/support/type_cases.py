"""`TYPE_CASES`: types of all kinds that the argument `output` accepts, each with an answer in JSON and its value."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, TypedDict, TypeVar
from uuid import UUID

import attrs
import msgspec
import pydantic
import pydantic.dataclasses

T = TypeVar("T")


@dataclass(frozen=True)
class TypeCase:
    """A type, and an answer that fits it.

    Attributes:
        name: A description of the type, for the ids of tests.
        output: The type, as passed for the argument `output`.
        answer: The JSON of an answer that fits the type, without a wrapper.
        value: The value that the client makes from the answer.
    """

    name: str
    output: Any
    answer: Any
    value: Any


# -- The classes of each library -----------------------------------------------------------------------------------


@attrs.define
class Price:
    """The price of an item."""

    amount: float = attrs.field(metadata={"description": "in the shop's currency, without shipping"})
    currency: str = "EUR"


@dataclass
class Node:
    """A row in a table of servers."""

    name: str
    cpu: float = dataclasses.field(metadata={"description": "percent, as shown on the page"})


class Person(TypedDict):
    """A person."""

    name: str
    age: int | None


class Point(NamedTuple):
    """A place on a map."""

    latitude: float
    longitude: float


class Track(msgspec.Struct):
    """A piece of music."""

    title: str
    seconds: int


class Cash(msgspec.Struct, tag="cash"):
    """Paid in coins and notes."""

    amount: Decimal


class Transfer(msgspec.Struct, tag="transfer"):
    """Paid from account to account."""

    amount: Decimal
    iban: str


class Book(pydantic.BaseModel):
    """A book in a shop."""

    title: str
    price: float = pydantic.Field(description="in the shop's currency", gt=0)
    published: date | None = None


class Measurement(pydantic.BaseModel, strict=True):
    """A strict model, which accepts dates as text because JSON has no dates."""

    at: datetime
    value: float


@pydantic.dataclasses.dataclass
class Review:
    """A reader's review."""

    stars: Annotated[int, pydantic.Field(ge=1, le=5)]
    text: str = ""


# -- Nested and composed types -------------------------------------------------------------------------------------


class Color(enum.Enum):
    """The colors that the shop has."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Order:
    """A class whose fields are other classes, and values that are text in JSON."""

    id: UUID
    placed: datetime
    day: date
    total: Decimal
    color: Color
    state: Literal["open", "sent"]
    lines: list[Price]
    notes: dict[str, str]
    track: Track | None = None


ORDER = {
    "id": "5f0c2f3e-7b3a-4a51-9d3e-0d6f3c6f6f11",
    "placed": "2026-03-01T12:30:00Z",
    "day": "2026-03-01",
    "total": "12.50",
    "color": "red",
    "state": "sent",
    "lines": [{"amount": 12.5, "currency": "EUR"}, {"amount": 0.0, "currency": "USD"}],
    "notes": {"for the driver": "ring twice"},
    "track": {"title": "So What", "seconds": 562},
}
ORDERED = Order(
    id=UUID("5f0c2f3e-7b3a-4a51-9d3e-0d6f3c6f6f11"),
    placed=datetime(2026, 3, 1, 12, 30, tzinfo=UTC),
    day=date(2026, 3, 1),
    total=Decimal("12.50"),
    color=Color.RED,
    state="sent",
    lines=[Price(12.5), Price(0.0, "USD")],
    notes={"for the driver": "ring twice"},
    track=Track("So What", 562),
)


@dataclass
class Folder:
    """A recursive class."""

    name: str
    folders: list[Folder] = dataclasses.field(default_factory=list)


class Chain(msgspec.Struct):
    """A recursive Struct."""

    link: int
    rest: Chain | None = None


class Comment(pydantic.BaseModel):
    """A recursive model."""

    text: str
    replies: list[Comment] = []


@dataclass
class Page(Generic[T]):
    """A generic class."""

    items: list[T]
    more: bool


class Envelope(pydantic.BaseModel, Generic[T]):
    """A generic model."""

    content: T


class Rating(msgspec.Struct):
    """A Struct with constraints."""

    stars: Annotated[int, msgspec.Meta(ge=1, le=5, description="the number of filled stars")]
    tags: Annotated[list[str], msgspec.Meta(max_length=3)]


class Weather(TypedDict, total=False):
    """A class whose fields are all optional."""

    city: str
    degrees: float


@attrs.define
class Settings:
    """A class whose fields all have defaults."""

    theme: str = "light"
    size: int = 12


@dataclass
class Verdict:
    """A class whose only field is called `result`, like the API's wrapper."""

    result: str


class Finding(pydantic.BaseModel):
    """A model whose only field is called `result`, like the API's wrapper."""

    result: str


@attrs.define
class Parcel:
    """A class whose only field is called `result`, and contains a class whose only field is also called `result`."""

    result: Verdict


def split(text: str) -> list[str]:
    return text.split(", ")


@attrs.define
class Article:
    """A class with a field that the class makes of a text."""

    name: str
    tags: list[str] = attrs.field(converter=split)


NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOOK = {"title": "Emma", "price": 9.5, "published": "1815-12-23"}
EMMA = Book(title="Emma", price=9.5, published=date(1815, 12, 23))
NODES = [{"name": "web", "cpu": 12.5}, {"name": "db", "cpu": 80.0}]
SERVERS = [Node("web", 12.5), Node("db", 80.0)]

OBJECT_CASES: list[TypeCase] = [
    TypeCase("attrs class", Price, {"amount": 3.5, "currency": "USD"}, Price(3.5, "USD")),
    TypeCase("attrs class with a default", Price, {"amount": 3.5}, Price(3.5)),
    TypeCase("dataclass", Node, NODES[0], SERVERS[0]),
    TypeCase("TypedDict", Person, {"name": "Ada", "age": None}, {"name": "Ada", "age": None}),
    TypeCase("TypedDict with optional fields", Weather, {"degrees": 20.5}, {"degrees": 20.5}),
    TypeCase("NamedTuple", Point, {"latitude": 52.5, "longitude": 13.25}, Point(52.5, 13.25)),
    TypeCase("Struct", Track, {"title": "So What", "seconds": 562}, Track("So What", 562)),
    TypeCase("pydantic model", Book, BOOK, EMMA),
    TypeCase(
        "strict pydantic model",
        Measurement,
        {"at": "2026-03-01T12:00:00Z", "value": 1.5},
        Measurement(at=NOON, value=1.5),
    ),
    TypeCase("pydantic dataclass", Review, {"stars": 5, "text": "Ü"}, Review(stars=5, text="Ü")),
    TypeCase("dataclass with nested classes", Order, ORDER, ORDERED),
    TypeCase(
        "recursive dataclass",
        Folder,
        {"name": "/", "folders": [{"name": "etc", "folders": [{"name": "ssl", "folders": []}]}]},
        Folder("/", [Folder("etc", [Folder("ssl")])]),
    ),
    TypeCase("recursive Struct", Chain, {"link": 1, "rest": {"link": 2, "rest": None}}, Chain(1, Chain(2))),
    TypeCase(
        "recursive pydantic model",
        Comment,
        {"text": "a", "replies": [{"text": "b", "replies": []}]},
        Comment(text="a", replies=[Comment(text="b")]),
    ),
    TypeCase("generic dataclass", Page[Node], {"items": NODES, "more": False}, Page(SERVERS, more=False)),
    TypeCase("generic pydantic model", Envelope[Book], {"content": BOOK}, Envelope[Book](content=EMMA)),
    TypeCase("Struct with constraints", Rating, {"stars": 5, "tags": ["new"]}, Rating(5, ["new"])),
    TypeCase("attrs class with only defaults", Settings, {"theme": "dark"}, Settings("dark")),
    TypeCase("dataclass with the only field result", Verdict, {"result": "guilty"}, Verdict("guilty")),
    TypeCase("pydantic model with the only field result", Finding, {"result": "gold"}, Finding(result="gold")),
    TypeCase(
        "attrs class with a field result in a field result",
        Parcel,
        {"result": {"result": "guilty"}},
        Parcel(Verdict("guilty")),
    ),
    TypeCase("attrs class with a converter", Article, {"name": "a", "tags": "b, c"}, Article("a", "b, c")),
    TypeCase("dict of int", dict[str, int], {"a b": 1, "c": 2}, {"a b": 1, "c": 2}),
    TypeCase("dict of lists of dataclasses", dict[str, list[Node]], {"a b": NODES}, {"a b": SERVERS}),
    TypeCase("dict with date keys", dict[date, Node], {"2026-03-01": NODES[0]}, {date(2026, 3, 1): SERVERS[0]}),
    TypeCase("dict with int keys", dict[int, Node], {"3": NODES[0]}, {3: SERVERS[0]}),
    TypeCase("dict of pydantic models with int keys", dict[int, Book], {"3": BOOK}, {3: EMMA}),
    TypeCase("dict of pydantic models with Enum keys", dict[Color, Book], {"red": BOOK}, {Color.RED: EMMA}),
    TypeCase("dict of pydantic models", dict[str, Book], {"first": BOOK}, {"first": EMMA}),
]
"""Types whose schema has an object at its root, and is sent unchanged."""

WRAPPED_CASES: list[TypeCase] = [
    TypeCase("union of tagged Structs", Cash | Transfer, {"type": "cash", "amount": "3.50"}, Cash(Decimal("3.50"))),
    TypeCase(
        "optional union of tagged Structs",
        Cash | Transfer | None,
        {"type": "transfer", "amount": "3", "iban": "DE02"},
        Transfer(Decimal(3), "DE02"),
    ),
    TypeCase("list of attrs classes", list[Price], [{"amount": 1.0}, {"amount": 2.0}], [Price(1.0), Price(2.0)]),
    TypeCase("list of dataclasses", list[Node], NODES, SERVERS),
    TypeCase("list of recursive dataclasses", list[Folder], [{"name": "/", "folders": []}], [Folder("/")]),
    TypeCase("list of TypedDicts", list[Person], [{"name": "Ada", "age": 36}], [{"name": "Ada", "age": 36}]),
    TypeCase("list of pydantic models", list[Book], [BOOK, BOOK], [EMMA, EMMA]),
    TypeCase("list of recursive pydantic models", list[Comment], [{"text": "a"}], [Comment(text="a")]),
    TypeCase("list of str", list[str], ["a", "b"], ["a", "b"]),
    TypeCase("set of int", set[int], [1, 2], {1, 2}),
    TypeCase("tuple", tuple[str, Node, int], ["a", NODES[0], 3], ("a", SERVERS[0], 3)),
    TypeCase("tuple of any length", tuple[float, ...], [1.5, 2.5], (1.5, 2.5)),
    TypeCase("tuple with a pydantic model", tuple[int, Book], [1, BOOK], (1, EMMA)),
    TypeCase("optional dataclass", Node | None, NODES[0], SERVERS[0]),
    TypeCase("optional pydantic model", Book | None, BOOK, EMMA),
    TypeCase("union of int and list of str", int | list[str], ["a"], ["a"]),
    TypeCase("union of pydantic models", Book | Finding, BOOK, EMMA),
    TypeCase("Literal", Literal["yes", "no", 3], 3, 3),
    TypeCase("Enum", Color, "blue", Color.BLUE),
    TypeCase("list of Enums", list[Color], ["blue", "red"], [Color.BLUE, Color.RED]),
    TypeCase("date", date, "2026-03-01", date(2026, 3, 1)),
    TypeCase("datetime", datetime, "2026-03-01T12:00:00Z", NOON),
    TypeCase("time", time, "12:30:00Z", time(12, 30, tzinfo=UTC)),
    TypeCase("bytes", bytes, "ZXhhbXBsZQ==", b"example"),
    TypeCase("Decimal", Decimal, "12.50", Decimal("12.50")),
    TypeCase("UUID", UUID, "5f0c2f3e-7b3a-4a51-9d3e-0d6f3c6f6f11", ORDERED.id),
    TypeCase("int with a constraint", Annotated[int, msgspec.Meta(ge=1, description="how many")], 3, 3),
    TypeCase("float", float, 2.5, 2.5),
    TypeCase("bool", bool, False, False),
    TypeCase("str", str, "three", "three"),
]
"""Types whose schema is sent wrapped in an object, as its only field `result`."""

TYPE_CASES: list[TypeCase] = OBJECT_CASES + WRAPPED_CASES
