"""`Definitions`, which collects the schemas of a type's classes while the type's schema is made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._output.schema_shape import Schema


class Definitions:
    """The definitions of a schema, by name.

    Attributes:
        schemas: The definitions' schemas.
    """

    def __init__(self) -> None:
        self.schemas: dict[str, Schema] = {}
        self._owners: dict[str, Any] = {}
        self._full_names: dict[str, Any] = {}

    def reference(self, owner: Any, name: str, make: Callable[[], Schema]) -> Schema:
        """Return a reference to the schema of `owner`, which is made at its first use.

        Raises:
            TypeError: Another class has the same name.
        """
        full = f"{owner.__module__}.{getattr(owner, '__qualname__', name)}{name.partition('[')[2]}"
        if (other := self._full_names.setdefault(full, owner)) != owner:
            raise TypeError(f"two different classes have the same name; rename one of them: {other!r}")
        short = _normal(name)
        used = short if self._owners.setdefault(short, owner) == owner else _normal(full)
        if used not in self.schemas:
            self.schemas[used] = {}  # the class may be a part of itself
            self.schemas[used] = make()
        return {"$ref": f"#/$defs/{used}"}


def _normal(name: str) -> str:
    return re.sub(r"[^a-zA-Z0-9.\-_]", "_", name)
