"""`JsonSchema`, which users pass as `output` to have the answer validated against a JSON Schema."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._output import mistakes
from anchor_webtask._output.mismatch import Mismatch
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask._output.schema_shape import Schema

_JSON_ADVICE: Final = "use a finite number, text, a boolean, None, a list or a dict"
_ENCODER: Final = json.JSONEncoder(allow_nan=False, ensure_ascii=False)


class JsonSchema:
    """A JSON Schema to pass as `output`. Unlike a schema in a plain dict, it is also used to validate the answer.

    Needs `anchor-webtask[jsonschema]`.

    Args:
        schema: The schema, in the dialect 2020-12. It must contain the targets of its references, since other
            documents are not fetched.

    Attributes:
        schema: A copy of the schema.

    Raises:
        ConfigurationError: The schema is not JSON, is not a valid JSON Schema, or lacks the target of a reference.
        ImportError: jsonschema is not installed.
    """

    def __init__(self, schema: Mapping[str, Any]) -> None:
        with _importing.lock:
            try:
                import jsonschema
                import referencing
                from jsonschema.validators import extend

                import anchor_webtask._output.numbers  # noqa: F401  else it is imported with the first answer
                from anchor_webtask._output import nothing_fits
            except ImportError as error:
                raise ImportError("JsonSchema needs jsonschema: pip install 'anchor-webtask[jsonschema]'") from error

        if not isinstance(schema, Mapping):
            raise ConfigurationError(f"JsonSchema takes a schema as a dict, not {type(schema).__name__}")
        self.schema: Schema = json_copy(schema)
        if mistake := mistakes.schema_problem(self.schema):
            raise ConfigurationError(mistake)
        try:
            jsonschema.Draft202012Validator.check_schema(self.schema)
        except jsonschema.SchemaError as error:
            problem = Mismatch(tuple(error.absolute_path), error.message, error.instance)
        else:
            validator: Any = extend(jsonschema.Draft202012Validator, {"multipleOf": _multiple_of})  # type: ignore[no-untyped-call]  # its stub has no types
            self._validator = validator(self.schema, registry=referencing.Registry())
            dangling = _dangling_reference(self.schema)
            if dangling is None:
                if (nothing := nothing_fits.in_schema_of_user(self.schema)) is not None:
                    raise ConfigurationError(nothing)
                return
            raise ConfigurationError(
                f"output refers to {dangling!r}, but does not contain it: add that schema under $defs"
            )
        raise ConfigurationError(f"output is not a valid JSON Schema {problem}")

    def __repr__(self) -> str:
        return f"JsonSchema({self.schema!r})"

    def __reduce__(self) -> tuple[type[JsonSchema], tuple[Schema]]:
        return JsonSchema, (self.schema,)  # the validator cannot be pickled

    def convert(self, value: Any) -> Any:
        """Return the value unchanged if it fits the schema; otherwise return the `Mismatch`.

        Args:
            value: A value of JSON.
        """
        from jsonschema.exceptions import best_match

        try:
            error = best_match(self._validator.iter_errors(value))
        except RecursionError:
            return Mismatch((), "validation against the schema exceeded Python's recursion limit", value)
        if error is None:
            return value
        expected = f"expected a value that fits {error.validator} {json.dumps(error.validator_value)}"
        return Mismatch(tuple(error.absolute_path), expected, error.instance)


def _multiple_of(_: Any, factor: float, value: Any, __: Any) -> Iterator[Exception]:
    """Check `multipleOf` in decimal arithmetic, in which 19.99 is a multiple of 0.01."""
    from jsonschema import ValidationError

    from anchor_webtask._output.numbers import is_multiple

    if isinstance(value, int | float) and not isinstance(value, bool) and not is_multiple(value, factor):
        yield ValidationError(f"{value!r} is not a multiple of {factor}")


def _dangling_reference(schema: Schema) -> str | None:
    """Return a reference whose target is not in the schema, or None; other documents are not fetched."""
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


def json_copy(schema: Mapping[str, Any]) -> Schema:
    """Return a deep copy of a schema, made by a round trip through JSON.

    Raises:
        ConfigurationError: The schema is empty, or is not JSON.
    """
    copy: Schema = json.loads(json_text(schema))
    return copy


def json_text(schema: Mapping[str, Any]) -> str:
    """Return a schema as JSON.

    Raises:
        ConfigurationError: The schema is empty, or is not JSON.
    """
    if not schema:
        raise ConfigurationError("output is empty: pass a JSON Schema, or leave output out")
    try:
        text = _ENCODER.encode(dict(schema))
        text.encode()  # raises if the text has half of a surrogate pair
        if _decoded(text) == schema or has_text_keys(schema):
            return text
    except (TypeError, ValueError, RecursionError) as error:
        reraise_from_handler(error)
    raise ConfigurationError(mistakes.not_json(schema))


def json_problem(schema: Schema) -> str | None:
    """Return why a type's schema is no JSON; None if it is."""
    try:
        _ENCODER.encode(schema).encode()
    except (TypeError, ValueError, RecursionError) as error:
        if (default := _default_that_is_no_json(schema)) is not None:
            return default_problem(*default)
        return f"a constraint or an example is not JSON ({error}): {_JSON_ADVICE}"
    return None


def default_problem(field: str, default: object) -> str:
    """Return the message for the default of a field that is no JSON."""
    return (
        f"the default of the field {field}, {default!r}, is not JSON: "
        f"{_JSON_ADVICE}, or a factory, whose values are not sent"
    )


def _default_that_is_no_json(schema: Schema) -> tuple[str, Any] | None:
    """Return the first field in a schema whose default is no JSON, with its default; None if all are JSON."""
    for name, inner in schema.get("properties", {}).items():
        if "default" in inner and json_problem({"const": inner["default"]}) is not None:
            return name, inner["default"]
    definitions = schema.get("$defs", {}).values()
    return next((found for each in definitions if (found := _default_that_is_no_json(each)) is not None), None)


_decoded = functools.lru_cache(maxsize=64)(json.loads)


def has_text_keys(value: Any) -> bool:
    """Whether all keys in a value are text; Python's encoder would silently turn `1` and `"1"` into the same key."""
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and has_text_keys(inner) for key, inner in value.items())
    return not isinstance(value, list | tuple) or all(map(has_text_keys, value))
