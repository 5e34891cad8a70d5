"""The parts of a type whose values are listed: `Literal` and enums."""

from __future__ import annotations

import enum
import functools
import inspect
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._output.parts import NUMBERS, Part, Unfit, expected, json_kind, own_code
from anchor_webtask._output.schema_shape import INTEGER_KEY

if TYPE_CHECKING:
    from collections.abc import Iterable

    from anchor_webtask._output.definitions import Definitions
    from anchor_webtask._output.schema_shape import Schema

_MAX_LISTED_FLAGS: Final = 64
"""The values of a Flag are listed in the schema if they are not more than this."""
_MAX_DIGITS: Final = 1000


class Listing(Part):
    """Values that are listed, each with the JSON that stands for it."""

    def __init__(self, values: Iterable[tuple[Any, Any]], label: str | None = None) -> None:
        """Make the part.

        Args:
            values: The JSON of each value, and the value.
            label: What the part is called in messages; by default, the kinds of its JSON.
        """
        self._values = {_identity(each): (each, value) for each, value in values}
        self.listed = sorted((each for each, _ in self._values.values()), key=_order)
        kinds = sorted({json_kind(each) for each in self.listed})
        self.label = label or " | ".join(kinds)
        self.json_kinds = frozenset(kinds) | (NUMBERS if not NUMBERS.isdisjoint(kinds) else frozenset())

    def schema(self, definitions: Definitions) -> Schema:  # noqa: ARG002
        return {"enum": self.listed}

    def convert(self, value: Any) -> Any:
        found = self._values.get(_identity(value)) if json_kind(value) in self.json_kinds else None
        if found is not None:
            return found[1]
        if json_kind(value) not in self.json_kinds:
            raise expected(self.label, value)
        return self.unlisted(value)

    def lists(self, value: Any) -> bool:
        return json_kind(value) in self.json_kinds and _identity(value) in self._values

    def unlisted(self, value: Any) -> Any:
        """Return what stands for a value that is not listed, or raise `Unfit`."""
        raise unlisted(self.listed, value)

    def key_schema(self) -> Schema:
        return {"enum": [_key(each) for each, _ in self._values.values()]}

    def convert_key(self, text: str) -> Any:
        for each, value in self._values.values():
            if _key(each) == text:
                return value
        raise unlisted([_key(each) for each, _ in self._values.values()], text)


class Enumeration(Listing):
    """An enum."""

    def __init__(self, cls: type[enum.Enum]) -> None:
        for member in cls:
            if type(member.value) not in {str, int, float, bool, type(None)} and not isinstance(
                member.value, str | int | float
            ):
                raise TypeError(f"the value of {member} is not text, a number, a boolean or None")
        super().__init__((_plain(member.value), member) for member in cls)
        self._cls = cls

    def schema(self, definitions: Definitions) -> Schema:
        return definitions.reference(self._cls, self._cls.__name__, self._definition)

    def _definition(self) -> Schema:
        doc = inspect.cleandoc(self._cls.__doc__ or "")
        about = {"description": doc} if doc and doc != "An enumeration." else {}
        return {"title": self._cls.__name__, **about, **self._shape()}

    def _shape(self) -> Schema:
        return {"enum": self.listed}

    def unlisted(self, value: Any) -> Any:
        if not takes_more(self._cls):
            return super().unlisted(value)
        try:
            return self._cls(value)  # calls the class's own `_missing_`
        except ValueError:
            return super().unlisted(value)
        except Exception as error:  # noqa: BLE001  the enum's own code may raise anything
            raise own_code(error, value) from None


_LIBRARY: Final = frozenset({enum.Enum, enum.Flag, enum.IntFlag, enum.IntEnum, enum.StrEnum})


def takes_more(cls: type[enum.Enum]) -> bool:
    """Whether an enum has a `_missing_` of its own, which takes other values than those of the members."""
    return any("_missing_" in vars(each) for each in cls.__mro__[:-1] if each not in _LIBRARY)


class Flags(Enumeration):
    """A `Flag`: every combination of its members."""

    def __init__(self, cls: type[enum.Flag]) -> None:
        super().__init__(cls)
        members = [member.value for member in cls.__members__.values()]
        self._combinations = combinations(tuple(members))

    def _shape(self) -> Schema:
        if self._combinations is None:
            return {"type": "integer", "minimum": 0}
        return {"enum": sorted(self._combinations)}

    def unlisted(self, value: Any) -> Any:
        if self._is_combination(value):
            return self._cls(int(value))
        raise unlisted(sorted(self._combinations or self.listed), value)

    def key_schema(self) -> Schema:
        return {"enum": list(map(str, sorted(self._combinations)))} if self._combinations else dict(INTEGER_KEY)

    def convert_key(self, text: str) -> Any:
        return self.convert(int(text) if text.isascii() and text.isdigit() and len(text) < _MAX_DIGITS else text)

    def _is_combination(self, value: Any) -> bool:
        if self._combinations is not None:
            return value in self._combinations
        return is_combination(value, self.listed)


def is_combination(value: float | Decimal, members: list[int]) -> bool:
    """Whether a number is a combination of a Flag's members."""
    left = int(value) if value == int(value) and value >= 0 else -1
    return left >= 0 and not functools.reduce(lambda rest, each: rest & ~each, members, left)


def combinations(members: tuple[int, ...]) -> frozenset[int] | None:
    """Return all values that the members of a Flag combine to; None if these are too many to list."""
    found = {0}
    for member in members:
        found |= {each | member for each in found}
        if len(found) > _MAX_LISTED_FLAGS:
            return None
    return frozenset(found)


def unlisted(values: list[Any], value: Any) -> Unfit:
    return Unfit.because(f"expected one of {', '.join(map(json.dumps, values))}", value)


def literal(values: Iterable[Any]) -> Listing:
    """Return the part of a `Literal`, whose values may be members of enums."""
    return Listing((_plain(each.value) if isinstance(each, enum.Enum) else each, each) for each in values)


def _plain(value: Any) -> Any:
    """Return the JSON of a value, which may be of a subclass such as `StrEnum`'s members."""
    if isinstance(value, bool | None):
        return value
    return next((base(value) for base in (str, int, float) if isinstance(value, base)), value)


def _identity(value: Any) -> tuple[str, Any]:
    """Return what two JSON values have in common if they are equal in JSON: 3 and 3.0 are, 1 and true are not."""
    return ("number" if isinstance(value, int | float | Decimal) and not isinstance(value, bool) else ""), value


def _order(value: Any) -> tuple[str, Any]:
    return type(value).__name__, 0 if value is None else value


def _key(value: Any) -> str:
    return json.dumps(value) if isinstance(value, bool | None) else str(value)
