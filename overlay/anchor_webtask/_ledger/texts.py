"""Texts as a ledger stores them."""

from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anchor_webtask._polling.outcomes import Completed


def storable(text: str) -> str:
    """Return text that a database accepts: SQLite no half of a surrogate pair, PostgreSQL no null character."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")


def answer_json(ended: Completed) -> str:
    """Return an answer as JSON text, with all digits of its numbers."""
    if ended.source is not None and ended.source.is_finite:
        with suppress(RecursionError):
            return _exact_json(ended.source.exact())
    return json.dumps(ended.raw)


def _exact_json(value: Any) -> str:
    match value:
        case dict():
            return "{" + ",".join(f"{json.dumps(name)}:{_exact_json(each)}" for name, each in value.items()) + "}"
        case list():
            return "[" + ",".join(map(_exact_json, value)) + "]"
        case Decimal():
            return str(value)
        case _:
            return json.dumps(value)
