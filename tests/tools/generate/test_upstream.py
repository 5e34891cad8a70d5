"""Upstream's whole documents, from vendoring to code: nothing is lost, and no patch has to be changed for one."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING

import pytest

from tests.support.building import PACKAGE, repository, try_all, upstream
from tools.compose.read_overlay import CompositionError
from tools.generate.generated_folder import check, generate
from tools.repository import GENERATED
from tools.vendor.vendored_spec import vendor

if TYPE_CHECKING:
    from pathlib import Path

COUNTS = {
    "2026-01-08b": ("82 operations, 81 parameters, 37 bodies, 280 answers, 120 schemas", 111, 243, 34),
    "2026-01-09": ("82 operations, 81 parameters, 37 bodies, 280 answers, 120 schemas", 111, 243, 34),
    "2026-02-15": ("84 operations, 83 parameters, 38 bodies, 286 answers, 119 schemas", 113, 249, 35),
}


@pytest.mark.parametrize("version", COUNTS)
def test_a_whole_document_becomes_code_of_which_all_works(tmp_path: Path, version: str) -> None:
    document = upstream(version)
    root = repository(tmp_path / "root")
    vendor(root, str(document), replace=True)
    generated = generate(root)
    census, *tried = COUNTS[version]
    assert str(generated.census) == census
    assert check(root) == []
    assert list(try_all(root).values()) == tried
    # The Norway test: in YAML 1.1 the country code `no` is false.
    codes = ast.parse((root / GENERATED / PACKAGE / "models" / "anchor_proxy_country_code.py").read_text())
    assert "'no'" in {ast.unparse(node) for node in ast.walk(codes) if isinstance(node, ast.Constant)}
    spec = json.loads((root / GENERATED / PACKAGE / "openapi.json").read_text(encoding="utf-8"))
    assert "no" in spec["components"]["schemas"]["AnchorProxyCountryCode"]["enum"]


def test_a_document_without_the_asynchronous_form_is_vendored_and_not_generated(tmp_path: Path) -> None:
    document = upstream("2026-01-08a")
    root = repository(tmp_path / "root")
    vendor(root, str(document), replace=True)
    with pytest.raises(CompositionError) as caught:
        generate(root)
    assert [problem.action for problem in caught.value.problems] == [
        "async-default",
        "sync-result-any",
        "async-status-open",
    ]
    said = str(caught.value)
    assert "matches nothing" in said
    assert "nearest" in said
    assert not (root / GENERATED).exists()
