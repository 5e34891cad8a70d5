"""Builds the tree of the parts of a type that msgspec's types, classes and containers make up."""

from __future__ import annotations

import datetime
import enum
import types
import typing
import uuid
from collections import abc
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple

import msgspec

from anchor_webtask._output.class_fields import empty_part, extra_of, fields_of, is_class_with_fields, special_form
from anchor_webtask._output.listed_parts import Enumeration, Flags, literal
from anchor_webtask._output.number_part import Number
from anchor_webtask._output.parts import Anything, Boolean, Duration, Items, Mapping, Part, Scalar, Tuple
from anchor_webtask._output.type_hints import resolved, substituted
from anchor_webtask._output.union_part import Union

if TYPE_CHECKING:
    from anchor_webtask._output.definitions import Definitions
    from anchor_webtask._output.schema_shape import Schema

_SCALARS: Final[dict[Any, tuple[str, str]]] = {
    str: ("str", "str"),
    None: ("null", "null"),
    type(None): ("null", "null"),
    bytes: ("bytes", "str"),
    bytearray: ("bytes", "str"),
    memoryview: ("bytes", "str"),
    datetime.date: ("date", "str"),
    datetime.datetime: ("datetime", "str"),
    datetime.time: ("time", "str"),
    uuid.UUID: ("uuid", "str"),
}
"""Scalars that msgspec converts: what they are called in messages, and the kind of their JSON."""
_LISTS: Final = (list, abc.Collection, abc.Iterable, abc.MutableSequence, abc.Sequence)
_SETS: Final = (set, abc.MutableSet, abc.Set)
_DICTS: Final = (dict, abc.MutableMapping, abc.Mapping)
_CONTAINERS: Final[dict[Any, Any]] = {
    **dict.fromkeys(_LISTS, list),
    **dict.fromkeys(_SETS, set),
    **dict.fromkeys(_DICTS, dict),
    frozenset: frozenset,
    tuple: tuple,
}
_WITHOUT_OFFSET: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"
_CONSTRAINTS: Final = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "tz")
_QUALIFIERS: Final = frozenset({"Required", "NotRequired", "ReadOnly", "Final"})


class Tree(NamedTuple):
    """The parts of a type.

    Attributes:
        part: The type itself.
        has_decimal: Whether a part is `Decimal`.
    """

    part: Part
    has_decimal: bool


def tree_of(kind: Any) -> Tree:
    """Return the tree of a type.

    Raises:
        Exception: The type has a part of which no JSON can be asked for. The part's own code may raise anything.
    """
    builder = _Builder()
    return Tree(builder.part(kind), builder.has_decimal)


class _Described(Part):
    """A class or an alias with more keywords in its schema, such as a description."""

    def __init__(self, inner: Part, extras: Schema) -> None:
        self._inner = inner
        self._extras = extras
        self.label, self.json_kinds = inner.label, inner.json_kinds
        self.convert, self.convert_key, self.key_schema = inner.convert, inner.convert_key, inner.key_schema  # type: ignore[method-assign]  # one call less for each value

    def schema(self, definitions: Definitions) -> Schema:
        return {**self._extras, **self._inner.schema(definitions)}


class _Alias(Part):
    """An alias of the statement `type` that contains itself."""

    label = "any"

    def __init__(self, alias: Any) -> None:
        self._alias = alias
        self.inner: Part = Anything(Any)  # until the parts of the alias are built
        self.is_used = False

    @property
    def json_kinds(self) -> frozenset[str]:  # type: ignore[override]  # known only when the parts are built
        return self.inner.json_kinds

    def schema(self, definitions: Definitions) -> Schema:
        name = (typing.get_origin(self._alias) or self._alias).__name__
        return definitions.reference(self._alias, name, lambda: self.inner.schema(definitions))

    def convert(self, value: Any) -> Any:
        return self.inner.convert(value)


class _Builder:
    """Builds the parts of one type; a class that is used twice has one part."""

    def __init__(self) -> None:
        self._classes: dict[Any, Part] = {}
        self._aliases: dict[Any, _Alias] = {}
        self.has_decimal = False

    def part(self, kind: Any) -> Part:
        metas: list[msgspec.Meta] = []
        while True:
            origin = typing.get_origin(kind)
            if origin is Annotated:
                metas += [each for each in kind.__metadata__ if isinstance(each, msgspec.Meta)]
                kind = kind.__origin__
            elif special_form(origin) in _QUALIFIERS:
                kind = typing.get_args(kind)[0]
            elif hasattr(kind, "__supertype__"):
                kind = kind.__supertype__
            elif hasattr(kind, "__value__") or hasattr(origin, "__value__"):
                return self._with_extras(self._alias(kind), metas)
            else:
                return self._plain(kind, origin, metas)

    def _plain(self, kind: Any, origin: Any, metas: list[msgspec.Meta]) -> Part:
        cls = origin or kind
        if origin in (typing.Union, types.UnionType):
            return self._union(typing.get_args(kind), metas)
        if isinstance(kind, typing.TypeVar):
            return self.part(Annotated[kind.__bound__ or Any, *metas] if metas else kind.__bound__ or Any)
        if isinstance(kind, str | typing.ForwardRef):
            raise NameError(f"name {getattr(kind, '__forward_arg__', kind)!r} is not defined")  # noqa: TRY004
        if origin is typing.Literal:
            return self._with_extras(literal(typing.get_args(kind)), metas)
        if isinstance(cls, type) and issubclass(cls, enum.Enum):
            return self._with_extras(Flags(cls) if issubclass(cls, enum.Flag) else Enumeration(cls), metas)
        if is_class_with_fields(cls):
            return self._with_extras(self._class(kind), metas)
        if _is_hashable(cls) and cls in _CONTAINERS:
            return self._container(_CONTAINERS[cls], typing.get_args(kind), metas, given=origin is not None)
        return self._scalar(kind, metas)

    def _scalar(self, kind: Any, metas: list[msgspec.Meta]) -> Part:
        part = _scalar(kind, metas)
        self.has_decimal |= kind is Decimal
        return part

    def _class(self, kind: Any) -> Part:
        if kind not in self._classes:
            self._classes[kind] = part = empty_part(kind)
            try:
                part.fields += fields_of(kind, self.part)
                part.extra = extra_of(kind, self.part)
            except BaseException:
                del self._classes[kind]  # else a later use would find the class without its fields
                raise
        return self._classes[kind]

    def _alias(self, kind: Any) -> Part:
        if kind in self._aliases:
            self._aliases[kind].is_used = True
            return self._aliases[kind]
        origin = typing.get_origin(kind)
        alias = origin or kind
        value = resolved(alias.__value__, getattr(alias, "__module__", None))
        arguments = dict(zip(getattr(alias, "__type_params__", ()), typing.get_args(kind), strict=False))
        self._aliases[kind] = part = _Alias(kind)
        inner = self.part(substituted(value, arguments))
        if inner is part:
            raise TypeError(f"the alias {kind!r} contains nothing but itself")
        part.inner = inner
        return part if part.is_used else self._aliases.pop(kind).inner

    def _union(self, members: tuple[Any, ...], metas: list[msgspec.Meta]) -> Part:
        constraints = [_only(meta, _CONSTRAINTS) for meta in metas]
        parts: list[Part] = []
        for member in members:
            if member is msgspec.UnsetType:
                continue
            try:
                parts.append(self.part(Annotated[member, *constraints] if constraints else member))
            except TypeError:
                if not constraints:
                    raise
                parts.append(self.part(member))  # a constraint need not be one of every member
        return self._with_extras(parts[0], metas) if len(parts) == 1 else Union(parts, _extras(metas))

    def _container(self, made: Any, arguments: tuple[Any, ...], metas: list[msgspec.Meta], *, given: bool) -> Part:
        if made is tuple and given and arguments[1:] != (...,):
            if any(_only(meta, _CONSTRAINTS) != msgspec.Meta() for meta in metas):
                raise TypeError("a tuple with a type for each item cannot have constraints")
            return Tuple([self.part(each) for each in arguments], _extras(metas))
        inner = [self.part(each) for each in arguments if each is not ...] or [self._scalar(Any, [])] * 2
        if made is dict:
            shell = Annotated[dict, *metas] if metas else dict
            return Mapping(shell, inner[0] if arguments else _scalar(str, []), inner[1])
        return Items(made, metas, inner[0])

    def _with_extras(self, part: Part, metas: list[msgspec.Meta]) -> Part:
        for meta in metas:
            used = [name for name in _CONSTRAINTS if getattr(meta, name) is not None]
            if used:
                raise TypeError(f"the constraint {used[0]} cannot be one of this type: {meta!r}")
        extras = _extras(metas)
        return _Described(part, extras) if extras else part


def _scalar(kind: Any, metas: list[msgspec.Meta]) -> Part:
    full = Annotated[kind, *metas] if metas else kind
    if kind is Any:
        return Anything(full)
    if kind in {int, float, Decimal} if _is_hashable(kind) else False:
        return Number(kind, metas)
    if kind is bool:
        return Boolean(full)
    if kind is datetime.timedelta:
        return Duration(full, "duration", {"str"})
    if not _is_hashable(kind) or kind not in _SCALARS:
        return Scalar(full, "custom", ())  # raises, unless the type is annotated with its schema
    label, json_kind = _SCALARS[kind]
    zones = [meta.tz for meta in metas if meta.tz is not None]
    more: Schema = {}
    if kind is datetime.datetime:
        more = {"pattern": _WITHOUT_OFFSET} if zones[-1:] == [False] else {"format": "date-time"}
    elif kind is datetime.time and not zones:
        more = {"format": "time"}
    return Scalar(full, label, {json_kind}, **more)


def _only(meta: msgspec.Meta, names: tuple[str, ...]) -> msgspec.Meta:
    """Return a `Meta` with some of another's arguments."""
    return msgspec.Meta(**{name: value for name in names if (value := getattr(meta, name)) is not None})


def _extras(metas: list[msgspec.Meta]) -> Schema:
    """Return the keywords that annotations add to a schema, beside constraints."""
    if not metas:
        return {}
    names = ("title", "description", "examples", "extra_json_schema")
    return msgspec.json.schema(Annotated[Any, *(_only(meta, names) for meta in metas)])


def _is_hashable(kind: object) -> bool:
    try:
        hash(kind)
    except TypeError:
        return False
    return True
