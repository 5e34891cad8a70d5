"""Calls every operation of a generated package with the sync and the async client: `call_all_operations.py FOLDER URL`.

FOLDER contains the package. URL is the URL of a Prism server, which refuses requests that violate the spec. The program
prints, as JSON, how many calls of each client returned a value, and how many returned a file. For each call that fails,
it prints a line to standard error.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import sys
import typing
from collections import Counter
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import attrs
from openapi_python_client.strings import PythonIdentifier

from anchor_webtask import Anchor, AnchorError, AsyncAnchor
from anchor_webtask.emulator._synthetic_answers import make_answer
from tests.support.prism import VIOLATIONS
from tools.openapi.operations import operations

PACKAGE = "anchor_webtask_api"


def value(hint: Any, name: str) -> Any:
    """Return a value that fits a type annotation of the generated code."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Literal:
        return arguments[0]
    if origin is list:
        return [value(arguments[0], name)]
    if arguments:
        return value(arguments[0], name)
    if hint.__name__ == "File":
        return hint(payload=BytesIO(b"content"), file_name=f"{name}.txt", mime_type="text/plain")
    if attrs.has(hint):
        hints = typing.get_type_hints(hint, vars(sys.modules[hint.__module__]))
        required = [each for each in attrs.fields(hint) if each.default is attrs.NOTHING and each.init]
        return hint(**{each.name: value(hints[each.name], each.name) for each in required})
    return hint(1) if hint in {int, float, bool} else "example"


def arguments(module: Any, operation: dict[str, Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Return values for all required arguments of an operation."""
    hints = typing.get_type_hints(module._get_kwargs)
    required = [
        name
        for name, parameter in inspect.signature(module._get_kwargs).parameters.items()
        if parameter.default is parameter.empty
    ]
    samples = {
        str(PythonIdentifier(each["name"], "field_")): make_answer(each["schema"])
        for each in operation.get("parameters", [])
    }
    made = {
        name: UUID(str(samples[name])) if hints[name] is UUID else samples[name] for name in required if name != "body"
    }
    kinds = operation.get("requestBody", {}).get("content", {})
    if "application/json" in kinds:
        sample = make_answer({**kinds["application/json"]["schema"], "components": spec["components"]})
        (cls, *_) = (each for each in typing.get_args(hints["body"]) or (hints["body"],) if hasattr(each, "from_dict"))
        made["body"] = cls.from_dict(sample)
    elif kinds:
        made["body"] = value(hints["body"], "body")
    return made


def checked_kind(response: Any) -> str:
    """Check that a response is valid, and return its kind: `file` or `value`."""
    assert response.parsed is not None, response.status_code
    assert VIOLATIONS not in response.headers, response.headers[VIOLATIONS]
    if hasattr(response.parsed, "payload"):
        assert response.parsed.payload.read() == response.content
        return "file"
    return "value"


async def main(folder: Path, address: str) -> None:
    sys.path.insert(0, str(folder))
    spec = json.loads((folder / PACKAGE / "openapi.json").read_text(encoding="utf-8"))
    counts: Counter[str] = Counter()
    with Anchor("key", base_url=address) as anchor:
        async with AsyncAnchor("key", base_url=address) as async_anchor:
            for method, path, operation in operations(spec):
                module = importlib.import_module(f"{PACKAGE}.api.{operation['tags'][0]}.{operation['operationId']}")
                try:
                    made = arguments(module, operation, spec)
                    counts[f"sync {checked_kind(module.sync_detailed(**made, client=anchor.api))}"] += 1
                    made = arguments(module, operation, spec)
                    response = await module.asyncio_detailed(**made, client=async_anchor.api)
                    counts[f"async {checked_kind(response)}"] += 1
                except (AnchorError, AssertionError) as error:
                    print(f"{method.upper()} {path}: {error!r}", file=sys.stderr)
    print(json.dumps(counts))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]).resolve(), sys.argv[2]))
