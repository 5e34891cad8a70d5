"""Names in a spec that would hide a name which the generated code needs get other names, and the code then works."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import PACKAGE, repository, try_all
from tests.support.once import once
from tools.generate.generated_folder import check, generate
from tools.openapi import python_names
from tools.repository import GENERATED
from tools.surface.models import describe_models

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

TEXT = {"type": "string"}


def reference(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


# one field for each kind of code that the generator writes
KINDS: dict[str, Any] = {
    "line": array(reference("Inner")),
    "c": reference("Color"),
    "many": array(reference("Color")),
    "u": {"type": "string", "format": "uuid"},
    "when": {"type": "string", "format": "date-time"},
    "either": {"anyOf": [reference("Inner"), array(reference("Inner")), TEXT]},
    "words": array(TEXT),
    "fixed": {"const": "x"},
    "inner": reference("Inner"),
    "Inner": reference("Inner"),
    "Color": reference("Color"),
}
ALIKE = ["UNSET", "unset", "T", "t", "color", "id", "id_query", "ID"]


def operation(schema: dict[str, Any], parameters: list[dict[str, Any]]) -> dict[str, Any]:
    content = {"application/json": {"schema": schema}}
    responses = {"200": {"description": "well", "content": content}}
    return {"parameters": parameters, "requestBody": {"content": content}, "responses": responses}


def parameter(place: str, name: str) -> dict[str, Any]:
    return {"in": place, "name": name, "schema": TEXT, **({"required": True} if place == "path" else {})}


def spec(names: Collection[str]) -> dict[str, Any]:
    """Return a spec in which each name is a field of three classes, a query parameter, and, if it fits, a schema."""
    fields = {**dict.fromkeys((*ALIKE, *names), TEXT), **KINDS}
    parameters = [
        *(parameter("path", name) for name in ("id", "x")),
        *(parameter("header", name) for name in ("id", "x")),
        *(parameter("cookie", name) for name in ("id", "y")),
        *(parameter("query", name) for name in fields),
    ]
    properties = {"type": "object", "properties": fields}
    classes = [name for name in names if name[0].isupper() or name in python_names.NEEDED_VARIABLES]
    schemas: dict[str, Any] = {
        **{name: {"type": "object", "properties": {"x": TEXT, "words": array(TEXT)}} for name in classes},
        "Inner": {"type": "object", "properties": {"x": TEXT}},
        "Color": {"type": "string", "enum": ["red", "blue"]},
        "CheckColor": {"type": "object", "properties": {"c": reference("Color")}},
        "Open": {**properties, "additionalProperties": reference("Inner")},
        "Plain": properties,
        "Closed": {**properties, "additionalProperties": False},
    }
    users = {f"User of {name}": {"type": "object", "properties": {"x": reference(name), **KINDS}} for name in classes}
    binary = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Hiding", "version": "1"},
        "paths": {
            "/v1/binary": {"get": {"responses": {"200": {"description": "well", "content": binary}}}},
            "/v1/everything/{id}/{x}": {"post": operation(reference("Open"), parameters)},
            **{
                f"/v1/named/n{n}": {"post": operation(reference(f"User of {name}"), [])}
                for n, name in enumerate(classes)
            },
        },
        "components": {"schemas": {**schemas, **users}},
    }


def identifiers(folder: Path) -> Iterator[str]:
    """Yield all names in Python code that a spec may have too."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Name(name) | ast.arg(name) | ast.Attribute(attr=name):
                    yield name
                case ast.alias(name, other):
                    yield other or name
                case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                    yield name


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository whose spec has every name that the code of a similar spec has."""

    def make(folder: Path) -> None:
        first = repository(folder / "first", spec=spec([]))
        generate(first)
        names = sorted({name for name in identifiers(first / GENERATED) if name.isidentifier() and name.strip("_")})
        (folder / "names").write_text(json.dumps(names), encoding="utf-8")
        root = repository(folder / "root", spec=spec(names))
        generate(root)
        (folder / "tried").write_text(json.dumps(try_all(root)), encoding="utf-8")

    return once(tmp_path_factory, "hiding", make) / "root"


def sections(root: Path) -> dict[str, dict[str, str]]:
    """Return the fields of each class: the Python name for each name in the spec."""
    found: dict[str, dict[str, str]] = {}
    for paragraph in describe_models(root / GENERATED / PACKAGE / "models").split("\n\n"):
        head, *lines = paragraph.strip().splitlines()
        fields = (line.strip().partition(": ") for line in lines if not line.startswith("    additional properties"))
        found[head] = {rest.partition("(wire: ")[2].rstrip(")") or name: name for name, _, rest in fields}
    return found


def test_code_with_every_name_that_it_needs_reads_and_writes_all_samples(root: Path) -> None:
    names = json.loads((root.parent / "names").read_text(encoding="utf-8"))
    assert {"to_dict", "from_dict", "additional_properties", "self", "cls", "UNSET", "Any", "headers"} < set(names)
    tried = json.loads((root.parent / "tried").read_text(encoding="utf-8"))
    assert {"Open", "Plain", "Closed"} < set(tried["schema"])
    assert len(tried["body"]) == len(tried["response"]) - 1 > 40
    assert tried["parameters"] == [f"POST /v1/everything/{{id}}/{{x}} {what}" for what in ("names", "values")]


def test_only_fields_that_hide_a_name_of_their_class_are_renamed(root: Path) -> None:
    opened, closed = (sections(root)[name] for name in ("Open", "Closed"))
    for fields in (opened, closed):
        assert fields["to_dict"] == "to_dict_x746f5f64696374"
        assert fields["cls"] == "cls_x636c73"
        assert fields["line_item"] == "line_item_x6c696e655f6974656d"
        assert fields["headers"] == "headers"
    assert opened["additional_properties"].startswith("additional_properties_x")
    assert closed["additional_properties"] == "additional_properties"


def test_parameters_of_one_name_get_names_that_also_differ_from_all_others(tmp_path: Path) -> None:
    parameters = [
        *(parameter(place, "id") for place in ("path", "query", "header")),
        *(parameter("query", name) for name in ("id_query", "body", "headers", "url", "quote", "errors")),
    ]
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Hiding", "version": "1"},
        "paths": {"/v1/things/{id}": {"post": operation(reference("Inner"), parameters)}},
        "components": {"schemas": {"Inner": {"type": "object", "properties": {"x": TEXT}}}},
    }
    root = repository(tmp_path / "root", spec=document)
    generate(root)
    assert try_all(root)["parameters"]
    [path] = (root / GENERATED / PACKAGE / "api" / "things").glob("post_*.py")
    [builder] = (
        node
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name == "_get_kwargs"
    )
    assert [each.arg for each in (*builder.args.args, *builder.args.kwonlyargs)] == [
        *("id_path", "body", "id_query_x6964", "id_query_query", "body_query", "headers_query", "url_query"),
        *("quote_query", "errors", "id_header"),
    ]


def test_field_stays_as_it_is_in_a_class_that_hides_nothing(tmp_path: Path) -> None:
    base = {"type": "object", "properties": {"line_item": TEXT}}
    derived = {"allOf": [reference("Base"), {"type": "object", "properties": {"line": array(reference("Base"))}}]}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Hiding", "version": "1"},
        "paths": {},
        "components": {"schemas": {"Base": base, "Derived": derived}},
    }
    root = repository(tmp_path / "root", spec=document)
    generate(root)
    found = sections(root)
    assert found["Base"] == {"line_item": "line_item"}
    assert found["Derived"] == {"line": "line", "line_item": "line_item_x6c696e655f6974656d"}
    assert check(root) == []
