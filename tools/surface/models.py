"""Describes the generated models in short lines, for the surface file.

The source of the models is parsed and not imported, so that annotations have the same text on every Python.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tools.generate.census import exported

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def describe_models(folder: Path) -> str:
    """Describe every model of the generated package.

    Fields are in the order of the source: callers may pass them by position, so a new order may break callers.

    Args:
        folder: The generated `models` folder.

    Returns:
        A paragraph for each model, with a line for each field: its name, type and default, and the JSON key if this
        key differs from the name.

    Raises:
        ValueError: The generator wrote code that this function does not understand.
    """
    paragraphs: dict[str, str] = {}
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            match node:
                case ast.ClassDef():
                    paragraphs[node.name] = "".join(f"{line}\n" for line in (node.name, *_fields(node)))
                case ast.Assign(targets=[ast.Name(name)], value=ast.Subscript(value=ast.Name("Literal"))):
                    paragraphs[name] = f"{name} = {ast.unparse(node.value)}\n"
    if lost := [name for name in exported(folder / "__init__.py") if name not in paragraphs]:
        raise ValueError(f"{folder}: exported names that are neither a class nor a Literal: {', '.join(lost)}")
    return "\n".join(text for _, text in sorted(paragraphs.items()))


def _fields(model: ast.ClassDef) -> Iterator[str]:
    declared = [node for node in model.body if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)]
    fields = {ast.unparse(node.target): node for node in declared}
    additional = fields.get("additional_properties")
    if additional is not None and "_attrs_field(" in ast.unparse(additional):  # else it is a field of the spec
        del fields["additional_properties"]
    else:
        additional = None
    wires = list(_wire_names(model))
    if len(wires) != len(fields):
        raise ValueError(f"{model.name}: has {len(fields)} fields, but reads {len(wires)} keys: {', '.join(wires)}")
    for (name, node), wire in zip(fields.items(), wires, strict=True):
        default = "" if node.value is None else f" = {ast.unparse(node.value)}"
        yield f"    {name}: {ast.unparse(node.annotation)}{default}" + (f" (wire: {wire})" if wire != name else "")
    if additional is not None:
        yield f"    additional properties: {ast.unparse(additional.annotation)}"


def _wire_names(model: ast.ClassDef) -> Iterator[str]:
    """Find the keys that `from_dict` reads from the JSON, in the order of the fields."""
    for method in model.body:
        if isinstance(method, ast.FunctionDef) and method.name == "from_dict":
            calls = (node for node in ast.walk(method) if isinstance(node, ast.Call))
            for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
                match call:
                    case ast.Call(func=ast.Attribute(ast.Name("d"), "pop"), args=[ast.Constant(str(wire)), *_]):
                        yield wire
