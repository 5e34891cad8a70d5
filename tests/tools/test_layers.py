"""The programs import in one direction, and no two modules import each other."""

from __future__ import annotations

import itertools

import grimp
import pytest
from grimp import Layer

PROGRAMS = ["drift", "surface", "generate", "compose", "openapi"]
"""Each program imports only from those behind it in the list."""

BESIDE = ["openapi", "vendor"]
"""`vendor` knows no other program, and none of them knows it."""

FOR_ALL = {"tools.lock", "tools.repository", "tools.terminal"}
ENTRY_POINTS = {f"tools.{name}.__main__" for name in ("compose", "drift", "generate", "surface", "vendor")}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Every import, also those for type checkers."""
    return grimp.build_graph("tools", cache_dir=None)


def test_every_folder_has_its_place_in_the_order(graph: grimp.ImportGraph) -> None:
    programs = {f"tools.{name}" for name in [*PROGRAMS, *BESIDE]}
    assert graph.find_children("tools") == programs | FOR_ALL | {"tools.check_installed"}


def test_programs_import_in_one_direction(graph: grimp.ImportGraph) -> None:
    layers = [Layer(f"tools.{name}") for name in PROGRAMS]
    assert graph.find_illegal_dependencies_for_layers(layers) == set()


def test_vendor_imports_no_other_program_and_no_other_program_imports_vendor(graph: grimp.ImportGraph) -> None:
    vendor = {"tools.vendor"} | graph.find_descendants("tools.vendor")
    imported = {name for module in vendor for name in graph.find_modules_directly_imported_by(module)} - vendor
    assert {name for name in imported if not name.startswith("tools.openapi")} <= FOR_ALL
    assert {name for module in vendor for name in graph.find_modules_that_directly_import(module)} <= vendor


def test_modules_for_all_programs_import_no_program(graph: grimp.ImportGraph) -> None:
    assert {name for module in FOR_ALL for name in graph.find_modules_directly_imported_by(module)} == set()


def test_no_module_imports_an_entry_point(graph: grimp.ImportGraph) -> None:
    assert graph.modules >= ENTRY_POINTS
    assert {name for module in ENTRY_POINTS for name in graph.find_modules_that_directly_import(module)} == set()


def test_no_two_modules_import_each_other(graph: grimp.ImportGraph) -> None:
    circles = [
        (one, other)
        for one, other in itertools.combinations(sorted(graph.modules), 2)
        if graph.chain_exists(one, other) and graph.chain_exists(other, one)
    ]
    assert circles == []
