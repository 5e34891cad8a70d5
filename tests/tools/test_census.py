"""Code is made of all of a spec, or generating stops and names what is lacking."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tools import _census, generate
from tools.compose import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PACKAGE = ROOT / generate.GENERATED / "anchor_webtask_api"
START = "api/tools/perform_web_task.py"
CHECK = "api/tools/get_perform_web_task_status.py"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a copy of the generated package."""
    shutil.copytree(PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "package"


def spec() -> dict[str, Any]:
    content: dict[str, Any] = json.loads((PACKAGE / "openapi.json").read_text(encoding="utf-8"))
    return content


def test_nothing_is_lost_of_the_vendored_spec() -> None:
    census = _census.take(spec(), PACKAGE)
    assert census.lost == []
    assert str(census) == "2 operations, 2 parameters, 1 bodies, 16 answers, 8 schemas"


@pytest.mark.parametrize(
    ("file", "old", "new", "lost"),
    [
        (
            START,
            "    session_id: str | Unset = UNSET,\n",
            "",
            "POST /v1/tools/perform-web-task: of its 1 parameters only 0 are arguments",
        ),
        (
            START,
            '_kwargs["json"] = body.to_dict()',
            "pass",
            "POST /v1/tools/perform-web-task: of its 1 kinds of body only 0 can be sent",
        ),
        (
            CHECK,
            "if response.status_code == 429:",
            "if response.status_code == 428:",
            "GET /v1/tools/perform-web-task/{workflowId}/status: its answer 429 is not read",
        ),
        (
            CHECK,
            "response_404 = ErrorResponse.from_dict(response.json())\n\n        return response_404",
            "return None",
            "GET /v1/tools/perform-web-task/{workflowId}/status: its answer 404 has no type",
        ),
        (
            "models/__init__.py",
            '    "DomainSecretValues",\n',
            "",
            "schema DomainSecretValues: there is no class DomainSecretValues",
        ),
    ],
)
def test_what_the_code_lacks_is_named(package: Path, file: str, old: str, new: str, lost: str) -> None:
    text = (package / file).read_text(encoding="utf-8")
    assert old in text
    (package / file).write_text(text.replace(old, new), encoding="utf-8")
    assert _census.take(spec(), package).lost == [lost]


def test_an_operation_without_a_module_is_named(package: Path) -> None:
    (package / START).unlink()
    assert _census.take(spec(), package).lost == [
        "POST /v1/tools/perform-web-task: there is no module api/tools/perform_web_task.py"
    ]


def change_answer(content: dict[str, Any]) -> dict[str, Any]:
    content["text/plain"] = {"schema": {"type": "string"}}
    return content


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        (
            lambda spec: change_answer(
                spec["paths"]["/v1/tools/perform-web-task"]["post"]["responses"]["200"]["content"]
            ),
            "POST /v1/tools/perform-web-task: of the kinds of its answer 200 only the first is read: "
            "application/json, text/plain",
        ),
        (
            lambda spec: spec["components"]["schemas"].update(Color={"type": "string", "enum": ["red"]}),
            "schema Color: there is no class Color",
        ),
    ],
)
def test_what_the_spec_has_beyond_the_code_is_named(change: Callable[[dict[str, Any]], Any], lost: str) -> None:
    changed = spec()
    change(changed)
    assert _census.take(changed, PACKAGE).lost == [lost]


def test_schemas_that_make_no_class_need_none() -> None:
    changed = spec()
    reference = {"$ref": "#/components/schemas/ErrorResponse"}
    changed["components"]["schemas"] |= {
        "Names": {"type": "array", "items": {"type": "string"}},
        "Text": {"type": "string"},
        "Either": {"type": "object", "oneOf": [reference, reference]},
        "Alias": reference,
    }
    census = _census.take(changed, PACKAGE)
    assert (census.lost, census.counts["schemas"]) == ([], 12)


def test_shared_parameters_and_referred_parts_are_counted_once() -> None:
    changed = spec()
    item = changed["paths"]["/v1/tools/perform-web-task"]
    parameter = item["post"]["parameters"][0]
    changed["components"]["parameters"] = {"Session": parameter}
    item["parameters"] = [{"$ref": "#/components/parameters/Session"}]
    changed["components"]["requestBodies"] = {"Start": item["post"]["requestBody"]}
    item["post"]["requestBody"] = {"$ref": "#/components/requestBodies/Start"}
    census = _census.take(changed, PACKAGE)
    assert (census.lost, census.counts["parameters"], census.counts["bodies"]) == ([], 2, 1)
