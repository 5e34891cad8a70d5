"""Compares the credentials that operations require, and the schemes that describe them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import attrs

from tools.drift import descriptions
from tools.drift.normal_form import canonical, differs, same

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.drift.rows import Row
    from tools.drift.spot import Spot

    Requirement = dict[str, Any]

_CASELESS: Final = {"name", "scheme"}


def requirements(before: list[Requirement], after: list[Requirement], spot: Spot) -> Iterator[Row]:
    """Compare two `security` lists, whose entries are alternatives; an empty list or entry requires no credentials.

    Credentials that were enough must stay enough: an old alternative that is gone breaks programs, unless there is a
    new one that asks for no scheme and no scope more.
    """
    here = spot.under("security")
    asked, asks = (bool(found) and {} not in found for found in (before, after))
    if asks and not asked:
        yield here.row("security-asked", before or None, after)
        return
    if asked and not after:
        yield here.row("security-not-asked", before)
        return
    olds, news = ({canonical(each): each for each in found or [{}]} for found in (before, after))
    explained: list[Requirement] = []
    for key, old in olds.items():
        if key in news:
            continue
        enough = [new for new in news.values() if _asks_no_more(new, old)]
        if enough:
            explained.append(enough[0])
            yield here.row("security-less-asked", old, enough[0])
        elif more := [new for key, new in news.items() if key not in olds and _asks_no_more(old, new)]:
            explained.append(more[0])
            yield here.row("security-more-asked", old, more[0])
        else:
            yield here.row("security-alternative-removed", old)
    for key, new in news.items():
        if key not in olds and new not in explained:
            yield here.row("security-alternative-added", None, new)


def _asks_no_more(new: Requirement, old: Requirement) -> bool:
    return all(scheme in old and {*map(str, scopes)} <= {*map(str, old[scheme])} for scheme, scopes in new.items())


def of_document(before: Any, after: Any, users: list[str], others: bool, spot: Spot) -> Iterator[Row]:
    """Compare the `security` lists of two documents, which concern only operations without a list of their own.

    Args:
        before: The list of the old document, or None.
        after: The list of the new document, or None.
        users: The operations that have no list of their own, neither before nor after.
        others: Whether there are other operations.
        spot: The place of both documents.
    """
    if not same(before, after):
        here = attrs.evolve(spot, operations=tuple(sorted(users)) if others else ())
        found = list(requirements(before or [], after or [], here)) if users else []
        yield from found or [spot.under("security").row("security-place", before, after)]


def of_operations(before: Any, after: Any, shared: tuple[Any, Any], spot: Spot) -> Iterator[Row]:
    """Compare the `security` lists of two operations; an operation without one uses the list of the document."""
    if not same(before, after):
        olds = shared[0] if before is None else before
        news = shared[1] if after is None else after
        found = list(requirements(olds or [], news or [], spot))
        yield from found or [spot.under("security").row("security-place", before, after)]


def of_calls(before: Any, after: Any, shared: tuple[Any, Any], spot: Spot) -> Iterator[Row]:
    """Compare the `security` lists of two operations that the API calls: it sends the credentials, programs check them.

    A program accepts each old alternative. So it accepts a new one that has all that an old one has. An operation
    without a list uses the one of the document.
    """
    olds = shared[0] if before is None else before
    news = shared[1] if after is None else after
    ways: Any = olds or [{}]
    others: Any = news or [{}]
    here = spot.under("security")
    if not same(ways, others):
        stronger = all(any(_asks_no_more(way, other) for way in ways) for other in others)
        yield here.row("call-credentials-stronger" if stronger else "call-credentials", olds, news)
    elif not same(before, after):
        yield here.row("security-place", before, after)


def scheme(before: Any, after: Any, spot: Spot) -> Iterator[Row]:
    """Compare two security schemes of the same name, either of which may be None."""
    if before is None or after is None:
        yield spot.row("security-scheme-added" if before is None else "security-scheme-removed", before, after)
        return
    olds, news = (_without_words(each) for each in (before, after))
    if not same(*({key: _without_case(key, each) for key in each} for each in (olds, news))):
        yield spot.row("security-scheme", olds, news)
    else:
        for key in _CASELESS & olds.keys():
            if olds[key] != news[key]:
                yield spot.under(key).row(
                    "header-respelled" if key == "name" else "text", olds[key], news[key], note=key
                )
    if differs(before, after, "bearerFormat"):  # a hint for readers
        yield spot.under("bearerFormat").row(
            "text", before.get("bearerFormat"), after.get("bearerFormat"), note="format"
        )
    yield from _flows(before.get("flows"), after.get("flows"), spot.under("flows"))
    yield from descriptions.rest(before, after, {*olds, *news, "bearerFormat", "flows"}, spot)


def _without_words(scheme: dict[str, Any]) -> dict[str, Any]:
    """Return what a scheme says of requests, apart from its flows."""
    found = descriptions.without(scheme)
    return {key: value for key, value in found.items() if key not in {"bearerFormat", "flows"} and key[:2] != "x-"}


def _without_case(key: str, scheme: dict[str, Any]) -> Any:
    """Return a value of a scheme; the names of headers and of HTTP's schemes have no case."""
    lower = key == "scheme" or (key == "name" and scheme.get("in") == "header")
    return str(scheme[key]).lower() if lower else scheme[key]


def _flows(before: Any, after: Any, spot: Spot) -> Iterator[Row]:
    """Compare the ways in which programs may get a token, and the scopes of each."""
    if not all(isinstance(each, dict | None) for each in (before, after)):
        if not same(before, after):
            yield spot.row("security-scheme", before, after)
        return
    olds, news = before or {}, after or {}
    for name in dict.fromkeys([*olds, *news]):
        here = spot.under(name)
        old, new = olds.get(name), news.get(name)
        if same(old, new) and name in olds and name in news:
            continue
        if name.startswith("x-"):
            yield here.row("extension", old, new, note=name)
        elif name not in news:
            yield here.row("security-flow-removed", name)
        elif name not in olds:
            yield here.row("security-flow-added", None, name)
        elif isinstance(old, dict) and isinstance(new, dict):
            yield from _flow(old, new, name, here)
        else:
            yield here.row("security-scheme", old, new)


def _flow(old: Requirement, new: Requirement, name: str, spot: Spot) -> Iterator[Row]:
    for key in dict.fromkeys([*old, *new]):
        if not differs(old, new, key) or (
            key == "scopes" and all(isinstance(each.get(key), dict) for each in (old, new))
        ):
            continue
        kind = "extension" if key.startswith("x-") else "security-scheme"
        if key == "refreshUrl" and key in new and key not in old:
            kind = "security-flow-added"
        yield spot.under(key).row(kind, old.get(key), new.get(key), note=f"{name} {key}")
    scopes = [each["scopes"] if isinstance(each.get("scopes"), dict) else {} for each in (old, new)]
    here = spot.under("scopes")
    if removed := [each for each in scopes[0] if each not in scopes[1]]:
        yield here.row("scopes-removed", removed, note=name)
    if added := [each for each in scopes[1] if each not in scopes[0]]:
        yield here.row("scopes-added", None, added, note=name)
    for each in scopes[0]:
        if each in scopes[1] and not same(scopes[0][each], scopes[1][each]):
            yield here.row("text", scopes[0][each], scopes[1][each], note=f"scope {each}")
