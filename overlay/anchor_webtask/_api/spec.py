"""Reads the composed spec, which is the vendored OpenAPI document with the overlay applied."""

from __future__ import annotations

import importlib.resources
import json
from typing import Any


def composed_spec() -> dict[str, Any]:
    """Return the spec that the generated code was made from."""
    text = importlib.resources.files("anchor_webtask_api").joinpath("openapi.json").read_text(encoding="utf-8")
    spec: dict[str, Any] = json.loads(text)
    return spec
