"""Finds the parts of a type, such as the types of its fields.

The parts decide whether pydantic or msgspec makes the type's schema. If a part is invalid, the error names this part.
"""

from __future__ import annotations

import dataclasses
import enum
import inspect
import sys
import typing
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Literal

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._output.attrs_converters import taken_type
from anchor_webtask._output.set_items import items_problem
from anchor_webtask._output.type_hints import class_hints, extra_items
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PYDANTIC_ATTRIBUTES: Final = ("__pydantic_validator__", "__get_pydantic_core_schema__")
_PYDANTIC_LIBRARIES: Final = frozenset({"pydantic", "pydantic_core", "annotated_types"})


def parts(kind: Any) -> Iterator[Any]:
    """Yield each part of a type once: inner parts before outer parts, and the type itself last."""
    return _parts(kind, {})


def needs_pydantic(kind: Any) -> bool:
    """Whether a part of a type has attributes or annotations that only pydantic reads."""
    return any(_part_needs_pydantic(part) for part in parts(kind))


def has_pydantic_part(kind: Any) -> bool:
    """Whether a part of a type has attributes that only pydantic reads."""
    return any(hasattr(part, name) for part in parts(kind) for name in _PYDANTIC_ATTRIBUTES)


def annotated_for_msgspec(kind: Any) -> Any | None:
    """Return a part whose annotations only msgspec reads; None if the type has no such part."""
    for part in parts(kind):
        if "msgspec" in _annotating_libraries(part) and not _part_needs_pydantic(part):
            return part
    return None


def impossible(kind: Any) -> str | None:
    """Return why no answer can fit a type, if a part of it is a class that no JSON stands for; else None."""
    for part in parts(kind):
        cls = typing.get_origin(part) or part
        if cls is type:
            return f"{part!r} is a class itself, and no JSON is a class: use Literal with names"
        if part in (typing.Never, typing.NoReturn):
            return f"{part!r} has no values"
        if isinstance(cls, enum.EnumType) and not cls.__members__:
            return f"the enum {cls!r} has no members: add some"
        if isinstance(cls, type) and inspect.isabstract(cls) and not _is_of_library(cls):
            return f"{cls!r} is abstract, so no value of it can be made: use a class without abstract methods"
        if (problem := items_problem(part)) is not None:
            return problem
    return None


def _is_of_library(cls: type) -> bool:
    """Whether a class is one of the standard library; for abstract ones such as `Sequence`, a list is made."""
    return cls.__module__.partition(".")[0] in sys.stdlib_module_names


def unsupported(kind: Any, problem_of: Callable[[Any], str | None]) -> ConfigurationError:
    """Return the error for a type that cannot be expressed as a JSON Schema.

    The error names the innermost class that cannot be expressed as such a schema.

    Args:
        kind: The type.
        problem_of: Returns the reason why a part alone cannot be expressed as a JSON Schema, or None if it can.
    """
    for part in parts(kind):
        origin = typing.get_origin(part)
        is_class = isinstance(origin or part, type) and origin is not Annotated
        if is_class and part is not kind and (problem := problem_of(part)):
            return ConfigurationError(f"output={kind!r} cannot be expressed as a JSON Schema: in {part!r}, {problem}")
    return ConfigurationError(f"output={kind!r} cannot be expressed as a JSON Schema: {problem_of(kind)}")


def _part_needs_pydantic(part: Any) -> bool:
    if any(hasattr(part, name) for name in _PYDANTIC_ATTRIBUTES):
        return True
    return not _PYDANTIC_LIBRARIES.isdisjoint(_annotating_libraries(part))


def _annotating_libraries(part: Any) -> set[str]:
    """Return the names of the libraries that define the annotations of an `Annotated` type."""
    annotations = part.__metadata__ if typing.get_origin(part) is Annotated else ()
    classes = (each if isinstance(each, type) else type(each) for each in annotations)
    return {cls.__module__.partition(".")[0] for cls in classes}


def _parts(kind: Any, seen: dict[int, Any]) -> Iterator[Any]:
    if id(kind) in seen:
        return
    seen[id(kind)] = kind  # keeps the part alive, since the id of a freed object can be reused
    for inner in _direct_parts(kind):
        yield from _parts(inner, seen)
    yield kind


def _direct_parts(kind: Any) -> Iterator[Any]:
    origin = typing.get_origin(kind)
    if origin is Literal:
        return
    if origin is Annotated:
        yield kind.__origin__
        return
    yield from (each for each in typing.get_args(kind) if each is not ...)
    for each in (kind, origin):
        # A NewType has a `__supertype__`, and an alias that `type` creates has a `__value__`.
        yield from (getattr(each, name) for name in ("__supertype__", "__value__") if hasattr(each, name))
    yield from _fields(origin or kind)


def _fields(cls: Any) -> list[Any]:
    """Return the types of what an answer may have for a class."""
    if not isinstance(cls, type) or cls.__module__ == "builtins":
        return []
    try:
        hints = class_hints(cls)
        extra = extra_items(cls)
    except Exception as error:  # noqa: BLE001  an annotation may be any text
        reraise_from_handler(error)
        return []  # the library that makes the schema reports the invalid annotation
    others = _not_asked_for(cls)
    for field in getattr(cls, "__attrs_attrs__", ()):
        hints[field.name] = taken_type(cls, field, hints.get(field.name, field.type))
    fields = [hint for name, hint in hints.items() if name not in others and typing.get_origin(hint) is not ClassVar]
    fields += [] if extra is None or extra is typing.Never else [extra]
    return [hint.type if isinstance(hint, dataclasses.InitVar) else hint for hint in fields]


def _not_asked_for(cls: type) -> set[str]:
    """Return the names of attributes that are no fields, that no argument sets, or that a validator may convert."""
    if hasattr(cls, "__pydantic_decorators__"):
        decorators = cls.__pydantic_decorators__
        before = [each for each in decorators.field_validators.values() if each.info.mode != "after"]
        return {name for each in before for name in each.info.fields} | set(getattr(cls, "__private_attributes__", ()))
    fields = getattr(cls, "__attrs_attrs__", None) or getattr(cls, "__dataclass_fields__", {}).values()
    return {field.name for field in fields if not field.init}
