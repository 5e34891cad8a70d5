"""From what the user wants as an answer to the schema that is sent, and from the answer's JSON to the value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._errors import ConfigurationError

if TYPE_CHECKING:
    from anchor_webtask._types import JsonSchemaDict

WRAPPER = "result"
"""The field that an answer without an object at its root is wrapped in; the API's own wrappings have the same name."""

_OTHER_ROOTS: Final = frozenset({"allOf", "anyOf", "const", "enum", "oneOf"})
"""What makes a root that has no type into something else than an object."""


@dataclass(frozen=True)
class Output:
    """How one `output` is asked for and read.

    Attributes:
        schema: The JSON Schema to send, an object at its root; None where nothing was asked for.
        wrapped: Whether what the user asked for is one field of the schema that is, or was, sent.
    """

    schema: dict[str, Any] | None = None
    wrapped: bool = False

    def value(self, raw: Any) -> Any:
        """Return the answer as it was asked for."""
        if self.schema is None:
            return _unwrapped(raw, 3 if self.wrapped else 2)
        decoded = _decoded(raw)
        if self.wrapped:
            return _unwrapped(decoded, 3)
        return _unwrapped(decoded, 2, keep=_is_wrapping(self.schema.get("properties")))


def output_of(output: JsonSchemaDict | None, *, wrapped: bool = False) -> Output:
    """Return how to ask for `output` and how to read it.

    Args:
        output: What the user gave.
        wrapped: Whether the answer is known to come wrapped, where nothing is given.

    Raises:
        ConfigurationError: `output` is no JSON Schema.
    """
    if output is None:
        return Output(wrapped=wrapped)
    if not isinstance(output, Mapping):
        raise ConfigurationError(f"output must be a JSON Schema as a dict, not {type(output).__name__}")
    schema = _as_json(output)
    if schema is None:
        raise ConfigurationError(
            "output must be JSON all through: dicts with text as keys, lists, text, finite numbers"
        )
    if not schema:
        raise ConfigurationError("output is empty: give a JSON Schema, or leave it out")
    if _is_object(schema):
        return Output(schema)
    return Output(_wrap(schema), wrapped=True)


def _as_json(output: JsonSchemaDict) -> dict[str, Any] | None:
    """Copy a schema by way of its JSON; None where it has none."""
    try:
        schema: dict[str, Any] = json.loads(json.dumps(dict(output), allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        return None
    return schema


def _is_object(schema: dict[str, Any]) -> bool:
    """Whether a schema says at its root that the answer is an object, or says nothing else."""
    if "$ref" in schema:
        return False
    return schema["type"] == "object" if "type" in schema else _OTHER_ROOTS.isdisjoint(schema)


def _wrap(schema: dict[str, Any]) -> dict[str, Any]:
    """Put a schema under one field of an object, and leave at the root what its references point to."""
    hoisted: dict[str, Any] = {key: schema.pop(key) for key in ("$schema", "$defs", "definitions") if key in schema}
    return {
        **hoisted,
        "type": "object",
        "properties": {WRAPPER: schema},
        "required": [WRAPPER],
        "additionalProperties": False,
    }


def _unwrapped(value: Any, times: int, *, keep: bool = False) -> Any:
    """Take off lone `result` keys; with `keep` the innermost stays, since it's the user's own."""
    for _ in range(times):
        if not _is_wrapping(value) or (keep and not _is_wrapping(value[WRAPPER])):
            break
        value = value[WRAPPER]
    return value


def _is_wrapping(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() == {WRAPPER}


def _decoded(raw: Any) -> Any:
    """Decode an answer that is an object or a list as text; text that is no JSON stays as it is."""
    if not isinstance(raw, str):
        return raw
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return raw
    return value if isinstance(value, dict | list) else raw
