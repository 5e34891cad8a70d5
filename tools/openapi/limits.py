"""The limits on documents from outside, and the error for a document that exceeds them or cannot be read.

A document of a few lines can expand to gigabytes through aliases, or exhaust the stack through nesting. So each reader
counts what aliases insert, and how deep mappings and arrays are nested, before it builds them.
"""

from __future__ import annotations

from typing import Final, TypeAlias

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | float | bool | None"

SIZE: Final = 32 * 1024 * 1024
"""The maximum size of a document, in bytes."""

DEPTH: Final = 100
"""The maximum number of nested mappings and arrays, also inside aliases; upstream's documents have 25 levels."""

ALIASED: Final = 1024 * 1024
"""The maximum size, in bytes and roughly, of the values that all aliases insert; upstream uses no aliases."""

NODE: Final = 8
"""The estimated size of a node without its text."""


class DocumentError(ValueError):
    """A file cannot be read, or is not YAML that holds JSON data; the message begins with the file and the line."""


def too_large(name: str) -> DocumentError:
    """Return the error for a document of more than `SIZE` bytes."""
    return DocumentError(f"{name} is larger than {SIZE // 1024 // 1024} MiB, the limit for a spec")


def too_deep(where: str) -> DocumentError:
    """Return the error for a mapping or array at a depth of more than `DEPTH`."""
    return DocumentError(f"{where}: mappings and arrays are nested more than {DEPTH} levels deep")


def too_much(where: str) -> DocumentError:
    """Return the error for the alias with which all aliases insert more than `ALIASED`."""
    return DocumentError(f"{where}: the aliases up to here expand to more than {ALIASED // 1024} KiB")


def inside_itself(where: str, anchor: str) -> DocumentError:
    """Return the error for an alias that is a part of its own value."""
    return DocumentError(f"{where}: the alias *{anchor} is inside its own value")
