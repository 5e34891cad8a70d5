"""Names operations: makes stable ids and tags from method and path, and removes the titles of schemas.

The generator names modules after operation ids, folders after tags, and classes after titles. Upstream gives no
operation ids, renames its tags, and gives two schemas the same title. So the names are made from parts that every
client depends on: the method, the path, and the names of components.

    operation id    the method and the parts of the path, with `item` for each parameter: get_v1_sessions_item_pages.
                    If the document or the overlay gives an id, that id is used instead
    tag             the first part of the path after the version: sessions. Upstream's tags are kept as
                    `x-upstream-tags`
    titles          removed, so that classes are named after components
"""

from __future__ import annotations

import re
from typing import Any, Final

from tools.openapi import walk
from tools.openapi.operations import operations

PARAMETER: Final = "item"
UPSTREAM_TAGS: Final = "x-upstream-tags"


def rename(document: dict[str, Any]) -> list[str]:
    """Give every operation of a document an id and a tag, and remove the titles of all schemas, in place.

    Args:
        document: The spec, loaded by `tools.openapi.yaml`.

    Returns:
        A line for each pair of operations with the same name, and for each operation without a valid name.
    """
    for part in ("paths", "components"):
        for node in walk.objects(document.get(part), names=part == "paths"):
            if isinstance(node.get("title"), str):
                del node["title"]
    seen: dict[str, str] = {}
    problems: list[str] = []
    for method, path, operation in operations(document):
        operation.setdefault("operationId", operation_id(method, path))
        if operation.get("tags") != [tag(path)]:
            if "tags" in operation:
                operation[UPSTREAM_TAGS] = operation["tags"]
            operation["tags"] = [tag(path)]
        name, here = _snake(str(operation["operationId"])), f"{method.upper()} {path}"
        if not name:
            problems.append(f"the operationId of {here} has no letters or digits for a Python name")
        elif name in seen:
            problems.append(f"{seen[name]} and {here} would both be called {name}")
        seen[name] = here
    return problems


def operation_id(method: str, path: str) -> str:
    """Return the id for an operation; the names of path parameters are not part of it."""
    return "_".join([method, *_parts(path)])


def tag(path: str) -> str:
    """Return the tag for an operation: the first part of its path after the version."""
    parts = [part for part in _parts(path) if not re.fullmatch(r"v\d+", part)]
    return parts[0] if parts else "root"


def _parts(path: str) -> list[str]:
    parts = [PARAMETER if re.search(r"\{.*\}", part) else _snake(part) for part in path.split("/")]
    return [part for part in parts if part]


def _snake(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
