"""The census finds the parts of a spec that the generated code lacks; generating then stops and reports these parts."""

from __future__ import annotations

import contextlib
import io
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import PACKAGE, repository
from tests.support.once import once
from tools.compose import operation_names
from tools.generate import census
from tools.generate.__main__ import main
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
    responses = {status: {"description": status, "content": THING} for status in ("200", "404", "4XX", "default")}
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
                    "responses": responses,
                }
            },
            "/v1/things/{id}": {
                "parameters": [{"in": "path", "name": "id", "required": True, "schema": text}],
                "get": {
                    "operationId": "get_v1_things_item",
                    "tags": ["things"],
                    "responses": {"200": {"description": "there", "content": THING}, "204": {"description": "removed"}},
                },
            },
        },
        "components": {"schemas": {"Thing": {"type": "object", "properties": {"name": text}}}},
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package that is generated from `spec()`; tests must not change it."""

    def make(folder: Path) -> None:
        taken = generate(repository(folder / "root", spec=spec())).census
        assert str(taken) == "2 operations, 2 parameters, 1 bodies, 6 responses, 1 schemas"

    return once(tmp_path_factory, "census-made", make) / "root" / GENERATED / PACKAGE


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    """Return a copy of the package, which a test may change."""
    shutil.copytree(made, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "package"


@pytest.mark.parametrize(
    ("file", "old", "new", "lost"),
    [
        (
            POST,
            "    thing_color: str | Unset = UNSET,\n",
            "",
            "POST /v1/things: only 0 of its 1 parameters (thingColor) are arguments",
        ),
        (
            POST,
            '_kwargs["json"] = body.to_dict()',
            "pass",
            "POST /v1/things: only 0 of the 1 content types of its body can be sent",
        ),
        (
            POST,
            "if response.status_code == 404:",
            "if response.status_code == 405:",
            "POST /v1/things: its response 404 is not read",
        ),
        (
            POST,
            "if 400 <= response.status_code <= 499:",
            "if 500 <= response.status_code <= 599:",
            "POST /v1/things: its response 4XX is not read",
        ),
        (
            POST,
            "    return response_default",
            "    if client.raise_on_unexpected_status:\n        raise ValueError\n    return response_default",
            "POST /v1/things: its response default is not read",
        ),
        (
            POST,
            "response_default = Thing.from_dict(response.json())\n\n    return response_default",
            "return None",
            "POST /v1/things: its response default has no type",
        ),
        (
            GET,
            "response_200 = Thing.from_dict(response.json())\n\n        return response_200",
            "return None",
            "GET /v1/things/{id}: its response 200 has no type",
        ),
        ("models/__init__.py", '"Thing"', '"Think"', "schema Thing: the class Thing is missing"),
    ],
)
def test_census_reports_the_part_that_was_removed_from_the_code(
    package: Path, file: str, old: str, new: str, lost: str
) -> None:
    text = (package / file).read_text(encoding="utf-8")
    assert old in text
    (package / file).write_text(text.replace(old, new), encoding="utf-8")
    assert census.take(spec(), package).lost == [lost]


def test_census_reports_an_operation_whose_module_is_missing(package: Path) -> None:
    (package / POST).unlink()
    assert census.take(spec(), package).lost == [f"POST /v1/things: the module {POST} is missing"]


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (
            lambda spec: spec["paths"]["/v1/things"]["post"]["responses"].update(
                {"200": {"description": "either", "content": {**THING, "text/plain": {"schema": {"type": "string"}}}}}
            ),
            "POST /v1/things: only one content type of its response 200 is read: application/json, text/plain",
        ),
        (
            lambda spec: spec["components"]["schemas"].update(Color={"type": "string", "enum": ["red"]}),
            "schema Color: the class Color is missing",
        ),
        (
            lambda spec: spec["paths"]["/v1/things"]["post"].update(
                requestBody={"content": {**THING, "application/merge-patch+json": {"schema": REFERENCE}}}
            ),
            "POST /v1/things: only 1 of the 2 content types of its body can be sent",
        ),
        (
            lambda spec: spec["components"]["schemas"].update(More={"allOf": [REFERENCE, {"required": ["name"]}]}),
            "schema More: the class More is missing",
        ),
    ],
)
def test_census_reports_the_part_that_was_added_to_the_spec(
    made: Path, change: Callable[[dict[str, Any]], Any], lost: str
) -> None:
    changed = spec()
    change(changed)
    assert census.take(changed, made).lost == [lost]


def test_shared_and_referenced_parts_are_counted_once(made: Path) -> None:
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


def test_parts_that_are_null_count_as_missing(tmp_path: Path) -> None:
    changed = spec()
    changed["components"]["schemas"] = None
    operation = {"responses": {"204": {"description": "removed", "content": None}}}
    changed["paths"] = {"/v1/things": {"get": operation, "parameters": None, "x-own": {"get": {}}}}
    census = generate(repository(tmp_path / "root", spec=changed)).census
    assert str(census) == "1 operations, 0 parameters, 0 bodies, 1 responses, 0 schemas"


# -- Accepted and refused specs: the generator runs once for all accepted cases, and once for all refused cases --------

OTHER = {"$ref": "#/components/schemas/Other"}
UNION = {"oneOf": [REFERENCE, OTHER]}
BODIES: dict[str, tuple[Any, Any]] = {
    "two-classes": (REFERENCE, OTHER),
    "union-and-text": (UNION, {"type": "string"}),
    "one-class-twice": (REFERENCE, REFERENCE),
    "union-and-part-of-it": (UNION, OTHER),
    "array-and-class": ({"type": "array", "items": REFERENCE}, OTHER),
}
"""The schemas of the two content types of a body."""
DISTINCT = ["two-classes", "union-and-text"]
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
"""Schemas by name; the generator writes no class with the name of the schema."""


def of_cases(paths: dict[str, Any]) -> dict[str, Any]:
    """Return `spec()` with other paths, and with one more schema, `Other`."""
    changed = spec()
    changed["paths"] = paths
    changed["components"]["schemas"]["Other"] = {"type": "object", "properties": {"size": {"type": "integer"}}}
    return changed


def sending(case: str) -> dict[str, Any]:
    """Return a path for a case of `BODIES`, with an operation whose body has the case's two content types."""
    one, two = BODIES[case]
    content = {"application/json": {"schema": one}, "application/merge-patch+json": {"schema": two}}
    return {f"/v1/{case}": {"post": {"requestBody": {"content": content}, "responses": {"204": {"description": "ok"}}}}}


UNION_BODY = {"required": True, "content": {"application/json": {"schema": UNION}}}
SENDING_UNION: dict[str, Any] = {
    "/v1/union": {"post": {"requestBody": UNION_BODY, "responses": {"204": {"description": "ok"}}}}
}
ACCEPTED = of_cases({path: item for case in DISTINCT for path, item in sending(case).items()} | SENDING_UNION)
ACCEPTED["components"]["schemas"] |= {**SCHEMAS, "Renamed": {"type": "object", "properties": {"a": {"type": "string"}}}}


@pytest.fixture(scope="module")
def accepted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the package that is generated from all accepted cases; the config renames one class."""

    def make(folder: Path) -> None:
        root = repository(folder / "root", spec=ACCEPTED)
        with (root / CONFIG).open("a", encoding="utf-8") as config:
            config.write("class_overrides: {Renamed: {class_name: Article, module_name: article}}\n")
        generate(root)

    return once(tmp_path_factory, "census-accepted", make) / "root" / GENERATED / PACKAGE


def named(spec: dict[str, Any]) -> dict[str, Any]:
    """Give the operations of a spec the names that they get in a composed spec, and return the spec."""
    assert operation_names.rename(spec) == []
    return spec


@pytest.mark.parametrize("case", DISTINCT)
def test_body_is_accepted_if_each_content_type_has_its_own_python_type(accepted: Path, case: str) -> None:
    taken = census.take(named(of_cases(sending(case))), accepted)
    assert (taken.lost, taken.counts["bodies"]) == ([], 2)


def test_body_with_a_union_counts_as_one_content_type(accepted: Path) -> None:
    taken = census.take(named(of_cases(SENDING_UNION)), accepted)
    assert (taken.lost, taken.counts["bodies"]) == ([], 1)


@pytest.mark.parametrize("name", SCHEMAS)
def test_schema_for_which_the_generator_writes_no_class_is_accepted(accepted: Path, name: str) -> None:
    changed = of_cases({})
    changed["components"]["schemas"][name] = SCHEMAS[name]
    taken = census.take(changed, accepted)
    assert (taken.lost, taken.counts["schemas"]) == ([], 3)


def test_class_that_the_config_renames_is_found_by_its_new_name(accepted: Path) -> None:
    assert (accepted / "models" / "article.py").exists()
    changed = of_cases({})
    changed["components"]["schemas"]["Renamed"] = {"type": "object", "properties": {"a": {"type": "string"}}}
    assert census.take(changed, accepted, {"Renamed": "Article"}).lost == []
    assert census.take(changed, accepted).lost == ["schema Renamed: the class Renamed is missing"]


@pytest.fixture(scope="module")
def refusals(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the lines of the error message for the refused cases, one line for each case."""
    cases = of_cases({path: item for case in BODIES.keys() - DISTINCT for path, item in sending(case).items()})
    without_schema = {
        "200": {"description": "well", "content": THING},
        "404": {"description": "no", "content": {"application/json": {}}},
    }
    cases["paths"]["/v1/without-schema"] = {"get": {"responses": without_schema}}
    kinds = {"application/json": {"schema": REFERENCE}, "text/plain": {"schema": {"type": "string"}}}
    cases["paths"]["/v1/two-kinds"] = {"get": {"responses": {"200": {"description": "either", "content": kinds}}}}

    def make(folder: Path) -> None:
        root = repository(folder / "root", spec=cases)
        (root / GENERATED).mkdir()
        (root / GENERATED / "old").touch()
        before = sorted(root.rglob("*"))
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            assert main(["generate", "--root", str(root)]) == 1
        assert sorted(root.rglob("*")) == before
        (folder / "stderr").write_text(stderr.getvalue(), encoding="utf-8")

    first, *lines = (once(tmp_path_factory, "census-refused", make) / "stderr").read_text(encoding="utf-8").splitlines()
    assert first == "make generate: the generated code lacks parts of the spec, or hides names that it needs:"
    return lines


REFUSED = {
    **{
        case: f"POST /v1/{case}: the Python types do not distinguish the content types of its body: "
        "application/json, application/merge-patch+json"
        for case in BODIES
        if case not in DISTINCT
    },
    "response-without-a-schema": "GET /v1/without-schema: its response 404 has no type",
    "response-with-two-content-types": (
        "GET /v1/two-kinds: only one content type of its response 200 is read: application/json, text/plain"
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_spec_is_refused_if_its_code_would_lack_a_part(refusals: list[str], case: str) -> None:
    assert REFUSED[case] in refusals


def test_refused_spec_has_no_other_problems(refusals: list[str]) -> None:
    assert sorted(refusals) == sorted(REFUSED.values())
