"""Made-up answers that fit a JSON Schema: readable, and the same for the same schema.

Guess and check: for each schema the maker yields values that should fit, the nicest first, and jsonschema decides. What
combines schemas (`$ref`, `allOf`, `anyOf`, `oneOf`) is first merged into schemas without, one for every way to choose.
A budget of steps bounds what a strange schema can cost.
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

from anchor_webtask.emulator._merging import COMBINING, merge
from anchor_webtask.emulator._values import numbers, strings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Schema = Mapping[str, Any] | bool

STEPS = 10_000
DEEPEST = 3  # times that a reference may lie within itself
VARIATIONS = 50  # of one property or element, for arrays of different objects or arrays
LONGER = 9  # lengths of arrays that are tried

IMPLIED_TYPES = {
    "string": {"minLength", "maxLength", "pattern", "format"},
    "object": {"properties", "required", "additionalProperties", "minProperties"},
    "array": {"items", "prefixItems", "minItems", "uniqueItems"},
    "number": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"},
    "boolean": set(),
    "null": set(),
}


class NoAnswerError(Exception):
    """No answer could be made up; the message says what to do."""

    def __init__(self) -> None:
        super().__init__(
            "the emulator can't make up an answer that fits output_schema: give it one by a scenario, on(answer=…)"
        )


def make_answer(schema: Mapping[str, Any]) -> object:
    """Return a made-up answer that fits the schema.

    Raises:
        NoAnswerError: None was found; the schema may be wrong, contradict itself or refer to another document.
    """
    try:
        answer = next(_Maker(schema).values(schema, "", ()), attrs.NOTHING)
    except Exception:  # noqa: BLE001 — whatever a strange schema does to the libraries below
        answer = attrs.NOTHING
    if answer is attrs.NOTHING:
        raise NoAnswerError
    return answer


class _StepsSpentError(Exception):
    pass


class _Maker:
    """Makes values for one root schema. A trail is the references on the way to a schema, to notice recursion."""

    def __init__(self, root: Mapping[str, Any]) -> None:
        validator: Any = validator_for(root, default=Draft202012Validator)
        validator.check_schema(root)
        # With a registry of our own, jsonschema doesn't fetch what a reference names.
        self._validator = validator(root, registry=Registry())
        self._resolver = Registry().resolver_with_root(DRAFT202012.create_resource(root))
        self._steps = STEPS

    def values(self, schema: Schema, name: str, trail: tuple[str, ...]) -> Iterator[object]:
        """Yield values that fit the schema, the nicest first."""
        validator = self._validator.evolve(schema=schema)
        for merged, longer in self._merged(schema, trail):
            for value in self._guesses(merged, name, longer):
                self._step()
                if validator.is_valid(value):
                    yield value

    def _first(self, schema: Schema, name: str, trail: tuple[str, ...]) -> object:
        return next(self.values(schema, name, trail), attrs.NOTHING)

    def _step(self) -> None:
        self._steps -= 1
        if self._steps < 0:
            raise _StepsSpentError

    def _merged(self, schema: Schema, trail: tuple[str, ...]) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
        """Yield the schema without references and combinations, for each way to choose among its alternatives."""
        self._step()
        if isinstance(schema, bool):
            if schema:
                yield {}, trail
            return
        choices = [[part] for part in schema.get("allOf", ())]
        choices += [schema[key] for key in ("anyOf", "oneOf") if key in schema]
        if "$ref" in schema:
            trail = (*trail, schema["$ref"])
            if trail.count(schema["$ref"]) > DEEPEST:
                return
            choices.append([self._resolver.lookup(schema["$ref"]).contents])
        if _recurs(trail):
            choices = [sorted(choice, key=lambda part: "$ref" in str(part)) for choice in choices]
        own = {key: value for key, value in schema.items() if key not in COMBINING}
        yield from self._chosen(own, choices, trail)

    def _chosen(
        self, merged: Mapping[str, Any], choices: list[list[Schema]], trail: tuple[str, ...]
    ) -> Iterator[tuple[Mapping[str, Any], tuple[str, ...]]]:
        if not choices:
            yield merged, trail
            return
        for part in choices[0]:
            for other, longer in self._merged(part, trail):
                yield from self._chosen(merge(merged, other), choices[1:], longer)

    def _guesses(self, schema: Mapping[str, Any], name: str, trail: tuple[str, ...]) -> Iterator[object]:
        """Yield values that should fit a schema without references and combinations."""
        if "const" in schema:
            yield schema["const"]
        elif "enum" in schema:
            yield from schema["enum"]
        else:
            yield from schema.get("examples", ())
            # A default that is empty tells a reader nothing: it comes last.
            if default := schema.get("default"):
                yield default
            for kind in _types(schema):
                yield from self._guesses_of_type(kind, schema, name, trail)
            if "default" in schema:
                yield schema["default"]

    def _guesses_of_type(
        self, kind: str, schema: Mapping[str, Any], name: str, trail: tuple[str, ...]
    ) -> Iterator[object]:
        match kind:
            case "object":
                yield from self._objects(schema, trail)
            case "array":
                yield from self._arrays(schema, name, trail)
            case "string":
                yield from strings(schema, name)
            case "number" | "integer":
                yield from numbers(schema, whole=kind == "integer")
            case "boolean":
                yield from (True, False)
            case "null":
                yield None

    def _objects(self, schema: Mapping[str, Any], trail: tuple[str, ...]) -> Iterator[dict[str, object]]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        others = schema.get("additionalProperties", True)
        names = [name for name in properties if name in required or not _recurs(trail)]
        names += [name for name in required if name not in properties]
        is_mapping = not properties and isinstance(others, dict) and not _recurs(trail)
        missing = max(schema.get("minProperties", 0), is_mapping) - len(names)
        names += itertools.islice(self._names(schema, trail), max(missing, 0))
        made = {}
        for name in names:
            value = self._first(properties.get(name, others), name, trail)
            if value is not attrs.NOTHING:
                made[name] = value
        too_many = max(0, len(made) - schema.get("maxProperties", math.inf))
        for name in [name for name in made if name not in required][::-1][:too_many]:
            del made[name]
        yield made
        for name in made:
            variations = self.values(properties.get(name, others), name, trail)
            yield from ({**made, name: value} for value in itertools.islice(variations, 1, VARIATIONS))
        yield {name: value for name, value in made.items() if name in required}

    def _names(self, schema: Mapping[str, Any], trail: tuple[str, ...]) -> Iterator[str]:
        """Yield names for the properties of a mapping."""
        if "propertyNames" not in schema:
            yield from (f"example{number}" for number in itertools.count(1))
        names = {"allOf": [{"type": "string"}, schema.get("propertyNames", False)]}
        yield from (str(name) for name in self.values(names, "", trail))

    def _arrays(self, schema: Mapping[str, Any], name: str, trail: tuple[str, ...]) -> Iterator[list[object]]:
        prefix, items = schema.get("prefixItems", []), schema.get("items", True)
        shortest, longest = schema.get("minItems", 0), schema.get("maxItems", math.inf)
        nice = 0 if _recurs(trail) else len(prefix) or int(items is not False)
        lengths = [min(max(shortest, nice), longest), *range(shortest, shortest + LONGER)]
        for length in dict.fromkeys(lengths):
            rest = self.values(items, name, trail)
            sources = [*(self.values(part, name, trail) for part in prefix), *itertools.repeat(rest, length)][:length]
            array = _take(sources, distinct=schema.get("uniqueItems", False))
            if len(array) < length:
                continue
            yield array
            if array:
                variations = self.values(prefix[0] if prefix else items, name, trail)
                yield from ([value, *array[1:]] for value in itertools.islice(variations, 1, VARIATIONS))


def _types(schema: Mapping[str, Any]) -> list[str]:
    """Return the types that a value may have; without `type`, those first that the other keywords are about."""
    if "type" not in schema:
        return sorted(IMPLIED_TYPES, key=lambda kind: IMPLIED_TYPES[kind].isdisjoint(schema))
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return sorted(types, key=lambda kind: kind == "null")


def _recurs(trail: tuple[str, ...]) -> bool:
    return len(set(trail)) < len(trail)


def _take(sources: list[Iterator[object]], *, distinct: bool) -> list[object]:
    """Return a value of each source, up to the first that has none left; the last value may come again if it may."""
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
