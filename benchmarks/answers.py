"""Reading typed answers of three sizes, against decoding their JSON alone."""

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
"""By what keys name them: label, bytes, and how many such answers a sample reads."""
LARGE: Final = 1_000_000
MOST_ROUNDS: Final = 5
"""How many rounds the answers that are large get: one takes seconds."""

LOADS: Final = "json.loads"

_NOTE: Final = (
    "Ours and httpx look at the task and get the answer by httpx.MockTransport; json.loads has it already, and httpx "
    "decodes its JSON and no more."
)


@attrs.define
class AttrsItem:
    """One of many."""

    id: int
    name: str
    price: float
    tags: list[str]
    in_stock: bool
    rating: float | None


@attrs.define
class AttrsItems:
    """The answer."""

    items: list[AttrsItem]


@dataclasses.dataclass
class DataclassItem:
    """One of many."""

    id: int
    name: str
    price: float
    tags: list[str]
    in_stock: bool
    rating: float | None


@dataclasses.dataclass
class DataclassItems:
    """The answer."""

    items: list[DataclassItem]


class PydanticItem(pydantic.BaseModel):
    """One of many."""

    id: int
    name: str
    price: float
    tags: list[str]
    in_stock: bool
    rating: float | None


class PydanticItems(pydantic.BaseModel):
    """The answer."""

    items: list[PydanticItem]


_OUTPUTS: Final[Mapping[str, Any]] = {"attrs": AttrsItems, "dataclass": DataclassItems, "pydantic": PydanticItems}


def rows(rounds: int) -> Iterator[Row]:
    """Measure."""
    for key, (label, size, reads) in SIZES.items():
        body = _body(size)
        transport = mock_transport(functools.partial(_answer, body))
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
            turns = min(rounds, MOST_ROUNDS) if size >= LARGE else rounds
            samples = take_samples({name: sampler(call, reads) for name, call in calls.items()}, turns)
        milliseconds = figures(samples, lambda sample: sample.cpu * 1e3)
        others = {name: milliseconds.pop(name) for name in (LOADS, BARE)}
        for name, ours in milliseconds.items():
            yield row(f"answer.{key}.{name}", f"{label} into {name}: CPU", "ms", {OURS: ours, **others}, _NOTE)


def _read(anchor: Anchor, output: Any) -> object:
    return anchor.tasks.get(TASK_ID, output=output).result().value


def _get(client: httpx.Client) -> object:
    return client.get(f"{PATH}/{TASK_ID}/status").raise_for_status().json()["data"]["result"]


def _answer(answer: bytes, _method: str, _path: str, _body: bytes) -> bytes:
    return answer


def _body(size: int) -> bytes:
    """Return a status answer of about so many bytes."""
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
