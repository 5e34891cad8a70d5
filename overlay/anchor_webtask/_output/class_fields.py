"""Makes the part of a class with fields: attrs, dataclass, TypedDict, NamedTuple or Struct."""

from __future__ import annotations

import dataclasses
import typing
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple

import msgspec

from anchor_webtask._output.attrs_converters import converter_of, taken_type
from anchor_webtask._output.class_part import NO_DEFAULT, ClassPart, Field
from anchor_webtask._output.type_hints import extra_items, field_types, type_parameters
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from anchor_webtask._output.parts import Part


_NOTHING: Final = (typing.Never, typing.NoReturn)


class _Declared(NamedTuple):
    """A field as its class declares it; see `Field`.

    Attributes:
        kind: The type of what the class takes for the field.
        converted: The field's own type, if a converter makes it of what the class takes.
        converter: The converter.
    """

    name: str
    argument: str
    kind: Any
    required: bool
    default: Any
    metadata: Mapping[Any, Any] = {}
    converted: Any = None
    converter: Callable[[Any], Any] | None = None


def is_class_with_fields(cls: Any) -> bool:
    return isinstance(cls, type) and (
        issubclass(cls, msgspec.Struct)
        or hasattr(cls, "__attrs_attrs__")
        or dataclasses.is_dataclass(cls)
        or typing.is_typeddict(cls)
        or _is_typeddict_of_extensions(cls)
        or _is_namedtuple(cls)
    )


def empty_part(kind: Any) -> ClassPart:
    """Return the part of a class, still without its fields."""
    cls = typing.get_origin(kind) or kind
    title = cls.__name__
    if arguments := typing.get_args(kind):
        names = (each.__name__ if isinstance(each, type) else repr(each) for each in arguments)
        title = f"{title}[{', '.join(names)}]"
    if not issubclass(cls, msgspec.Struct):
        make = dict if issubclass(cls, dict) else cls
        is_closed = extra_items(cls) in _NOTHING
        return ClassPart(kind, title, make, in_order=_is_namedtuple(cls), strict=is_closed)
    config = cls.__struct_config__
    part = ClassPart(kind, title, cls, in_order=config.array_like, strict=config.forbid_unknown_fields)
    part.tag, part.tag_field = config.tag, config.tag_field
    return part


def extra_of(kind: Any, part_of: Callable[[Any], Part]) -> Part | None:
    """Return the part of the keys that a class does not name; None if it ignores or refuses them."""
    extra = extra_items(typing.get_origin(kind) or kind)
    return None if extra is None or extra in _NOTHING else part_of(extra)


def fields_of(kind: Any, part_of: Callable[[Any], Part]) -> Iterator[Field]:
    """Yield the fields that an answer may have for a class.

    Args:
        kind: The class, with its arguments if it is generic.
        part_of: Returns the part of a type.

    Raises:
        TypeError: A field's type is unknown.
    """
    cls = typing.get_origin(kind) or kind
    hints = field_types(kind)
    for each in _declared(cls, hints):
        description = each.metadata.get("description")
        yield Field(
            each.name,
            each.argument,
            _part(cls, each, part_of),
            each.required,
            NO_DEFAULT if each.default is msgspec.UNSET else each.default,
            description if isinstance(description, str) else None,
            each.converter,
        )


def _part(cls: Any, field: _Declared, part_of: Callable[[Any], Part]) -> Part:
    """Return the part of what a class takes for a field; that of the field's own type if no JSON is what it takes."""
    kind = _bound(cls, field.name, field.kind)
    try:
        return part_of(kind)
    except Exception as error:
        reraise_from_handler(error)
        if field.converted is None or field.converted == field.kind:
            if not isinstance(error, TypeError) or typing.get_origin(kind) is not typing.Annotated:
                raise
            raise TypeError(f"in the field {field.name}, {error}") from None
    return part_of(_bound(cls, field.name, field.converted))


def _bound(cls: Any, name: str, kind: Any) -> Any:
    """Return the type of a field; raise if it has a type variable that is none of its class."""
    own = type_parameters(cls)
    unknown = [each for each in type_parameters(kind) if each not in own]
    unknown += [kind] if isinstance(kind, typing.TypeVar) and kind not in own else []
    if unknown:
        raise TypeError(
            f"the field {name} has the type variable {unknown[0]!r}, which stands for no type there: "
            f"annotate the field in {cls.__name__} again"
        )
    return kind


def _declared(cls: Any, hints: dict[str, Any]) -> Iterator[_Declared]:
    if issubclass(cls, msgspec.Struct):
        return _of_struct(cls, hints)
    if hasattr(cls, "__attrs_attrs__"):
        return _of_attrs(cls, hints)
    if dataclasses.is_dataclass(cls):
        return _of_dataclass(cls, hints)
    return _of_namedtuple(cls, hints) if issubclass(cls, tuple) else _of_typeddict(cls, hints)


def _of_struct(cls: Any, hints: dict[str, Any]) -> Iterator[_Declared]:
    for field in msgspec.structs.fields(cls):
        default = NO_DEFAULT if field.default is msgspec.NODEFAULT else field.default
        if field.default_factory in (list, dict, set, bytearray):
            default = field.default_factory()
        yield _Declared(field.encode_name, field.name, hints[field.name], field.required, default)


def _of_attrs(cls: Any, hints: dict[str, Any]) -> Iterator[_Declared]:
    import attrs

    for field in attrs.fields(cls):
        required = field.default is attrs.NOTHING
        if not field.init:
            if required and not _sets_fields(cls, "__attrs_attrs__", "__attrs_post_init__", "__attrs_pre_init__"):
                raise _never_set(cls, field.name)
            continue
        default = NO_DEFAULT if required or isinstance(field.default, attrs.Factory) else field.default  # type: ignore[arg-type]  # a function, in the stub
        kind = hints.get(field.name, Any if field.type is None else field.type)
        taken = taken_type(cls, field, kind)
        own = (kind, converter_of(field))
        yield _Declared(field.name, field.alias, taken, required, default, field.metadata, *own)


def _of_dataclass(cls: Any, hints: dict[str, Any]) -> Iterator[_Declared]:
    for field in cls.__dataclass_fields__.values():
        kind = hints[field.name]
        if kind is ClassVar or typing.get_origin(kind) is ClassVar:
            continue
        has_default = field.default is not dataclasses.MISSING
        required = not has_default and field.default_factory is dataclasses.MISSING
        if not field.init:
            if required and not _sets_fields(cls, "__dataclass_fields__", "__post_init__"):
                raise _never_set(cls, field.name)
            continue
        default = field.default if has_default else NO_DEFAULT
        kind = kind.type if isinstance(kind, dataclasses.InitVar) else kind
        yield _Declared(field.name, field.name, kind, required, default, field.metadata)


def _sets_fields(cls: Any, mark: str, *methods: str) -> bool:
    """Whether a class has code of its own that may set the fields which are no arguments.

    Args:
        cls: The class.
        mark: The attribute of the classes that have a generated `__init__`.
        methods: The methods that a generated `__init__` calls.
    """
    if any(hasattr(cls, name) for name in methods):
        return True
    owner = next(base for base in cls.__mro__ if "__init__" in vars(base))
    is_own = "__attrs_init__" in vars(owner) or not getattr(vars(owner).get("__dataclass_params__"), "init", True)
    return is_own or mark not in vars(owner)


def _never_set(cls: Any, name: str) -> TypeError:
    return TypeError(
        f"the field {name} of {cls.__name__} has init=False and no default, so nothing sets it: "
        "give it a default, or set it in __attrs_post_init__ or __post_init__"
    )


def _of_namedtuple(cls: Any, hints: dict[str, Any]) -> Iterator[_Declared]:
    for name in cls._fields:
        default = cls._field_defaults.get(name, NO_DEFAULT)
        yield _Declared(name, name, hints.get(name, Any), default is NO_DEFAULT, default)


def _of_typeddict(cls: Any, hints: dict[str, Any]) -> Iterator[_Declared]:
    for name, kind in hints.items():
        # `__required_keys__` is wrong if the annotations are text, as with `from __future__ import annotations`.
        marks = [mark for mark in _marks(kind) if mark in {"Required", "NotRequired"}]
        required = marks[0] == "Required" if marks else name in cls.__required_keys__
        yield _Declared(name, name, kind, required, NO_DEFAULT)


def _marks(kind: Any) -> Iterator[str]:
    """Yield the names of what is around a field's type in a TypedDict."""
    while (origin := typing.get_origin(kind)) is not None:
        if origin is typing.Annotated:
            kind = kind.__origin__
        elif (name := special_form(origin)) in {"Required", "NotRequired", "ReadOnly"}:
            yield name
            kind = typing.get_args(kind)[0]
        else:
            break


def special_form(origin: Any) -> str:
    """Return the name of a special form of `typing` or `typing_extensions`, which do not always share it."""
    return str(getattr(origin, "_name", None) or "")


def _is_namedtuple(cls: type) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def _is_typeddict_of_extensions(cls: type) -> bool:
    return issubclass(cls, dict) and hasattr(cls, "__total__")
