"""Types that msgspec knows: attrs classes, dataclasses, TypedDicts, NamedTuples, Structs, and what is made of them."""

from __future__ import annotations

import bisect
import inspect
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
_INDEX: Final = re.compile(r"\[(\d+)\]")
_KEY: Final = "[...]"


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
    except KeyError as error:
        problem = f"it has two classes of one name, {error}"
    else:
        _Completion(components).complete(info, root)
        return {**root, "$defs": components} if components else root
    raise ConfigurationError(f"output={kind!r} can't be expressed as a JSON Schema: {problem}")


def convert(kind: Any, value: Any) -> Any:
    """Return a value of the type made of JSON, or the `Mismatch` where the JSON is something else."""
    try:
        return msgspec.convert(value, kind, str_keys=True)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        complaint = str(error)
    where = _WHERE.search(complaint)
    steps = _steps(kind, value, complaint, where["path"]) if where else ()
    return Mismatch(steps, complaint[: where.start()] if where else complaint, at(value, steps))


def _steps(kind: Any, value: Any, complaint: str, path: str) -> tuple[Step, ...]:
    """Return the place that a path of msgspec's means, as far as it is one in the value.

    It writes `[...]` for a key of a dict, and the names of fields as they are, also such as have dots and brackets.
    """
    steps: tuple[Step, ...] = ()
    while path:
        place = at(value, steps)
        step: Step | None = None
        length = 0
        if isinstance(place, list) and (index := _INDEX.match(path)) and int(index[1]) < len(place):
            step, length = int(index[1]), index.end()
        elif isinstance(place, dict) and path.startswith(_KEY):
            step, length = _key(kind, value, complaint, steps), len(_KEY)
        elif isinstance(place, dict) and path.startswith("."):
            names = [name for name in place if path.startswith(name, 1) and path[1 + len(name) :][:1] in {"", ".", "["}]
            step = max(names, key=len, default=None)
            length = 1 + len(step or "")
        if step is None:
            break
        steps, path = (*steps, step), path[length:]
    return steps


def _key(kind: Any, value: Any, complaint: str, steps: tuple[Step, ...]) -> str | None:
    """Return the key under which the complaint is raised: msgspec raises the first, so fewer and fewer keys will do."""
    place: dict[str, Any] = at(value, steps)
    keys = list(place)

    def complains(some: list[str]) -> bool:
        try:
            msgspec.convert(_replaced(value, steps, {key: place[key] for key in some}), kind, str_keys=True)
        except msgspec.ValidationError as error:
            return str(error) == complaint
        return False

    found = bisect.bisect_left(range(1, len(keys)), True, key=lambda count: complains(keys[:count]))
    # A dict that must have some length complains of that where it is shorter.
    return keys[found] if complains([keys[found]]) else None


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
        if "description" in schema:
            schema["description"] = inspect.cleandoc(schema["description"])
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
