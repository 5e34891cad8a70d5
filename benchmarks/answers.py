"""The benchmark group `answer`: reading typed answers of three sizes, compared with the mere decoding of their JSON."""

from __future__ import annotations

import dataclasses
import functools
import json
from typing import TYPE_CHECKING, Any, Final

import attrs
import httpx
import pydantic

from anchor_webtask import Anchor
from benchmarks._request_data import BASE_URL, KEY, PATH, TASK_ID
from benchmarks._rows import BARE, OURS, row
from benchmarks._sampling import figures, sampler, take_samples
from benchmarks._servers import mock_transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from benchmarks._rows import Row

SIZES: Final[Mapping[str, tuple[str, int, int]]] = {
    "1kB": ("1 kB", 1_000, 200),
    "100kB": ("100 kB", 100_000, 10),
    "10MB": ("10 MB", 10_000_000, 1),
}
"""By the size's name in keys: its label, the size in bytes, and how many answers of this size a sample reads."""
LARGE: Final = 1_000_000
"""The size in bytes from which answers are large."""
MAX_LARGE_ROUNDS: Final = 5
"""The largest number of samples of large answers. A round of large answers takes seconds."""

LOADS: Final = "json.loads"

_NOTE: Final = (
    "This package and httpx fetch the answer over httpx.MockTransport; json.loads has it in memory. httpx only decodes "
    "the JSON."
)


@attrs.define
class AttrsItem:
    """An item of the answer."""

    id: int
    name: str
    price: float
    tags: list[str]
    in_stock: bool
    rating: float | None


@attrs.define
class AttrsItems:
    """The answer, which is a list of items."""

    items: list[AttrsItem]


@dataclasses.dataclass
class DataclassItem:
    """An item of the answer."""

    id: int
    name: str
    price: float
    tags: list[str]
    in_stock: bool
    rating: float | None


@dataclasses.dataclass
class DataclassItems:
    """The answer, which is a list of items."""

    items: list[DataclassItem]


class PydanticItem(pydantic.BaseModel):
    """An item of the answer."""

    id: int
    name: str
    price: float
    tags: list[str]
    in_stock: bool
    rating: float | None


class PydanticItems(pydantic.BaseModel):
    """The answer, which is a list of items."""

    items: list[PydanticItem]


_OUTPUTS: Final[Mapping[str, Any]] = {"attrs": AttrsItems, "dataclass": DataclassItems, "pydantic": PydanticItems}


def rows(rounds: int) -> Iterator[Row]:
    """Measure the rows of this group."""
    for key, (label, size, reads) in SIZES.items():
        body = _body(size)
        transport = mock_transport(functools.partial(_respond, body))
        headers = {"anchor-api-key": KEY}
        with (
            Anchor(KEY, transport=transport, max_response_bytes=2 * len(body)) as anchor,
            httpx.Client(base_url=BASE_URL, headers=headers, transport=transport) as bare,
        ):
            calls = {
                LOADS: functools.partial(json.loads, body),
                BARE: functools.partial(_get, bare),
                **{name: functools.partial(_read, anchor, output) for name, output in _OUTPUTS.items()},
            }
            count = min(rounds, MAX_LARGE_ROUNDS) if size >= LARGE else rounds
            samples = take_samples({name: sampler(call, reads) for name, call in calls.items()}, count)
        milliseconds = figures(samples, lambda sample: sample.cpu * 1e3)
        others = {name: milliseconds.pop(name) for name in (LOADS, BARE)}
        for name, ours in milliseconds.items():
            yield row(f"answer.{key}.{name}", f"{label} into {name}: CPU", "ms", {OURS: ours, **others}, _NOTE)


def _read(anchor: Anchor, output: Any) -> object:
    return anchor.tasks.get(TASK_ID, output=output).result().value


def _get(client: httpx.Client) -> object:
    return client.get(f"{PATH}/{TASK_ID}/status").raise_for_status().json()["data"]["result"]


def _respond(response: bytes, _method: str, _path: str, _body: bytes) -> bytes:
    return response


def _body(size: int) -> bytes:
    """Return the body of a status response, of about `size` bytes."""
    items = [_item(index) for index in range(max(1, size // len(json.dumps(_item(0)))))]
    return json.dumps({"data": {"status": "COMPLETED", "result": {"items": items}}}).encode()


def _item(index: int) -> dict[str, Any]:
    return {
        "id": index,
        "name": f"Product {index:06d}",
        "price": 3.5 + index,
        "tags": ["new", "blue"],
        "in_stock": True,
        "rating": None if index % 3 else 4.5,
    }
