"""Turns `output` (a type or a JSON Schema) into the JSON Schema that is sent with a task.

pydantic makes the schema of a type if a part of the type is made or annotated for pydantic; msgspec makes all other
schemas.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._output import mistakes
from anchor_webtask._output.decode import Output
from anchor_webtask._output.json_schema import JsonSchema, json_text
from anchor_webtask._output.schema_shape import has_object_root, inlined, with_root_resolved, wrapped_in_object

if TYPE_CHECKING:
    from anchor_webtask._output.schema_shape import Schema

JsonSchemaLike: TypeAlias = Mapping[str, Any] | JsonSchema
"""An `output` that is a schema, not a type. Answers to a `JsonSchema` are validated, answers to a mapping are not."""


def output_of(output: Any, *, wrapped: bool = False) -> Output[Any]:
    """Return how to ask for an answer in the form of `output`, and how to decode the answer.

    Args:
        output: What the user passed: a type, a JSON Schema as a mapping, a `JsonSchema`, or None.
        wrapped: Used only if `output` is None: whether the sent schema wraps the answer in a field `result`.

    Raises:
        ConfigurationError: `output` is neither a type nor a schema, or the type cannot be expressed as a JSON Schema.
    """
    if output is None:
        return Output(wrapped=wrapped)
    if isinstance(output, JsonSchema):
        return _output(with_root_resolved(output.schema), output.convert)
    if isinstance(output, Mapping):
        return _of_json(json_text(output))
    # `A | B` equals `B | A`, but their answers are decoded differently: the repr keeps them apart in the cache.
    return (_cached if _is_hashable(output) else _typed)(output, repr(output))


def _is_hashable(output: object) -> bool:
    try:
        hash(output)
    except TypeError:
        return False
    return True


def _output(schema: Schema, convert: Callable[[Any], Any] | None, *, keeps_digits: bool = False) -> Output[Any]:
    if has_object_root(schema):
        return Output(schema, convert=convert, keeps_digits=keeps_digits)
    return Output(wrapped_in_object(schema), wrapped=True, convert=convert, keeps_digits=keeps_digits)


@functools.lru_cache(maxsize=64)
def _of_json(schema: str) -> Output[Any]:
    """Return the `Output` of a schema; it is cached, since many tasks may be started with the same schema."""
    parsed: Schema = json.loads(schema)
    if problem := mistakes.schema_problem(parsed):
        raise ConfigurationError(problem)
    return _output(with_root_resolved(parsed), None)


def _typed(kind: Any, _: str) -> Output[Any]:
    """Return the `Output` of a type: by pydantic if a part of the type is made or annotated for it, else by msgspec."""
    if problem := mistakes.not_a_type(kind):
        raise ConfigurationError(problem)
    with _importing.lock:
        from anchor_webtask._output import nothing_fits, type_parts

    if (problem := type_parts.impossible(kind)) is not None:
        raise _impossible(kind, problem)
    if type_parts.needs_pydantic(kind):
        with _importing.lock:
            from importlib.util import find_spec

        if find_spec("pydantic") is None:
            raise ConfigurationError(f"output={kind!r} needs pydantic: pip install 'anchor-webtask[pydantic]'")
        with _importing.lock:
            from anchor_webtask._output import pydantic_types

        made: pydantic_types.Converter | msgspec_types.Converter = pydantic_types.Converter(kind)
    else:
        with _importing.lock:
            from anchor_webtask._output import msgspec_types

        made = msgspec_types.Converter(kind)
    if (problem := nothing_fits.in_schema_of_type(made.schema)) is not None:
        raise _impossible(kind, problem)
    return _output(inlined(made.schema), made.convert, keeps_digits=made.keeps_digits)


def _impossible(kind: Any, problem: str) -> ConfigurationError:
    return ConfigurationError(f"no answer can fit output={kind!r}: {problem}")


_cached = functools.lru_cache(maxsize=256)(_typed)
