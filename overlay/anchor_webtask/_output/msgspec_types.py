"""Types that msgspec knows: attrs classes, dataclasses, TypedDicts, NamedTuples, Structs, and what is made of them."""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect as mi

from anchor_webtask._output.mismatch import Mismatch, Step, at
from anchor_webtask._output.schema import NUMBER, WHOLE_NUMBER, Schema, listed
from anchor_webtask._output.type_parts import unsupported

if TYPE_CHECKING:
    from collections.abc import Iterable

_WHERE: Final = re.compile(r" - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`$")
_INDEX: Final = re.compile(r"\[(\d+)\]")
_KEY: Final = "[...]"
_NOT_LISTED: Final = ("Invalid enum value ", "Invalid value ")

_WITHOUT_OFFSET: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"
_KEYS: Final[tuple[tuple[type[mi.Type], Schema], ...]] = (
    (mi.IntType, WHOLE_NUMBER),
    (mi.FloatType, NUMBER),
    (mi.DateType, {"format": "date"}),
    (mi.DateTimeType, {"format": "date-time"}),
    (mi.TimeType, {"format": "time"}),
    (mi.TimeDeltaType, {"format": "duration"}),
    (mi.UUIDType, {"format": "uuid"}),
    (mi.DecimalType, NUMBER),
)
"""What keys are that stand for something else than text; msgspec says nothing of them."""


def schema_of(kind: Any) -> Schema:
    """Return a type's JSON Schema, with what msgspec leaves out: descriptions of fields, formats, keys of dicts.

    Raises:
        ConfigurationError: The type has a part that can't be expressed.
    """
    made = _made(kind)
    if isinstance(made, str):
        raise unsupported(kind, lambda part: made if isinstance(made := _made(part), str) else None)
    return made


def _made(kind: Any) -> Schema | str:
    """Return a type's JSON Schema, or why there is none."""
    try:
        info = mi.type_info(kind)
        (root,), components = msgspec.json.schema_components([kind])
    except RecursionError:
        return "it goes on without end, by an alias or a generic class that is a part of itself: make it a class"
    except KeyError as error:
        return f"it has two classes of one name, {error}"
    except Exception as error:  # noqa: BLE001  a type's own code and annotations may raise anything
        return (str(error).splitlines() or [type(error).__name__])[-1]
    completion = _Completion(components)
    completion.complete(info, root)
    if completion.problem is not None:
        return completion.problem
    return {**root, "$defs": components} if components else root


def convert(kind: Any, value: Any) -> Any:
    """Return a value of the type made of JSON, or the `Mismatch` where the JSON is something else."""
    try:
        return msgspec.convert(value, kind, str_keys=True)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        complaint = str(error)
    where = _WHERE.search(complaint)
    if where is None:
        return Mismatch((), _said(kind, (), complaint, as_key=False), value)
    steps = _steps(kind, value, complaint, where["path"])
    said = _said(kind, steps, complaint[: where.start()], as_key=bool(where["key"]))
    key = _key(kind, value, complaint, steps) if where["key"] else None
    return Mismatch(steps, said if key is None else f"{said}, as the key {json.dumps(key)}", at(value, steps))


def _said(kind: Any, steps: tuple[Step, ...], complaint: str, *, as_key: bool) -> str:
    """Return what msgspec complains of, with the values that are expected where it leaves those out."""
    if not complaint.startswith(_NOT_LISTED):
        return complaint
    schema = schema_of(kind)
    values = listed(schema, steps, schema.get("$defs", {}), as_key=as_key)
    return f"expected one of {', '.join(map(json.dumps, values))}" if values else complaint


def _steps(kind: Any, value: Any, complaint: str, path: str) -> tuple[Step, ...]:
    """Return the place that a path of msgspec's means, as far as it is one in the value.

    It writes `[...]` for a key of a dict, and the names of fields as they are, also such as have dots and brackets.
    """
    steps: tuple[Step, ...] = ()
    while path:
        slot = at(value, steps)
        step: Step | None = None
        length = 0
        if isinstance(slot, list) and (index := _INDEX.match(path)) and int(index[1]) < len(slot):
            step, length = int(index[1]), index.end()
        elif isinstance(slot, dict) and path.startswith(_KEY):
            step, length = _key(kind, value, complaint, steps), len(_KEY)
        elif isinstance(slot, dict) and path.startswith("."):
            names = [name for name in slot if path.startswith(name, 1) and path[1 + len(name) :][:1] in {"", ".", "["}]
            step = max(names, key=len, default=None)
            length = 1 + len(step or "")
        if step is None:
            break
        steps, path = (*steps, step), path[length:]
    return steps


def _key(kind: Any, value: Any, complaint: str, steps: tuple[Step, ...]) -> str | None:
    """Return the first key under which the complaint is raised: msgspec says it of half of the keys as of all."""
    slot: dict[str, Any] = at(value, steps)
    keys = list(slot)

    def complains(some: list[str]) -> bool:
        try:
            msgspec.convert(_replaced(value, steps, {key: slot[key] for key in some}), kind, str_keys=True)
        except msgspec.ValidationError as error:
            return str(error) == complaint
        return False

    # A dict that must have some length complains of that where it is shorter.
    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        keys = half if complains(half) else keys[len(half) :]
    return keys[0] if complains(keys) else None


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
        self.problem: str | None = None

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
            case mi.DateTimeType(tz=False):
                schema["pattern"] = _WITHOUT_OFFSET  # the format `date-time` is one with an offset
            case mi.DateTimeType():
                schema.setdefault("format", "date-time")
            case mi.TimeType():
                schema.setdefault("format", "time")
            case mi.ListType() | mi.SetType() | mi.FrozenSetType() | mi.VarTupleType() | mi.CollectionType():
                self.complete(info.item_type, schema.get("items", {}))
            case mi.TupleType():
                self._each(info.item_types, schema.get("prefixItems", []))
            case mi.DictType():
                if (keys := _keys(_bare(info.key_type))) is not None:
                    schema["propertyNames"] = keys
                self.complete(info.value_type, schema.get("additionalProperties", {}))
            case mi.UnionType():
                self._union(info, schema)
            case mi.DataclassType() | mi.StructType() | mi.TypedDictType() if "properties" in schema:
                for field in info.fields:
                    if field.required and not _is_argument(info.cls, field.name):
                        self.problem = (
                            f"{info.cls!r} makes its field {field.name} itself (init=False): give it a default"
                        )
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


def _keys(info: mi.Type) -> Schema | None:
    """Return the schema of a dict's keys, as text; None where any text is one, or msgspec has said which."""
    match info:
        case mi.EnumType():
            return {"enum": [str(member.value) for member in info.cls]}
        case mi.LiteralType():
            return {"enum": [str(value) for value in info.values]}
        case mi.DateTimeType(tz=False):
            return {"pattern": _WITHOUT_OFFSET}
        case mi.TimeType(tz=False):
            return {"format": "partial-time"}
    return next((dict(schema) for kind, schema in _KEYS if isinstance(info, kind)), None)


def _own_fields(kind: Any) -> dict[str, Any]:
    """Return the fields of an attrs class or a dataclass, by name."""
    cls = getattr(kind, "__origin__", kind)
    of_attrs = {field.name: field for field in getattr(cls, "__attrs_attrs__", ())}
    return of_attrs or getattr(cls, "__dataclass_fields__", {})


def _is_argument(kind: Any, name: str) -> bool:
    fields = _own_fields(kind)
    return name not in fields or bool(fields[name].init)


def _describe(kind: Any, name: str, schema: Schema) -> None:
    """Add the description that a field of an attrs class or a dataclass has in its metadata."""
    fields = _own_fields(kind)
    description = fields[name].metadata.get("description") if name in fields else None
    if isinstance(description, str):
        schema["description"] = description
