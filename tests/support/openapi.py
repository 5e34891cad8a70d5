"""Validates requests and responses against a spec with openapi-core, which is independent of this project."""

from __future__ import annotations

import functools
import json
from typing import Any

import httpx
from openapi_core import OpenAPI
from openapi_core.datatypes import RequestParameters
from werkzeug.datastructures import Headers, ImmutableMultiDict


class OpenAPIRequest:
    """An httpx request in the form that openapi-core requires."""

    def __init__(self, request: httpx.Request) -> None:
        self._request = request
        self.parameters = RequestParameters(
            query=ImmutableMultiDict(request.url.params.multi_items()),
            header=Headers(request.headers.multi_items()),
        )

    @property
    def host_url(self) -> str:
        return f"{self._request.url.scheme}://{self._request.url.netloc.decode('ascii')}"

    @property
    def path(self) -> str:
        return self._request.url.raw_path.decode("ascii").partition("?")[0]

    @property
    def method(self) -> str:
        return self._request.method.lower()

    @property
    def body(self) -> bytes | None:
        return self._request.content or None

    @property
    def content_type(self) -> str:
        return str(self._request.headers.get("content-type", ""))


class OpenAPIResponse:
    """An httpx response in the form that openapi-core requires."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response
        self.headers = Headers(response.headers.multi_items())

    @property
    def status_code(self) -> int:
        return self._response.status_code

    @property
    def content_type(self) -> str:
        return str(self._response.headers.get("content-type", ""))

    @property
    def data(self) -> bytes | None:
        return self._response.content or None


class Witness(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport that sends through another transport, and validates each request and response against the spec.

    Args:
        spec: The OpenAPI document.
        inner: The transport that sends.

    Attributes:
        exchanges: Each request with the status of its response.
        problems: The violations of the spec, as text.
    """

    def __init__(self, spec: dict[str, Any], inner: httpx.MockTransport) -> None:
        self._openapi = _validating(json.dumps(spec))
        self._inner = inner
        self.exchanges: list[tuple[httpx.Request, int]] = []
        self.problems: list[str] = []

    @property
    def statuses(self) -> list[tuple[str, int]]:
        """The method of each request, and the status of its response."""
        return [(request.method, status) for request, status in self.exchanges]

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.read()
        response = self._inner.handle_request(request)
        response.read()
        self._validate(request, response)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        response = await self._inner.handle_async_request(request)
        await response.aread()
        self._validate(request, response)
        return response

    def _validate(self, request: httpx.Request, response: httpx.Response) -> None:
        self.exchanges.append((request, response.status_code))
        ours, theirs = OpenAPIRequest(request), OpenAPIResponse(response)
        problems = [
            *(("request", error) for error in self._openapi.iter_request_errors(ours)),
            *(("response", error) for error in self._openapi.iter_response_errors(ours, theirs)),
        ]
        self.problems += [f"{where}: {_text(error)}" for where, error in problems]


@functools.cache
def _validating(spec: str) -> OpenAPI:
    """Return the validator for the JSON of a spec; openapi-core first validates the spec itself, which is slow."""
    return OpenAPI.from_dict(json.loads(spec))


def _text(error: BaseException) -> str:
    """Return the texts of an error and of its causes, since only the causes have the details."""
    causes = getattr(error, "schema_errors", ()) or ((error.__cause__,) if error.__cause__ else ())
    return " / ".join([f"{type(error).__name__} {error}", *(_text(each) for each in causes)])
