"""Makes schemas and converts answers for all types that do not need pydantic.

These are attrs classes, dataclasses, TypedDicts, NamedTuples, Structs, scalars and containers. msgspec converts an
answer at once if it can: that is many times faster than part by part. What msgspec refuses is converted part by part,
which accepts more and names the place of an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from anchor_webtask._output.definitions import Definitions
from anchor_webtask._output.json_schema import json_problem
from anchor_webtask._output.mismatch import Mismatch
from anchor_webtask._output.parts import Unfit
from anchor_webtask._output.plain_types import is_plain
from anchor_webtask._output.type_parts import unsupported
from anchor_webtask._output.type_tree import tree_of
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from anchor_webtask._output.schema_shape import Schema
    from anchor_webtask._output.type_tree import Tree


class Converter:
    """A type that is asked for: its schema, and the conversion of answers to its values.

    Attributes:
        schema: The type's JSON Schema.
        keeps_digits: Whether a part of the type is a `Decimal`, which has more digits than a `float`.

    Args:
        kind: The type.

    Raises:
        ConfigurationError: A part of the type cannot be expressed as a JSON Schema.
    """

    def __init__(self, kind: Any) -> None:
        made = _made(kind)
        if isinstance(made, str):
            raise unsupported(kind, lambda part: found if isinstance(found := _made(part), str) else None)
        self._tree, self.schema = made
        self._kind = kind
        self.keeps_digits = self._tree.has_decimal
        self._is_plain = is_plain(kind)

    def convert(self, value: Any) -> Any:
        """Convert JSON to a value of the type, or return the `Mismatch` if the JSON does not fit."""
        if self._is_plain:
            try:
                return msgspec.convert(value, self._kind, str_keys=True)
            except Exception as error:  # noqa: BLE001  a type's own code may raise anything; the parts say where
                reraise_from_handler(error)
        try:
            return self._tree.part.convert(value)
        except Unfit as unfit:
            return unfit.mismatch
        except RecursionError as error:
            return Mismatch((), str(error), value)


def _made(kind: Any) -> tuple[Tree, Schema] | str:
    """Return the tree and the JSON Schema of a type, or the reason why the type has none."""
    try:
        tree = tree_of(kind)
        definitions = Definitions()
        schema = tree.part.schema(definitions)
    except RecursionError:
        return "an alias or a generic class contains itself, so the schema has no end: use a class that is not generic"
    except NameError as error:
        return (
            f"{error}: annotations that are text may name only what the module of their class defines; "
            "define the class there, not in a function"
        )
    except Exception as error:  # noqa: BLE001  a type's own code and annotations may raise anything
        reraise_from_handler(error)
        return (str(error).splitlines() or [type(error).__name__])[-1]
    schema = {**schema, "$defs": definitions.schemas} if definitions.schemas else schema
    return json_problem(schema) or (tree, schema)
