"""Compares the credentials that operations require."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.drift.normal_form import canonical, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Row
    from tools.drift.spot import Spot


def requirements(before: list[Any], after: list[Any], spot: Spot) -> Iterator[Row]:
    """Compare two `security` lists, whose entries are alternatives; an empty list requires no credentials."""
    here = spot.under("security")
    if not before and after:
        yield here.row("security-asked", None, after)
    elif before and not after:
        yield here.row("security-not-asked", before)
    else:
        olds, news = ({canonical(each): each for each in found} for found in (before, after))
        yield from (here.row("security-alternative-removed", each) for key, each in olds.items() if key not in news)
        yield from (here.row("security-alternative-added", None, each) for key, each in news.items() if key not in olds)


def of_operations(before: Any, after: Any, shared: tuple[Any, Any], spot: Spot) -> Iterator[Row]:
    """Compare the `security` lists of two operations; an operation without one uses the list of the document."""
    if not same(before, after):
        olds = shared[0] if before is None else before
        news = shared[1] if after is None else after
        found = list(requirements(olds or [], news or [], spot))
        yield from found or [spot.under("security").row("security-place", before, after)]
