"""Finds what to ask an agent for where an attrs class converts a field: what the converter takes."""

from __future__ import annotations

import functools
import inspect
import typing
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from anchor_webtask._output.type_hints import resolved, type_parameters
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Callable


def taken_type(cls: Any, field: Any, kind: Any) -> Any:
    """Return the type of what an attrs class takes for a field.

    It is the field's type, unless the field has a converter whose parameter is annotated with another one. Title and
    description of the field's type stay, but its constraints are those of the converted value.

    Args:
        cls: The class.
        field: The field, as in `attrs.fields(cls)`.
        kind: The field's type.
    """
    taken = None if field.converter is None else _parameter_type(field.converter, cls.__module__)
    bare = kind.__origin__ if typing.get_origin(kind) is Annotated else kind
    if taken is None or taken == bare:
        return kind
    metas = (each for each in getattr(kind, "__metadata__", ()) if isinstance(each, msgspec.Meta))
    notes = [msgspec.Meta(title=each.title, description=each.description) for each in metas]
    return Annotated[taken, *notes] if notes else taken


def converter_of(field: Any) -> Callable[[Any], Any] | None:
    """Return the converter of an attrs field, as a function of the value; None if it needs more than the value."""
    converter = field.converter
    if isinstance(converter, _wrappers()):
        wrapper: Any = converter
        return None if wrapper.takes_self else lambda value: wrapper(value, None, field)
    function: Callable[[Any], Any] | None = converter
    return function


def _wrappers() -> Any:
    """Return the class of the converters that may take more than the value; it is new in attrs 24.1."""
    import attrs

    return getattr(attrs, "Converter", ())


def _parameter_type(converter: Any, module: str) -> Any | None:
    """Return the type of a converter's first parameter; None if its annotation is missing or says nothing.

    Args:
        converter: The converter.
        module: The module of the class, whose names the annotations of attrs' own converters refer to.
    """
    if isinstance(converter, _wrappers()):
        converter = converter.converter
    try:
        annotation = next(iter(inspect.signature(converter).parameters.values())).annotation
    except (TypeError, ValueError, StopIteration):  # as for `int`, whose signature is unknown
        return None
    function = converter.func if isinstance(converter, functools.partial) else converter
    for name in (getattr(function, "__module__", None), module):
        try:
            taken = resolved(annotation, name)
        except Exception as error:  # noqa: BLE001  an annotation may be any text
            reraise_from_handler(error)
            continue
        says_nothing = taken in (Any, object, inspect.Parameter.empty) or isinstance(taken, typing.TypeVar)
        return None if says_nothing or type_parameters(taken) else taken
    return None
