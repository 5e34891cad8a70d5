"""Two specs that don't say the same never get an empty report, whatever it is that differs."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tools import _yaml
from tools.compose import ROOT, SPEC
from tools.drift._document import compare
from tools.drift._normal import normal, same

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYWORDS = [
    *("$ref", "additionalProperties", "allOf", "anyOf", "const", "content", "default", "deprecated", "description"),
    *(
        "discriminator",
        "enum",
        "example",
        "examples",
        "exclusiveMinimum",
        "explode",
        "format",
        "headers",
        "in",
        "items",
    ),
    *("maxLength", "minimum", "name", "not", "nullable", "oneOf", "operationId", "parameters", "pattern", "properties"),
    *("readOnly", "required", "responses", "schema", "security", "servers", "style", "summary", "tags", "title"),
    *("type", "uniqueItems", "url", "writeOnly", "x-own"),
]
SCALARS = (
    st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "object", "string", "query", "#/x", "é"])
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYWORDS), inner, max_size=3),
    max_leaves=6,
)


def places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    if isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield from places(child, (*place, key))


VENDORED: Any = _yaml.plain(_yaml.load(ROOT / SPEC))
PLACES = [place for place in places(VENDORED) if place]


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """Return the vendored spec with a few places changed, taken out, or added to."""
    spec = copy.deepcopy(VENDORED)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(PLACES))
        node, found = spec, True
        for key in place[:-1]:
            try:
                node = node[key]
            except (LookupError, TypeError):
                found = False
                break
        if not found or not isinstance(node, dict):
            continue
        match draw(st.sampled_from(["replace", "remove", "add"])):
            case "replace":
                node[place[-1]] = draw(VALUES)
            case "remove":
                node.pop(place[-1], None)
            case _:
                node[draw(st.sampled_from(KEYWORDS))] = draw(VALUES)
    return spec


@given(changed(), changed())
def test_what_differs_has_a_row(old: Any, new: Any) -> None:
    differs = not same(normal(old), normal(new))
    assert bool(compare(old, new)) == differs
    assert compare(old, old) == []


def test_two_specs_of_nothing_are_the_same() -> None:
    assert compare({}, {}) == compare({"paths": None}, {"paths": None}) == []
