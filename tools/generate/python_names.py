"""The Python names that the generator makes of a document's."""

from __future__ import annotations

import copy
from typing import Any, Final

from openapi_python_client.strings import ClassName, PythonIdentifier

from tools.compose import operation_names
from tools.openapi.operations import operations

_PREFIX: Final = "field_"  # the generator's, for names that Python doesn't take …
_TAG_PREFIX: Final = "tag"  # … and for those of tags


def attribute(name: str) -> str:
    """Return what a property or a parameter is called."""
    return str(PythonIdentifier(name, _PREFIX))


def model(*names: str) -> str:
    """Return what the class of a schema is called: a component's by its name, an inner one's by those on the way."""
    return str(ClassName("_".join(names), _PREFIX))


def module(operation: dict[str, Any]) -> tuple[str, str]:
    """Return the folder and the module of an operation that has its id and its tag."""
    return str(PythonIdentifier(operation["tags"][0], _TAG_PREFIX)), attribute(operation["operationId"])


def modules(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the module of every operation, by method and path."""
    named = copy.deepcopy(document)
    operation_names.rename(named)
    return {(method, path): ".".join(("api", *module(operation))) for method, path, operation in operations(named)}


def renaming(before: str, after: str, owner: str = "") -> str:
    """Return what becomes of an attribute, or of an argument, whose name in the document is another."""
    old, new = attribute(before), attribute(after)
    return f"{owner}{old}: as before" if old == new else f"{owner}{old} → {new}"
