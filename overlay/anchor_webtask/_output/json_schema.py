"""JSON Schemas as `output` whose answers are validated."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._output.mismatch import Mismatch

if TYPE_CHECKING:
    from anchor_webtask._output.schema import Schema


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
            lost = _lost_reference(self.schema)
            if lost is None:
                return
            raise ConfigurationError(f"output refers to {lost!r}, which is not in it: put it there, under $defs")
        raise ConfigurationError(f"output is no JSON Schema {problem}")

    def __repr__(self) -> str:
        return f"JsonSchema({self.schema!r})"

    def convert(self, value: Any) -> Any:
        """Return JSON that fits the schema as it is, else the `Mismatch` where it doesn't."""
        from jsonschema.exceptions import best_match

        try:
            error = best_match(self._validator.iter_errors(value))
        except RecursionError:
            return Mismatch((), "expected what the schema says, which goes too deep", value)
        if error is None:
            return value
        expected = f"expected what fits {error.validator} {json.dumps(error.validator_value)}"
        return Mismatch(tuple(error.absolute_path), expected, error.instance)


def _lost_reference(schema: Schema) -> str | None:
    """Return a reference that leads to nothing in the schema; what it leads to elsewhere is not fetched."""
    from referencing import Registry
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import DRAFT202012

    root = DRAFT202012.create_resource(schema)
    pending = [(root, Registry().resolver_with_root(root))]
    while pending:
        resource, resolver = pending.pop()
        contents: Any = resource.contents
        for key in ("$ref", "$dynamicRef") if isinstance(contents, dict) else ():
            try:
                resolver.lookup(contents.get(key, "#"))
            except Unresolvable:
                return str(contents[key])
        pending += [(each, resolver.in_subresource(each)) for each in resource.subresources()]
    return None


def json_of(schema: Mapping[str, Any]) -> Schema:
    """Copy a schema by way of its JSON.

    Raises:
        ConfigurationError: It is empty, or isn't JSON.
    """
    if not schema:
        raise ConfigurationError("output is empty: give a JSON Schema, or leave it out")
    try:
        copy: Schema = json.loads(json.dumps(dict(schema), allow_nan=False, ensure_ascii=False).encode())
        if has_text_keys(schema):
            return copy
    except (TypeError, ValueError, RecursionError):
        pass
    raise ConfigurationError("output must be JSON all through: dicts with text as keys, lists, text, finite numbers")


def has_text_keys(value: Any) -> bool:
    """Whether all keys in a value are text: as JSON others would be made text in silence, and could meet."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and has_text_keys(inner) for key, inner in value.items())
    return not isinstance(value, list | tuple) or all(map(has_text_keys, value))
