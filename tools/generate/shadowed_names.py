"""Finds names in the spec, such as a field named `to_dict`, that hide a name which the generated code needs.

A field named `to_dict` cannot be sent, a parameter named `headers` is overwritten before it is sent, and a schema named
`File` replaces the generator's class of that name. The generator itself avoids only the keywords of Python.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_IN_METHODS: Final = frozenset({"cls", "d", "src_dict", "field_dict"})


def find(package: Path) -> Iterator[str]:
    """Find fields, parameters and classes that hide a name which the code needs.

    Args:
        package: The folder of the generated package.

    Yields:
        A line for each such field, parameter or class.
    """
    for path in sorted((*package.glob("models/*.py"), *package.glob("api/*/*.py"))):
        module = ast.parse(path.read_text(encoding="utf-8"))
        here = path.relative_to(package).as_posix()
        yield from (f"{here}: its field {name} hides a name that it needs" for name in fields(module))
        yield from (f"{here}: its parameter {name} hides a name that it needs" for name in arguments(module))
        yield from (f"{here}: the class {name} of a schema hides another class" for name in _imported(module))


def fields(module: ast.Module) -> list[str]:
    """Return the fields of a module's class that hide a name which the class needs."""
    found: set[str] = set()
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            names = Counter(ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign))
            methods = [each for each in node.body if isinstance(each, ast.FunctionDef)]
            needed = _IN_METHODS.union((each.name for each in methods), _classes(module))
            for method in methods:
                needed = needed.union(_called(method), _in_loops(method))
            # if two fields have the same name, the generator has added one, such as `additional_properties`
            found |= {name for name, times in names.items() if name in needed or times > 1}
    return sorted(found)


def arguments(module: ast.Module) -> list[str]:
    """Return the arguments of a module's functions that hide a name which the functions need."""
    hiding: set[str] = set()
    for function in module.body:
        if isinstance(function, _Function):
            names = Counter(each.arg for each in (*function.args.args, *function.args.kwonlyargs))
            hiding |= names.keys() & {*_called(function), *_stored(function), *_classes(module)}
            hiding |= {name for name, times in names.items() if times > 1}  # the generator has added one: `body`
    return sorted(hiding)


def _classes(module: ast.Module) -> Iterator[str]:
    """Find the classes and constants of a module, which are not in small letters as its variables and functions are."""
    for node in ast.walk(module):
        match node:
            case ast.ImportFrom():
                yield from (alias.name for alias in node.names if not alias.name.islower())
            case ast.ClassDef():
                yield node.name
    yield "T"


def _imported(module: ast.Module) -> list[str]:
    """Find names that a module imports from two modules, or imports and also defines as a class."""
    origins: dict[str, set[str]] = defaultdict(set)
    for node in ast.walk(module):
        match node:
            case ast.Import():
                for alias in node.names:
                    origins[alias.asname or alias.name].add(alias.name)
            case ast.ImportFrom():
                origin = f".{(node.module or '').rpartition('.')[2]}" if node.level else str(node.module)
                for alias in node.names:
                    origins[alias.asname or alias.name].add(origin)
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            origins[node.name].add("")
    return sorted(name for name, found in origins.items() if len(found) > 1)


def _called(function: _Function) -> Iterator[str]:
    for node in ast.walk(function):
        match node:
            case ast.Call(func=ast.Name(name)):
                yield name


def _stored(function: ast.AST) -> Iterator[str]:
    """Find the variables that a function assigns, except the loop variables of comprehensions."""
    comprehensions = (node for node in ast.walk(function) if isinstance(node, ast.comprehension))
    inside = {id(name) for node in comprehensions for name in ast.walk(node.target)}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and id(node) not in inside:
            yield node.id


def _in_loops(function: ast.AST) -> Iterator[str]:
    """Find the variables that a function assigns in `for` loops, without those of inner functions."""
    for node in ast.iter_child_nodes(function):
        if isinstance(node, ast.For):
            yield from _stored(node)
        elif not isinstance(node, _Function):
            yield from _in_loops(node)
