"""What the package takes from the generated code's endpoints and spec, imported on first use.

Importing any generated endpoint imports every model of the spec, so this is the one module that does it, and late. The
generator's private `_get_kwargs` and `_parse_response` are the seam between building a request, sending it and reading
the answer; a contract test pins them.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from anchor_webtask_api import Client
    from anchor_webtask_api.models.perform_web_task_request_schema import PerformWebTaskRequestSchema


def start_kwargs(body: PerformWebTaskRequestSchema, session_id: str | None) -> dict[str, Any]:
    """Return httpx's request arguments of the operation that starts a task."""
    from anchor_webtask_api.api.tools import perform_web_task
    from anchor_webtask_api.types import UNSET

    return perform_web_task._get_kwargs(body=body, session_id=UNSET if session_id is None else session_id)


def parse_start(status: int, content: Any) -> object:
    """Parse a start's answer, by its HTTP status and its JSON.

    The generated code does, which raises bare exceptions on shapes that it doesn't know.
    """
    from anchor_webtask_api.api.tools import perform_web_task

    return perform_web_task._parse_response(client=_parsing_client(), response=cast("Any", _Read(status, content)))


def status_kwargs(task_id: str) -> dict[str, Any]:
    """Return httpx's request arguments of the operation that reads a task's status."""
    from anchor_webtask_api.api.tools import get_perform_web_task_status

    return get_perform_web_task_status._get_kwargs(workflow_id=task_id)


def parse_status(status: int, content: Any) -> object:
    """Parse a status check's answer; see `parse_start`."""
    from anchor_webtask_api.api.tools import get_perform_web_task_status

    read = cast("Any", _Read(status, content))
    return get_perform_web_task_status._parse_response(client=_parsing_client(), response=read)


class _Read:
    """What the generated parsers take for a response: they read its status, and its JSON, which is read once only."""

    def __init__(self, status: int, content: Any) -> None:
        self.status_code = status
        self._content = content

    def json(self) -> Any:
        return self._content


@functools.cache
def _parsing_client() -> Client:
    """Return what the generated parsers take for a client: they read one flag of it."""
    from anchor_webtask_api import Client

    return Client(base_url="")


def composed_spec() -> dict[str, Any]:
    """Return the spec that the code was generated from: the vendored one with the overlay applied."""
    import importlib.resources

    text = importlib.resources.files("anchor_webtask_api").joinpath("openapi.json").read_text(encoding="utf-8")
    spec: dict[str, Any] = json.loads(text)
    return spec
