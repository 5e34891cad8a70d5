"""Counts what a spec has and what code was made of it, so that nothing is lost without a word.

The generator warns of most of what it can't make, and a warning is an error here. This looks at the code itself, by
reading it: every operation, its parameters, its bodies and its answers, and every schema that should be a class.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import jsonpath

from tools.generate import python_names
from tools.openapi.operations import operations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

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


def take(spec: dict[str, Any], package: Path, class_names: Mapping[str, str] | None = None) -> Census:
    """Compare a spec with the package that was made of it.

    Args:
        spec: The composed spec.
        package: The folder of the generated package.
        class_names: What the config calls classes, by the names that they would have.

    Returns:
        The counts of what the spec has, and what the package lacks.
    """
    counts: Counter[str] = Counter(operations=0, parameters=0, bodies=0, answers=0, schemas=0)
    lost: list[str] = []
    modules: dict[Path, str] = {}
    for method, path, definition in operations(spec):
        operation, here = _Operation(spec, spec["paths"][path], definition), f"{method.upper()} {path}"
        counts.update(operation.counts())
        lost += (f"{here}: {problem}" for problem in operation.lost(package))
        other = modules.setdefault(operation.module, here)
        if other != here:
            lost.append(f"{here}: its module {operation.module} is that of {other} too")
    classes = set(exported(package / "models" / "__init__.py"))
    for name, schema in ((spec.get("components") or {}).get("schemas") or {}).items():
        counts["schemas"] += 1
        model = python_names.model(name)
        model = (class_names or {}).get(model, model)
        if _makes_class(schema) and model not in classes:
            lost.append(f"schema {name}: there is no class {model}")
    return Census(dict(counts), lost)


class _Operation:
    """One operation: what it has, and what its module has of it."""

    def __init__(self, spec: dict[str, Any], item: dict[str, Any], operation: dict[str, Any]) -> None:
        def resolved(part: Any) -> Any:
            while "$ref" in part:
                part = jsonpath.resolve(part["$ref"][1:], spec, uri_decode=True)
            return part

        def kinds(part: Any) -> list[str]:
            return list(resolved(part or {}).get("content") or {})

        folder, module = python_names.module(operation)
        self.module = Path("api", folder, f"{module}.py")
        parameters = map(resolved, [*(item.get("parameters") or []), *(operation.get("parameters") or [])])
        self._parameters = {(each["in"], each["name"]) for each in parameters}
        self._bodies = kinds(operation.get("requestBody"))
        self._answers = {status: kinds(answer) for status, answer in operation["responses"].items()}

    def counts(self) -> dict[str, int]:
        return {
            "operations": 1,
            "parameters": len(self._parameters),
            "bodies": len(self._bodies),
            "answers": len(self._answers),
        }

    def lost(self, package: Path) -> Iterator[str]:
        if not (package / self.module).exists():
            yield f"there is no module {self.module}"
            return
        functions = {
            node.name: node
            for node in ast.parse((package / self.module).read_text(encoding="utf-8")).body
            if isinstance(node, ast.FunctionDef)
        }
        builder, parser = functions["_get_kwargs"], functions["_parse_response"]
        arguments = [each.arg for each in (*builder.args.args, *builder.args.kwonlyargs) if each.arg != "body"]
        if len(arguments) != len(self._parameters):
            names = ", ".join(sorted(name for _, name in self._parameters))
            yield f"of its {len(self._parameters)} parameters ({names}) only {len(arguments)} are arguments"
        bodies = _sendable(builder)
        if len(bodies) != len(self._bodies):
            yield f"of its {len(self._bodies)} kinds of body only {len(bodies)} can be sent"
        elif _mixed_up(bodies):
            yield f"its kinds of body are not told apart by their types: {', '.join(self._bodies)}"
        read = dict(_read(parser))
        for status, kinds in self._answers.items():
            if len(kinds) > 1:
                yield f"of the kinds of its answer {status} only one is read: {', '.join(kinds)}"
            if status.lower() not in read:
                yield f"its answer {status} is not read"
            elif kinds and not read[status.lower()]:
                yield f"its answer {status} has no type"


def _sendable(builder: ast.FunctionDef) -> list[str]:
    """Return the type of each kind of body that a function sends; without a type where it sends one kind only."""
    found: list[str] = []
    for statement in builder.body:
        keys = set(_keys(statement))
        match statement:
            case ast.If(test=ast.Call(args=[_, kind])) if "Content-Type" in keys and not _BODIES.isdisjoint(keys):
                found.append(ast.unparse(kind))
            case ast.Assign() if "Content-Type" in keys and not _BODIES.isdisjoint(_keys(builder)):
                found.append("")
    return found


def _keys(node: ast.AST) -> Iterator[str]:
    """Find the keys that are assigned to."""
    for inner in ast.walk(node):
        match inner:
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(str(key)))]):
                yield key


def _mixed_up(kinds: list[str]) -> bool:
    """Tell whether a body may be of several kinds, or of one that can't be asked for while the program runs."""
    classes = [name for kind in kinds for name in kind.split(" | ")]
    return len(classes) != len(set(classes)) or (len(kinds) > 1 and "[" in "".join(kinds))


def _read(function: ast.FunctionDef) -> Iterator[tuple[str, bool]]:
    """Find the statuses that a function reads, and whether it makes a value of the answer."""
    nothing = "cast(Any, None)"
    assigned = (node for node in ast.walk(function) if isinstance(node, ast.Assign | ast.AnnAssign) and node.value)
    values = {
        target.id
        for node in assigned
        for target in (node.targets if isinstance(node, ast.Assign) else [node.target])
        if isinstance(target, ast.Name) and node.value is not None and ast.unparse(node.value) != nothing
    }
    attributes = {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    statuses = [] if "raise_on_unexpected_status" in attributes else ["default"]
    for node in ast.walk(function):
        match node:
            case ast.Compare(left=ast.Attribute(attr="status_code"), comparators=[ast.Constant(int(code))]):
                statuses.append(str(code))
            case ast.Compare(left=ast.Constant(int(low)), comparators=[ast.Attribute(attr="status_code"), _]):
                statuses.append(f"{low // 100}xx")
    yield from ((status, f"response_{status}" in values) for status in statuses)


def _makes_class(schema: dict[str, Any]) -> bool:
    """Tell whether the generator makes a class of that name: it makes none of references, and several of unions."""
    parts = schema.get("allOf") or []
    if any(schema.get(key) for key in ("$ref", "oneOf", "anyOf", "nullable")) or isinstance(schema.get("type"), list):
        return False
    if len(parts) == 1 and "$ref" in parts[0]:
        return False
    if values := schema.get("enum"):
        return schema.get("type") != "boolean" and None not in values
    if schema.get("type") is not None or "const" in schema:
        return schema.get("type") == "object"
    return bool(parts or schema.get("properties"))


def exported(init: Path) -> Iterator[str]:
    """Yield the names that a package says it exports, by reading it."""
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            yield from ast.literal_eval(node.value)
