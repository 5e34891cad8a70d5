"""The Python names that the generator gives to the operations, schemas and properties of a document."""

from __future__ import annotations

import copy
from typing import Any, Final

from openapi_python_client.strings import ClassName, PythonIdentifier

from tools.compose import operation_names
from tools.openapi.operations import operations

_PREFIX: Final = "field_"  # the generator's prefix for names that are not valid in Python
_TAG_PREFIX: Final = "tag"  # the generator's prefix for tags that are not valid names in Python


def attribute(name: str) -> str:
    """Return the Python name for a property (an attribute) or for a parameter (an argument)."""
    return str(PythonIdentifier(name, _PREFIX))


def model(*names: str) -> str:
    """Return the class name of a schema, made from the names that lead to it; the component's name is the first."""
    return str(ClassName("_".join(names), _PREFIX))


def module(operation: dict[str, Any]) -> tuple[str, str]:
    """Return the names of the folder and the module of an operation, which must have an id and a tag."""
    return str(PythonIdentifier(operation["tags"][0], _TAG_PREFIX)), attribute(operation["operationId"])


def modules(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the dotted name of the module of each operation, by method and path."""
    named = copy.deepcopy(document)
    operation_names.rename(named)
    return {(method, path): ".".join(("api", *module(operation))) for method, path, operation in operations(named)}


def renaming(before: str, after: str, owner: str = "") -> str:
    """Describe how the Python name of an attribute or argument changes when its name in the document changes."""
    old, new = attribute(before), attribute(after)
    return f"{owner}{old}: unchanged" if old == new else f"{owner}{old} → {new}"
