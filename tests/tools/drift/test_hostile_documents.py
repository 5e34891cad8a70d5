"""Whatever the documents are, they are compared without a traceback, and a document never differs from itself."""

from __future__ import annotations

import copy
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.building import NO_ACTIONS
from tests.support.documents import EVERYTHING, JSON
from tools.drift.documents import compare
from tools.drift.make_report import make_report
from tools.drift.normal_form import normal
from tools.drift.sides import Side, of_file
from tools.repository import OVERLAY, ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORDS = sorted({word for word in json.dumps(EVERYTHING).replace('"', " ").split() if word[-1] not in ":,{}[]"})
KEYS = ["", "200", "$ref", "a (malformed)", "allOf", "nullable", "type", "x-a"]
ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 404, 0.5, 1e30, "", "a", "#", "#/", "#A", "#/components/schemas/Tree", "~", "%"),
    *([], {}, [[]], [{}], [None], [404], [{"a": 1}], {"a": None}, {"": ""}, {"$ref": "#/components/schemas/Gone"}),
    *({"$ref": 5}, {"$ref": "#/paths/~1a/post"}, {"allOf": [{"$ref": "#/components/schemas/Tree"}] * 3}, "9" * 5000),
    {"$ref": "#/components/pathItems/Called"},
    *({"type": ["string", "null", 5]}, {"enum": [[], {}, None]}, {"required": [404]}, {"x-a": {"$ref": "#"}}),
]


def places(node: Any, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(node, dict | list):
        for key, child in node.items() if isinstance(node, dict) else enumerate(node):
            yield (*place, key)
            yield from places(child, (*place, key))


@st.composite
def operated(draw: st.DrawFn) -> Any:
    """Return the document after random surgery: values replaced, exchanged, wrapped, copied, renamed and cut off."""
    document = copy.deepcopy(EVERYTHING)
    for _ in range(draw(st.integers(1, 4))):
        there = list(places(document))
        place = there[draw(st.integers(0, len(there) - 1))]
        node = inside(document, place[:-1])
        key = place[-1]
        match draw(st.integers(0, 5)):
            case 0:
                node[key] = copy.deepcopy(draw(st.sampled_from(ODD)))
            case 1:
                node[key] = copy.deepcopy(inside(document, there[draw(st.integers(0, len(there) - 1))]))
            case 2:
                del node[key]
            case 3:
                node[key] = [node[key]] if draw(st.booleans()) else {draw(st.sampled_from(KEYS)): node[key]}
            case 4 if isinstance(node, dict):
                node[draw(st.sampled_from([*KEYS, *WORDS]))] = node.pop(key)
            case _:
                node[key] = draw(st.sampled_from(WORDS))
    return document


def inside(node: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        node = node[key]
    return node


@settings(max_examples=max(300, settings().max_examples))
@given(operated())
def test_no_document_leads_to_a_traceback(document: Any) -> None:
    assert compare(document, document) == []
    compare(EVERYTHING, document)
    compare(document, EVERYTHING)


@pytest.mark.parametrize(
    "document",
    [
        *(None, True, 5, "text", [], [1], {"paths": []}, {"paths": {"/a": None}}),
        {**EVERYTHING, "components": {**EVERYTHING["components"], "parameters": [{"a": {"in": "query"}}]}},
        {"webhooks": {"a": {"$ref": "#/webhooks/b"}, "b": {"$ref": "#/webhooks/a"}}, "security": [{"key": []}]},
        {"paths": {"/a": {"get": {"callbacks": {"c": {"$ref": "#/tags"}}}}}, "tags": ["text"]},
        {"paths": {"/a": {"get": {"callbacks": {"c": {"$ref": "#/info"}}}}}, "info": {"a": "text"}},
        {"webhooks": {"a": {"$ref": "#/x-calls/a"}}, "x-calls": {"a": {"parameters": [5], "post": {"security": 5}}}},
    ],
)
def test_no_value_leads_to_a_traceback(document: Any) -> None:
    assert compare(document, document) == []
    for pair in ((document, EVERYTHING), (EVERYTHING, document)):
        assert make_report(ROOT, Side("old", pair[0], None), Side("new", pair[1], None), "0.1.0").rows


@pytest.mark.parametrize("kind", EVERYTHING["components"])
@pytest.mark.parametrize("odd", [5, True, None, "a", ["a"]], ids=str)
def test_no_kind_of_components_leads_to_a_traceback(kind: str, odd: Any) -> None:
    documents = [{**EVERYTHING, "components": {kind: value}} for value in ({"a": {"value": 1}}, odd)]
    assert compare(*documents)
    assert compare(*reversed(documents))


def test_calls_that_lead_to_each_other_by_many_ways_are_compared_once() -> None:
    """There are 2^30 ways to the last one."""

    def made(name: str, *required: str) -> Any:
        body = {"content": {JSON: {"schema": {"type": "object", "properties": {"a": {}}, "required": [*required]}}}}
        items: dict[str, Any] = {f"{name}30": {"post": {"requestBody": body, "responses": {}}}}
        for number in range(30):
            target = {"$ref": f"#/components/pathItems/{name}{number + 1}"}
            callbacks = {way: {"{$url}": target} for way in ("one", "other")}
            items[f"{name}{number}"] = {"post": {"responses": {}, "callbacks": callbacks}}
        webhooks = {"w": {"$ref": f"#/components/pathItems/{name}0"}}
        return {"openapi": "3.1.0", "paths": {}, "webhooks": webhooks, "components": {"pathItems": items}}

    rows = compare(made("A", "a"), made("B"))
    assert {row.operations for row in rows if row.kind == "now-optional"} == {("webhook w",)}


def test_references_to_the_map_of_all_path_items_do_not_copy_each_other() -> None:
    escapes = itertools.product(("a", "%61"), ("m", "%6D"), ("e", "%65"))
    references = [f"#/co{m}pon{e}nts/p{a}thItems" for a, m, e in escapes]
    document: Any = {
        "webhooks": {f"w{number}": {"$ref": reference} for number, reference in enumerate(references)},
        "components": {"pathItems": {"get": {"get": {"responses": {}}}}},
    }
    assert len(json.dumps(normal(document))) < 10_000


def test_note_names_only_some_parts_of_the_overlay_that_do_not_fit(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text(
        json.dumps({"openapi": "3.1.0", "info": {"title": "t", "version": "1"}, "paths": {}}), encoding="utf-8"
    )
    assert re.search(r"\(([\w-]+, ){2}[\w-]+ and \d+ more\), so both specs", of_file(ROOT, spec).note)


def test_document_that_cannot_be_composed_is_compared_as_published(tmp_path: Path) -> None:
    (tmp_path / OVERLAY).parent.mkdir(parents=True)
    (tmp_path / OVERLAY).write_text(NO_ACTIONS, encoding="utf-8")
    document = {"openapi": "3.1.0", "info": {}, "paths": {}, "components": {"schemas": ["no object"]}}
    spec = tmp_path / "spec.json"
    spec.write_text(json.dumps(document), encoding="utf-8")
    side = of_file(tmp_path, spec)
    assert side.composed is None
    assert side.note.startswith("our overlay does not fit spec.json (AttributeError: ")
