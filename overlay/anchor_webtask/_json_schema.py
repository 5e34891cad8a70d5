"""JSON Schemas as `output` whose answers are validated."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._mismatch import Mismatch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchor_webtask._schema import Schema


class JsonSchema:
    """A JSON Schema as `output` whose answer is validated; a plain dict is sent, and its answer taken as it comes.

    Needs `anchor-webtask[jsonschema]`.

    Args:
        schema: The schema, in the dialect 2020-12. References to other documents are not followed.

    Attributes:
        schema: The schema.

    Raises:
        ConfigurationError: The schema is none, or isn't JSON.
        ImportError: jsonschema isn't installed.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        try:
            import jsonschema
            import referencing
        except ImportError as error:
            raise ImportError("JsonSchema needs jsonschema: pip install 'anchor-webtask[jsonschema]'") from error

        self.schema: Schema = json_of(schema)
        try:
            jsonschema.Draft202012Validator.check_schema(self.schema)
        except jsonschema.SchemaError as error:
            problem = Mismatch(tuple(error.absolute_path), error.message, error.instance)
        else:
            self._validator = jsonschema.Draft202012Validator(self.schema, registry=referencing.Registry())
            return
        raise ConfigurationError(f"output is no JSON Schema {problem}")

    def __repr__(self) -> str:
        return f"JsonSchema({self.schema!r})"

    def convert(self, value: Any) -> Any:
        """Return JSON that fits the schema as it is, else the `Mismatch` where it doesn't."""
        from jsonschema.exceptions import best_match

        error = best_match(self._validator.iter_errors(value))
        if error is None:
            return value
        expected = f"expected what fits {error.validator} {json.dumps(error.validator_value)}"
        return Mismatch(tuple(error.absolute_path), expected, error.instance)


def json_of(schema: Mapping[str, Any]) -> Schema:
    """Copy a schema by way of its JSON.

    Raises:
        ConfigurationError: It is empty, or isn't JSON.
    """
    if not schema:
        raise ConfigurationError("output is empty: give a JSON Schema, or leave it out")
    try:
        copy: Schema = json.loads(json.dumps(dict(schema), allow_nan=False, ensure_ascii=False).encode())
    except (TypeError, ValueError, RecursionError):
        pass
    else:
        return copy
    raise ConfigurationError("output must be JSON all through: dicts with text as keys, lists, text, finite numbers")
