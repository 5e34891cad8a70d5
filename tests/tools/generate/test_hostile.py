"""Text in a spec is text: it neither runs, nor gets out of the string or the comment that it's put into."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import PACKAGE, repository, try_all
from tools.generate.__main__ import main
from tools.generate.generated_folder import check, generate
from tools.repository import GENERATED

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.capture import CaptureFixture

TEXTS = [
    '"""\nraise SystemExit("ran")\n"""',
    "'''\nraise SystemExit('ran')\n'''",
    "\\",
    "ends in \\",
    '\\"""',
    '"',
    "'",
    "\"); raise SystemExit('ran') #",
    "'+exit('ran')+'",
    "\r\nraise SystemExit('ran')\r\n",
    "x\u2028raise SystemExit('ran')",
    "{{ 7 * 7 }}{% raw %}{# x #}",
    "# type: ignore\n# fmt: off",
    "\x1b[31mred\x07\x1b]0;title\x07",
    "\u202eright to left\u2066",
    "\U0001f600 \u00fc",
    "None",
    "class",
    "__init__",
    "self",
    "",
    " ",
]
NAMES = [
    *(f"{text}n{number}" for number, text in enumerate(TEXTS)),
    *("None", "class", "self", "1st"),
]
"""Different ones also where nothing is left of them but letters and digits."""


def spec() -> dict[str, Any]:
    """Return one whose every text is hostile."""
    fields: dict[str, Any] = {}
    for number, text in enumerate(TEXTS):
        about = {"description": text, "title": text, "example": text, "examples": [text], "$comment": text}
        fields |= {
            f"text{number}": {"type": "string", "default": text, **about},
            f"choice{number}": {"type": "string", "enum": [text, f"{text}2"], "default": text, **about},
            f"const{number}": {"const": text, **about},
            f"inner{number}": {"type": "object", "properties": {"x": {"type": "integer", **about}}, **about},
        }
    fields |= {name: {"type": "string", "description": name} for name in NAMES}
    everything = "\n".join(TEXTS)
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Body"}}}
    answer = {"description": everything, "content": body}
    parameters = [
        {"in": "query", "name": name, "description": name, "schema": {"type": "string", "default": name}}
        for name in NAMES
    ]
    operation = {
        "summary": everything,
        "description": everything,
        "tags": TEXTS,
        "parameters": parameters,
        "requestBody": {"description": everything, "content": body},
        "responses": {"200": answer},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": everything, "description": everything, "version": "1"},
        "servers": [{"url": "https://api.example", "description": everything}],
        "paths": {"/v1/things": {"post": operation}},
        "components": {"schemas": {"Body": {"type": "object", "description": everything, "properties": fields}}},
    }


def test_hostile_text_neither_runs_nor_breaks_anything(tmp_path: Path) -> None:
    root = repository(tmp_path / "root", spec=spec())
    generated = generate(root)  # imports all of it
    assert str(generated.census) == f"1 operations, {len(NAMES)} parameters, 1 bodies, 1 answers, 1 schemas"
    assert check(root) == []
    assert try_all(root) == {"schema": 1, "answer": 1, "body": 1}
    code = "".join(path.read_text(encoding="utf-8") for path in (root / GENERATED / PACKAGE).rglob("*.py"))
    assert not {"\x1b", "\x07", "\u202e", "\u2066"} & set(code)


@pytest.mark.parametrize("name", ["\\", '"', "'", "\u202e", " ", ""])
def test_an_operation_id_that_names_nothing_is_refused(tmp_path: Path, capsys: CaptureFixture[str], name: str) -> None:
    document = spec()
    document["paths"]["/v1/things"]["post"]["operationId"] = name
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    said = "the operationId of POST /v1/things has no letter and no digit to make a name of"
    assert said in capsys.readouterr().err
    assert not (root / GENERATED).exists()


def test_a_parameter_that_is_called_like_an_argument_of_the_generators_is_refused(
    tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    document = spec()
    document["paths"]["/v1/things"]["post"]["parameters"] = [{"in": "query", "name": "body", "schema": {}}]
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    assert "duplicate argument 'body' in function definition" in capsys.readouterr().err
    assert not (root / GENERATED).exists()


@pytest.mark.parametrize("name", ["params", "headers", "cookies", "quote", "response", "kwargs"])
def test_a_parameter_that_hides_what_its_module_needs_is_refused(
    tmp_path: Path, capsys: CaptureFixture[str], name: str
) -> None:
    document = spec()
    schema = {"type": "string"}
    document["paths"] = {"/v1/things/{id}": document["paths"].pop("/v1/things")}
    document["paths"]["/v1/things/{id}"]["post"]["parameters"] = [
        {"in": "path", "name": "id", "required": True, "schema": schema},
        {"in": "header", "name": "x", "schema": schema},
        {"in": "cookie", "name": "y", "schema": schema},
        {"in": "query", "name": name, "schema": schema},
    ]
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    said = f"api/things/post_v1_things_item.py: its parameter {name} hides what the module needs"
    assert said in capsys.readouterr().err
    assert not (root / GENERATED).exists()


@pytest.mark.parametrize(
    "name", ["from_dict", "to_dict", "additional_keys", "additional_properties", "d", "cls", "src_dict", "field_dict"]
)
def test_a_field_that_hides_what_its_class_needs_is_refused(
    tmp_path: Path, capsys: CaptureFixture[str], name: str
) -> None:
    document = spec()
    document["components"]["schemas"]["Body"]["properties"] = {name: {"type": "string"}}
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    assert f"Body: its field {name} hides what the class needs" in capsys.readouterr().err
    assert not (root / GENERATED).exists()


def test_a_field_that_hides_what_its_class_calls_or_counts_with_is_refused(
    tmp_path: Path, capsys: CaptureFixture[str]
) -> None:
    text, listed = {"type": "string"}, {"type": "array", "items": {"$ref": "#/components/schemas/Inner"}}
    document = spec()
    document["components"]["schemas"] = {
        "Inner": {"type": "object", "properties": {"x": text}},
        "Color": {"enum": ["red", "blue"]},
        "Body": {"type": "object", "properties": {"cast": {"type": "array", "items": text}}},
        "Loop": {"type": "object", "properties": {"line_item": text, "line": listed}},
        "Check": {"type": "object", "properties": {"check_color": text, "c": {"$ref": "#/components/schemas/Color"}}},
        "Rest": {
            "type": "object",
            "properties": {"prop": text},
            "additionalProperties": {"$ref": "#/components/schemas/Inner"},
        },
    }
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    said = capsys.readouterr().err.splitlines()
    fields = {"Body": "cast", "Check": "check_color", "Loop": "line_item", "Rest": "prop"}
    assert said[1:] == [f"{model}: its field {name} hides what the class needs" for model, name in fields.items()]


@pytest.mark.parametrize("name", ["Response", "Unset", "UUID", "File"])
def test_a_schema_that_takes_the_name_of_what_a_module_needs_is_refused(
    tmp_path: Path, capsys: CaptureFixture[str], name: str
) -> None:
    document = spec()
    kinds = {"u": {"type": "string", "format": "uuid"}, "n": {"$ref": f"#/components/schemas/{name}"}}
    schemas = {name: {"type": "object", "properties": {"x": {"type": "string"}}}}
    document["components"]["schemas"] = {**schemas, "Body": {"type": "object", "properties": kinds}}
    answers = document["paths"]["/v1/things"]["post"]["responses"]
    answers["200"]["content"]["application/json"]["schema"] = {"$ref": f"#/components/schemas/{name}"}
    if name == "File":
        kinds["f"] = {"type": "string", "format": "binary"}
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    assert f"the class {name} of a schema hides another that is needed" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["errors", "httpx", "cast", "k", "v", "client", "url", "_kwargs", "request"])
def test_names_that_hide_nothing_are_names(tmp_path: Path, name: str) -> None:
    document = spec()
    operation = document["paths"]["/v1/things"]["post"]
    operation["parameters"] = [{"in": "query", "name": name, "schema": {"type": "string"}}]
    document["components"]["schemas"]["Body"]["properties"] = {name: {"type": "string"}}
    root = repository(tmp_path / "root", spec=document)
    assert generate(root).census.counts["parameters"] == 1
    assert try_all(root) == {"schema": 1, "answer": 1, "body": 1}


def test_what_is_printed_does_nothing_to_the_terminal(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    document = spec()
    document["paths"]["/v1/\x1b[31m{\u202e}"] = {"get": {"responses": {}, "operationId": "post_v1_things"}}
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    said = capsys.readouterr().err
    assert "GET /v1/\\x1b[31m{\\u202e}" in said
    assert "\x1b" not in said
