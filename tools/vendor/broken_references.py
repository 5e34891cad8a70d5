"""Checks the `$ref`s of an OpenAPI document: each must refer to an object in the same document."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final

import jsonpath

from tools.openapi import walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ruamel.yaml.comments import CommentedMap

CHAIN: Final = 100
"""The maximum number of `$ref`s in a chain of objects that refer to each other."""


def exist(root: dict[str, Any]) -> bool:
    """Tell whether a document, in plain dicts and lists, has a `$ref` that `problems` finds."""
    return any("$ref" in node and _problem(node["$ref"], root) for node in walk.objects(root))


def problems(root: CommentedMap) -> Iterator[str]:
    """Find the `$ref`s that are remote, refer to no object, or refer only to each other.

    Args:
        root: A document, loaded by `tools.openapi.yaml`.

    Yields:
        A text for each such `$ref`: its line and column, the `$ref`, and the problem.
    """
    for node in walk.objects(root):
        if "$ref" not in node:
            continue
        line, column = node.lc.value("$ref")
        if reason := _problem(node["$ref"], root):
            yield f"{line + 1}:{column + 1}: {reason}"


def _problem(reference: object, root: dict[str, Any]) -> str | None:
    if not isinstance(reference, str):
        return "the `$ref` must be text"
    if not reference.startswith("#"):
        return f"the `$ref` {reference} is remote, but only references within the document (#/…) are followed"
    target = _target(reference, root)
    if target is None:
        return f"the `$ref` {reference} leads to no object of the document{_near(reference, root)}"
    for _ in range(CHAIN):
        if "$ref" not in target:
            return None
        target = _target(target["$ref"], root)
        if target is None:
            return None  # `problems` reports this broken reference at its own place
    return f"the `$ref` {reference} leads only to other `$ref`s, in a circle or in a chain of more than {CHAIN}"


def _target(reference: object, root: dict[str, Any]) -> dict[str, Any] | None:
    if not (isinstance(reference, str) and reference.startswith("#/")):
        return None
    target = jsonpath.resolve(reference[1:], root, default=None, unicode_escape=False, uri_decode=True)
    return target if isinstance(target, dict) else None


def _near(reference: str, root: dict[str, Any]) -> str:
    parent, _, name = reference.rpartition("/")
    names = _target(parent, root)
    close = difflib.get_close_matches(name, names, n=1) if names is not None else []
    return f"; the nearest is {parent}/{close[0]}" if close else ""
