"""The names of the modules that the generator writes for operations."""

from __future__ import annotations

from typing import Any, Final

from openapi_python_client.strings import PythonIdentifier

from tools.compose import operation_names
from tools.openapi import python_names

_TAG_PREFIX: Final = "tag"  # the generator's prefix for tags that are not valid names in Python


def module(operation: dict[str, Any]) -> tuple[str, str]:
    """Return the names of the folder and the module of an operation, which must have an id and a tag."""
    return _module(operation["tags"][0], operation["operationId"])


def modules(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the dotted name of the module of each operation, by method and path."""
    ids, _ = operation_names.chosen_ids(document)
    return {key: ".".join(("api", *_module(operation_names.tag(key[1]), name))) for key, name in ids.items()}


def _module(tag: str, operation_id: str) -> tuple[str, str]:
    return str(PythonIdentifier(tag, _TAG_PREFIX)), python_names.attribute(operation_id)
