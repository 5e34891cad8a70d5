"""Describes the nearest target for a path that matches nothing: the longest prefix that matches, and similar keys."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any

import jsonpath
from jsonpath.selectors import NameSelector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jsonpath.segments import JSONPathSegment


def hint(target: jsonpath.JSONPath, document: dict[str, Any]) -> str:
    """Describe the nearest existing target.

    Args:
        target: A path that matches nothing.
        document: The spec, in which the path matches nothing.

    Returns:
        A sentence for a maintainer, without a full stop.
    """
    for length in range(len(target.segments) - 1, -1, -1):
        prefix = jsonpath.JSONPath(env=target.env, segments=target.segments[:length])
        matches = list(prefix.finditer(document))
        if matches:
            keys = {str(key): None for match in matches if isinstance(match.obj, dict) for key in match.obj}
            close = dict.fromkeys(_close(target.segments[length], list(keys)))
            return f"the nearest existing target is {prefix}" + (f", which has {', '.join(close)}" if close else "")
    raise AssertionError("no part of the path matches, not even the root")


def _close(segment: JSONPathSegment, keys: list[str]) -> Iterator[str]:
    for selector in segment.selectors:
        if isinstance(selector, NameSelector):
            yield from difflib.get_close_matches(selector.name, keys)
