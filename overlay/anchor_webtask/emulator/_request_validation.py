"""Validates requests (path, method, query and body) against the composed spec."""

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
    from collections.abc import Iterator, Mapping

    from jsonschema import ValidationError

    from anchor_webtask.emulator._http_messages import Request

SPEC_URI = "urn:anchor-webtask:composed-spec"
OPEN_ENUMS = ("body.agent", "body.provider")  # the API accepts new agents and providers before its spec lists them


class InvalidRequestError(Exception):
    """A request does not fit the spec. The message is safe in a response: it contains no value of the request."""


class Operation:
    """One operation of the composed spec; it validates the requests that call the operation.

    Args:
        registry: Contains the spec under the name `SPEC_URI`; references are resolved there, and never downloaded.
        path: The path, with its parameters in braces.
        method: The HTTP method in lower case, as in the spec.
        item: The JSON object that describes the path in the spec, with the operation.
    """

    def __init__(self, registry: Registry[Any], path: str, method: str, item: Mapping[str, Any]) -> None:
        operation = item[method]
        self.method = method.upper()
        self._path = re.compile(re.sub(r"\\{\w+\\}", "([^/]+)", re.escape(path)))
        self._query = {
            parameter["name"]: (parameter.get("required", False), Draft202012Validator(parameter["schema"]))
            for parameter in _parameters(registry, item, operation)
            if parameter["in"] == "query"
        }
        pointer = f"#/paths/{path.replace('/', '~1')}/{method}/requestBody/content/application~1json/schema"
        self._body = Draft202012Validator({"$ref": SPEC_URI + pointer}, registry=registry)
        self._body_fields = _properties(registry, pointer) if "requestBody" in operation else {}

    def path_arguments(self, path: str) -> tuple[str, ...] | None:
        """Return the decoded values of the path's parameters; None if the path belongs to another operation."""
        match = self._path.fullmatch(path)
        return match and tuple(unquote(value) for value in match.groups())

    def has_path(self, path: str) -> bool:
        """Whether a path belongs to this operation, whatever the method."""
        return self._path.fullmatch(path) is not None

    def is_for(self, method: str, path: str) -> bool:
        """Whether a request with this method and path is for this operation."""
        return method == self.method and self.path_arguments(path) is not None

    def check_query(self, request: Request) -> list[str]:
        """Validate the query, and return a warning for each parameter that is not in the spec.

        Raises:
            InvalidRequestError: A parameter is missing or has an invalid value.
        """
        given = dict(parse_qsl(request.query, keep_blank_values=True))
        for name, (required, validator) in self._query.items():
            if name in given:
                for error in validator.iter_errors(given[name]):
                    raise InvalidRequestError(f"query.{name}: {_describe(error)}")
            elif required:
                raise InvalidRequestError(f"query.{name}: this parameter is required")
        return [f"query.{name}: this parameter is not in the spec" for name in given if name not in self._query]

    def check_body(self, request: Request) -> tuple[dict[str, Any], list[str]]:
        """Validate the body, and return it parsed, with a warning for each field or value that is not in the spec.

        Raises:
            InvalidRequestError: The body is not JSON, or does not fit its schema.
        """
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise InvalidRequestError("the content type must be application/json")
        try:
            body = json.loads(request.body, parse_constant=_reject_constant)
        except (ValueError, RecursionError):
            raise InvalidRequestError("the body is not JSON") from None
        warnings = []
        for error in self._body.iter_errors(body):
            where = ".".join(["body", *map(str, error.absolute_path)])
            if error.validator != "enum" or where not in OPEN_ENUMS:
                raise InvalidRequestError(f"{where}: {_describe(error)}")
            warnings.append(f"{where}: this value is not in the spec")
        unknown = [name for name in body if name not in self._body_fields]
        return body, [*warnings, *(f"body.{name}: this field is not in the spec" for name in unknown)]


@functools.cache
def operations(*ids: str) -> Mapping[str, Operation]:
    """Return the operations of the composed spec that have these ids, by id.

    A complete spec has many more operations. The emulator does not implement them, so they are not read.
    """
    spec = composed_spec()
    registry: Registry[Any] = Registry().with_resource(SPEC_URI, DRAFT202012.create_resource(spec))
    return {
        operation["operationId"]: Operation(registry, path, method, item)
        for path, item in spec["paths"].items()
        for method, operation in item.items()
        if isinstance(operation, dict) and operation.get("operationId") in ids
    }


@functools.cache
def task_id_field() -> str:
    """Return the name of the field that holds the task's id in the response to an asynchronous start."""
    names: list[str] = composed_spec()["components"]["schemas"]["PerformWebTaskAsyncResponseData"]["required"]
    return next(name for name in names if name != "status")


def _parameters(
    registry: Registry[Any], item: Mapping[str, Any], operation: Mapping[str, Any]
) -> Iterator[Mapping[str, Any]]:
    """Yield the parameters of an operation, after those of its path, which it may define again."""
    resolver = registry.resolver(SPEC_URI)
    for parameter in (*item.get("parameters", ()), *operation.get("parameters", ())):
        yield resolver.lookup(parameter["$ref"]).contents if "$ref" in parameter else parameter


def _properties(registry: Registry[Any], pointer: str) -> Mapping[str, object]:
    schema: dict[str, Any] = {"$ref": pointer}
    while "$ref" in schema:
        schema = registry.resolver(SPEC_URI).lookup(schema["$ref"]).contents
    properties: dict[str, object] = schema.get("properties", {})
    return properties


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _describe(error: ValidationError) -> str:
    """Describe the error without the invalid value, which may be secret: jsonschema's own messages contain it."""
    if error.validator == "required":
        return str(error.message)  # this message names the missing property, and contains no value
    return f"does not fit the schema {json.dumps({error.validator: error.validator_value})}"
