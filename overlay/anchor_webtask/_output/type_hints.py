"""Finds the types of a class's fields: resolves forward references, and the arguments of generic classes."""

from __future__ import annotations

import inspect
import types
import typing
from typing import Any


def type_parameters(kind: Any) -> tuple[Any, ...]:
    return tuple(getattr(kind, "__parameters__", ()))


def substituted(kind: Any, arguments: dict[Any, Any]) -> Any:
    """Return a type in which arguments replace type variables."""
    if isinstance(kind, typing.TypeVar):
        return arguments.get(kind, kind)
    parameters = () if isinstance(kind, type) and not isinstance(kind, types.GenericAlias) else type_parameters(kind)
    if not any(each in arguments for each in parameters):
        return kind
    generic: Any = kind
    return generic[tuple(arguments.get(each, each) for each in parameters)]


def class_hints(cls: Any) -> dict[str, Any]:
    """Return the annotations of a class, by name, with resolved forward references.

    Raises:
        Exception: An annotation cannot be resolved; it may be any text.
    """
    parameters = {each.__name__: each for base in cls.__mro__ for each in getattr(base, "__type_params__", ())}
    local = {**vars(cls), **parameters} if parameters else None
    try:
        return typing.get_type_hints(cls, localns=local, include_extras=True)
    except NameError:  # a class in a function is no name of its module
        classes = {name: each for name, each in vars(cls).items() if isinstance(each, type)}
        own = {base.__name__: base for base in reversed(cls.__mro__)}
        return typing.get_type_hints(cls, localns={**classes, **parameters, **own}, include_extras=True)


def field_types(kind: Any) -> dict[str, Any]:
    """Return the types of the annotated attributes of a class, by name.

    Raises:
        Exception: An annotation cannot be resolved; it may be any text.
    """
    hints = class_hints(typing.get_origin(kind) or kind)
    arguments = list(_arguments(kind))
    return {name: substituted(hint, _arguments_at(name, arguments)) for name, hint in hints.items()}


def _arguments(kind: Any) -> typing.Iterator[tuple[Any, dict[Any, Any]]]:
    """Yield a class and its bases, each with its type arguments; bases come after the classes that inherit them."""
    cls = typing.get_origin(kind) or kind
    arguments = dict(zip(type_parameters(cls), typing.get_args(kind), strict=False))
    yield cls, arguments
    for base in vars(cls).get("__orig_bases__", cls.__bases__):
        origin = typing.get_origin(base) or base
        if isinstance(origin, type) and origin not in (object, dict, tuple, typing.Generic):
            yield from _arguments(substituted(base, arguments))


def _arguments_at(name: str, classes: list[tuple[Any, dict[Any, Any]]]) -> dict[Any, Any]:
    """Return the type arguments of the class whose annotation of a name counts."""
    owners = [(cls, arguments) for cls, arguments in classes if name in inspect.get_annotations(cls)]
    if not owners:
        return {}
    # A TypedDict has the annotations of its bases, too, so the last class is the one that wrote it.
    return (owners[-1] if typing.is_typeddict(owners[0][0]) else owners[0])[1]


def resolved(kind: Any, module: str | None) -> Any:
    """Return a type without the forward references in it, which are names in a module.

    Raises:
        NameError: The module does not have a name.
    """
    holder = type("Holder", (), {"__annotations__": {"kind": kind}, "__module__": module or __name__})
    return typing.get_type_hints(holder, include_extras=True)["kind"]


def extra_items(cls: Any) -> Any | None:
    """Return the type of the keys that a TypedDict does not name, by `extra_items` or `closed`; None if it has none."""
    if getattr(cls, "__closed__", None) is True:
        return typing.Never
    extra = getattr(cls, "__extra_items__", None)
    if extra is not None and not repr(extra).endswith("NoExtraItems"):
        return resolved(extra, cls.__module__)
    bases = (typing.get_origin(base) or base for base in vars(cls).get("__orig_bases__", ()))
    found = (extra_items(base) for base in bases if isinstance(base, type))
    return next((each for each in found if each is not None), None)
