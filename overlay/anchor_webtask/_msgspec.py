"""Types that msgspec knows: attrs classes, dataclasses, TypedDicts, NamedTuples, Structs, and what is made of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect as mi

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._mismatch import Mismatch, Step, at

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._schema import Schema

_WHERE: Final = re.compile(r" - at `(?:key` in `)?\$(?P<path>[^`]*)`$")
_STEP: Final = re.compile(r"\.(?P<field>[^.\[]+)|\[(?P<index>\d+)\]|(?P<key>\[\.\.\.\])")


def schema_of(kind: Any) -> Schema:
    """Return a type's JSON Schema, with what msgspec leaves out: fields' descriptions, and that a date-time is one.

    Raises:
        ConfigurationError: The type has a part that can't be expressed.
    """
    try:
        info = mi.type_info(kind)
        (root,), components = msgspec.json.schema_components([kind])
    except (TypeError, NameError, AttributeError, RecursionError) as error:
        problem = (str(error).splitlines() or [type(error).__name__])[-1]
    else:
        _Completion(components).complete(info, root)
        return {**root, "$defs": components} if components else root
    raise ConfigurationError(f"output={kind!r} can't be expressed as a JSON Schema: {problem}")


def convert(kind: Any, value: Any) -> Any:
    """Return a value of the type made of JSON, or the `Mismatch` where the JSON is something else."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        complaint = str(error)
    where = _WHERE.search(complaint)
    steps = _steps(kind, value, complaint, where["path"]) if where else ()
    return Mismatch(steps, complaint[: where.start()] if where else complaint, at(value, steps))


def _steps(kind: Any, value: Any, complaint: str, path: str) -> tuple[Step, ...]:
    """Return the place that a path of msgspec's means; it writes `[...]` for a key of a dict."""
    steps: tuple[Step, ...] = ()
    for match in _STEP.finditer(path):
        if match["key"]:
            found = _key(kind, value, complaint, steps)
            if found is None:
                break
            steps += (found,)
        else:
            steps += (match["field"] or int(match["index"]),)
    return steps


def _key(kind: Any, value: Any, complaint: str, steps: tuple[Step, ...]) -> str | None:
    """Return the key under which the complaint is raised, by trying each alone."""
    place = at(value, steps)
    for key in place if isinstance(place, dict) else ():
        try:
            msgspec.convert(_replaced(value, steps, {key: place[key]}), kind)
        except msgspec.ValidationError as error:
            if str(error) == complaint:
                return str(key)
    return None


def _replaced(value: Any, steps: tuple[Step, ...], new: Any) -> Any:
    """Copy a value with something else at one place."""
    if not steps:
        return new
    copy = value.copy()
    copy[steps[0]] = _replaced(value[steps[0]], steps[1:], new)
    return copy


class _Completion:
    """Walks a type and its schema side by side."""

    def __init__(self, components: dict[str, Schema]) -> None:
        self._components = components
        self._seen: set[int] = set()

    def complete(self, info: mi.Type, schema: Schema) -> None:
        if "$ref" in schema:
            schema = self._components[schema["$ref"].rpartition("/")[2]]
        if id(schema) in self._seen:
            return
        self._seen.add(id(schema))
        match info:
            case mi.Metadata():
                self._seen.discard(id(schema))
                self.complete(info.type, schema)
            case mi.DateTimeType():
                schema.setdefault("format", "date-time")
            case mi.ListType() | mi.SetType() | mi.FrozenSetType() | mi.VarTupleType() | mi.CollectionType():
                self.complete(info.item_type, schema.get("items", {}))
            case mi.TupleType():
                self._each(info.item_types, schema.get("prefixItems", []))
            case mi.DictType():
                self.complete(info.value_type, schema.get("additionalProperties", {}))
            case mi.UnionType():
                self._union(info, schema)
            case mi.DataclassType() | mi.StructType() | mi.TypedDictType() if "properties" in schema:
                for field in info.fields:
                    _describe(info.cls, field.name, schema["properties"][field.encode_name])
                    self.complete(field.type, schema["properties"][field.encode_name])
            case mi.NamedTupleType() | mi.StructType():
                self._each([field.type for field in info.fields], schema.get("prefixItems", []))

    def _each(self, infos: Iterable[mi.Type], schemas: list[Schema]) -> None:
        for info, schema in zip(infos, schemas, strict=False):
            self.complete(info, schema)

    def _union(self, info: mi.UnionType, schema: Schema) -> None:
        """Pair members with alternatives: msgspec writes what is no Struct first, then the Structs, then null."""
        structs = [each for each in info.types if isinstance(_bare(each), mi.StructType)]
        others = [each for each in info.types if not isinstance(_bare(each), mi.StructType | mi.NoneType)]
        if len(structs) < 2:
            self._each([*others, *structs], schema["anyOf"])
            return
        self._each(others, schema["anyOf"])
        tagged = schema if "discriminator" in schema else schema["anyOf"][len(others)]
        self._each(structs, tagged["anyOf"])


def _bare(info: mi.Type) -> mi.Type:
    while isinstance(info, mi.Metadata):
        info = info.type
    return info


def _describe(kind: Any, name: str, schema: Schema) -> None:
    """Add the description that a field of an attrs class or a dataclass has in its metadata."""
    cls = getattr(kind, "__origin__", kind)
    of_attrs = {field.name: field for field in getattr(cls, "__attrs_attrs__", ())}
    fields = of_attrs or getattr(cls, "__dataclass_fields__", {})
    description = fields[name].metadata.get("description") if name in fields else None
    if isinstance(description, str):
        schema["description"] = description
