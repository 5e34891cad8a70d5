"""The parts of a type: each makes its JSON Schema, and converts JSON to its values.

A type is a tree of parts, which `type_tree` builds. This module has the parts that are no classes of the user. msgspec
checks and converts a single scalar. What is between the scalars is done here, since msgspec neither takes `3.0` as a
whole number nor names the place of an error.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from anchor_webtask._output.mismatch import Mismatch, Step
from anchor_webtask._output.numbers import with_floats
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._output.definitions import Definitions
    from anchor_webtask._output.schema_shape import Schema

_JSON_KINDS: Final[dict[type, str]] = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "float",
    Decimal: "float",  # a number whose digits are kept
    str: "str",
    list: "array",
    dict: "object",
}
NUMBERS: Final = frozenset({"int", "float"})
ANY: Final = frozenset(_JSON_KINDS.values())

_QUOTES_NOTHING: Final = re.compile(r"Expected `[^`]*`(, got `[^`]*`)?")
"""Messages of msgspec that quote nothing of the answer; others may quote it."""
_KEYS: Final[dict[str, dict[str, bool | None]]] = {"bool": {"true": True, "false": False}, "null": {"null": None}}
"""The keys of a dict that stand for values which are no text."""
_DURATION: Final = re.compile(
    r"(?P<sign>[+-]?)P(?=.)(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<weeks>\d+)W)?(?:(?P<days>\d+)D)?"
    r"(?:T(?=.)(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?"
)
_DAYS: Final = {"years": 365, "months": 30, "weeks": 7, "days": 1}
"""A `timedelta` has no years and months; pydantic counts them as so many days, too."""


class Unfit(Exception):  # noqa: N818  control flow: it never reaches the user
    """JSON does not fit a part; `mismatch` says where and why."""

    def __init__(self, mismatch: Mismatch) -> None:
        super().__init__()
        self.mismatch = mismatch

    @classmethod
    def because(cls, expected: str, found: object, *, quoted: str = "") -> Unfit:
        return cls(Mismatch((), expected, found, quoted=quoted))

    @classmethod
    def within(cls, step: Step, inner: Unfit) -> Unfit:
        """Return the exception for the value that has the unfit value at `step`."""
        return cls(inner.mismatch.prefixed(step))


def json_kind(value: object) -> str:
    """Return msgspec's word for the kind of a JSON value."""
    return _JSON_KINDS.get(type(value), type(value).__name__)


def expected(label: str, found: object) -> Unfit:
    return Unfit.because(f"Expected `{label}`, got `{json_kind(found)}`", found)


def own_code(error: Exception, value: object) -> Unfit:
    """Return the exception for an error that a type's own code raised for a value.

    The message of a `ValueError` or `TypeError` is meant for whoever passed the value. Others need an explanation.
    """
    reraise_from_handler(error)
    if isinstance(error, ValueError | TypeError):
        return Unfit.because("", value, quoted=str(error))
    return Unfit.because(f"the type's own code raised {type(error).__name__}: ", value, quoted=str(error))


class Part:
    """A part of a type.

    Attributes:
        label: What the part is called in messages.
        json_kinds: The kinds of JSON values that may fit.
    """

    label: str
    json_kinds: frozenset[str]

    def schema(self, definitions: Definitions) -> Schema:
        """Return the JSON Schema of the part."""
        raise NotImplementedError

    def convert(self, value: Any) -> Any:
        """Return the value of the part that JSON stands for, or raise `Unfit`."""
        raise NotImplementedError

    def key_schema(self) -> Schema:
        """Return the schema of a dict's keys that are this part; JSON has only text as keys."""
        raise TypeError(f"the keys of an object are text, which no {self.label} can be")

    def convert_key(self, text: str) -> Any:
        """Return the value that a key of a dict stands for, or raise `Unfit`."""
        return self.convert(text)


class Scalar(Part):
    """A type that msgspec converts without any other parts, such as `str`, with its constraints."""

    def __init__(self, kind: Any, label: str, json_kinds: Iterable[str], **more: Any) -> None:
        self.kind = kind
        self.label = label
        self.json_kinds = frozenset(json_kinds)
        self._schema: Schema = {**msgspec.json.schema(kind), **more}

    def schema(self, definitions: Definitions) -> Schema:  # noqa: ARG002
        return dict(self._schema)

    def key_schema(self) -> Schema:
        if self.label in _KEYS:
            return {"enum": list(_KEYS[self.label])}
        if "str" not in self.json_kinds:
            return super().key_schema()
        shown = {key: value for key, value in self._schema.items() if key not in {"type", "title", "description"}}
        return shown if self.label in {"str", "date", "datetime", "time", "duration", "uuid"} else {}

    def convert(self, value: Any) -> Any:
        return self._converted(value, value)

    def _converted(self, value: Any, received: Any) -> Any:
        """Convert JSON, which may be another form of what was received; an error shows what was received."""
        try:
            return msgspec.convert(value, self.kind)
        except msgspec.ValidationError as error:
            message = str(error).replace("got `decimal`", "got `float`")  # a number whose digits were kept
        if _QUOTES_NOTHING.fullmatch(message):
            raise Unfit.because(message, received)
        raise Unfit.because("", received, quoted=message)

    def convert_key(self, text: str) -> Any:
        return self.convert(_KEYS.get(self.label, {}).get(text, text))


class Anything(Scalar):
    """`Any`: the JSON itself."""

    def __init__(self, kind: Any) -> None:
        super().__init__(kind, "any", ANY)

    def convert(self, value: Any) -> Any:
        return with_floats(value)


class Boolean(Scalar):
    """`bool`: the texts "true" and "false" fit, too, as a number as text does."""

    def __init__(self, kind: Any) -> None:
        super().__init__(kind, "bool", {"bool"})

    def convert(self, value: Any) -> Any:
        return super().convert(_KEYS["bool"].get(value, value) if isinstance(value, str) else value)


class Duration(Scalar):
    """`timedelta`: msgspec does not know weeks, months and years, which the format `duration` admits."""

    def convert(self, value: Any) -> Any:
        found = _DURATION.fullmatch(value) if isinstance(value, str) else None
        if found is None or not any(found[name] for name in ("years", "months", "weeks")):
            return super().convert(value)
        days = sum(int(found[name] or 0) * factor for name, factor in _DAYS.items())
        clock = "".join(f"{found[name]}{name[0].upper()}" for name in ("hours", "minutes", "seconds") if found[name])
        return self._converted(f"{found['sign']}P{days}D{'T' if clock else ''}{clock}", value)


class Items(Part):
    """A list, a set or a tuple of any length."""

    label = "array"
    json_kinds = frozenset({"array"})

    def __init__(self, make: type[Any], metas: list[msgspec.Meta], item: Part) -> None:
        """Make the part.

        Args:
            make: The type of the value, which makes it of a list of items.
            metas: The annotations.
            item: The items' part.
        """
        self._shell = Scalar(Annotated[make, *metas] if metas else make, self.label, self.json_kinds)
        # JSON has lists only, and an item becomes hashable only when its part has converted it.
        self._received = Scalar(Annotated[list, *metas] if metas else list, self.label, self.json_kinds)
        self._make = make
        self._item = item

    def schema(self, definitions: Definitions) -> Schema:
        items = self._item.schema(definitions)
        return {**self._shell.schema(definitions), **({"items": items} if items else {})}

    def convert(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise expected(self.label, value)
        items = converted_items(value, [self._item] * len(value))
        self._received.convert(value)
        try:
            return self._make(items)
        except TypeError:
            problem = f"Expected items of a {self._make.__name__}, which neither are nor contain lists or objects"
            raise Unfit.because(problem, value) from None


class Tuple(Part):
    """A tuple whose items have types of their own."""

    label = "array"
    json_kinds = frozenset({"array"})

    def __init__(self, items: list[Part], extras: Schema) -> None:
        self._items = items
        self._extras = extras

    def schema(self, definitions: Definitions) -> Schema:
        count = len(self._items)
        shape: Schema = {**self._extras, "type": "array", "minItems": count, "maxItems": count}
        if count:
            shape |= {"prefixItems": [item.schema(definitions) for item in self._items], "items": False}
        return shape

    def convert(self, value: Any) -> Any:
        if not isinstance(value, list):
            raise expected(self.label, value)
        if len(value) != len(self._items):
            raise Unfit.because(f"Expected `array` of length {len(self._items)}, got {len(value)}", value)
        return tuple(converted_items(value, self._items))


def converted_items(value: list[Any], parts: list[Part]) -> list[Any]:
    """Return the values of a list's items, each of its part."""
    items: list[Any] = []
    for part, item in zip(parts, value, strict=False):
        try:
            items.append(part.convert(item))
        except Unfit as unfit:
            raise Unfit.within(len(items), unfit) from None
    return items


def equal_keys(value: object, key: str) -> Mismatch:
    """Return the mismatch for a key of an object that stands for the same as one before it, such as 1 and 01."""
    return Mismatch((), "another key stands for the same value", value, key=key)


class Mapping(Part):
    """A dict."""

    label = "object"
    json_kinds = frozenset({"object"})

    def __init__(self, shell: Any, key: Part, value: Part) -> None:
        self._shell = Scalar(shell, self.label, self.json_kinds)
        self._key = key
        self._value = value
        self._key_schema = key.key_schema()

    def schema(self, definitions: Definitions) -> Schema:
        shape = self._shell.schema(definitions)
        if self._key_schema:
            shape["propertyNames"] = dict(self._key_schema)
        values = self._value.schema(definitions)
        return {**shape, "additionalProperties": values} if values else shape

    def convert(self, value: Any) -> Any:
        if not isinstance(value, dict):
            raise expected(self.label, value)
        result: dict[Any, Any] = {}
        for name, inner in value.items():
            try:
                key = self._key.convert_key(name)
            except Unfit as unfit:
                raise Unfit(unfit.mismatch._replace(found=value, key=name)) from None
            if key in result:
                raise Unfit(equal_keys(value, name))
            try:
                result[key] = self._value.convert(inner)
            except Unfit as unfit:
                raise Unfit.within(name, unfit) from None
        self._shell.convert(value)
        return result
