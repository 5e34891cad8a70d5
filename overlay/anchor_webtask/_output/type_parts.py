"""What a type is made of: who makes its schema depends on that, and an error names the part that can't be expressed."""

from __future__ import annotations

import dataclasses
import typing
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from anchor_webtask._errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OF_PYDANTIC: Final = ("__pydantic_validator__", "__get_pydantic_core_schema__")
_READ_BY_PYDANTIC: Final = frozenset({"pydantic", "pydantic_core", "annotated_types"})


def parts(kind: Any) -> Iterator[Any]:
    """Yield what a type is made of, each part once: inner ones before outer ones, and last the type itself."""
    return _parts(kind, {})


def is_for_pydantic(kind: Any) -> bool:
    """Whether a type has a part that pydantic made, or that is annotated for it."""
    return any(_is_for_pydantic(part) for part in parts(kind))


def has_pydantic_part(kind: Any) -> bool:
    """Whether a type has a part that pydantic made."""
    return any(hasattr(part, name) for part in parts(kind) for name in _OF_PYDANTIC)


def annotated_for_msgspec(kind: Any) -> Any | None:
    """Return a part that is annotated for msgspec alone; None if there is none."""
    return next((part for part in parts(kind) if "msgspec" in _readers(part) and not _is_for_pydantic(part)), None)


def unsupported(kind: Any, problem_of: Callable[[Any], str | None]) -> ConfigurationError:
    """Return the error of a type that can't be expressed, which names the innermost class that can't.

    Args:
        kind: The type.
        problem_of: Says why a part, taken by itself, can't be expressed; None if it can.
    """
    for part in parts(kind):
        if isinstance(typing.get_origin(part) or part, type) and part is not kind and (problem := problem_of(part)):
            return ConfigurationError(f"output={kind!r} can't be expressed as a JSON Schema: in {part!r}, {problem}")
    return ConfigurationError(f"output={kind!r} can't be expressed as a JSON Schema: {problem_of(kind)}")


def _is_for_pydantic(part: Any) -> bool:
    return any(hasattr(part, name) for name in _OF_PYDANTIC) or not _READ_BY_PYDANTIC.isdisjoint(_readers(part))


def _readers(part: Any) -> set[str]:
    """Return the libraries that an annotated type's annotations are from."""
    annotations = part.__metadata__ if typing.get_origin(part) is Annotated else ()
    classes = (each if isinstance(each, type) else type(each) for each in annotations)
    return {cls.__module__.partition(".")[0] for cls in classes}


def _parts(kind: Any, seen: dict[int, Any]) -> Iterator[Any]:
    if id(kind) in seen:
        return
    seen[id(kind)] = kind  # which keeps the id from going to another
    for inner in _inside(kind):
        yield from _parts(inner, seen)
    yield kind


def _inside(kind: Any) -> Iterator[Any]:
    origin = typing.get_origin(kind)
    if origin is Literal:
        return
    if origin is Annotated:
        yield kind.__origin__
        return
    yield from (each for each in typing.get_args(kind) if each is not ...)
    for each in (kind, origin):
        # A NewType, and an alias by `type`: only these two have such attributes.
        yield from (getattr(each, name) for name in ("__supertype__", "__value__") if hasattr(each, name))
    yield from _fields(origin or kind)


def _fields(cls: Any) -> list[Any]:
    if not isinstance(cls, type) or cls.__module__ == "builtins":
        return []
    try:
        hints = typing.get_type_hints(cls, include_extras=True)
    except Exception:  # noqa: BLE001  an annotation may be any text
        return []  # whoever makes the schema says what is wrong with it
    return [hint.type if isinstance(hint, dataclasses.InitVar) else hint for hint in hints.values()]
