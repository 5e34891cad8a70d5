from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import grimp
import pytest
from grimp import Layer

if TYPE_CHECKING:
    from collections.abc import Iterable

AT_THE_SEAM = {"_request", "_reply", "_transport", "_spec"}
LAYERS = [
    {"_client"},
    {"_tasks", "_async_tasks"},
    {"_web_task", "_async_web_task"},
    {"_handle"},
    AT_THE_SEAM,
    {"_turns"},
    {"_guarded"},
    {"_start", "_guard", "_settings", "_lifecycle"},
    {"_answer"},
    {"_output"},
    {"_msgspec", "_pydantic", "_json_schema"},
    {"_schema", "_mismatch", "_parts"},
    {"_wait", "_token", "_secrets"},
    {"_types", "_outcome", "_spellings"},
    {"_errors", "_clock", "_version"},
]
"""The modules of the package from the top: each imports only from layers below. At the seam they know each other."""

EMULATOR_USES = {"_clock", "_spec", "_version"}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import, also those for type checkers."""
    return grimp.build_graph("anchor_webtask", "anchor_webtask_api", cache_dir=None)


@pytest.fixture(scope="module")
def run_time_graph() -> grimp.ImportGraph:
    """The imports that happen when the code runs."""
    return grimp.build_graph("anchor_webtask", "anchor_webtask_api", exclude_type_checking_imports=True, cache_dir=None)


def full(names: Iterable[str]) -> set[str]:
    return {f"anchor_webtask.{name}" for name in names}


def breaking(graph: grimp.ImportGraph) -> set[tuple[str, str]]:
    """Return who imports whom, directly or not, from a higher layer or from its own."""
    layers = [Layer(*full(names), independent=names != AT_THE_SEAM) for names in LAYERS]
    return {(found.importer, found.imported) for found in graph.find_illegal_dependencies_for_layers(layers)}


def importers_of(graph: grimp.ImportGraph, package: str) -> set[str]:
    """Return the modules outside of a package that import something in it directly."""
    inside = {package} | graph.find_descendants(package)
    return {importer for module in inside for importer in graph.find_modules_that_directly_import(module)} - inside


def imported_by(graph: grimp.ImportGraph, package: str) -> set[str]:
    """Return the modules outside of a package that something in it imports directly."""
    inside = {package} | graph.find_descendants(package)
    return {imported for module in inside for imported in graph.find_modules_directly_imported_by(module)} - inside


def test_every_module_is_in_a_layer(graph: grimp.ImportGraph) -> None:
    modules = graph.find_children("anchor_webtask") - {"anchor_webtask.emulator"}
    assert modules == full(name for names in LAYERS for name in names)


def test_layers_import_downward_only(graph: grimp.ImportGraph) -> None:
    assert breaking(graph) == set()


def test_no_import_goes_in_a_circle(graph: grimp.ImportGraph) -> None:
    modules = sorted(full(name for names in LAYERS for name in names))
    circles = [
        (one, other)
        for one, other in itertools.combinations(modules, 2)
        if graph.chain_exists(one, other) and graph.chain_exists(other, one)
    ]
    assert circles == []


def test_generated_code_is_imported_at_the_seam_only(run_time_graph: grimp.ImportGraph) -> None:
    assert importers_of(run_time_graph, "anchor_webtask_api") == full(AT_THE_SEAM)


def test_generated_endpoints_are_imported_by_one_module(graph: grimp.ImportGraph) -> None:
    assert importers_of(graph, "anchor_webtask_api.api") == full({"_spec"})


def test_generated_code_does_not_know_the_package(graph: grimp.ImportGraph) -> None:
    assert imported_by(graph, "anchor_webtask_api") == set()


def test_emulator_uses_the_spec_and_the_version_and_no_more(graph: grimp.ImportGraph) -> None:
    assert imported_by(graph, "anchor_webtask.emulator") == full(EMULATOR_USES)


def test_emulator_is_not_imported_by_the_package(graph: grimp.ImportGraph) -> None:
    assert importers_of(graph, "anchor_webtask.emulator") == set()


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("_wait", "_handle"),
        ("_wait", "_settings"),
        ("_errors", "_secrets"),
        ("_handle", "_tasks"),
        ("_spec", "_client"),
        ("_tasks", "_async_tasks"),
    ],
)
def test_import_that_breaks_a_layer_would_be_noticed(importer: str, imported: str) -> None:
    broken = grimp.build_graph("anchor_webtask", cache_dir=None)
    importer, imported = f"anchor_webtask.{importer}", f"anchor_webtask.{imported}"
    broken.add_import(importer=importer, imported=imported)
    assert (importer, imported) in breaking(broken)


def test_import_for_type_checkers_only_is_told_from_one_at_run_time(
    graph: grimp.ImportGraph, run_time_graph: grimp.ImportGraph
) -> None:
    assert "anchor_webtask._client" in importers_of(graph, "anchor_webtask_api")
    assert "anchor_webtask._client" not in importers_of(run_time_graph, "anchor_webtask_api")
