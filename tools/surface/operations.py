"""Describes the operations of a spec in short lines, for the surface file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jsonpath

from tools.openapi.operations import operations
from tools.openapi.type_names import type_name

if TYPE_CHECKING:
    from collections.abc import Iterator


def describe_operations(spec: dict[str, Any]) -> str:
    """Describe every operation of an OpenAPI document.

    Args:
        spec: The document.

    Returns:
        A paragraph for each operation: its id, method and path, parameters, body, and statuses with their schemas.
    """
    found = [(path, method, spec["paths"][path], operation) for method, path, operation in operations(spec)]
    paragraphs = [
        (
            f"{operation.get('operationId', '(no operation id)')}: {method.upper()} {path}",
            [
                *_parameters(item.get("parameters", []), operation.get("parameters", []), spec),
                *_body(operation.get("requestBody"), spec),
                *_responses(operation.get("responses", {}), spec),
            ],
        )
        for path, method, item, operation in found
    ]
    return "\n".join("".join(f"{line}\n" for line in (head, *lines)) for head, lines in sorted(paragraphs))


def _parameters(shared: list[Any], own: list[Any], spec: dict[str, Any]) -> Iterator[str]:
    # a parameter of the operation replaces the path's parameter of the same name and place
    by_key = {(found["in"], found["name"]): found for found in (_resolved(one, spec) for one in [*shared, *own])}
    for (place, name), parameter in sorted(by_key.items()):
        kind = type_name(parameter.get("schema", {}))
        yield f"    {place} {name}: {kind}{_required(parameter)}"


def _body(body: Any, spec: dict[str, Any]) -> Iterator[str]:
    if body is not None:
        body = _resolved(body, spec)
        for content_type, content in sorted(body.get("content", {}).items()):
            yield f"    body {content_type}: {type_name(content.get('schema', {}))}{_required(body)}"


def _responses(responses: dict[str, Any], spec: dict[str, Any]) -> Iterator[str]:
    for status, response in sorted(responses.items()):
        contents = _resolved(response, spec).get("content", {})
        if not contents:
            yield f"    {status}"
        for content_type, content in sorted(contents.items()):
            yield f"    {status} {content_type}: {type_name(content.get('schema', {}))}"


def _required(found: dict[str, Any]) -> str:
    return ", required" if found.get("required") else ""


def _resolved(found: dict[str, Any], spec: dict[str, Any]) -> Any:
    reference = found.get("$ref", "")
    return jsonpath.resolve(reference[1:], spec, uri_decode=True) if reference.startswith("#/") else found
