"""Counts what a spec has and what code was made of it, so that nothing is lost without a word.

The generator warns of most of what it can't make, and a warning is an error here. This looks at the code itself, by
reading it: every operation, its parameters, its bodies and its answers, and every schema that should be a class.
"""

from __future__ import annotations

import ast
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import attrs
import jsonpath
from openapi_python_client.strings import ClassName, PythonIdentifier

from tools._naming import operations

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_PREFIX: Final = "field_"  # the generator's, for names that Python doesn't take …
_TAG_PREFIX: Final = "tag"  # … and for those of tags
_OWN_NAMES: Final = frozenset({"cls", "d", "src_dict", "field_dict"})  # of the generator's code in each class
_BODIES: Final = frozenset({"json", "data", "files", "content"})


@attrs.frozen
class Census:
    """What a spec has.

    Attributes:
        counts: How many there are of each kind.
        lost: A line for each that no code was made of.
    """

    counts: dict[str, int]
    lost: list[str]

    def __str__(self) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in self.counts.items())


def take(spec: dict[str, Any], package: Path) -> Census:
    """Compare a spec with the package that was made of it.

    Args:
        spec: The composed spec.
        package: The folder of the generated package.

    Returns:
        The counts of what the spec has, and what the package lacks.
    """
    counts: Counter[str] = Counter(operations=0, parameters=0, bodies=0, answers=0, schemas=0)
    lost: list[str] = []
    for method, path, definition in operations(spec):
        operation = _Operation(spec, spec["paths"][path], definition)
        counts.update(operation.counts())
        lost += (f"{method.upper()} {path}: {problem}" for problem in operation.lost(package))
    exported = _exported(package / "models" / "__init__.py")
    for name, schema in spec.get("components", {}).get("schemas", {}).items():
        counts["schemas"] += 1
        if _makes_class(schema) and ClassName(name, _PREFIX) not in exported:
            lost.append(f"schema {name}: there is no class {ClassName(name, _PREFIX)}")
    return Census(dict(counts), [*lost, *_hidden(package / "models")])


class _Operation:
    """One operation: what it has, and what its module has of it."""

    def __init__(self, spec: dict[str, Any], item: dict[str, Any], operation: dict[str, Any]) -> None:
        def resolved(part: Any) -> Any:
            return jsonpath.resolve(part["$ref"][1:], spec, uri_decode=True) if "$ref" in part else part

        parameters = map(resolved, [*item.get("parameters", []), *operation.get("parameters", [])])
        self._module = (operation["tags"][0], operation["operationId"])
        self._parameters = {(each["in"], each["name"]) for each in parameters}
        self._bodies = list(resolved(operation.get("requestBody", {})).get("content", {}))
        self._answers = {
            status: list(resolved(answer).get("content", {})) for status, answer in operation["responses"].items()
        }

    def counts(self) -> dict[str, int]:
        return {
            "operations": 1,
            "parameters": len(self._parameters),
            "bodies": len(self._bodies),
            "answers": len(self._answers),
        }

    def lost(self, package: Path) -> Iterator[str]:
        tag, name = self._module
        folder = package / "api" / PythonIdentifier(tag, _TAG_PREFIX)
        file = folder / f"{PythonIdentifier(name, _PREFIX)}.py"
        if not file.exists():
            yield f"there is no module {file.relative_to(package)}"
            return
        functions = {
            node.name: node
            for node in ast.parse(file.read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        builder, parser = functions["_get_kwargs"], functions["_parse_response"]
        arguments = [each.arg for each in (*builder.args.args, *builder.args.kwonlyargs) if each.arg != "body"]
        if len(arguments) != len(self._parameters):
            yield f"of its {len(self._parameters)} parameters only {len(arguments)} are arguments"
        bodies = [key for key in _assigned_keys(builder) if key in _BODIES]
        if len(bodies) != len(self._bodies):
            yield f"of its {len(self._bodies)} kinds of body only {len(bodies)} can be sent"
        read = dict(_read(parser))
        for status, kinds in self._answers.items():
            if len(kinds) > 1:
                yield f"of the kinds of its answer {status} only the first is read: {', '.join(kinds)}"
            if status not in read:
                yield f"its answer {status} is not read"
            elif kinds and not read[status]:
                yield f"its answer {status} has no type"


def _assigned_keys(function: ast.FunctionDef) -> Iterator[str]:
    """Find the keys that a function assigns to in `_kwargs`."""
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name("_kwargs"), slice=ast.Constant(str(key)))]):
                yield key


def _read(function: ast.FunctionDef) -> Iterator[tuple[str, bool]]:
    """Find the statuses that a function reads, and whether it makes a value of the answer."""
    for node in ast.walk(function):
        match node:
            case ast.If(
                test=ast.Compare(left=ast.Attribute(attr="status_code"), comparators=[ast.Constant(int(code))])
            ):
                makes = any(
                    isinstance(inner, ast.Name) and inner.id == f"response_{code}"
                    for statement in node.body
                    for inner in ast.walk(statement)
                    if not isinstance(statement, ast.Return)
                )
                yield str(code), makes


def _hidden(models: Path) -> Iterator[str]:
    """Find fields that hide what their class is made with: one that is called `to_dict` can't be sent."""
    for path in sorted(models.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef):
                fields = {ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign)}
                methods = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
                hiding = sorted(fields & (methods | _OWN_NAMES))
                yield from (f"{node.name}: its field {name} hides what the class needs" for name in hiding)


def _makes_class(schema: dict[str, Any]) -> bool:
    if "oneOf" in schema or "anyOf" in schema:
        return False  # a union of classes, written out where it's used
    return schema.get("type") == "object" or "properties" in schema or ("enum" in schema and len(schema["enum"]) > 0)


def _exported(init: Path) -> set[str]:
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return set(ast.literal_eval(node.value))
    return set()
