"""Requests held against the composed spec."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qsl, unquote

from jsonschema import Draft202012Validator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from anchor_webtask._api.spec import composed_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError

    from anchor_webtask.emulator._http import Request

SPEC = "urn:anchor-webtask:composed-spec"
GROWING_ENUMS = ("body.agent", "body.provider")  # upstream serves new ones before its spec names them


class InvalidRequestError(Exception):
    """The request isn't what the spec says; the message fits into an answer, for it holds no value of the request."""


class Operation:
    """One operation of the composed spec.

    Args:
        registry: Holds the spec under the name `SPEC`; references are looked up there and never fetched.
        path: The path's template.
        method: The HTTP method as the spec has it, in lower case.
        operation: The operation's object in the spec.
    """

    def __init__(self, registry: Registry[Any], path: str, method: str, operation: Mapping[str, Any]) -> None:
        self.method = method.upper()
        self._path = re.compile(re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(path)))
        self._query = {
            parameter["name"]: (parameter.get("required", False), Draft202012Validator(parameter["schema"]))
            for parameter in operation.get("parameters", ())
            if parameter["in"] == "query"
        }
        pointer = f"#/paths/{path.replace('/', '~1')}/{method}/requestBody/content/application~1json/schema"
        self._body = Draft202012Validator({"$ref": SPEC + pointer}, registry=registry)
        self._body_fields = _properties(registry, pointer) if "requestBody" in operation else {}

    def path_arguments(self, path: str) -> tuple[str, ...] | None:
        """Return the decoded values of the path's parameters, None for another path."""
        match = self._path.fullmatch(path)
        return match and tuple(unquote(value) for value in match.groups())

    def is_for(self, method: str, path: str) -> bool:
        """Whether a request with this method and path is for the operation."""
        return method == self.method and self.path_arguments(path) is not None

    def check_query(self, request: Request) -> list[str]:
        """Hold the query against the spec and return warnings.

        Raises:
            InvalidRequestError: A parameter is missing or has the wrong value.
        """
        given = dict(parse_qsl(request.query, keep_blank_values=True))
        for name, (required, validator) in self._query.items():
            if name in given:
                for error in validator.iter_errors(given[name]):
                    raise InvalidRequestError(f"query.{name}: {_what_is_wrong(error)}")
            elif required:
                raise InvalidRequestError(f"query.{name}: is required")
        return [f"query.{name}: not in the spec" for name in given if name not in self._query]

    def check_body(self, request: Request) -> tuple[dict[str, Any], list[str]]:
        """Hold the body against the spec and return it parsed, with warnings.

        Raises:
            InvalidRequestError: It isn't JSON or has the wrong shape.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise InvalidRequestError("the content type is not application/json")
        try:
            body = json.loads(request.body, parse_constant=_refuse)
        except (ValueError, RecursionError):
            raise InvalidRequestError("the body is not JSON") from None
        warnings = []
        for error in self._body.iter_errors(body):
            where = ".".join(["body", *map(str, error.absolute_path)])
            if error.validator != "enum" or where not in GROWING_ENUMS:
                raise InvalidRequestError(f"{where}: {_what_is_wrong(error)}")
            warnings.append(f"{where}: not in the spec")
        return body, [*warnings, *(f"body.{name}: not in the spec" for name in body if name not in self._body_fields)]


@functools.cache
def operations(*ids: str) -> Mapping[str, Operation]:
    """Return these operations of the composed spec by operation id; a whole one has many more, of other kinds."""
    spec = composed_spec()
    registry: Registry[Any] = Registry().with_resource(SPEC, DRAFT202012.create_resource(spec))
    return {
        operation["operationId"]: Operation(registry, path, method, operation)
        for path, item in spec["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and operation.get("operationId") in ids
    }


@functools.cache
def id_name() -> str:
    """Return what the spec calls the id in the answer to a start."""
    names: list[str] = composed_spec()["components"]["schemas"]["PerformWebTaskAsyncResponseData"]["required"]
    return next(name for name in names if name != "status")


def _properties(registry: Registry[Any], pointer: str) -> Mapping[str, object]:
    schema: dict[str, Any] = {"$ref": pointer}
    while "$ref" in schema:
        schema = registry.resolver(SPEC).lookup(schema["$ref"]).contents
    properties: dict[str, object] = schema.get("properties", {})
    return properties


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _what_is_wrong(error: ValidationError) -> str:
    """Say it by the schema alone: jsonschema's own messages repeat the value."""
    if error.validator == "required":
        return str(error.message)  # names the property that is missing
    return f"does not fit {json.dumps({error.validator: error.validator_value})}"
