"""Describes the exported names of a Python module in short lines, for the surface file."""

from __future__ import annotations

import ast
import enum
import inspect
import re
import textwrap
import typing
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_PROTOCOLS: Final = (
    *("__enter__", "__exit__", "__aenter__", "__aexit__"),
    *("__iter__", "__next__", "__aiter__", "__anext__", "__await__"),
    *("__call__", "__contains__", "__getitem__", "__len__"),
)


def describe_exports(module: ModuleType) -> str:
    """Describe every name that a module exports.

    Annotations are shown as in the source, which `from __future__ import annotations` keeps. So the text is the same on
    every Python.

    Args:
        module: A module with `__all__`, which may create its names lazily.

    Returns:
        A paragraph for each name: functions with their signature; classes with bases, constructor, enum members,
        attributes, properties and methods; other values with their type or representation.
    """
    names = sorted(module.__all__)
    public = {value for value in (getattr(module, name) for name in names) if isinstance(value, type)}
    return "\n".join("".join(f"{line}\n" for line in _export(name, getattr(module, name), public)) for name in names)


def _export(name: str, value: object, public: set[type]) -> Iterable[str]:
    if isinstance(value, type):
        return _class(name, value, public)
    if isinstance(value, FunctionType):
        return _function(name, value)
    if type(value).__module__ == "builtins" or isinstance(value, ModuleType):
        # without the value: some values, such as the value of `__version__`, differ in each release
        return [f"{name}: {type(value).__name__}"]
    return [f"{name} = {value!r}"]


def _class(name: str, cls: type, public: set[type]) -> Iterator[str]:
    if typing.is_typeddict(cls):
        yield f"class {name}(TypedDict)"
        required = vars(cls)["__required_keys__"]
        for key, annotation in sorted(inspect.get_annotations(cls).items()):
            yield f"    {key}: {_annotation(annotation)}{_when(key in required, 'required')}"
        return
    bases = ", ".join(_bases(cls, public))
    yield f"class {name}" + (f"({bases})" if bases else "")
    if issubclass(cls, enum.Enum):
        yield from (f"    {member.name} = {member.value!r}" for member in cls)
    # the members of a public base are described with that base, and the members of private bases with this class
    described = {ancestor for base in cls.__mro__[1:] if _is_public(base, public) for ancestor in base.__mro__}
    own = [base for base in cls.__mro__ if base not in described]
    constructor = next(filter(None, map(_constructor, own)), None)
    parameters: tuple[str, ...] = ()
    if constructor is not None:
        parameters = tuple(inspect.signature(constructor).parameters)
        yield from (f"    {line}" for line in _function(constructor.__name__, constructor))
        yield from _set_attributes(constructor)
    lines: dict[str, list[str]] = {}
    for base in reversed(own):
        for key, annotation in inspect.get_annotations(base).items():
            if not key.startswith("_") and key not in parameters:
                lines[key] = [f"{key}: {_annotation(annotation)}"]
        lines |= {key: list(_member(key, value)) for key, value in vars(base).items() if _is_shown(key, value)}
    for _, found in sorted(lines.items()):
        yield from (f"    {line}" for line in found)


def _constructor(cls: type) -> FunctionType | None:
    found = vars(cls).get("__init__") or vars(cls).get("__new__")
    if isinstance(found, staticmethod):  # the `__new__` of a named tuple
        found = found.__func__
    theirs = {"enum", "typing"}  # enums and protocols inherit a constructor from the standard library
    return found if isinstance(found, FunctionType) and found.__module__ not in theirs else None


def _bases(cls: type, public: set[type]) -> Iterator[str]:
    for base in cls.__bases__:
        if not _is_public(base, public):
            yield from _bases(base, public)
        elif base is not object:
            yield base.__name__


def _is_public(cls: type, public: set[type]) -> bool:
    return cls in public or not re.search(r"(^|\.)_", f"{cls.__module__}.{cls.__name__}")


def _is_shown(name: str, value: object) -> bool:
    described = isinstance(value, FunctionType | classmethod | staticmethod | property)
    return described and (not name.startswith("_") or name in _PROTOCOLS)


def _set_attributes(constructor: FunctionType) -> Iterator[str]:
    try:
        source = inspect.getsource(constructor)
    except OSError:
        return  # a decorator wrote the constructor, whose parameters are the attributes
    names: set[str] = set()
    for node in ast.walk(ast.parse(textwrap.dedent(source))):
        match node:
            case ast.Attribute(ast.Name("self"), name, ast.Store()) if not name.startswith("_"):
                names.add(name)
    if names:
        yield f"    attributes: {', '.join(sorted(names))}"


def _member(name: str, value: Any) -> Iterator[str]:
    match value:
        case property(fget=FunctionType() as getter):
            returned = inspect.signature(getter).return_annotation
            yield f"{name}: {_annotation(returned)} (property{_when(value.fset is not None, 'settable')})"
        case classmethod() | staticmethod():
            yield from (f"{type(value).__name__} {line}" for line in _function(name, value.__func__))
        case _:
            yield from _function(name, value)


def _function(name: str, function: Callable[..., Any]) -> Iterator[str]:
    if isinstance(function, BuiltinFunctionType | MethodDescriptorType):
        yield f"{name}(…)"  # a function in C has a signature on some Pythons only
        return
    overloads = typing.get_overloads(function)
    for overload in overloads:
        yield f"overload {_signature(name, overload)}"
    if not overloads:  # users see the overloads, not their implementation
        yield _signature(name, function)


def _signature(name: str, function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parts: list[str] = []
    kind: Any = None
    for parameter in signature.parameters.values():
        if kind is parameter.POSITIONAL_ONLY and parameter.kind is not kind:
            parts.append("/")
        if parameter.kind is parameter.KEYWORD_ONLY and kind not in {parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL}:
            parts.append("*")
        kind = parameter.kind
        parts.append(_parameter(parameter))
    if kind is inspect.Parameter.POSITIONAL_ONLY:
        parts.append("/")
    returned = signature.return_annotation
    arrow = "" if returned is signature.empty else f" -> {_annotation(returned)}"
    return f"{_when_async(function)}{name}({', '.join(parts)}){arrow}"


def _parameter(parameter: inspect.Parameter) -> str:
    text = str(parameter.replace(annotation=parameter.empty, default=parameter.empty))  # the name, with `*` or `**`
    if parameter.annotation is not parameter.empty:
        text += f": {_annotation(parameter.annotation)}"
    if parameter.default is not parameter.empty:
        # the name if there is one, since some reprs contain the object's address, which differs in each run
        default = getattr(parameter.default, "__qualname__", None) or re.sub(r" at 0x\w+", "", repr(parameter.default))
        text += f" = {default}"
    return text


def _annotation(annotation: Any) -> str:
    if isinstance(annotation, typing.ForwardRef):
        return annotation.__forward_arg__
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)


def _when_async(function: Callable[..., Any]) -> str:
    return "async " if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function) else ""


def _when(condition: bool, word: str) -> str:
    return f", {word}" if condition else ""
