"""Keeps the operations of a documentation page when a complete document, which lacks them, has replaced the spec."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tools.openapi import reader, yaml
from tools.openapi.operations import METHODS, operations
from tools.openapi.references import key_of
from tools.repository import SPEC
from tools.vendor.fetch import Fetched
from tools.vendor.page import FORM
from tools.vendor.vendored_spec import vendor_document

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

_COMPONENTS = "#/components/"


def keep(root: Path, name: str, before: bytes, page: Collection[str] | None) -> list[str]:
    """Add the operations of a page to the spec again, as they were in the replaced spec.

    Args:
        root: The repository.
        name: The name of the page.
        before: The content of the replaced spec.
        page: The operations of the page, such as `post /v1/things`; None if they are not known. Then all operations
            that the new spec lacks are kept, since each of them may be the page's.

    Returns:
        A line for each change.

    Raises:
        VendorError: The operations cannot be added.
    """
    old: Any = reader.parse(SPEC.name, before)
    done: list[str] = []
    for method, path, operation in operations(old):
        new: Any = reader.read(root / SPEC)
        if (page is None or f"{method} {path}" in page) and method not in (new["paths"].get(path) or {}):
            item = {} if path in new["paths"] else _beside_operations(old["paths"][path])
            part = _part(old, new, path, {**item, method: operation})
            text = f"{FORM.partition('<')[0]}{method} {path}\n{yaml.dump(part)}````\n"
            done += [
                f"{name}, kept: {line}" for line in vendor_document(root, Fetched(name, text.encode()), replace=False)
            ]
    return done


def _beside_operations(item: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in item.items() if key not in METHODS}


def _part(old: dict[str, Any], new: dict[str, Any], path: str, item: dict[str, Any]) -> dict[str, Any]:
    """Return a document with one path and all components that it needs; those of the new spec have precedence."""
    components: dict[str, dict[str, Any]] = {}
    left: list[Any] = [item]
    while left:
        for kind, name in _needed(left.pop()):
            known = {**_components(old, kind), **_components(new, kind)}
            if name in known and name not in components.get(kind, {}):
                components.setdefault(kind, {})[name] = known[name]
                left.append(known[name])
    part = {key: new[key] for key in ("openapi", "info")} | {"paths": {path: item}}
    return {**part, "components": components} if components else part


def _components(document: dict[str, Any], kind: str) -> dict[str, Any]:
    return (document.get("components") or {}).get(kind) or {}


def _needed(node: Any) -> Iterator[tuple[str, str]]:
    """Yield the kind and the name of each component to which a part of a document refers."""
    match node:
        case dict():
            security = node.get("security")
            for requirement in security if isinstance(security, list) else ():
                yield from (("securitySchemes", name) for name in requirement)
            for child in node.values():
                yield from _needed(child)
        case list():
            for child in node:
                yield from _needed(child)
        case str() if node.startswith(_COMPONENTS):
            kind, _, rest = node.removeprefix(_COMPONENTS).partition("/")
            yield kind, key_of(rest.partition("/")[0])
