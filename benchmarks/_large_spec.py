"""Makes a large spec: the operations and components of a small one, again and again under other names."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import yaml as pyyaml  # type: ignore[import-untyped]  # the package has no types

from tools.openapi import reader

if TYPE_CHECKING:
    from pathlib import Path

SIZE: Final = 3_000_000
"""The size of the spec in bytes, as YAML."""

_COMPONENTS: Final = "#/components/schemas/"


def write(source: Path, target: Path) -> None:
    """Write a spec of `SIZE` bytes or a little more, as JSON if the target's name says so, otherwise as YAML.

    Args:
        source: The spec whose operations and components are repeated.
        target: The file to write.
    """
    spec: Any = reader.read(source)
    large = {**spec, "paths": {**spec["paths"]}, "components": {**spec["components"]}}
    schemas = large["components"]["schemas"] = {**spec["components"]["schemas"]}
    repeated = {"paths": spec["paths"], "schemas": spec["components"]["schemas"]}
    text = json.dumps(repeated)
    for number in range(1, 1 + SIZE // len(_dump(repeated))):
        copy = json.loads(text.replace(_COMPONENTS, f"{_COMPONENTS}Copy{number}"))
        large["paths"] |= {f"/copy{number}{path}": item for path, item in copy["paths"].items()}
        schemas |= {f"Copy{number}{name}": schema for name, schema in copy["schemas"].items()}
    target.write_text(json.dumps(large) if target.suffix == ".json" else _dump(large), encoding="utf-8")


def _dump(document: Any) -> str:
    text: str = pyyaml.dump(document, Dumper=pyyaml.CSafeDumper, sort_keys=False, allow_unicode=True, width=4096)
    return text
