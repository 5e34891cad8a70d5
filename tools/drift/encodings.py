"""Compares how the parts of a form are encoded, which a media type says by the names of its schema's properties.

The generator ignores it, so that the code stays the same: what changes is what the receiver takes from the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tools.drift import descriptions
from tools.drift.normal_form import differs, same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.drift.rows import Row
    from tools.drift.spot import Spot

    Part = dict[str, Any]
    Headers = Callable[[Part, Part, Spot], Iterator[Row]]

SERIALIZATION: Final = ("allowReserved", "explode", "style")
_FORM: Final = "application/x-www-form-urlencoded"


def encodings(before: Part, after: Part, essence: str, spot: Spot, headers: Headers) -> Iterator[Row]:
    """Compare the encodings of two media types.

    Args:
        before: The old media type.
        after: The new media type.
        essence: Its name, without parameters.
        spot: The place of both.
        headers: Compares the headers of two parts.
    """
    olds, news = before.get("encoding") or {}, after.get("encoding") or {}
    here = spot.under("encoding")
    if same(olds, news):
        return
    if essence != _FORM and not essence.startswith("multipart/"):
        yield here.row("encoding-unused", olds or None, news or None)
        return
    for name in dict.fromkeys([*olds, *news]):
        if differs(olds, news, name):
            part = here.under(name).named(f", part {name}")
            yield from _encoding(olds.get(name) or {}, news.get(name) or {}, part, headers)


def _encoding(old: Part, new: Part, spot: Spot, headers: Headers) -> Iterator[Row]:
    if differs(old, new, "contentType"):
        before, after, kind = old.get("contentType"), new.get("contentType"), "part-content-type"
        if None not in {before, after} and _listed(before) <= _listed(after):
            kind = "part-content-type-added" if _listed(before) < _listed(after) else "content-types-reordered"
        yield spot.under("contentType").row(kind, before, after)
    for key in SERIALIZATION:
        if differs(old, new, key):
            yield spot.under(key).row("parameter-serialization", old.get(key), new.get(key), note=key)
    yield from headers(old.get("headers") or {}, new.get("headers") or {}, spot)
    yield from descriptions.rest(old, new, {"contentType", "headers", *SERIALIZATION}, spot)


def _listed(kinds: Any) -> set[str]:
    """Return the media types of a list with commas, any of which a part may have."""
    return {each.strip().lower() for each in str(kinds).split(",")}
