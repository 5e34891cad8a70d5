"""Makes schemas and converts answers with msgspec, for all types that do not need pydantic.

These are attrs classes, dataclasses, TypedDicts, NamedTuples, Structs, scalars and containers.
"""

from __future__ import annotations

import inspect
import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import inspect as mi

from anchor_webtask._output.mismatch import Mismatch, Step, value_at
from anchor_webtask._output.schema_shape import INTEGER_KEY, NUMBER_KEY, Schema, listed_values
from anchor_webtask._output.type_parts import unsupported
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOCATION: Final = re.compile(r" - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`$")
_QUOTES_NOTHING: Final = re.compile(r"Expected `[^`]*`(, got `[^`]*`)?|Object missing required field `[^`]*`")
"""Messages of msgspec that quote nothing of the answer; others may quote it, or be those of a type's own code."""
_INDEX: Final = re.compile(r"\[(\d+)\]")
_KEY: Final = "[...]"
_UNLISTED_VALUE: Final = ("Invalid enum value ", "Invalid value ")

_WITHOUT_OFFSET: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?$"
_KEY_SCHEMAS: Final[tuple[tuple[type[mi.Type], Schema], ...]] = (
    (mi.IntType, INTEGER_KEY),
    (mi.FloatType, NUMBER_KEY),
    (mi.DateType, {"format": "date"}),
    (mi.DateTimeType, {"format": "date-time"}),
    (mi.TimeType, {"format": "time"}),
    (mi.TimeDeltaType, {"format": "duration"}),
    (mi.UUIDType, {"format": "uuid"}),
    (mi.DecimalType, NUMBER_KEY),
)
"""Schemas of dict keys that stand for numbers, dates and other values; msgspec does not generate these schemas."""


def schema_of(kind: Any) -> Schema:
    """Return a type's JSON Schema, and add what msgspec leaves out: descriptions of fields, formats, keys of dicts.

    Raises:
        ConfigurationError: A part of the type cannot be expressed as a JSON Schema.
    """
    schema = _schema_or_problem(kind)
    if isinstance(schema, str):
        raise unsupported(kind, lambda part: found if isinstance(found := _schema_or_problem(part), str) else None)
    return schema


def _schema_or_problem(kind: Any) -> Schema | str:
    """Return a type's JSON Schema, or the reason why the type has no schema."""
    try:
        info = mi.type_info(kind)
        (root,), components = msgspec.json.schema_components([kind])
    except RecursionError:
        return "an alias or a generic class contains itself, so the schema has no end: use a class that is not generic"
    except KeyError as error:
        return f"two different classes have the same name; rename one of them: {error}"
    except Exception as error:  # noqa: BLE001  a type's own code and annotations may raise anything
        reraise_from_handler(error)
        return (str(error).splitlines() or [type(error).__name__])[-1]
    completion = _Completion(components)
    completion.complete(info, root)
    if completion.problem is not None:
        return completion.problem
    return {**root, "$defs": components} if components else root


def convert(kind: Any, value: Any) -> Any:
    """Convert JSON to a value of the type, or return the `Mismatch` if the JSON does not fit."""
    try:
        return msgspec.convert(value, kind, str_keys=True)
    except (msgspec.ValidationError, RecursionError, OverflowError) as error:
        message = str(error)
    location = _LOCATION.search(message)
    if location is None:
        return _mismatch((), message, _expectation(kind, (), message, as_key=False), value)
    steps = _steps(kind, value, message, location["path"])
    words = message[: location.start()]
    expected = _expectation(kind, steps, words, as_key=bool(location["key"]))
    key = _key(kind, value, message, steps) if location["key"] else None
    return _mismatch(steps, words, expected, value_at(value, steps), key)


def _mismatch(steps: tuple[Step, ...], message: str, expected: str, found: Any, key: str | None = None) -> Mismatch:
    """Return the `Mismatch` for a message, which quotes the answer if it is that of a type's own code."""
    if expected != message or _QUOTES_NOTHING.fullmatch(message):
        return Mismatch(steps, expected, found, key=key)
    return Mismatch(steps, "", found, quoted=message, key=key)


def _expectation(kind: Any, steps: tuple[Step, ...], message: str, *, as_key: bool) -> str:
    """Return the allowed values, such as an enum's, if msgspec's message leaves them out; else return the message."""
    if not message.startswith(_UNLISTED_VALUE):
        return message
    schema = schema_of(kind)
    values = listed_values(schema, steps, schema.get("$defs", {}), as_key=as_key)
    return f"expected one of {', '.join(map(json.dumps, values))}" if values else message


def _steps(kind: Any, value: Any, message: str, path: str) -> tuple[Step, ...]:
    """Return the keys and indexes that a path in msgspec's message stands for, as far as the path exists in the value.

    msgspec writes `[...]` for any key of a dict, and does not quote names of fields that contain dots or brackets.
    """
    steps: tuple[Step, ...] = ()
    while path:
        container = value_at(value, steps)
        step: Step | None = None
        length = 0
        if isinstance(container, list) and (index := _INDEX.match(path)) and int(index[1]) < len(container):
            step, length = int(index[1]), index.end()
        elif isinstance(container, dict) and path.startswith(_KEY):
            step, length = _key(kind, value, message, steps), len(_KEY)
        elif isinstance(container, dict) and path.startswith("."):
            names = [
                name for name in container if path.startswith(name, 1) and path[1 + len(name) :][:1] in {"", ".", "["}
            ]
            step = max(names, key=len, default=None)
            length = 1 + len(step or "")
        if step is None:
            break
        steps, path = (*steps, step), path[length:]
    return steps


def _key(kind: Any, value: Any, message: str, steps: tuple[Step, ...]) -> str | None:
    """Return the first key of a dict that causes msgspec's message, which does not name the key.

    A dict with half of the keys causes the same message if the key is among them, so a binary search finds the key.
    """
    mapping: dict[str, Any] = value_at(value, steps)
    keys = list(mapping)

    def is_caused_by(some: list[str]) -> bool:
        try:
            msgspec.convert(_replaced(value, steps, {key: mapping[key] for key in some}), kind, str_keys=True)
        except msgspec.ValidationError as error:
            return str(error) == message
        return False

    while len(keys) > 1:
        half = keys[: len(keys) // 2]
        keys = half if is_caused_by(half) else keys[len(half) :]
    # If the type requires a minimum length of the dict, a shorter dict causes another message; then no key is found.
    return keys[0] if is_caused_by(keys) else None


def _replaced(value: Any, steps: tuple[Step, ...], new: Any) -> Any:
    """Return a copy of a value with `new` at the place that `steps` lead to."""
    if not steps:
        return new
    copy = value.copy()
    copy[steps[0]] = _replaced(value[steps[0]], steps[1:], new)
    return copy


class _Completion:
    """Adds to a type's schema what msgspec leaves out, in one walk through the type and the schema.

    Attributes:
        problem: Why the type cannot be expressed as a JSON Schema; None if it can.
    """

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
                schema["pattern"] = _WITHOUT_OFFSET  # the format `date-time` would require a UTC offset
            case mi.DateTimeType():
                schema.setdefault("format", "date-time")
            case mi.TimeType():
                schema.setdefault("format", "time")
            case mi.ListType() | mi.SetType() | mi.FrozenSetType() | mi.VarTupleType() | mi.CollectionType():
                self.complete(info.item_type, schema.get("items", {}))
            case mi.TupleType():
                self._each(info.item_types, schema.get("prefixItems", []))
            case mi.DictType():
                if (keys := _keys_schema(_without_metadata(info.key_type))) is not None:
                    schema["propertyNames"] = keys
                self.complete(info.value_type, schema.get("additionalProperties", {}))
            case mi.UnionType():
                self._union(info, schema)
            case mi.DataclassType() | mi.StructType() | mi.TypedDictType() if "properties" in schema:
                for field in info.fields:
                    if field.required and not _is_argument(info.cls, field.name):
                        self.problem = (
                            f"{info.cls!r} does not accept its field {field.name} as an argument (init=False): "
                            "give the field a default"
                        )
                    _describe(info.cls, field.name, schema["properties"][field.encode_name])
                    self.complete(field.type, schema["properties"][field.encode_name])
            case mi.NamedTupleType() | mi.StructType():
                self._each([field.type for field in info.fields], schema.get("prefixItems", []))

    def _each(self, infos: Iterable[mi.Type], schemas: list[Schema]) -> None:
        for info, schema in zip(infos, schemas, strict=False):
            self.complete(info, schema)

    def _union(self, info: mi.UnionType, schema: Schema) -> None:
        """Complete the schema of each member of a union; msgspec writes Structs after other types, and null last."""
        structs = [each for each in info.types if isinstance(_without_metadata(each), mi.StructType)]
        others = [each for each in info.types if not isinstance(_without_metadata(each), mi.StructType | mi.NoneType)]
        if len(structs) < 2:
            self._each([*others, *structs], schema["anyOf"])
            return
        self._each(others, schema["anyOf"])
        tagged = schema if "discriminator" in schema else schema["anyOf"][len(others)]
        self._each(structs, tagged["anyOf"])


def _without_metadata(info: mi.Type) -> mi.Type:
    while isinstance(info, mi.Metadata):
        info = info.type
    return info


def _keys_schema(info: mi.Type) -> Schema | None:
    """Return the schema of a dict's keys; None if the keys may be any text, or if msgspec itself adds this schema."""
    match info:
        case mi.EnumType():
            return {"enum": [str(member.value) for member in info.cls]}
        case mi.LiteralType():
            return {"enum": [str(value) for value in info.values]}
        case mi.DateTimeType(tz=False):
            return {"pattern": _WITHOUT_OFFSET}
        case mi.TimeType(tz=False):
            return {"format": "partial-time"}
    return next((dict(schema) for kind, schema in _KEY_SCHEMAS if isinstance(info, kind)), None)


def _declared_fields(kind: Any) -> dict[str, Any]:
    """Return the fields of an attrs class or a dataclass by name; for other types an empty dict."""
    cls = getattr(kind, "__origin__", kind)
    attrs_fields = {field.name: field for field in getattr(cls, "__attrs_attrs__", ())}
    return attrs_fields or getattr(cls, "__dataclass_fields__", {})


def _is_argument(kind: Any, name: str) -> bool:
    """Whether a class accepts a field as an argument of its constructor."""
    fields = _declared_fields(kind)
    return name not in fields or bool(fields[name].init)


def _describe(kind: Any, name: str, schema: Schema) -> None:
    """Add to the schema the description from the metadata of an attrs or dataclass field."""
    fields = _declared_fields(kind)
    description = fields[name].metadata.get("description") if name in fields else None
    if isinstance(description, str):
        schema["description"] = description
