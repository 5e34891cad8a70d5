"""A script that tries all imports of a package, also those inside functions: `import_check.py FOLDER PACKAGE`.

The generator writes imports inside functions and under TYPE_CHECKING. Without this check, an import of a missing model
would fail only when a user's program runs the function.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def problems(folder: Path, package: str) -> Iterator[str]:
    """Find the imports that fail.

    Args:
        folder: The folder that contains the package; this folder must be on `sys.path`.
        package: The name of the package.

    Yields:
        A line for each import that fails.
    """
    for path in sorted((folder / package).rglob("*.py")):
        parts = path.relative_to(folder).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        try:
            parent = importlib.import_module(name).__package__
        except Exception as error:  # noqa: BLE001  any exception of a module is a problem to report
            yield f"{name}: {type(error).__name__}: {error}"
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level:
                origin = importlib.util.resolve_name("." * node.level + (node.module or ""), parent)
                yield from (f"{name}: {lost}" for lost in _lost(origin, [alias.name for alias in node.names]))


def _lost(origin: str, names: list[str]) -> Iterator[str]:
    for name in names:
        try:
            if not hasattr(importlib.import_module(origin), name):
                importlib.import_module(f"{origin}.{name}")
        except ImportError as error:
            yield str(error)


if __name__ == "__main__":
    sys.dont_write_bytecode = True  # the folder is a temporary one
    sys.path.insert(0, sys.argv[1])
    sys.exit("\n".join(problems(Path(sys.argv[1]), sys.argv[2])) or 0)
