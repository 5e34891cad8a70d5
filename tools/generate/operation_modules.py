"""The names of the modules that the generator writes for operations."""

from __future__ import annotations

import copy
from typing import Any, Final

from openapi_python_client.strings import PythonIdentifier

from tools.compose import operation_names
from tools.openapi import python_names
from tools.openapi.operations import operations

_TAG_PREFIX: Final = "tag"  # the generator's prefix for tags that are not valid names in Python


def module(operation: dict[str, Any]) -> tuple[str, str]:
    """Return the names of the folder and the module of an operation, which must have an id and a tag."""
    folder = str(PythonIdentifier(operation["tags"][0], _TAG_PREFIX))
    return folder, python_names.attribute(operation["operationId"])


def modules(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the dotted name of the module of each operation, by method and path."""
    named = copy.deepcopy(document)
    operation_names.rename(named)
    return {(method, path): ".".join(("api", *module(operation))) for method, path, operation in operations(named)}
