"""Runs the pipeline on upstream's complete documents: vendor, compose with our overlay, generate, and try the code.

Each document is vendored, and its code is generated, only once; the tests read the result.
"""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import validate

from tests.support.building import FITTING, PACKAGE, SLICE, repository, try_all, upstream
from tests.support.once import once
from tools.compose.composition import compose
from tools.compose.read_overlay import CompositionError
from tools.generate.generated_folder import check, generate
from tools.repository import GENERATED, SPEC
from tools.vendor.vendored_spec import vendor

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = {
    "2026-01-09": ("82 operations, 81 parameters, 37 bodies, 280 responses, 120 schemas", 111, 243, 34, 26),
    "2026-02-15": ("84 operations, 83 parameters, 38 bodies, 286 responses, 119 schemas", 113, 249, 35, 28),
}
NEWEST = "2026-02-15"
each_version = pytest.mark.parametrize("version", COUNTS)


@pytest.fixture
def root(tmp_path_factory: pytest.TempPathFactory, version: str) -> Path:
    """Return a repository with the code for a version of upstream's spec.

    The file `census` beside the repository has the counts.
    """
    document = upstream(version)

    def make(folder: Path) -> None:
        root = repository(folder / "root")
        vendor(root, str(document), replace=True)
        (folder / "census").write_text(str(generate(root).census), encoding="utf-8")

    return once(tmp_path_factory, f"upstream-{version}", make) / "root"


@each_version
def test_complete_document_is_vendored_byte_for_byte(root: Path, version: str) -> None:
    assert (root / SPEC).read_bytes() == upstream(version).read_bytes()


@each_version
def test_code_is_generated_for_all_parts_of_a_complete_document(root: Path, version: str) -> None:
    assert (root.parent / "census").read_text(encoding="utf-8") == COUNTS[version][0]


@each_version
def test_generated_code_of_a_complete_document_reads_and_writes_all_samples_unchanged(root: Path, version: str) -> None:
    _, *tried = COUNTS[version]
    assert [len(labels) for labels in try_all(root).values()] == tried


@each_version
def test_composed_spec_of_a_complete_document_is_valid(root: Path) -> None:
    validate(shipped(root))


def test_first_document_with_the_asynchronous_form_differs_from_the_next_only_in_the_name_of_the_id() -> None:
    """No code is generated from the first document: it would be tested like the code from the next document."""
    first, following = (compose(upstream(version), FITTING).to_json() for version in ("2026-01-08b", "2026-01-09"))
    validate(json.loads(first))
    pairs = zip(first.splitlines(), following.splitlines(), strict=True)
    changes = [(old.replace("workflowId", "workflow_id"), new) for old, new in pairs if old != new]
    assert changes
    assert [(old, new) for old, new in changes if old != new] == []


@each_version
def test_country_code_of_norway_is_text_in_spec_and_code(root: Path) -> None:
    """Norway's country code is `no`, which YAML 1.1 would read as false."""
    codes = ast.parse((root / GENERATED / PACKAGE / "models" / "anchor_proxy_country_code.py").read_text())
    assert "'no'" in {ast.unparse(node) for node in ast.walk(codes) if isinstance(node, ast.Constant)}
    assert "no" in shipped(root)["components"]["schemas"]["AnchorProxyCountryCode"]["enum"]


def shipped(root: Path) -> Any:
    return json.loads((root / GENERATED / PACKAGE / "openapi.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("version", [NEWEST])
def test_code_from_a_complete_document_is_identical_if_it_is_generated_a_second_time(root: Path) -> None:
    assert check(root) == []


def test_document_without_the_asynchronous_form_is_vendored_but_no_code_is_generated_from_it(tmp_path: Path) -> None:
    document = upstream("2026-01-08a")
    root = repository(tmp_path / "root")
    vendor(root, str(document), replace=True)
    assert (root / SPEC).read_bytes() == document.read_bytes()
    with pytest.raises(CompositionError) as caught:
        generate(root)
    assert [problem.action for problem in caught.value.problems] == [
        "async-default",
        "sync-result-any",
        "async-status-open",
    ]
    text = str(caught.value)
    assert "matches nothing" in text
    assert "nearest" in text
    assert not (root / GENERATED).exists()
    vendor(root, str(SLICE), replace=True)
    assert (root / SPEC).read_bytes() == SLICE.read_bytes()
