"""The Python names that the generator makes of a document's."""

from __future__ import annotations

import copy
from typing import Any, Final

from openapi_python_client.strings import ClassName, PythonIdentifier

from tools import _naming

_PREFIX: Final = "field_"
_TAG_PREFIX: Final = "tag"


def attribute(name: str) -> str:
    """Return what a property or a parameter is called."""
    return str(PythonIdentifier(name, _PREFIX))


def model(*names: str) -> str:
    """Return what the class of a schema is called: a component's by its name, an inner one's by those on the way."""
    return str(ClassName("_".join(names), _PREFIX))


def modules(document: dict[str, Any]) -> dict[tuple[str, str], str]:
    """Return the module of every operation, by method and path."""
    named = copy.deepcopy(document)
    _naming.rename(named)
    return {
        (
            method,
            path,
        ): f"api.{PythonIdentifier(operation['tags'][0], _TAG_PREFIX)}.{attribute(operation['operationId'])}"
        for method, path, operation in _naming.operations(named)
    }
