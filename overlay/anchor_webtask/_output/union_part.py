"""The part of a type that is a union."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._output.class_part import ClassPart
from anchor_webtask._output.listed_parts import Listing, unlisted
from anchor_webtask._output.parts import NUMBERS, Part, Unfit, expected, json_kind

if TYPE_CHECKING:
    from anchor_webtask._output.definitions import Definitions
    from anchor_webtask._output.mismatch import Mismatch
    from anchor_webtask._output.schema_shape import Schema

_LAST: Final = ("str", "any")
"""The labels of what takes every text: the other members of a union are tried before."""
_AS_TEXT: Final = NUMBERS | {"bool"}
"""The kinds of JSON that agents also write as text."""
_FOR_NUMBERS: Final = {"int": ("int", "float", "decimal"), "float": ("float", "decimal", "int")}


class Union(Part):
    """A union: JSON becomes the value of the member that fits it best."""

    def __init__(self, members: list[Part], extras: Schema) -> None:
        """Make the part.

        Args:
            members: The members.
            extras: The keywords that the schema has beside the members.
        """
        self.members: list[Part] = []
        for member in members:
            self.members += member.members if isinstance(member, Union) else [member]
        self.label = " | ".join(dict.fromkeys(each.label for each in self.members))
        self.json_kinds = frozenset().union(*(each.json_kinds for each in self.members))
        self._extras = extras
        self._tagged = [each for each in self.members if isinstance(each, ClassPart) and each.tag is not None]

    def schema(self, definitions: Definitions) -> Schema:
        null = [each for each in self.members if each.json_kinds == {"null"}]
        grouped = self._tagged if len(self._tagged) > 1 else []
        others = [each for each in self.members if each not in null and each not in grouped]
        options = [each.schema(definitions) for each in others]
        group = [each.schema(definitions) for each in grouped]
        if group:
            options += [{"anyOf": group}] if options or null else group
        return {**self._extras, "anyOf": [*options, *(each.schema(definitions) for each in null)]}

    def key_schema(self) -> Schema:
        schemas = [each.key_schema() for each in self.members]
        return {"anyOf": schemas} if all(schemas) else {}

    def convert(self, value: Any) -> Any:
        kind = json_kind(value)
        members = self._ordered(kind)
        if kind == "str":  # it may be a number or a boolean as text
            others = [each for each in self.members if each not in members and not isinstance(each, Listing)]
            members += [each for each in others if not _AS_TEXT.isdisjoint(each.json_kinds)]
        if kind == "object" and len(self._tagged) > 1:
            members = [each for each in members if each not in self._tagged] + self._with_tag_of(value, members)
        fitting: list[tuple[int, Any]] = []
        unfit: list[tuple[Part, Mismatch]] = []
        for member in members:
            try:
                found = member.convert(value)
            except Unfit as error:
                unfit.append((member, error.mismatch))
                continue
            if kind != "object":
                return found
            fitting.append((member.fields_in(value) if isinstance(member, ClassPart) else 0, found))
        if fitting:
            return max(fitting, key=lambda each: each[0])[1]
        raise self._mismatch(value, unfit)

    def _ordered(self, kind: str) -> list[Part]:
        """Return the members that JSON of this kind may fit, the most specific ones first."""
        members = [each for each in self.members if kind in each.json_kinds]
        if kind in NUMBERS:
            order = _FOR_NUMBERS[kind]
            return sorted(members, key=lambda each: order.index(each.label) + 1 if each.label in order else 0)
        return sorted(members, key=lambda each: _LAST.index(each.label) + 1 if each.label in _LAST else 0)

    def _with_tag_of(self, value: dict[str, Any], members: list[Part]) -> list[Part]:
        """Return the Structs whose tag an object has; raise `Unfit` if no other member takes objects."""
        tagged = [each for each in self._tagged if each in members]
        found = [each for each in tagged if each.has_tag(value)]
        if found or len(tagged) < len(members):
            return list(found)
        field = tagged[0].tag_field
        if field not in value:
            raise Unfit.because(f"Object missing required field `{field}`", value)
        tags = [each.tag for each in tagged]
        raise Unfit.within(str(field), unlisted(sorted(tags, key=str), value[field]))

    def _mismatch(self, value: Any, unfit: list[tuple[Part, Mismatch]]) -> Unfit:
        listings = [each for each in self.members if isinstance(each, Listing)]
        nulls = [each for each in self.members if each.json_kinds == {"null"}]
        if listings and len(listings) + len(nulls) == len(self.members):
            values = [each for part in listings for each in part.listed]
            return unlisted(values + [None] * bool(nulls), value)
        if not unfit:
            return expected(self.label, value)
        if isinstance(value, dict):
            unfit = _with_literal_tags_of(value, unfit)
        deepest = max((mismatch for _, mismatch in unfit), key=lambda each: len(each.steps))
        if not deepest.steps and listings:
            return Unfit.because("", value, quoted=f"Invalid enum value {value!r}")
        return Unfit(deepest)

    def convert_key(self, text: str) -> Any:
        unfit: list[Unfit] = []
        for member in sorted(self.members, key=lambda each: each.label in _LAST):
            try:
                return member.convert_key(text)
            except Unfit as error:
                unfit.append(error)
        raise unfit[0]


def _with_literal_tags_of(value: dict[str, Any], unfit: list[tuple[Part, Mismatch]]) -> list[tuple[Part, Mismatch]]:
    """Return the mismatches of the classes whose literal tags an object has; raise `Unfit` if it has those of none."""
    classes = [member for member, _ in unfit if isinstance(member, ClassPart)]
    for name, listings in _literal_tags(classes).items() if len(classes) > 1 else ():
        if name not in value:
            continue
        found = [member for member, part in listings.items() if part.lists(value[name])]
        if not found:
            tags = dict.fromkeys(each for part in listings.values() for each in part.listed)
            raise Unfit.within(name, unlisted(list(tags), value[name]))
        unfit = [each for each in unfit if each[0] in found or each[0] not in classes] or unfit
    return unfit


def _literal_tags(classes: list[ClassPart]) -> dict[str, dict[Part, Listing]]:
    """Return the fields that each of the classes has with listed values, by which the classes can be told apart."""
    tags: dict[str, dict[Part, Listing]] = {}
    for name in (field.name for field in classes[0].fields):
        found: dict[Part, Part] = {cls: field.part for cls in classes for field in cls.fields if field.name == name}
        listings = {cls: part for cls, part in found.items() if isinstance(part, Listing)}
        if len(listings) == len(classes):
            tags[name] = listings
    return tags
