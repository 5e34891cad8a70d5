"""Names that don't depend on accidents of the document.

The generator makes modules of operation ids, folders of tags and classes of titles. Upstream gives no operation ids,
renames its tags, and gives two schemas one title. So what it is to make names of comes from what a client can't do
without: the method and the path, and the names of components.

    operation id    the method and the path's parts, `item` for each parameter: get_v1_sessions_item_pages. Where the
                    document or the overlay has one, that counts
    tag             the path's first part behind the version: sessions; upstream's own are kept as `x-upstream-tags`
    titles          none
"""

from __future__ import annotations

import re
from typing import Any, Final

from ruamel.yaml.comments import CommentedSeq

from tools.openapi import walk
from tools.openapi.operations import operations

PARAMETER: Final = "item"
UPSTREAM_TAGS: Final = "x-upstream-tags"


def rename(document: dict[str, Any]) -> list[str]:
    """Give every operation its id and tag, and take titles from schemas, in place.

    Args:
        document: The spec, loaded by `tools.openapi.yaml`.

    Returns:
        A line for each two operations that would have one name, and for each that would have none.
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
            operation["tags"] = CommentedSeq([tag(path)])
        name, here = _snake(str(operation["operationId"])), f"{method.upper()} {path}"
        if not name:
            problems.append(f"the operationId of {here} has no letter and no digit to make a name of")
        elif name in seen:
            problems.append(f"{seen[name]} and {here} would both be called {name}")
        seen[name] = here
    return problems


def operation_id(method: str, path: str) -> str:
    """Return the id of an operation, the same whatever its parameters are called."""
    return "_".join([method, *_parts(path)])


def tag(path: str) -> str:
    """Return the tag of an operation."""
    parts = [part for part in _parts(path) if not re.fullmatch(r"v\d+", part)]
    return parts[0] if parts else "root"


def _parts(path: str) -> list[str]:
    parts = [PARAMETER if re.search(r"\{.*\}", part) else _snake(part) for part in path.split("/")]
    return [part for part in parts if part]


def _snake(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()
