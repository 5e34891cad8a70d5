"""Reads and checks the overlay: refuses every invalid action before any action is applied."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final, cast

import attrs
import jsonpath

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

PATHS: Final = jsonpath.JSONPathEnvironment(strict=True)  # accepts only RFC 9535, without the library's extensions

_KEYS: Final = ("overlay", "info", "actions")
_INFO_KEYS: Final = ("title", "version", "description")
_ACTION_KEYS: Final = ("x-id", "description", "target", "update", "remove", "x-add-if-missing", "x-optional")


@attrs.frozen
class Problem:
    """One reason why composition stopped.

    Attributes:
        action: The `x-id` of the action, or its number if it has no `x-id`; None if the problem concerns no action.
        reason: The problem.
        remedy: The way to solve the problem; empty if the reason already explains it.
    """

    action: str | None
    reason: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.action}: {self.reason}" if self.action else self.reason
        return f"{text}\n    {self.remedy}" if self.remedy else text


class CompositionError(Exception):
    """The spec cannot be composed.

    Attributes:
        problems: All problems, in the order of the overlay.
    """

    def __init__(self, problems: Collection[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


@attrs.frozen
class Action:
    """One valid action of the overlay; the comment at the top of the overlay explains the kinds of actions.

    Attributes:
        id: Its `x-id`.
        target: The compiled RFC 9535 path.
        update: The value to merge or append; None for a removal.
        remove: Whether the targets are removed.
        add_if_missing: Whether the action only adds the top-level keys of the update that the target lacks.
        optional: The reason why the action may change nothing; None if it must change the spec.
    """

    id: str
    target: jsonpath.JSONPath
    update: Any = None
    remove: bool = False
    add_if_missing: bool = False
    optional: str | None = None


def read(path: Path, load: Callable[[Path], Any]) -> list[Action]:
    """Read and check an overlay.

    Args:
        path: An OpenAPI Overlay 1.0 file.
        load: Reads a file of YAML or JSON.

    Returns:
        Its actions, in order.

    Raises:
        DocumentError: The file cannot be read, or is not YAML that holds JSON data.
        CompositionError: The file is not a valid overlay; the error has all problems.
    """
    document = load(path)
    problems = list(_document_problems(document))
    if problems:
        raise CompositionError(problems)
    actions: list[Action] = []
    seen: set[str] = set()
    for number, raw in enumerate(document["actions"], start=1):
        if not isinstance(raw, dict):
            problems.append(Problem(f"action {number}", "must be a mapping"))
            continue
        name = str(raw["x-id"]) if _is_text(raw.get("x-id")) else f"action {number}"
        found = [*_action_problems(raw), *(["another action has the same `x-id`"] if name in seen else [])]
        seen.add(name)
        problems += [Problem(name, reason) for reason in found]
        if not found:
            actions.append(_action(raw))
    if problems:
        raise CompositionError(problems)
    return actions


def _document_problems(document: Any) -> Iterator[Problem]:
    if not isinstance(document, dict):
        yield Problem(None, "the overlay must be a mapping")
        return
    for reason in _unknown(document, _KEYS):
        yield Problem(None, f"the overlay has {reason}")
    version = document.get("overlay")
    if not (isinstance(version, str) and re.fullmatch(r"1\.0\.\d+", version)):
        yield Problem(None, f"the overlay's version is {version!r}, but only 1.0.x is supported")
    info = document.get("info")
    if not (isinstance(info, dict) and _is_text(info.get("title")) and _is_text(info.get("version"))):
        yield Problem(None, "the overlay's `info` needs a `title` and a `version`, both text")
    else:
        for reason in _unknown(info, _INFO_KEYS):
            yield Problem(None, f"the overlay's `info` has {reason}")
    if not isinstance(document.get("actions"), list):
        yield Problem(None, "the overlay's `actions` must be a list")


def _action_problems(raw: dict[str, Any]) -> Iterator[str]:
    yield from _unknown(raw, _ACTION_KEYS)
    for key in ("x-id", "description", "target"):
        if not _is_text(raw.get(key)):
            yield f"needs `{key}`, a text that is not empty"
    if _is_text(raw.get("target")):
        try:
            PATHS.compile(raw["target"])
        except jsonpath.JSONPathError as error:
            # not `str(error)`, which raises for some errors of the library
            yield f"the target `{raw['target']}` is not an RFC 9535 path: {error.args[0]}"
    if ("update" in raw) == ("remove" in raw):
        yield "needs either `update` or `remove`"
    if "remove" in raw and raw["remove"] is not True:
        yield "`remove` must be `true`; delete the action to remove nothing"
    if "x-add-if-missing" in raw:
        if raw["x-add-if-missing"] is not True:
            yield "`x-add-if-missing` must be `true`"
        if "update" not in raw:
            yield "`x-add-if-missing` requires `update`"
        elif not isinstance(raw["update"], dict):
            yield "`x-add-if-missing` adds keys, so `update` must be a mapping"
        if "x-optional" in raw:
            yield "`x-optional` has no effect beside `x-add-if-missing`, which may change nothing anyway"
    if "x-optional" in raw and not _is_text(raw["x-optional"]):
        yield "`x-optional` must be a text: the reason why the action may change nothing"


def _unknown(raw: dict[str, Any], known: Collection[str]) -> Iterator[str]:
    for key in raw:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            yield f"an unknown key `{key}`" + (f"; did you mean `{close[0]}`?" if close else "")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _action(raw: dict[str, Any]) -> Action:
    return Action(
        id=raw["x-id"],
        # `compile` can also return a compound path, but never does so here: RFC 9535 has no compound paths
        target=cast("jsonpath.JSONPath", PATHS.compile(raw["target"])),
        update=raw.get("update"),
        remove="remove" in raw,
        add_if_missing="x-add-if-missing" in raw,
        optional=raw.get("x-optional"),
    )
