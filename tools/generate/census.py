"""Counts the operations, schemas and other parts of the spec, and names each part that the generated code lacks.

The generator warns about most parts for which it cannot generate code, and `tools.generate.build` treats a warning as
an error. For the other parts, this module parses the code. It checks that the code has every operation with its
parameters, bodies and responses, and every schema that should be a class.
"""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import jsonpath

from tools.generate import operation_modules
from tools.openapi import python_names
from tools.openapi.operations import operations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_BODIES: Final = frozenset({"json", "data", "files", "content"})


@attrs.frozen
class Census:
    """The number of parts of a spec, and the parts for which there is no code.

    Attributes:
        counts: The number of parts of each kind, such as operations and schemas.
        lost: A line for each part without code.
    """

    counts: dict[str, int]
    lost: list[str]

    def __str__(self) -> str:
        return ", ".join(f"{count} {kind}" for kind, count in self.counts.items())


def take(spec: dict[str, Any], package: Path, class_names: Mapping[str, str] | None = None) -> Census:
    """Compare a spec with the package that was generated from it.

    Args:
        spec: The composed spec.
        package: The folder of the generated package.
        class_names: The class names that the config changes: default name -> new name.

    Returns:
        The number of parts of the spec, and a line for each part that the package lacks.
    """
    counts: Counter[str] = Counter(operations=0, parameters=0, bodies=0, responses=0, schemas=0)
    lost: list[str] = []
    for method, path, definition in operations(spec):
        operation, here = _Operation(spec, spec["paths"][path], definition), f"{method.upper()} {path}"
        counts.update(operation.counts())
        lost += (f"{here}: {problem}" for problem in operation.lost(package))
    classes = set(exported(package / "models" / "__init__.py"))
    for name, schema in ((spec.get("components") or {}).get("schemas") or {}).items():
        counts["schemas"] += 1
        model = python_names.model(name)
        model = (class_names or {}).get(model, model)
        if _has_class(schema) and model not in classes:
            lost.append(f"schema {name}: the class {model} is missing")
    return Census(dict(counts), lost)


class _Operation:
    """An operation of the spec, which can count its parts and find those that its generated module lacks."""

    def __init__(self, spec: dict[str, Any], item: dict[str, Any], operation: dict[str, Any]) -> None:
        def resolved(part: Any) -> Any:
            while "$ref" in part:
                part = jsonpath.resolve(part["$ref"][1:], spec, uri_decode=True)
            return part

        def kinds(part: Any) -> list[str]:
            return list(resolved(part or {}).get("content") or {})

        folder, module = operation_modules.module(operation)
        self.module = Path("api", folder, f"{module}.py")
        parameters = map(resolved, [*(item.get("parameters") or []), *(operation.get("parameters") or [])])
        self._parameters = {(each["in"], each["name"]) for each in parameters}
        self._bodies = kinds(operation.get("requestBody"))
        self._responses = {status: kinds(response) for status, response in operation["responses"].items()}

    def counts(self) -> dict[str, int]:
        return {
            "operations": 1,
            "parameters": len(self._parameters),
            "bodies": len(self._bodies),
            "responses": len(self._responses),
        }

    def lost(self, package: Path) -> Iterator[str]:
        if not (package / self.module).exists():
            yield f"the module {self.module} is missing"
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
            yield f"only {len(arguments)} of its {len(self._parameters)} parameters ({names}) are arguments"
        bodies = _sendable(builder)
        if len(bodies) != len(self._bodies):
            yield f"only {len(bodies)} of the {len(self._bodies)} content types of its body can be sent"
        elif _mixed_up(bodies):
            yield f"the Python types do not distinguish the content types of its body: {', '.join(self._bodies)}"
        read = dict(_read(parser))
        for status, kinds in self._responses.items():
            if len(kinds) > 1:
                yield f"only one content type of its response {status} is read: {', '.join(kinds)}"
            if status.lower() not in read:
                yield f"its response {status} is not read"
            elif kinds and not read[status.lower()]:
                yield f"its response {status} has no type"


def _sendable(builder: ast.FunctionDef) -> list[str]:
    """Return the Python type of each content type that a function can send.

    If there is only one content type, its Python type is returned as an empty text.
    """
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
    """Find the keys of assignments, such as "json" in `_kwargs["json"] = …`."""
    for inner in ast.walk(node):
        match inner:
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(str(key)))]):
                yield key


def _mixed_up(kinds: list[str]) -> bool:
    """Tell whether `isinstance` confuses the content types: two have the same class, or one has a generic type."""
    classes = [name for kind in kinds for name in kind.split(" | ")]
    return len(classes) != len(set(classes)) or (len(kinds) > 1 and "[" in "".join(kinds))


def _read(function: ast.FunctionDef) -> Iterator[tuple[str, bool]]:
    """Find the statuses of the responses that a function reads, and whether it returns a value for each status."""
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


def _has_class(schema: dict[str, Any]) -> bool:
    """Tell whether the generator writes exactly one class for a schema: not for references, unions or plain values."""
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
    """Yield the names in the `__all__` of a package's `__init__.py`, which is parsed but not imported."""
    for node in ast.parse(init.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            yield from ast.literal_eval(node.value)
