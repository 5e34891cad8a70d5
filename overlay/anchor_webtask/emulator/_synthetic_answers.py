"""Makes synthetic answers that fit a JSON Schema: readable answers, and always the same answer for the same schema.

The method is to guess and check: candidates are made for each schema, the most readable first, and jsonschema decides
which of them fit. A schema with `$ref`, `allOf`, `anyOf` or `oneOf` is first merged into schemas without these
keywords, one for each choice among the alternatives. A maximum number of steps limits the time that an unusual schema
takes, and `_answer_limits` has the limits on what it can demand.
"""

from __future__ import annotations

import itertools
import json
import math
from typing import TYPE_CHECKING, Any

import attrs
from jsonschema import Draft202012Validator
from jsonschema.validators import validator_for
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from anchor_webtask.emulator._answer_limits import (
    MAX_CHARACTERS,
    MAX_DEPTH,
    MAX_ENTRIES,
    MAX_SIZE,
    Limits,
    Spot,
    deepest_place,
    size,
)
from anchor_webtask.emulator._schema_merging import COMBINING, merge
from anchor_webtask.emulator._synthetic_values import numbers, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = Mapping[str, Any] | bool

MAX_STEPS = 10_000
MAX_RECURSION = 3  # how many times the same `$ref` may be followed on the way to one value
MAX_VARIATIONS = 50  # values tried for one property or element, when the elements of an array must differ
MAX_ARRAY_LENGTHS = 9  # how many lengths are tried for one array

IMPLIED_TYPES = {
    "string": {"minLength", "maxLength", "pattern", "format"},
    "object": {"properties", "required", "additionalProperties", "minProperties"},
    "array": {"items", "prefixItems", "minItems", "uniqueItems", "contains"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "boolean": set(),
    "null": set(),
}


class NoAnswerError(Exception):
    """No synthetic answer was found for a schema; the message says what to do instead."""

    def __init__(self, reason: str = "") -> None:
        because = f", since {reason}" if reason else ""
        super().__init__(
            f"the emulator found no synthetic answer that fits output_schema{because}: "
            "set the answer with emulator.on(answer=…)"
        )


def make_answer(schema: Mapping[str, Any]) -> object:
    """Return a synthetic answer that fits the schema.

    Raises:
        NoAnswerError: No fitting answer was found; the schema may be invalid, contradict itself, refer to another
            document, or demand more than the emulator makes.
    """
    limits = Limits()
    if size(schema) > MAX_SIZE:
        raise NoAnswerError(f"output_schema itself has more than {MAX_SIZE:,} values")
    try:
        answer = next(_AnswerMaker(schema, limits).values(schema, Spot()), attrs.NOTHING)
    except RecursionError:
        raise NoAnswerError(f"{deepest_place(schema)} is nested too deeply") from None
    except _TooManyStepsError:
        raise NoAnswerError(limits.exceeded or "output_schema needs too many attempts") from None
    except Exception:  # noqa: BLE001 — an invalid schema can cause any error in jsonschema and referencing
        answer = attrs.NOTHING
    if answer is attrs.NOTHING:
        raise NoAnswerError(limits.exceeded)
    return answer


class _TooManyStepsError(Exception):
    pass


class _AnswerMaker:
    """Makes values for a root schema and its subschemas."""

    def __init__(self, root: Mapping[str, Any], limits: Limits) -> None:
        validator: Any = validator_for(root, default=Draft202012Validator)
        validator.check_schema(root)
        # With an empty registry, jsonschema does not download the documents that a `$ref` names.
        self._validator = validator(root, registry=Registry())
        self._resolver = Registry().resolver_with_root(DRAFT202012.create_resource(root))
        self._steps = MAX_STEPS
        self._limits = limits

    def values(self, schema: Schema, spot: Spot) -> Iterator[object]:
        """Yield values that fit the schema, the most readable first."""
        if not self._limits.allow(spot.depth, MAX_DEPTH, spot.place, "nested values"):
            return
        validator = self._validator.evolve(schema=schema)
        effort = size(schema)
        for merged, trail in self._merged_schemas(schema, spot.trail):
            for value in self._candidates(merged, attrs.evolve(spot, trail=trail)):
                large = size(value)
                self._count_step(1 + (large + effort) // 10)
                if self._limits.allow(large, MAX_SIZE, spot.place, "values") and validator.is_valid(value):
                    yield value

    def _first_value(self, schema: Schema, spot: Spot) -> object:
        return next(self.values(schema, spot), attrs.NOTHING)

    def _count_step(self, steps: int = 1) -> None:
        self._steps -= steps
        if self._steps < 0:
            raise _TooManyStepsError

    def _merged_schemas(
        self, schema: Schema, trail: tuple[str, ...]
    ) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
        """Yield merged schemas, without references and combinations: one for each choice among the alternatives."""
        self._count_step()
        if isinstance(schema, bool):
            if schema:
                yield {}, trail
            return
        choices = [[part] for part in schema.get("allOf", ())]
        choices += [schema[key] for key in ("anyOf", "oneOf") if key in schema]
        if "$ref" in schema:
            trail = (*trail, schema["$ref"])
            if trail.count(schema["$ref"]) > MAX_RECURSION:
                return
            choices.append([self._resolver.lookup(schema["$ref"]).contents])
        if _is_recursive(trail):
            choices = [sorted(choice, key=lambda part: "$ref" in str(part)) for choice in choices]
        own = {key: value for key, value in schema.items() if key not in COMBINING}
        yield from self._merge_choices(own, choices, trail)

    def _merge_choices(
        self, merged: Mapping[str, Any], choices: list[list[Schema]], trail: tuple[str, ...]
    ) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
        if not choices:
            yield merged, trail
            return
        for part in choices[0]:
            for other, longer in self._merged_schemas(part, trail):
                yield from self._merge_choices(merge(merged, other), choices[1:], longer)

    def _candidates(self, schema: Mapping[str, Any], spot: Spot) -> Iterator[object]:
        """Yield values that may fit a schema without references and combinations."""
        if "const" in schema:
            yield schema["const"]
        elif "enum" in schema:
            yield from schema["enum"]
        else:
            yield from schema.get("examples", ())
            # A default such as "", 0 or null tells a reader nothing, so it is tried last.
            if default := schema.get("default"):
                yield default
            for kind in _types(schema):
                yield from self._candidates_of_type(kind, schema, spot)
            if "default" in schema:
                yield schema["default"]

    def _candidates_of_type(self, kind: str, schema: Mapping[str, Any], spot: Spot) -> Iterator[object]:
        match kind:
            case "object":
                yield from self._objects(schema, spot)
            case "array":
                yield from self._arrays(schema, spot)
            case "string":
                if self._allows(schema, "minLength", MAX_CHARACTERS, spot, "characters"):
                    yield from strings(schema, spot.name)
                if "pattern" in schema:
                    self._limits.note(f"{spot.place}.pattern", "fits too few of the texts that the emulator tries")
            case "number" | "integer":
                yield from numbers(schema, integers_only=kind == "integer")
            case "boolean":
                yield from (True, False)
            case "null":
                yield None

    def _allows(self, schema: Mapping[str, Any], keyword: str, most: int, spot: Spot, what: str) -> bool:
        return self._limits.allow(schema.get(keyword, 0), most, f"{spot.place}.{keyword}", what)

    def _objects(self, schema: Mapping[str, Any], spot: Spot) -> Iterator[dict[str, object]]:
        if not self._allows(schema, "minProperties", MAX_ENTRIES, spot, "properties"):
            return
        properties, required = schema.get("properties", {}), schema.get("required", [])
        others = schema.get("additionalProperties", True)
        names = [name for name in properties if name in required or not spot.is_recursive]
        names += [name for name in required if name not in properties]
        is_mapping = not properties and isinstance(others, dict) and not spot.is_recursive
        missing = max(math.ceil(schema.get("minProperties", 0)), is_mapping) - len(names)
        names += itertools.islice(self._names(schema, spot), max(missing, 0))
        made = {}
        for name in names:
            value = self._first_value(properties.get(name, others), _property(name, properties, spot))
            if value is not attrs.NOTHING:
                made[name] = value
        too_many = max(0, len(made) - schema.get("maxProperties", math.inf))
        for name in [name for name in made if name not in required][::-1][:too_many]:
            del made[name]
        yield made
        for name in made:
            variations = self.values(properties.get(name, others), _property(name, properties, spot))
            yield from ({**made, name: value} for value in itertools.islice(variations, 1, MAX_VARIATIONS))
        yield {name: value for name, value in made.items() if name in required}

    def _names(self, schema: Mapping[str, Any], spot: Spot) -> Iterator[str]:
        """Yield names for additional properties, which the schema does not name."""
        if "propertyNames" not in schema:
            yield from (f"example{number}" for number in itertools.count(1))
        names = {"allOf": [{"type": "string"}, schema.get("propertyNames", False)]}
        yield from (str(name) for name in self.values(names, attrs.evolve(spot.inside("propertyNames"), name="")))

    def _arrays(self, schema: Mapping[str, Any], spot: Spot) -> Iterator[list[object]]:
        if not all(self._allows(schema, name, MAX_ENTRIES, spot, "elements") for name in ("minItems", "minContains")):
            return
        prefix, items = schema.get("prefixItems", []), schema.get("items", True)
        shortest, longest = math.ceil(schema.get("minItems", 0)), math.floor(schema.get("maxItems", 2 * MAX_ENTRIES))
        if "contains" in schema:
            items = {"allOf": [items, schema["contains"]]}
            shortest = max(shortest, len(prefix) + math.ceil(schema.get("minContains", 1)))
        readable_length = 0 if spot.is_recursive else len(prefix) or int(items is not False)
        lengths = [min(max(shortest, readable_length), longest), *range(shortest, shortest + MAX_ARRAY_LENGTHS)]
        for length in dict.fromkeys(lengths):
            rest = self.values(items, spot.inside("items"))
            heads = (self.values(part, spot.inside(f"prefixItems.{place}")) for place, part in enumerate(prefix))
            sources = [*heads, *itertools.repeat(rest, length)][:length]
            array = _take_one_of_each(sources, distinct=schema.get("uniqueItems", False))
            if len(array) < length:
                continue
            yield array
            if array:
                variations = self.values(
                    prefix[0] if prefix else items, spot.inside("prefixItems.0" if prefix else "items")
                )
                yield from ([value, *array[1:]] for value in itertools.islice(variations, 1, MAX_VARIATIONS))


def _types(schema: Mapping[str, Any]) -> list[str]:
    """Return the types that a value may have.

    If the schema has no `type`, the types that its other keywords suggest come first.
    """
    if "type" not in schema:
        return sorted(IMPLIED_TYPES, key=lambda kind: IMPLIED_TYPES[kind].isdisjoint(schema))
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return sorted(types, key=lambda kind: kind == "null")


def _is_recursive(trail: tuple[str, ...]) -> bool:
    return Spot(trail=trail).is_recursive


def _property(name: str, properties: Mapping[str, Any], spot: Spot) -> Spot:
    if name in properties:
        return spot.inside("properties", name)
    return attrs.evolve(spot.inside("additionalProperties"), name=name)


def _take_one_of_each(sources: list[Iterator[object]], *, distinct: bool) -> list[object]:
    """Return one value from each source.

    If a source has no more values, the previous value is used again. If values must be distinct, or if there is no
    previous value, the list ends there.
    """
    taken: list[object] = []
    seen: set[str] = set()
    for source in sources:
        for value in source:
            key = json.dumps(value, sort_keys=True)
            if not distinct or key not in seen:
                seen.add(key)
                taken.append(value)
                break
        else:
            if distinct or not taken:
                break
            taken.append(taken[-1])
    return taken
