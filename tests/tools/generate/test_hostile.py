"""Hostile text in a spec is never executed, and never ends its string or comment in the generated code.

The generator runs once for all cases.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import PACKAGE, repository, try_all
from tests.support.once import once
from tools.compose.composition import compose
from tools.generate.__main__ import main
from tools.generate.generated_folder import check, generate
from tools.repository import GENERATED, OVERLAY, SPEC

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
"""Hostile names; they stay different when all characters except letters and digits are removed."""


def spec() -> dict[str, Any]:
    """Return a spec in which all texts and names are hostile."""
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
    response = {"description": everything, "content": body}
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
        "responses": {"200": response},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": everything, "description": everything, "version": "1"},
        "servers": [{"url": "https://api.example", "description": everything}],
        "paths": {"/v1/things": {"post": operation}},
        "components": {"schemas": {"Body": {"type": "object", "description": everything, "properties": fields}}},
    }


HARMLESS = ["errors", "httpx", "cast", "k", "v", "client", "url", "_kwargs", "request"]
"""Names that generated code also uses, but only in places where a name from a spec cannot hide them."""


def with_harmless_names() -> dict[str, Any]:
    """Return the hostile spec with one more operation, parameter and field for each harmless name."""
    document = spec()
    for number, name in enumerate(HARMLESS):
        schema = {"$ref": f"#/components/schemas/Harmless{number}"}
        content = {"application/json": {"schema": schema}}
        document["components"]["schemas"][f"Harmless{number}"] = {
            "type": "object",
            "properties": {name: {"type": "string"}},
        }
        document["paths"][f"/v1/harmless{number}"] = {
            "post": {
                "parameters": [{"in": "query", "name": name, "schema": {"type": "string"}}],
                "requestBody": {"content": content},
                "responses": {"200": {"description": "well", "content": content}},
            }
        }
    return document


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a repository with the code for all accepted cases.

    The file `results.json` beside the repository has the census, the differences that `check` finds, and the labels of
    the tried samples.
    """

    def make(folder: Path) -> None:
        root = repository(folder / "root", spec=with_harmless_names())
        generated = generate(root)  # this also imports all the generated code
        results = {"census": generated.census.counts, "differences": check(root), "tried": try_all(root)}
        (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")

    return once(tmp_path_factory, "hostile-accepted", make) / "root"


@pytest.fixture(scope="module")
def results(accepted: Path) -> Any:
    return json.loads((accepted.parent / "results.json").read_text(encoding="utf-8"))


def test_hostile_text_is_not_executed_and_the_generated_code_works(accepted: Path, results: Any) -> None:
    more = len(HARMLESS)
    assert results["census"] == {
        "operations": 1 + more,
        "parameters": len(NAMES) + more,
        "bodies": 1 + more,
        "responses": 1 + more,
        "schemas": 1 + more,
    }
    assert results["differences"] == []
    thing = "POST /v1/things"
    for kind, label in {"schema": "Body", "response": f"{thing} 200 application/json", "body": thing}.items():
        assert [tried for tried in results["tried"][kind] if tried.startswith(label)], kind
    code = "".join(path.read_text(encoding="utf-8") for path in (accepted / GENERATED / PACKAGE).rglob("*.py"))
    assert not {"\x1b", "\x07", "\u202e", "\u2066"} & set(code)


@pytest.mark.parametrize("number", range(len(HARMLESS)), ids=HARMLESS)
def test_harmless_name_that_the_generated_code_also_uses_is_accepted(results: Any, number: int) -> None:
    operation = f"POST /v1/harmless{number}"
    assert f"Harmless{number}" in results["tried"]["schema"]
    assert f"{operation} application/json" in results["tried"]["body"]
    assert f"{operation} 200 application/json" in results["tried"]["response"]


@pytest.mark.parametrize("name", ["\\", '"', "'", "\u202e", " ", ""])
def test_operation_id_without_letters_and_digits_is_ignored(tmp_path: Path, name: str) -> None:
    document = spec()
    document["paths"]["/v1/things"]["post"]["operationId"] = name
    root = repository(tmp_path / "root", spec=document)
    composed = compose(root / SPEC, root / OVERLAY).document
    assert composed["paths"]["/v1/things"]["post"]["operationId"] == "post_v1_things"


def test_error_with_text_of_the_spec_cannot_control_the_terminal(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    document = spec()
    for name in ("\u202e", "a"):
        document["paths"][f"/v1/\x1b[31m{{{name}}}"] = {"get": {"responses": {}}}
    root = repository(tmp_path / "root", spec=document)
    assert main(["generate", "--root", str(root)]) == 1
    text = capsys.readouterr().err
    assert "/v1/\\x1b[31m{\\u202e} and /v1/\\x1b[31m{a} are the same path" in text
    assert "\x1b" not in text
