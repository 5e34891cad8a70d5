"""The real generator makes code from a spec with names that it would make alike, and the code reads and writes all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import PACKAGE, repository, try_all
from tests.support.once import once
from tools.generate.generated_folder import check, generate
from tools.repository import GENERATED
from tools.surface.models import describe_models

if TYPE_CHECKING:
    from pathlib import Path

KEYS = ["a-b", "a.b", "a b", "ab", "aB", "a_b", "class", "class_", "_x", "x", "maxAge", "max_age", "größe", "groesse"]
TEXT = {"type": "string"}


def operation(schema: Any, **more: Any) -> dict[str, Any]:
    return {"responses": {"200": {"description": "ok", "content": {"application/json": {"schema": schema}}}}, **more}


def spec() -> dict[str, Any]:
    objects = {name: {"type": "object", "properties": {name: TEXT}} for name in ("foo-bar", "foo_bar", "FooBar")}
    schemas = {
        **objects,
        "FooBAR": {"type": "string", "enum": ["a", "b"]},
        "Foo": {"type": "object", "properties": {"bar": {"type": "object", "properties": {"in": TEXT}}}},
        "Keys": {"type": "object", "required": KEYS[:3], "properties": dict.fromkeys(KEYS, TEXT)},
    }
    references = {name: {"$ref": f"#/components/schemas/{name}"} for name in schemas}
    body = {"required": True, "content": {"application/json": {"schema": references["Keys"]}}}
    parameters = [{"in": "query", "name": name, "schema": TEXT} for name in ("a-b", "a.b", "aB", "a_b")]
    paths = {
        "/v1/tools/fetch-webpage": {"post": operation(references["foo-bar"], requestBody=body)},
        "/v1/tools/fetch/webpage": {"post": operation(references["foo_bar"], requestBody=body)},
        "/v1/things": {"get": operation(references["Foo"], parameters=parameters)},
        "/v1/things/": {"get": operation({"type": "object", "properties": {"z": references["FooBAR"]}})},
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Alike", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    }


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    def make(folder: Path) -> None:
        root = repository(folder / "root", spec=spec())
        (folder / "census").write_text(str(generate(root).census), encoding="utf-8")

    return once(tmp_path_factory, "collisions", make) / "root"


def test_no_part_of_the_spec_is_lost(root: Path) -> None:
    census = (root.parent / "census").read_text(encoding="utf-8")
    assert census == "4 operations, 4 parameters, 2 bodies, 4 responses, 6 schemas"


def test_code_reads_and_writes_all_samples(root: Path) -> None:
    tried = try_all(root)
    assert {"Keys", "FooBar", "Foo"} < set(tried["schema"])
    assert len(tried["response"]) == 4


def test_attributes_of_alike_properties_differ(root: Path) -> None:
    text = describe_models(root / GENERATED / PACKAGE / "models")
    section = text.partition("Keys\n")[2].partition("\n\n")[0]
    attributes = [line.split(":")[0].strip() for line in section.splitlines() if "additional" not in line]
    assert len(attributes) == len(set(attributes)) == len(KEYS)
    assert {"ab", "aB", "a_b", "class_", "maxAge", "max_age"} < set(attributes)
    assert "    ab_x612d62: str (wire: a-b)" in section.splitlines()


def test_generating_again_gives_the_same_code(root: Path) -> None:
    assert check(root) == []


def test_code_does_not_depend_on_the_order_of_paths(root: Path, tmp_path: Path) -> None:
    document = spec()
    document["paths"] = dict(reversed(document["paths"].items()))
    other = repository(tmp_path / "root", spec=document)
    generate(other)
    names = [
        sorted(path.relative_to(each).as_posix() for path in (each / GENERATED).rglob("*.py")) for each in (root, other)
    ]
    assert names[0] == names[1]
    assert json.loads((other / GENERATED / PACKAGE / "openapi.json").read_text(encoding="utf-8"))
