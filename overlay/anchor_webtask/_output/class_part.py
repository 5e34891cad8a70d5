"""The part of a type that is a class with fields: attrs, dataclass, TypedDict, NamedTuple or Struct."""

from __future__ import annotations

import inspect
import typing
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from anchor_webtask._output.embedded_json import exact
from anchor_webtask._output.json_schema import default_problem
from anchor_webtask._output.listed_parts import unlisted
from anchor_webtask._output.parts import Part, Unfit, converted_items, expected, own_code
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._output.definitions import Definitions
    from anchor_webtask._output.schema_shape import Schema

NO_DEFAULT: Any = object()


class Field(NamedTuple):
    """A field that an answer may have.

    Attributes:
        name: The field's name in JSON.
        argument: The name of the argument by which the class takes it.
        part: The field's type.
        required: Whether the class needs it.
        default: Its default, for the schema; `NO_DEFAULT` if the schema shows none.
        description: Its description from its metadata.
        converter: The class's own function that converts the field's value; None if it has none.
    """

    name: str
    argument: str
    part: Part
    required: bool
    default: Any = NO_DEFAULT
    description: str | None = None
    converter: Callable[[Any], Any] | None = None

    def schema(self, definitions: Definitions) -> Schema:
        schema = self.part.schema(definitions)
        if self.default is not NO_DEFAULT:
            schema["default"] = self._sent_default()
        return schema if self.description is None else {**schema, "description": self.description}

    def _sent_default(self) -> Any:
        try:
            return msgspec.to_builtins(self.default, str_keys=True)
        except (TypeError, ValueError) as error:
            reraise_from_handler(error)
            raise TypeError(default_problem(self.name, self.default)) from None


class ClassPart(Part):
    """A class; an object fits it that has its required fields."""

    label = "object"

    def __init__(self, cls: Any, title: str, make: Callable[..., Any], *, in_order: bool, strict: bool) -> None:
        """Make the part, without its fields: the class may be a part of itself.

        Args:
            cls: The class, with its arguments if it is generic.
            title: The class's name in the schema.
            make: Makes a value; takes the fields as keyword arguments.
            in_order: Whether a list of the fields in order fits, too.
            strict: Whether the class refuses fields that it does not have.
        """
        self.cls = cls
        self._title = title
        self._make = make
        self._in_order = in_order
        self._strict = strict
        self.fields: list[Field] = []
        self.extra: Part | None = None  # the type of all other fields, if they are kept
        self.tag: str | int | None = None
        self.tag_field: str | None = None
        self.json_kinds = frozenset({"object", "array"} if in_order else {"object"})

    def schema(self, definitions: Definitions) -> Schema:
        return definitions.reference(self.cls, self._title, lambda: self._definition(definitions))

    def _definition(self, definitions: Definitions) -> Schema:
        cls = _origin(self.cls)
        doc = inspect.cleandoc(cls.__doc__ or "")
        is_made = doc.startswith(f"{cls.__name__}(") and doc.endswith(")")  # by dataclasses, or for a NamedTuple
        tags: Schema = {} if self.tag is None else {str(self.tag_field): {"enum": [self.tag]}}
        return {
            "title": self._title,
            **({"description": doc} if doc and not is_made else {}),
            "type": "object",
            "properties": {**tags, **{field.name: field.schema(definitions) for field in self.fields}},
            "required": [*tags, *(field.name for field in self.fields if field.required)],
            **({"additionalProperties": False} if self._strict else {}),
            **({} if self.extra is None else {"additionalProperties": self.extra.schema(definitions)}),
        }

    def has_tag(self, value: dict[str, Any]) -> bool:
        tag = value.get(str(self.tag_field))
        return type(tag) is type(self.tag) and tag == self.tag

    def fields_in(self, value: dict[str, Any]) -> int:
        """Return how many of the fields an object has."""
        return sum(field.name in value for field in self.fields)

    def convert(self, value: Any) -> Any:
        if isinstance(value, list) and self._in_order:
            return self._made(self._of_list(value), value)
        if not isinstance(value, dict):
            raise expected(self.label, value)
        arguments: dict[str, Any] = {}
        if self.tag_field is not None and self.tag_field in value and not self.has_tag(value):
            raise Unfit.within(self.tag_field, unlisted([self.tag], value[self.tag_field]))
        missing = None
        for field in self.fields:
            if field.name in value:
                arguments[field.argument] = _converted(field, value[field.name])
            elif field.required and missing is None:
                missing = field.name
        if missing is not None:
            raise Unfit.because(f"Object missing required field `{missing}`", value)
        if self._strict or self.extra is not None:
            known = {field.name for field in self.fields} | {self.tag_field}
            arguments |= self._of_others({name: inner for name, inner in value.items() if name not in known}, value)
        return self._made(arguments, value)

    def _of_others(self, others: dict[str, Any], value: Any) -> dict[str, Any]:
        """Return the values of the fields that the class does not name."""
        found: dict[str, Any] = {}
        for name, inner in others.items():
            if self.extra is None:
                raise Unfit.because("", value, quoted=f"Object contains unknown field `{name}`")
            try:
                found[name] = self.extra.convert(inner)
            except Unfit as unfit:
                raise Unfit.within(name, unfit) from None
        return found

    def _of_list(self, value: list[Any]) -> dict[str, Any]:
        """Return the arguments for a list of the fields in order; a Struct's tag comes first."""
        first = 0 if self.tag is None else 1
        least = first + max((index for index, field in enumerate(self.fields, 1) if field.required), default=0)
        most = first + len(self.fields)
        is_too_long = len(value) > most and (self._strict or not issubclass(_origin(self.cls), msgspec.Struct))
        if len(value) < least or is_too_long:
            count = most if least == most else f"{least} to {most}"
            raise Unfit.because(f"Expected `array` of length {count}, got {len(value)}", value)
        if first and value[0] != self.tag:
            raise Unfit.within(0, unlisted([self.tag], value[0]))
        parts = [field.part for field in self.fields]
        try:
            items = converted_items(value[first:], parts)
        except Unfit as unfit:
            step, *rest = unfit.mismatch.steps
            raise Unfit(unfit.mismatch._replace(steps=(int(step) + first, *rest))) from None
        return {field.argument: item for field, item in zip(self.fields, items, strict=False)}

    def _made(self, arguments: dict[str, Any], value: Any) -> Any:
        try:
            return self._make(**arguments)
        except RecursionError:
            raise
        except Exception as error:  # noqa: BLE001  the class's own code may raise anything
            unfit = own_code(error, value)
            refusing = next((field for field in self.fields if _refuses(field, arguments, error)), None)
            if refusing is not None and isinstance(value, dict):
                unfit = Unfit.within(refusing.name, own_code(error, value[refusing.name]))
            raise unfit from None


def _refuses(field: Field, arguments: dict[str, Any], error: Exception) -> bool:
    """Whether an error is that of a field's converter, which is called once more to find out."""
    if field.converter is None or field.argument not in arguments:
        return False
    try:
        field.converter(arguments[field.argument])
    except Exception as again:  # noqa: BLE001  it may raise anything
        reraise_from_handler(again)
        return type(again) is type(error)
    return False


def _origin(cls: Any) -> Any:
    return typing.get_origin(cls) or cls


def _converted(field: Field, value: Any) -> Any:
    """Return the value of a field; agents also write an object or a list as text, with its JSON in it."""
    try:
        return field.part.convert(value)
    except Unfit as unfit:
        problem = unfit
    if isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
        try:
            return field.part.convert(exact().decode(value))
        except (Unfit, ValueError, RecursionError):
            pass
    raise Unfit.within(field.name, problem)
