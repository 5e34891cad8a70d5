"""Calls the generated code: its operations, its parsers of responses, and the client that is `Anchor.api`.

The generated code is imported on first use: a complete spec has hundreds of models, of which a task needs a few. The
private functions `_get_kwargs` and `_parse_response` of the generated code let us build a request, send it, and parse
the response as separate steps. A contract test fails if a new version of the generator changes them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

import httpx

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._http.redirects import KEY_HEADER
from anchor_webtask._redaction.secrets import REDACTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anchor_webtask_api import AuthenticatedClient, Client
    from anchor_webtask_api.models.perform_web_task_request_schema import PerformWebTaskRequestSchema

_NOT_GUARDED: Final = (
    "a copy of `.api`, or a function of the wrong kind, would send without the key: call sync functions with Anchor's "
    "`.api`, and asyncio functions with AsyncAnchor's `.api`; set headers and cookies on its httpx client, not a copy"
)


# The functions below import on their first call only: an import statement takes a microsecond each time. They name the
# models that the generated code would import outside the lock, at its first request or response.


@functools.cache
def _models(*names: str) -> Any:
    """Return the package of the generated models, once these models are imported."""
    with _importing.lock:
        import anchor_webtask_api.models

        for name in names:
            getattr(anchor_webtask_api.models, name)
    return anchor_webtask_api.models


@functools.cache
def start_models() -> Any:
    """Return the package of the generated models, once those of a start and its response are imported."""
    _start_endpoint()
    return _models("PerformWebTaskAsyncResponseData", "PerformWebTaskSyncResponseData")


@functools.cache
def check_models() -> Any:
    """Return the package of the generated models, once those of a status check are imported."""
    _status_endpoint()
    return _models("PerformWebTaskStatusData")


@functools.cache
def _start_endpoint() -> Any:
    """Return the module of the operation that starts a task."""
    with _importing.lock:
        from anchor_webtask_api.api.tools import perform_web_task

    return perform_web_task


@functools.cache
def _status_endpoint() -> Any:
    """Return the module of the operation that checks a task."""
    with _importing.lock:
        from anchor_webtask_api.api.tools import get_perform_web_task_status

    return get_perform_web_task_status


def secret_values(values: Mapping[str, Any]) -> Any:
    """Return the model of a start's secret values."""
    model = _models("DomainSecretValues", "PerformWebTaskRequestSchemaSecretValues")
    made = model.PerformWebTaskRequestSchemaSecretValues()
    made.additional_properties.update(values)
    return made


def output_schema(schema: Mapping[str, Any]) -> Any:
    """Return the model of the schema that a start asks for."""
    return _models("PerformWebTaskRequestSchemaOutputSchema").PerformWebTaskRequestSchemaOutputSchema.from_dict(schema)


def start_kwargs(body: PerformWebTaskRequestSchema, session_id: str | None) -> dict[str, Any]:
    """Return the arguments of the httpx request that starts a task."""
    from anchor_webtask_api.types import UNSET

    kwargs: dict[str, Any] = _start_endpoint()._get_kwargs(
        body=body, session_id=UNSET if session_id is None else session_id
    )
    return kwargs


def parse_start(status: int, content: Any) -> object:
    """Parse the response to a start; for an unknown shape, the generated code raises errors such as KeyError.

    Args:
        status: The HTTP status.
        content: The body, decoded from JSON.
    """
    response = cast("Any", _ReadResponse(status, content))
    return _start_endpoint()._parse_response(client=_parsing_client(), response=response)


def status_kwargs(task_id: str) -> dict[str, Any]:
    """Return the arguments of the httpx request that reads a task's status."""
    kwargs: dict[str, Any] = _status_endpoint()._get_kwargs(workflow_id=task_id)
    return kwargs


def parse_status(status: int, content: Any) -> object:
    """Parse the response to a status check; see `parse_start`."""
    response = cast("Any", _ReadResponse(status, content))
    return _status_endpoint()._parse_response(client=_parsing_client(), response=response)


@functools.cache
def _session_endpoint(name: str) -> Any:
    """Return the module of an operation of sessions."""
    with _importing.lock:
        from importlib import import_module

        return import_module(f"anchor_webtask_api.api.sessions.{name}")


def session_kwargs(name: str, **arguments: str) -> dict[str, Any]:
    """Return the arguments of the httpx request of an operation of sessions that has no body."""
    kwargs: dict[str, Any] = _session_endpoint(name)._get_kwargs(**arguments)
    return kwargs


def creation_kwargs(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of the httpx request that creates a session.

    The content is not put into the models of its parts: these change with the spec, which would change what is sent.
    """
    endpoint = _session_endpoint("create_session")
    body = _models("SessionCreateRequestSchema").SessionCreateRequestSchema()
    body.additional_properties.update(content)
    kwargs: dict[str, Any] = endpoint._get_kwargs(body=body)
    return kwargs


def answer_kwargs(session_id: str, request_id: str, response: Any) -> dict[str, Any]:
    """Return the arguments of the httpx request that answers a question."""
    endpoint = _session_endpoint("answer_question")
    model = _models("HumanInterventionResponseRequest").HumanInterventionResponseRequest
    body = model(request_id=request_id, response=response)
    kwargs: dict[str, Any] = endpoint._get_kwargs(session_id=session_id, body=body)
    return kwargs


class _ReadResponse:
    """Replaces the httpx response that the generated parsers expect; they read only its status and its JSON."""

    def __init__(self, status: int, content: Any) -> None:
        self.status_code = status
        self._content = content

    def json(self) -> Any:
        return self._content


@functools.cache
def _parsing_client() -> Client:
    """Return the client that the generated parsers expect as an argument; they read only one flag of it."""
    from anchor_webtask_api import Client

    return Client(base_url="")


class _NoTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Refuses every request: an httpx client that the generated client makes on its own has no key and no guard."""

    def handle_request(self, request: httpx.Request) -> NoReturn:  # noqa: ARG002  the interface requires it
        raise ConfigurationError(_NOT_GUARDED)

    async def handle_async_request(self, request: httpx.Request) -> NoReturn:  # noqa: ARG002  the interface requires it
        raise ConfigurationError(_NOT_GUARDED)


@functools.cache
def _api_client() -> type[AuthenticatedClient]:
    """Return the class of `Anchor.api`: the generated class with a short repr."""
    with _importing.lock:
        from anchor_webtask_api import AuthenticatedClient

    class ApiClient(AuthenticatedClient):
        def __repr__(self) -> str:
            return f"<{AuthenticatedClient.__name__} of {self._base_url}>"

    return ApiClient


def generated_client(base_url: str) -> AuthenticatedClient:
    """Return a generated client without the key; the caller must give it the guarded httpx client, which adds it."""
    return _api_client()(
        base_url=base_url,
        token=REDACTED,
        prefix="",
        auth_header_name=KEY_HEADER,
        raise_on_unexpected_status=False,
        httpx_args={"transport": _NoTransport()},
    )
