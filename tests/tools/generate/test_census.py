"""Code is made of all of a spec, or generating stops and names what is lacking."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import PACKAGE, repository
from tools.generate import census
from tools.generate.__main__ import main
from tools.generate.build import GenerationError
from tools.generate.generated_folder import generate
from tools.repository import CONFIG, GENERATED

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

POST = "api/things/post_v1_things.py"
GET = "api/things/get_v1_things_item.py"
REFERENCE = {"$ref": "#/components/schemas/Thing"}
THING = {"application/json": {"schema": REFERENCE}}


def spec() -> dict[str, Any]:
    text = {"type": "string"}
    answers = {status: {"description": status, "content": THING} for status in ("200", "404", "4XX", "default")}
    return {
        "openapi": "3.1.0",
        "info": {"title": "title", "version": "1"},
        "paths": {
            "/v1/things": {
                "post": {
                    "operationId": "post_v1_things",
                    "tags": ["things"],
                    "parameters": [{"in": "query", "name": "thingColor", "schema": text}],
                    "requestBody": {"content": THING},
                    "responses": answers,
                }
            },
            "/v1/things/{id}": {
                "parameters": [{"in": "path", "name": "id", "required": True, "schema": text}],
                "get": {
                    "operationId": "get_v1_things_item",
                    "tags": ["things"],
                    "responses": {"200": {"description": "there", "content": THING}, "204": {"description": "gone"}},
                },
            },
        },
        "components": {"schemas": {"Thing": {"type": "object", "properties": {"name": text}}}},
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package that was made of the spec."""
    root = repository(tmp_path_factory.mktemp("made") / "root", spec=spec())
    census = generate(root).census
    assert str(census) == "2 operations, 2 parameters, 1 bodies, 6 answers, 1 schemas"
    return root / GENERATED / PACKAGE


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    """Return a copy of it, to be changed."""
    shutil.copytree(made, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "package"


@pytest.mark.parametrize(
    ("file", "old", "new", "lost"),
    [
        (
            POST,
            "    thing_color: str | Unset = UNSET,\n",
            "",
            "POST /v1/things: of its 1 parameters (thingColor) only 0 are arguments",
        ),
        (
            POST,
            '_kwargs["json"] = body.to_dict()',
            "pass",
            "POST /v1/things: of its 1 kinds of body only 0 can be sent",
        ),
        (
            POST,
            "if response.status_code == 404:",
            "if response.status_code == 405:",
            "POST /v1/things: its answer 404 is not read",
        ),
        (
            POST,
            "if 400 <= response.status_code <= 499:",
            "if 500 <= response.status_code <= 599:",
            "POST /v1/things: its answer 4XX is not read",
        ),
        (
            POST,
            "    return response_default",
            "    if client.raise_on_unexpected_status:\n        raise ValueError\n    return response_default",
            "POST /v1/things: its answer default is not read",
        ),
        (
            POST,
            "response_default = Thing.from_dict(response.json())\n\n    return response_default",
            "return None",
            "POST /v1/things: its answer default has no type",
        ),
        (
            GET,
            "response_200 = Thing.from_dict(response.json())\n\n        return response_200",
            "return None",
            "GET /v1/things/{id}: its answer 200 has no type",
        ),
        ("models/__init__.py", '"Thing"', '"Think"', "schema Thing: there is no class Thing"),
    ],
)
def test_what_the_code_lacks_is_named(package: Path, file: str, old: str, new: str, lost: str) -> None:
    text = (package / file).read_text(encoding="utf-8")
    assert old in text
    (package / file).write_text(text.replace(old, new), encoding="utf-8")
    assert census.take(spec(), package).lost == [lost]


def test_an_operation_without_a_module_is_named(package: Path) -> None:
    (package / POST).unlink()
    assert census.take(spec(), package).lost == [f"POST /v1/things: there is no module {POST}"]


def test_two_operations_of_one_module_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    changed = spec()
    changed["paths"]["/v1/things"]["post"]["operationId"] = "getHTTPThing"
    changed["paths"]["/v1/things/{id}"]["get"]["operationId"] = "get_http_thing"
    root = repository(tmp_path / "root", spec=changed)
    assert main(["generate", "--root", str(root)]) == 1
    twins = "GET /v1/things/{id}: its module api/things/get_http_thing.py is that of POST /v1/things too"
    assert twins in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (
            lambda spec: spec["paths"]["/v1/things"]["post"]["responses"].update(
                {"200": {"description": "either", "content": {**THING, "text/plain": {"schema": {"type": "string"}}}}}
            ),
            "POST /v1/things: of the kinds of its answer 200 only one is read: application/json, text/plain",
        ),
        (
            lambda spec: spec["components"]["schemas"].update(Color={"type": "string", "enum": ["red"]}),
            "schema Color: there is no class Color",
        ),
        (
            lambda spec: spec["paths"]["/v1/things"]["post"].update(
                requestBody={"content": {**THING, "application/merge-patch+json": {"schema": REFERENCE}}}
            ),
            "POST /v1/things: of its 2 kinds of body only 1 can be sent",
        ),
        (
            lambda spec: spec["components"]["schemas"].update(More={"allOf": [REFERENCE, {"required": ["name"]}]}),
            "schema More: there is no class More",
        ),
    ],
)
def test_what_the_spec_has_beyond_the_code_is_named(
    made: Path, change: Callable[[dict[str, Any]], Any], lost: str
) -> None:
    changed = spec()
    change(changed)
    assert census.take(changed, made).lost == [lost]


OTHER = {"$ref": "#/components/schemas/Other"}


@pytest.mark.parametrize(
    ("one", "two", "lost"),
    [
        (REFERENCE, OTHER, False),
        ({"oneOf": [REFERENCE, OTHER]}, {"type": "string"}, False),
        (REFERENCE, REFERENCE, True),
        ({"oneOf": [REFERENCE, OTHER]}, OTHER, True),
        ({"type": "array", "items": REFERENCE}, OTHER, True),
    ],
)
def test_several_kinds_of_body_have_to_be_told_apart(tmp_path: Path, one: Any, two: Any, lost: bool) -> None:
    changed = spec()
    changed["components"]["schemas"]["Other"] = {"type": "object", "properties": {"size": {"type": "integer"}}}
    content = {"application/json": {"schema": one}, "application/merge-patch+json": {"schema": two}}
    changed["paths"]["/v1/things"]["post"]["requestBody"] = {"content": content}
    root = repository(tmp_path / "root", spec=changed)
    if lost:
        with pytest.raises(GenerationError, match="its kinds of body are not told apart by their types"):
            generate(root)
    else:
        assert generate(root).census.counts["bodies"] == 2


def test_a_body_that_is_a_union_is_one_kind(tmp_path: Path) -> None:
    changed = spec()
    changed["components"]["schemas"]["Other"] = {"type": "object", "properties": {"size": {"type": "integer"}}}
    content = {"application/json": {"schema": {"oneOf": [REFERENCE, OTHER]}}}
    changed["paths"]["/v1/things"]["post"]["requestBody"] = {"required": True, "content": content}
    assert generate(repository(tmp_path / "root", spec=changed)).census.counts["bodies"] == 1


def test_an_answer_without_a_schema_beside_one_with_is_named(tmp_path: Path) -> None:
    changed = spec()
    changed["paths"]["/v1/things"]["post"]["responses"]["404"]["content"] = {"application/json": {}}
    with pytest.raises(GenerationError, match="POST /v1/things: its answer 404 has no type"):
        generate(repository(tmp_path / "root", spec=changed))


def test_a_class_that_the_config_renames_is_looked_for_by_that_name(tmp_path: Path) -> None:
    root = repository(tmp_path / "root", spec=spec())
    with (root / CONFIG).open("a", encoding="utf-8") as config:
        config.write("class_overrides: {Thing: {class_name: Article, module_name: article}}\n")
    generate(root)
    assert (root / GENERATED / PACKAGE / "models" / "article.py").exists()


SCHEMAS: dict[str, Any] = {
    "Names": {"type": "array", "items": {"type": "string"}},
    "Text": {"type": "string"},
    "Either": {"type": "object", "oneOf": [REFERENCE, REFERENCE]},
    "Alias": REFERENCE,
    "Single": {"type": "object", "allOf": [REFERENCE]},
    "Listed": {"type": ["object", "null"], "properties": {"a": {"type": "string"}}},
    "Nullable": {"type": "object", "nullable": True, "properties": {"a": {"type": "string"}}},
    "NullEnum": {"type": ["string", "null"], "enum": ["a", None]},
    "OnlyNull": {"enum": [None]},
    "Truth": {"type": "boolean", "enum": [True]},
    "Constant": {"const": "a"},
    "Anything": {},
}


def test_schemas_that_make_no_class_need_none(tmp_path: Path) -> None:
    changed = spec()
    changed["components"]["schemas"] |= SCHEMAS
    census = generate(repository(tmp_path / "root", spec=changed)).census
    assert (census.lost, census.counts["schemas"]) == ([], 1 + len(SCHEMAS))


def test_shared_parameters_and_referred_parts_are_counted_once(made: Path) -> None:
    changed = spec()
    item = changed["paths"]["/v1/things"]
    changed["components"]["parameters"] = {"Color": item["post"]["parameters"][0]}
    item["parameters"] = [{"$ref": "#/components/parameters/Color"}]
    changed["components"]["requestBodies"] = {
        "Start": item["post"]["requestBody"],
        "Again": {"$ref": "#/components/requestBodies/Start"},
    }
    item["post"]["requestBody"] = {"$ref": "#/components/requestBodies/Again"}
    taken = census.take(changed, made)
    assert (taken.lost, taken.counts["parameters"], taken.counts["bodies"]) == ([], 2, 1)


def test_parts_that_are_null_are_none(tmp_path: Path) -> None:
    changed = spec()
    changed["components"]["schemas"] = None
    operation = {"responses": {"204": {"description": "gone", "content": None}}}
    changed["paths"] = {"/v1/things": {"get": operation, "parameters": None, "x-own": {"get": {}}}}
    census = generate(repository(tmp_path / "root", spec=changed)).census
    assert str(census) == "1 operations, 0 parameters, 0 bodies, 1 answers, 0 schemas"
