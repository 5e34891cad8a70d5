"""What the package uses of the generated client: its operations, its parsers, and the client behind `.api`.

Importing one generated endpoint imports every model of the spec, so the imports happen on first use. The generator's
private `_get_kwargs` and `_parse_response` let us build a request, send it, and parse the response as separate steps; a
contract test pins them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final, NoReturn, cast

import httpx

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._http.failures import KEY_HEADER
from anchor_webtask._redaction.secrets import REDACTED

if TYPE_CHECKING:
    from anchor_webtask_api import AuthenticatedClient, Client
    from anchor_webtask_api.models.perform_web_task_request_schema import PerformWebTaskRequestSchema

_NOT_GUARDED: Final = (
    "this copy of `.api`, or this kind of function, would send without the key: call the sync functions with Anchor's "
    "`.api` and the asyncio functions with AsyncAnchor's, and set headers and cookies on its httpx client"
)


def start_kwargs(body: PerformWebTaskRequestSchema, session_id: str | None) -> dict[str, Any]:
    """Return httpx's request arguments for the operation that starts a task."""
    from anchor_webtask_api.api.tools import perform_web_task
    from anchor_webtask_api.types import UNSET

    return perform_web_task._get_kwargs(body=body, session_id=UNSET if session_id is None else session_id)


def parse_start(status: int, content: Any) -> object:
    """Parse the response to a start with the generated code, which raises bare exceptions for unknown shapes.

    Args:
        status: The HTTP status.
        content: The body's JSON.
    """
    from anchor_webtask_api.api.tools import perform_web_task

    response = cast("Any", _ReadResponse(status, content))
    return perform_web_task._parse_response(client=_parsing_client(), response=response)


def status_kwargs(task_id: str) -> dict[str, Any]:
    """Return httpx's request arguments for the operation that reads a task's status."""
    from anchor_webtask_api.api.tools import get_perform_web_task_status

    return get_perform_web_task_status._get_kwargs(workflow_id=task_id)


def parse_status(status: int, content: Any) -> object:
    """Parse the response to a status check; see `parse_start`."""
    from anchor_webtask_api.api.tools import get_perform_web_task_status

    response = cast("Any", _ReadResponse(status, content))
    return get_perform_web_task_status._parse_response(client=_parsing_client(), response=response)


class _ReadResponse:
    """A stand-in for the httpx response that the generated parsers expect; they read its status and its JSON."""

    def __init__(self, status: int, content: Any) -> None:
        self.status_code = status
        self._content = content

    def json(self) -> Any:
        return self._content


@functools.cache
def _parsing_client() -> Client:
    """Return the client argument of the generated parsers, which read one flag of it."""
    from anchor_webtask_api import Client

    return Client(base_url="")


class _NoTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends nothing: an httpx client that the generated client makes on its own has no key and no guard."""

    def handle_request(self, request: httpx.Request) -> NoReturn:  # noqa: ARG002  the interface requires it
        raise ConfigurationError(_NOT_GUARDED)

    async def handle_async_request(self, request: httpx.Request) -> NoReturn:  # noqa: ARG002  the interface requires it
        raise ConfigurationError(_NOT_GUARDED)


def generated_client(base_url: str) -> AuthenticatedClient:
    """Return a generated client that holds no key; the caller gives it the guarded httpx client that adds the key."""
    from anchor_webtask_api import AuthenticatedClient

    return AuthenticatedClient(
        base_url=base_url,
        token=REDACTED,
        prefix="",
        auth_header_name=KEY_HEADER,
        raise_on_unexpected_status=False,
        httpx_args={"transport": _NoTransport()},
    )
