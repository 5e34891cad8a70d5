"""The report has a row for every difference between two specs; the tests compare specs with random changes."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from tests.support.changes import slice_of_the_api
from tools.drift.descriptions import difference
from tools.drift.documents import compare
from tools.drift.normal_form import normal, same
from tools.drift.rows import Severity

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


SPEC: Any = slice_of_the_api()
PLACES = [place for place in places(SPEC) if place]


@st.composite
def changed(draw: st.DrawFn) -> Any:
    """Return the spec with one to three random values changed, removed or added."""
    spec = copy.deepcopy(SPEC)
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
def test_every_difference_has_a_row(old: Any, new: Any) -> None:
    differs = not same(normal(old), normal(new))
    assert bool(compare(old, new)) == differs
    assert compare(old, old) == []


@given(changed(), changed())
def test_difference_beside_another_change_has_its_own_row(old: Any, new: Any) -> None:
    """A changed extension (`x-other`) has a row; the other differences must still have rows of their own."""
    differs = not same(normal(old), normal(new))
    rows = compare({**old, "x-other": 1}, {**new, "x-other": 2})
    assert bool([row for row in rows if row.note != "x-other"]) == differs


def test_two_empty_specs_do_not_differ() -> None:
    assert compare({}, {}) == compare({"paths": None}, {"paths": None}) == []


def of(schema: Any, **schemas: Any) -> Any:
    """Return a spec with one operation, whose response has the schema, and with `schemas` as its components."""
    responses = {"200": {"content": {"application/json": {"schema": schema}}}}
    return {"paths": {"/a": {"get": {"responses": responses}}}, "components": {"schemas": schemas}}


def test_schema_is_compared_once_even_if_many_paths_of_references_lead_to_it() -> None:
    """Each of 40 schemas refers twice to the next one, so 2 ** 40 paths of references lead to the last schema."""

    def chain(prefix: str, last: str) -> Any:
        links = {
            f"{prefix}{number}": {
                "type": "object",
                "properties": {key: {"$ref": f"#/components/schemas/{prefix}{number + 1}"} for key in "ab"},
            }
            for number in range(40)
        }
        return of({"$ref": f"#/components/schemas/{prefix}0"}, **links, **{f"{prefix}40": {"type": last}})

    rows = compare(chain("A", "string"), chain("B", "integer"))
    assert [row.kind for row in rows if row.severity is Severity.BREAKING] == ["type-changed"]


def test_many_schemas_that_are_renamed_together_are_recognized() -> None:
    def schemas(suffix: str) -> Any:
        return {
            f"S{number}{suffix}": {
                "type": "object",
                "properties": {"next": {"$ref": f"#/components/schemas/S{number + 1}{suffix}"}},
            }
            if number < 30
            else {"type": "string"}
            for number in range(31)
        }

    rows = compare(of({}, **schemas("")), of({}, **schemas("Dto")))
    assert {row.kind for row in rows} == {"schema-renamed"}
    assert len(rows) == 31


def test_schemas_that_refer_to_themselves_are_compared() -> None:
    def tree(name: str, value: str) -> Any:
        properties = {"value": {"type": value}, "child": {"$ref": f"#/components/schemas/{name}"}}
        return of({"$ref": f"#/components/schemas/{name}"}, **{name: {"type": "object", "properties": properties}})

    (row,) = compare(tree("Tree", "string"), tree("Tree", "integer"))
    assert (row.kind, row.where) == ("type-changed", "Tree.value")
    assert "type-changed" in {row.kind for row in compare(tree("Tree", "string"), tree("Bush", "integer"))}


def test_long_texts_and_many_properties_are_compared_quickly() -> None:
    one, other = (" ".join(f"w{number}{suffix}" for number in range(20_000)) for suffix in ("", "x"))
    assert [sign for sign, _ in difference(one, other)] == ["-", "+"]
    specs = [of({"properties": {f"{name}{number}": {} for number in range(500)}}) for name in ("old", "new")]
    assert len(compare(*specs)) == 1000
