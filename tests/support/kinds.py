"""A type of each kind that `output` takes, with an answer's JSON and the value that it stands for."""

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
class Kind:
    """One type.

    Attributes:
        name: What it is, for a test's id.
        output: The type, as it is given for `output`.
        answer: An answer's JSON that fits it, without any wrapping.
        value: What that answer is as the type.
    """

    name: str
    output: Any
    answer: Any
    value: Any


# -- Each library's classes ----------------------------------------------------------------------------------------


@attrs.define
class Price:
    """What something costs."""

    amount: float = attrs.field(metadata={"description": "in the shop's currency, without shipping"})
    currency: str = "EUR"


@dataclass
class Node:
    """One line of a table of servers."""

    name: str
    cpu: float = dataclasses.field(metadata={"description": "percent, as the page shows it"})


class Person(TypedDict):
    """Somebody."""

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
    """A strict model: dates come as text all the same."""

    at: datetime
    value: float


@pydantic.dataclasses.dataclass
class Review:
    """What a reader says."""

    stars: Annotated[int, pydantic.Field(ge=1, le=5)]
    text: str = ""


# -- What they are made of -----------------------------------------------------------------------------------------


class Color(enum.Enum):
    """The colors that the shop has."""

    RED = "red"
    BLUE = "blue"


@dataclass
class Order:
    """A class of other classes and of values that JSON has as text."""

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

    stars: Annotated[int, msgspec.Meta(ge=1, le=5, description="as many as are filled")]
    tags: Annotated[list[str], msgspec.Meta(max_length=3)]


class Weather(TypedDict, total=False):
    """A class whose fields may all be left out."""

    city: str
    degrees: float


@attrs.define
class Settings:
    """A class whose fields all have defaults."""

    theme: str = "light"
    size: int = 12


@dataclass
class Verdict:
    """A class whose only field has the name of the API's wrapping."""

    result: str


class Finding(pydantic.BaseModel):
    """A model whose only field has the name of the API's wrapping."""

    result: str


@attrs.define
class Parcel:
    """A class whose only field has the name of the API's wrapping, and within it another such one."""

    result: Verdict


NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOOK = {"title": "Emma", "price": 9.5, "published": "1815-12-23"}
EMMA = Book(title="Emma", price=9.5, published=date(1815, 12, 23))
NODES = [{"name": "web", "cpu": 12.5}, {"name": "db", "cpu": 80.0}]
SERVERS = [Node("web", 12.5), Node("db", 80.0)]

OBJECTS: list[Kind] = [
    Kind("attrs class", Price, {"amount": 3.5, "currency": "USD"}, Price(3.5, "USD")),
    Kind("attrs class by its default", Price, {"amount": 3.5}, Price(3.5)),
    Kind("dataclass", Node, NODES[0], SERVERS[0]),
    Kind("TypedDict", Person, {"name": "Ada", "age": None}, {"name": "Ada", "age": None}),
    Kind("TypedDict with fields that may be left out", Weather, {"degrees": 20.5}, {"degrees": 20.5}),
    Kind("Struct", Track, {"title": "So What", "seconds": 562}, Track("So What", 562)),
    Kind("pydantic model", Book, BOOK, EMMA),
    Kind(
        "strict pydantic model",
        Measurement,
        {"at": "2026-03-01T12:00:00Z", "value": 1.5},
        Measurement(at=NOON, value=1.5),
    ),
    Kind("pydantic dataclass", Review, {"stars": 5, "text": "Ü"}, Review(stars=5, text="Ü")),
    Kind("class of classes", Order, ORDER, ORDERED),
    Kind(
        "recursive dataclass",
        Folder,
        {"name": "/", "folders": [{"name": "etc", "folders": [{"name": "ssl", "folders": []}]}]},
        Folder("/", [Folder("etc", [Folder("ssl")])]),
    ),
    Kind("recursive Struct", Chain, {"link": 1, "rest": {"link": 2, "rest": None}}, Chain(1, Chain(2))),
    Kind(
        "recursive pydantic model",
        Comment,
        {"text": "a", "replies": [{"text": "b", "replies": []}]},
        Comment(text="a", replies=[Comment(text="b")]),
    ),
    Kind("generic dataclass", Page[Node], {"items": NODES, "more": False}, Page(SERVERS, more=False)),
    Kind("generic pydantic model", Envelope[Book], {"content": BOOK}, Envelope[Book](content=EMMA)),
    Kind("Struct with constraints", Rating, {"stars": 5, "tags": ["new"]}, Rating(5, ["new"])),
    Kind("class of defaults", Settings, {"theme": "dark"}, Settings("dark")),
    Kind("dataclass with a lone field result", Verdict, {"result": "guilty"}, Verdict("guilty")),
    Kind("pydantic model with a lone field result", Finding, {"result": "gold"}, Finding(result="gold")),
    Kind("lone result in a lone result", Parcel, {"result": {"result": "guilty"}}, Parcel(Verdict("guilty"))),
    Kind("dict of numbers", dict[str, int], {"a b": 1, "c": 2}, {"a b": 1, "c": 2}),
    Kind("dict of lists of classes", dict[str, list[Node]], {"a b": NODES}, {"a b": SERVERS}),
    Kind("dict by date", dict[date, Node], {"2026-03-01": NODES[0]}, {date(2026, 3, 1): SERVERS[0]}),
    Kind("dict by number", dict[int, Node], {"3": NODES[0]}, {3: SERVERS[0]}),
    Kind("dict of pydantic models by number", dict[int, Book], {"3": BOOK}, {3: EMMA}),
    Kind("dict of pydantic models by Enum", dict[Color, Book], {"red": BOOK}, {Color.RED: EMMA}),
    Kind("dict of pydantic models", dict[str, Book], {"first": BOOK}, {"first": EMMA}),
]
"""Types whose schema is an object, and is sent as it is."""

OTHERS: list[Kind] = [
    Kind("NamedTuple", Point, [52.5, 13.25], Point(52.5, 13.25)),
    Kind("union of tagged Structs", Cash | Transfer, {"type": "cash", "amount": "3.50"}, Cash(Decimal("3.50"))),
    Kind(
        "optional union of tagged Structs",
        Cash | Transfer | None,
        {"type": "transfer", "amount": "3", "iban": "DE02"},
        Transfer(Decimal(3), "DE02"),
    ),
    Kind("list of attrs classes", list[Price], [{"amount": 1.0}, {"amount": 2.0}], [Price(1.0), Price(2.0)]),
    Kind("list of dataclasses", list[Node], NODES, SERVERS),
    Kind("list of recursive dataclasses", list[Folder], [{"name": "/", "folders": []}], [Folder("/")]),
    Kind("list of TypedDicts", list[Person], [{"name": "Ada", "age": 36}], [{"name": "Ada", "age": 36}]),
    Kind("list of pydantic models", list[Book], [BOOK, BOOK], [EMMA, EMMA]),
    Kind("list of recursive pydantic models", list[Comment], [{"text": "a"}], [Comment(text="a")]),
    Kind("list of texts", list[str], ["a", "b"], ["a", "b"]),
    Kind("set of numbers", set[int], [1, 2], {1, 2}),
    Kind("tuple", tuple[str, Node, int], ["a", NODES[0], 3], ("a", SERVERS[0], 3)),
    Kind("tuple of any length", tuple[float, ...], [1.5, 2.5], (1.5, 2.5)),
    Kind("tuple with a pydantic model", tuple[int, Book], [1, BOOK], (1, EMMA)),
    Kind("optional dataclass", Node | None, NODES[0], SERVERS[0]),
    Kind("optional pydantic model", Book | None, BOOK, EMMA),
    Kind("union of scalars and a list", int | list[str], ["a"], ["a"]),
    Kind("union of pydantic models", Book | Finding, BOOK, EMMA),
    Kind("Literal", Literal["yes", "no", 3], 3, 3),
    Kind("Enum", Color, "blue", Color.BLUE),
    Kind("list of Enums", list[Color], ["blue", "red"], [Color.BLUE, Color.RED]),
    Kind("date", date, "2026-03-01", date(2026, 3, 1)),
    Kind("datetime", datetime, "2026-03-01T12:00:00Z", NOON),
    Kind("time", time, "12:30:00Z", time(12, 30, tzinfo=UTC)),
    Kind("bytes", bytes, "ZXhhbXBsZQ==", b"example"),
    Kind("Decimal", Decimal, "12.50", Decimal("12.50")),
    Kind("UUID", UUID, "5f0c2f3e-7b3a-4a51-9d3e-0d6f3c6f6f11", ORDERED.id),
    Kind("number with a constraint", Annotated[int, msgspec.Meta(ge=1, description="how many")], 3, 3),
    Kind("number", float, 2.5, 2.5),
    Kind("truth", bool, False, False),
    Kind("text", str, "three", "three"),
]
"""Types that are sent as one field `result`."""

KINDS: list[Kind] = OBJECTS + OTHERS
