"""Makes short names for the types of schemas, for the drift report and the surface file."""

from __future__ import annotations

from typing import Any


def type_name(schema: dict[str, Any]) -> str:
    """Return the type of a schema in a few words, such as `array of string`."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema:
            return f"{key}({', '.join(type_name(one) for one in schema[key])})"
    kind = schema.get("type", "any")
    name = "|".join(kind) if isinstance(kind, list) else str(kind)
    if kind == "array":
        return f"array of {type_name(schema.get('items', {}))}"
    return f"{name}{schema['enum']}" if "enum" in schema else name
