"""Finds sets whose items would have no hash, so that no set can hold them."""

from __future__ import annotations

import types
import typing
from collections import abc
from typing import Annotated, Any, Final

import msgspec

from anchor_webtask._output.type_hints import field_types
from anchor_webtask._signals import reraise_from_handler

_SETS: Final = (set, frozenset, abc.Set, abc.MutableSet)
_ABSTRACT: Final = (
    *(abc.Collection, abc.Iterable, abc.Sequence, abc.MutableSequence),
    *(abc.Set, abc.MutableSet, abc.Mapping, abc.MutableMapping),
)
"""Types for which a list, a set or a dict is made."""


def items_problem(kind: Any) -> str | None:
    """Return why a set cannot hold its items; None if it can, or if the type is no set."""
    if (typing.get_origin(kind) or kind) not in _SETS:
        return None
    for item in typing.get_args(kind):
        if (part := _unhashable(item, ())) is not None:
            name = getattr(part, "__name__", repr(part)) if typing.get_origin(part) is None else repr(part)
            is_own = isinstance(part, type) and part.__module__ != "builtins" and not typing.is_typeddict(part)
            advice = f", or make {name} frozen" if is_own else ""
            return f"{kind!r} cannot hold a value of {name}, which has no hash: write list[…] in its place{advice}"
    return None


def _unhashable(kind: Any, outer: tuple[Any, ...]) -> Any | None:
    """Return the part of a type whose values have no hash; None if all values may have one.

    Args:
        kind: The type.
        outer: The types that contain it.
    """
    if any(kind is each for each in outer):
        return None
    origin = typing.get_origin(kind)
    if origin is typing.Literal:
        return None
    cls = origin or kind
    inner: list[Any] = []
    if origin is Annotated:
        inner = [kind.__origin__]
    elif origin in (typing.Union, types.UnionType, tuple, frozenset):
        inner = [each for each in typing.get_args(kind) if each is not ...]
    elif isinstance(cls, type):
        if _has_no_hash(cls):
            return kind
        inner = _items_of_namedtuple(kind, cls)
    else:  # a NewType, or an alias
        inner = [getattr(kind, name) for name in ("__supertype__", "__value__") if hasattr(kind, name)]
    return next((found for each in inner if (found := _unhashable(each, (*outer, kind))) is not None), None)


def _has_no_hash(cls: type) -> bool:
    if issubclass(cls, msgspec.Struct) and cls.__hash__ is msgspec.Struct.__hash__:
        return cls.__struct_config__.eq and not cls.__struct_config__.frozen
    return cls.__hash__ is None or cls in _ABSTRACT or typing.is_typeddict(cls)


def _items_of_namedtuple(kind: Any, cls: type) -> list[Any]:
    if not issubclass(cls, tuple) or cls.__hash__ is not tuple.__hash__:
        return []
    try:
        return list(field_types(kind).values())
    except Exception as error:  # noqa: BLE001  an annotation may be any text
        reraise_from_handler(error)
        return []  # what makes the schema reports the invalid annotation
