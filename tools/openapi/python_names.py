"""The Python names that the generator gives to schemas, properties and parameters.

The generator is imported on first use, so that programs can report that it is missing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

PREFIX: Final = "field_"
"""The generator's prefix for names that are not valid in Python."""

_KEPT: Final = 1 << 16  # the names that are kept: a large spec has each name in many places

NEEDED_CLASSES: Final = frozenset(
    {
        *(
            "Any",
            "AuthenticatedClient",
            "BinaryIO",
            "BytesIO",
            "Client",
            "File",
            "FileTypes",
            "Generator",
            "HTTPStatus",
        ),
        *("IO", "Literal", "Mapping", "RequestFiles", "Response", "T", "TextIO", "TypeVar", "UNSET", "UUID", "Unset"),
    }
)
"""Names that the generated code imports or defines, and that a class of a schema would replace."""

NEEDED_VARIABLES: Final = frozenset(
    {"additional_properties", "additional_property", "cast", "d", "prop_dict", "prop_name"}
)
"""Names that the code of a class needs beside the variable that has the name of the class's module."""


@lru_cache(_KEPT)
def attribute(name: str) -> str:
    """Return the Python name for a property (an attribute) or for a parameter (an argument)."""
    from openapi_python_client.strings import PythonIdentifier

    return str(PythonIdentifier(name, PREFIX))


def coded(name: str, text: str) -> str:
    """Return a Python name that ends in the codes of the characters of a text, as that of no other text does."""
    return f"{name.rstrip('_')}_x{text.encode().hex()}"


@lru_cache(_KEPT)
def model(*names: str) -> str:
    """Return the class name of a schema, made from the names that lead to it; the component's name is the first."""
    from openapi_python_client.strings import ClassName

    return str(ClassName("_".join(names), PREFIX))


@lru_cache(_KEPT)
def pascal(name: str) -> str:
    """Return a name in the form that the generator gives it as a part of a class name."""
    from openapi_python_client.strings import pascal_case

    return str(pascal_case(name))


def module(class_name: str) -> str:
    """Return the name of the module of a class."""
    return attribute(class_name)


def renaming(before: str, after: str, owner: str = "") -> str:
    """Describe how the Python name of an attribute or argument changes when its name in the document changes."""
    old, new = attribute(before), attribute(after)
    return f"{owner}{old}: unchanged" if old == new else f"{owner}{old} → {new}"
