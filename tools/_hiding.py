"""Finds names of the spec that hide what the generated code needs for itself.

A field that is called `to_dict` can't be sent, and a parameter `headers` is overwritten before it is. The generator
takes care of Python's own words only.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_IN_METHODS: Final = frozenset({"cls", "d", "src_dict", "field_dict"})


def find(package: Path) -> Iterator[str]:
    """Find the fields and the arguments that do.

    Args:
        package: The folder of the generated package.

    Yields:
        A line for each.
    """
    for path in sorted(package.glob("models/*.py")):
        for node in _parsed(path).body:
            if isinstance(node, ast.ClassDef):
                yield from (f"{node.name}: its field {name} hides what the class needs" for name in _fields(node))
    for path in sorted(package.glob("api/*/*.py")):
        module = _parsed(path)
        here = path.relative_to(package).as_posix()
        yield from (f"{here}: its parameter {name} hides what the module needs" for name in _arguments(module))


def _fields(node: ast.ClassDef) -> list[str]:
    fields = Counter(ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign))
    own = _IN_METHODS.union(each.name for each in node.body if isinstance(each, ast.FunctionDef))
    # twice there is what the generator has a field for as well
    return sorted(name for name, times in fields.items() if name in own or times > 1)


def _arguments(module: ast.Module) -> list[str]:
    hiding: set[str] = set()
    for function in module.body:
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            arguments = {each.arg for each in (*function.args.args, *function.args.kwonlyargs)}
            hiding |= arguments.intersection(_needed(function))
    return sorted(hiding)


def _needed(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[str]:
    """Find the names that a function assigns to or calls, which arguments are not for."""
    for node in ast.walk(function):
        match node:
            case ast.Name(name, ast.Store()) | ast.Call(func=ast.Name(name)):
                yield name


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))
