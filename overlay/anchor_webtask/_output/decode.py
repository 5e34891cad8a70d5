"""From what the user wants as an answer to the schema that is sent, and from the answer's JSON to the value.

The API wraps an answer in a lone `result` key, or in two, or not at all, and some agents answer JSON as text. So a
typed answer is looked for as it is, then decoded, then unwrapped; what is accepted is what fits. An object that has not
one of a class's fields never fits: an agent that gave up answers `{}`, and a class of defaults would take it for an
answer.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Generic, NamedTuple, TypeAlias, TypeGuard

from anchor_webtask._errors import ConfigurationError, InvalidOutputError
from anchor_webtask._models import T
from anchor_webtask._output.json_schema import JsonSchema, json_of
from anchor_webtask._output.mismatch import Mismatch, Step
from anchor_webtask._output.schema import (
    WRAPPER,
    fields_of,
    has_object_root,
    inlined,
    property_names,
    resolved,
    wrapped_in_object,
)

if TYPE_CHECKING:
    from anchor_webtask._output.schema import Schema

JsonSchemaLike: TypeAlias = Mapping[str, Any] | JsonSchema
"""An `output` that is no type. A mapping is sent, and its answer isn't validated; a `JsonSchema`'s answer is."""

UNWRAPPINGS: Final = 2
"""How many wrappings of the API's are taken off."""


class Output(NamedTuple, Generic[T]):
    """How one `output` is asked for and read.

    Attributes:
        schema: The JSON Schema to send, an object at its root; None where nothing was asked for.
        wrapped: Whether what the user asked for is one field of the schema that is, or was, sent.
        convert: Makes the value of JSON, or the `Mismatch` where it doesn't fit; None takes the answer as it comes.
    """

    schema: Schema | None = None
    wrapped: bool = False
    convert: Callable[[Any], Any] | None = None

    def value(self, raw: Any, task_id: str | None = None, redact: Callable[[str], str] = str) -> T:
        """Return the answer as it was asked for.

        Args:
            raw: The answer's JSON.
            task_id: The task's id, for the error.
            redact: Takes secrets out of the error's text.

        Raises:
            InvalidOutputError: The answer is something else.
        """
        if self.convert is None:
            as_it_comes: T = self._as_it_comes(raw)
            return as_it_comes
        mismatches: list[Mismatch] = []
        for steps, candidate in self._candidates(raw):
            value = self._fitting(candidate, self.convert)
            if not isinstance(value, Mismatch):
                fitting: T = value
                return fitting
            mismatches.append(value.below(*steps))
        # The one that came furthest says most; of text and the JSON in it, the JSON.
        closest = max(reversed(mismatches), key=lambda mismatch: len(mismatch.steps))
        hint = "; the error's .raw is the answer as it came" if task_id is None else ""  # else it's in the advice
        known = property_names(self.schema or {})
        raise InvalidOutputError(
            f"the task completed, but its answer is not what output asks for, {closest.told(redact, known)}{hint}",
            raw=raw,
            path=closest.path(redact, known),
            task_id=task_id,
        )

    def _as_it_comes(self, raw: Any) -> Any:
        if self.schema is None:
            return _unwrapped(raw, UNWRAPPINGS + self.wrapped)
        fields = self.schema.get("properties")
        asked_for = fields[WRAPPER] if self.wrapped and isinstance(fields, dict) else self.schema
        decoded = raw if asked_for.get("type") == "string" else _decoded(raw)
        if self.wrapped:
            return _unwrapped(decoded, UNWRAPPINGS + 1)
        own = fields.keys() if isinstance(fields, dict) and WRAPPER in fields else None
        for _ in range(UNWRAPPINGS):
            inner = decoded[WRAPPER] if _is_wrapping(decoded) else None
            # An object was asked for, so what is none isn't the answer. Where the user has a field of this name, only
            # what has fields of theirs is inside a wrapping of the API's.
            if not isinstance(inner, dict) or (own is not None and own.isdisjoint(inner)):
                break
            decoded = inner
        return decoded

    def _candidates(self, raw: Any) -> Iterator[tuple[tuple[Step, ...], Any]]:
        """Yield what may be the answer, and the steps that lead there."""
        steps: tuple[Step, ...] = ()
        value = raw
        whole = _decoded(raw)
        if self.wrapped and _is_wrapping(whole):
            steps, value = (WRAPPER,), whole[WRAPPER]
        for _ in range(UNWRAPPINGS + 1):
            yield steps, value
            if isinstance(value, str) and (decoded := _decoded(value, scalars=True)) is not value:
                value = decoded
                yield steps, value
            if not _is_wrapping(value):
                return
            steps, value = (*steps, WRAPPER), value[WRAPPER]

    def _fitting(self, candidate: Any, convert: Callable[[Any], Any]) -> Any:
        try:
            try:
                value = convert(candidate)
            except UnicodeEncodeError:
                value = convert(_repaired(candidate))
        except Exception as error:  # noqa: BLE001  a type's own code may raise anything, and the answer is paid for
            return Mismatch((), f"the type's own code raised {type(error).__name__}: {error}", candidate)
        if not isinstance(candidate, dict) or (isinstance(value, Mismatch) and value.steps):
            return value
        fields = self._field_names() or []
        is_empty = set(fields).isdisjoint(candidate)
        if is_empty and hasattr(value, "model_fields_set"):
            from anchor_webtask._output import pydantic_types

            is_empty = pydantic_types.used_nothing(value, candidate)
        return Mismatch((), f"expected an object with {', '.join(fields)}", candidate) if fields and is_empty else value

    def _field_names(self) -> list[str] | None:
        """Return the names of the fields that an answer may have; None where it may have any."""
        schema: Schema = self.schema or {}
        asked_for = schema["properties"][WRAPPER] if self.wrapped else schema
        return fields_of(asked_for, schema.get("$defs", {}))


def output_of(output: Any, *, wrapped: bool = False) -> Output[Any]:
    """Return how to ask for `output` and how to read it.

    Args:
        output: What the user gave: a type, a JSON Schema as a mapping, a `JsonSchema`, or None.
        wrapped: Whether the answer is known to come wrapped, where nothing is given.

    Raises:
        ConfigurationError: `output` is none of these, or can't be expressed as a JSON Schema.
    """
    if output is None:
        return Output(wrapped=wrapped)
    if isinstance(output, JsonSchema):
        return _output(resolved(output.schema), output.convert)
    if isinstance(output, Mapping):
        return _output(resolved(json_of(output)), None)
    if isinstance(output, str):
        raise ConfigurationError(f"output must be a type or a JSON Schema, not the text {output!r}")
    # Unions are equal whatever their order, and the order matters: by its repr, each is kept for itself.
    return (_kept if _is_hashable(output) else _typed)(output, repr(output))


def _is_hashable(output: object) -> bool:
    try:
        hash(output)
    except TypeError:
        return False
    return True


def _output(schema: Schema, convert: Callable[[Any], Any] | None) -> Output[Any]:
    if has_object_root(schema):
        return Output(schema, convert=convert)
    return Output(wrapped_in_object(schema), wrapped=True, convert=convert)


def _typed(kind: Any, _: str) -> Output[Any]:
    """Ask for a type, by pydantic if that has made a part of it, else by msgspec."""
    from anchor_webtask._output import type_parts

    if type_parts.is_for_pydantic(kind):
        from importlib.util import find_spec

        if find_spec("pydantic") is None:
            raise ConfigurationError(f"output={kind!r} needs pydantic: pip install 'anchor-webtask[pydantic]'")
        from anchor_webtask._output import pydantic_types

        adapter = pydantic_types.adapter_of(kind)
        return _output(inlined(pydantic_types.schema_of(adapter)), functools.partial(pydantic_types.convert, adapter))
    from anchor_webtask._output import msgspec_types

    return _output(inlined(msgspec_types.schema_of(kind)), functools.partial(msgspec_types.convert, kind))


_kept = functools.lru_cache(maxsize=256)(_typed)


def _unwrapped(value: Any, times: int) -> Any:
    """Take off lone `result` keys."""
    for _ in range(times):
        if not _is_wrapping(value):
            break
        value = value[WRAPPER]
    return value


def _is_wrapping(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and value.keys() == {WRAPPER}


def _decoded(raw: Any, *, scalars: bool = False) -> Any:
    """Decode an answer that is an object or a list as text, or other JSON; text that is none stays as it is."""
    if not isinstance(raw, str):
        return raw
    try:
        value = json.loads(raw, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return raw
    return value if scalars or isinstance(value, dict | list) else raw


def _repaired(value: Any) -> Any:
    """Copy JSON with the replacement character for each half of a surrogate pair: the libraries can't encode those."""
    text = json.dumps(value, ensure_ascii=False).encode("utf-16", "surrogatepass")
    return json.loads(text.decode("utf-16", "replace"))


def _refuse(constant: str) -> None:
    """Refuse `NaN` and the infinities, which are Python's, and no JSON."""
    raise ValueError(constant)
