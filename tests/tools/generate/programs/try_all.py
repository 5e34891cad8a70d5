"""A program that tests all code of a generated package with synthetic JSON: `try_all.py FOLDER`.

The program makes a sample, which fits the spec, for each schema, for each JSON body that an operation sends, and for
each response that an operation reads. The generated code reads each sample and writes it again, and must not change it.
If all parameters of an operation are texts, each must arrive where the spec says.
The program prints the labels of all samples, grouped by kind, as JSON. For each changed sample, it prints a line to
stderr.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
import typing
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
from openapi_python_client.strings import ClassName

from anchor_webtask.emulator._synthetic_answers import make_answer
from tools.openapi.operations import operations

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = "anchor_webtask_api"
FILE = b"\x89PNG\r\n"


def sample(schema: dict[str, Any], spec: dict[str, Any]) -> Any:
    """Return synthetic JSON that fits a schema, with date-times in the form that `isoformat` gives."""
    return spelled(make_answer({**schema, "components": spec["components"]}))


def spelled(value: Any) -> Any:
    match value:
        case dict():
            return {key: spelled(each) for key, each in value.items()}
        case list():
            return [spelled(each) for each in value]
        case str() if value.endswith("Z"):
            return datetime.fromisoformat(value).isoformat()
        case _:
            return value


def plain(value: Any) -> Any:
    """Return the JSON of a value that the generated code has read."""
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value


def classes(hint: Any) -> Iterator[Any]:
    """Yield the generated classes in the type annotation of the argument `body`."""
    for part in typing.get_args(hint) or (hint,):
        if hasattr(part, "from_dict"):
            yield part


def try_responses(module: Any, operation: dict[str, Any], spec: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    client = importlib.import_module(PACKAGE).Client(base_url="https://api.example")
    for status, declared in operation["responses"].items():
        for kind, content in declared.get("content", {}).items():
            if kind == "application/json":
                body = sample(content["schema"], spec)
                response = httpx.Response(int(status), json=body)
            else:
                body = "text" if kind.startswith("text/") else FILE
                response = httpx.Response(int(status), content=body)
            parsed = module._parse_response(client=client, response=response)
            returned = plain(parsed)
            if isinstance(getattr(parsed, "payload", None), BytesIO):
                returned = parsed.payload.read()
            yield f"response {status} {kind}", body, returned


def try_bodies(module: Any, operation: dict[str, Any], spec: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    hints = typing.get_type_hints(module._get_kwargs)
    others = {name: "x" for name in hints if name not in {"body", "return"}}
    for kind, content in operation.get("requestBody", {}).get("content", {}).items():
        if kind != "application/json":
            continue  # a form may contain files, which cannot be compared as JSON
        body = sample(content["schema"], spec)
        made = [cls.from_dict(body) for cls in classes(hints["body"])]
        yield f"body {kind}", body, module._get_kwargs(**others, body=made[0])["json"]


def try_parameters(module: Any, operation: dict[str, Any], _spec: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    parameters = operation.get("parameters", [])
    if not parameters or any(each.get("schema") != {"type": "string"} for each in parameters):
        return
    arguments = inspect.signature(module._get_kwargs).parameters
    if "body" in arguments and arguments["body"].default is inspect.Parameter.empty:
        return
    values = {name: f"<{name}>" for name in arguments if name != "body"}
    built = module._get_kwargs(**values)
    sent = {place: built.get(key, {}) for place, key in {"query": "params", "cookie": "cookies"}.items()}
    names = {place: [each["name"] for each in parameters if each["in"] == place] for place in sent}
    yield "parameters names", names, {place: list(each) for place, each in sent.items()}
    # each value arrives exactly once, so no parameter has replaced another one
    arrived = [value for each in sent.values() for value in each.values()]
    arrived += [value for value in built.get("headers", {}).values() if value in values.values()]
    arrived += [value for value in values.values() if quote(value, safe="") in built["url"]]
    yield "parameters values", sorted(values.values()), sorted(arrived)


def try_schemas(spec: dict[str, Any]) -> Iterator[tuple[str, Any, Any]]:
    models = importlib.import_module(f"{PACKAGE}.models")
    for name, schema in spec["components"]["schemas"].items():
        model: Any = getattr(models, ClassName(name, "field_"), None)
        if hasattr(model, "from_dict"):
            content = sample(schema, spec)
            yield f"schema {name}", content, model.from_dict(content).to_dict()


def main(folder: Path) -> None:
    sys.path.insert(0, str(folder))
    spec = json.loads((folder / PACKAGE / "openapi.json").read_text(encoding="utf-8"))
    tried: dict[str, list[str]] = {"schema": [], "response": [], "body": [], "parameters": []}

    def hold(attempts: Iterator[tuple[str, Any, Any]], where: str) -> None:
        for what, sent, returned in attempts:
            kind, _, label = what.partition(" ")
            tried[kind].append(where + label)
            if sent != returned:
                print(f"{where}{what}: {sent} became {returned}", file=sys.stderr)

    hold(try_schemas(spec), "")
    for method, path, operation in operations(spec):
        module = importlib.import_module(f"{PACKAGE}.api.{operation['tags'][0]}.{operation['operationId']}")
        assert Path(str(module.__file__)).is_relative_to(folder)
        for attempts in (try_responses, try_bodies, try_parameters):
            hold(attempts(module, operation, spec), f"{method.upper()} {path} ")
    print(json.dumps(tried))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
