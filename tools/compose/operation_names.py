"""Names operations: makes stable ids and tags from method and path, and removes the titles of schemas.

The generator names modules after operation ids, folders after tags, and classes after titles. Upstream gives no
operation ids, renames its tags, and gives two schemas the same title. So the names are made from parts that every
client depends on: the method, the path, and the names of components.

    operation id    the method and the parts of the path, with `item` for each parameter: get_v1_sessions_item_pages.
                    If the document or the overlay gives an id, that id is used instead
    tag             the first part of the path after the version: sessions. Upstream's tags are kept as
                    `x-upstream-tags`
    titles          removed, so that classes are named after components

Several operations can have the same id by this rule, such as /fetch-page and /fetch/page. All of them then get other
ids, by the next of these rules that makes them differ; only an id of the overlay stays:

    1   an id that upstream gives is ignored
    2   what separates two words in the path is spelled out: post_fetch_x2d_page, where 2d is the code of `-`, and
        post_fetch_x2f_page. A single `/` is spelled out only if it is the last one
    3   the same, with each single `/`

No operation keeps the common id: otherwise, a new operation could take over the id of another one, and a program that
calls the old operation would call the new one. The ids depend neither on the order of the paths nor on the names of
parameters.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tools.openapi import python_names, walk
from tools.openapi.operations import operations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

PARAMETER: Final = "item"
UPSTREAM_TAGS: Final = "x-upstream-tags"

_WORD: Final = re.compile(r"((?!x[0-9a-f])[a-z0-9]+)")
"""A word of a path that cannot be confused with a separator that is spelled out."""

_Key = tuple[str, str]


def rename(document: dict[str, Any], ours: Collection[_Key] = ()) -> list[str]:
    """Give every operation of a document an id and a tag, and remove the titles of all schemas, in place.

    Args:
        document: The spec.
        ours: The method and path of each operation whose id the overlay gives.

    Returns:
        A line for each pair of operations with the same name, and for each operation without a valid name.
    """
    for part in ("paths", "components"):
        for node in walk.objects(document.get(part), names=part == "paths"):
            if isinstance(node.get("title"), str):
                del node["title"]
    names, problems = chosen_ids(document, ours)
    for method, path, operation in operations(document):
        operation["operationId"] = names[method, path]
        if operation.get("tags") != [tag(path)]:
            if "tags" in operation:
                operation[UPSTREAM_TAGS] = operation["tags"]
            operation["tags"] = [tag(path)]
    return problems


def chosen_ids(document: dict[str, Any], ours: Collection[_Key] = ()) -> tuple[dict[_Key, str], list[str]]:
    """Return the id that `rename` gives to each operation, and the problems with the ids.

    Args:
        document: The spec.
        ours: The method and path of each operation whose id the overlay gives.
    """
    given: dict[_Key, str] = {}
    for method, path, operation in operations(document):
        if "operationId" in operation:
            given[method, path] = str(operation["operationId"])
    candidates = {
        (method, path): list(_candidates(method, path, given.get((method, path)), fixed=(method, path) in ours))
        for method, path, _ in operations(document)
    }
    problems = list(_choose(candidates))
    return {key: ids[0] for key, ids in candidates.items()}, problems


def _candidates(method: str, path: str, given: str | None, *, fixed: bool) -> Iterator[str]:
    """Yield the ids that an operation may get, the best first."""
    if given is not None and (fixed or re.search(r"[A-Za-z0-9]", given)):
        yield given
    if not fixed:
        yield operation_id(method, path)
        yield spelled_id(method, path)
        yield spelled_id(method, path, all_of_it=True)


def _choose(candidates: dict[_Key, list[str]]) -> Iterator[str]:
    """Remove the first candidates of operations until they all differ, and yield the problems that remain."""
    while True:
        times = Counter(name for ids in candidates.values() for name in _names(ids[0]))
        alike = [key for key, ids in candidates.items() if any(times[name] > 1 for name in _names(ids[0]))]
        movable = [key for key in alike if len(candidates[key]) > 1]
        if not movable:
            break
        for key in movable:
            del candidates[key][0]
    seen: dict[tuple[str, str], str] = {}
    for key, (name, *_) in candidates.items():
        here = f"{key[0].upper()} {key[1]}"
        if not re.search(r"[A-Za-z0-9]", name):
            yield f"the operationId of {here} has no letters or digits for a Python name"
        elif other := next((seen[each] for each in _names(name) if each in seen), None):
            yield f"{other} and {here} would both be called {python_names.attribute(name)}"
        seen |= dict.fromkeys(_names(name), here)


def _names(name: str) -> set[tuple[str, str]]:
    """Return the Python names that must differ: that of the module, and the beginning of the names of classes."""
    return {
        ("operation", python_names.attribute(name)),
        ("class", python_names.module(python_names.pascal(name))),
    }


def operation_id(method: str, path: str) -> str:
    """Return the id for an operation; the names of path parameters are not part of it."""
    return "_".join([method, *_parts(path)])


def spelled_id(method: str, path: str, *, all_of_it: bool = False) -> str:
    """Return an id that no operation with another path gets: what separates the words of the path is spelled out.

    Args:
        method: The method.
        path: The path; the names of its parameters are not part of the id.
        all_of_it: Whether each single `/` is spelled out, and not only the last one.
    """
    parts = _WORD.split(re.sub(r"\{[^}]*\}", "{}", path))
    last = max(place for place in range(0, len(parts), 2) if parts[place] or not place)
    spelled = [method]
    for place, part in enumerate(parts):
        if place % 2:
            spelled.append(part)
        elif part and (part != "/" or place == last or all_of_it):
            spelled.append(f"x{part.encode().hex()}")
    return "_".join(spelled)


def tag(path: str) -> str:
    """Return the tag for an operation: the first part of its path after the version."""
    parts = [part for part in _parts(path) if not re.fullmatch(r"v\d+", part)]
    return parts[0] if parts else "root"


def _parts(path: str) -> list[str]:
    parts = [PARAMETER if re.search(r"\{.*\}", part) else _snake(part) for part in path.split("/")]
    return [part for part in parts if part]


def _snake(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
