"""Reads prices by `tasks`, for whose users nothing changes."""

import attrs

from anchor_webtask import Anchor, TaskRequest


@attrs.define
class Price:
    amount: float


def read(urls: list[str]) -> dict[str, float]:
    with Anchor() as anchor:
        requests = (TaskRequest("Read the price", url=url, key=url) for url in urls)
        return {each.key: each.result().value.amount for each in anchor.tasks.map(requests, output=Price)}
