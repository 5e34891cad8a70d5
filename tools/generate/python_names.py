"""The Python names that the generator gives to the operations, schemas and properties of a document."""

from __future__ import annotations

import copy
from typing import Any, Final

from openapi_python_client.strings import ClassName, PythonIdentifier

from tools.compose import operation_names
from tools.openapi.operations import operations

_PREFIX: Final = "field_"  # the generator's prefix for names that are invalid in Python …
_TAG_PREFIX: Final = "tag"  # … and for such names of tags


def attribute(name: str) -> str:
    """Return the name of a property's attribute, or of a parameter's argument."""
    return str(PythonIdentifier(name, _PREFIX))


def model(*names: str) -> str:
    """Return the class name of a schema: a component has one name, an inner schema the names on the path to it."""
    return str(ClassName("_".join(names), _PREFIX))


def module(operation: dict[str, Any]) -> tuple[str, str]:
    """Return the folder and the module of an operation that has an id and a tag."""
    return str(PythonIdentifier(operation["tags"][0], _TAG_PREFIX)), attribute(operation["operationId"])


def modules(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the module of every operation, by method and path."""
    named = copy.deepcopy(document)
    operation_names.rename(named)
    return {(method, path): ".".join(("api", *module(operation))) for method, path, operation in operations(named)}


def renaming(before: str, after: str, owner: str = "") -> str:
    """Return the change of an attribute's or argument's name after a change of its name in the document."""
    old, new = attribute(before), attribute(after)
    return f"{owner}{old}: unchanged" if old == new else f"{owner}{old} → {new}"
