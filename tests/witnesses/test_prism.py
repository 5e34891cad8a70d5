"""Prism, an independent mock server for OpenAPI specs, reports no violation in the requests of either client.

Prism serves the composed spec. If a request violates the spec, a header of Prism's response says how. The request's
header `Prefer` selects the example or the status with which Prism responds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import httpx
import pytest

from anchor_webtask import (
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskOptions,
)
from tests.support.errors import raised
from tests.support.prism import VIOLATIONS, entry_point, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask import AnchorError
    from tests.support.runners import Runner

PRISM: Final = entry_point()
SPEC: Final = Path(__file__).parents[2] / "generated" / "anchor_webtask_api" / "openapi.json"
REFUSALS: Final[dict[int, type[AnchorError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    429: RateLimitError,
}


@attrs.define
class Node:
    node: str
    cluster: str
    cpu_avg_percentage: float


@attrs.define
class Nodes:
    nodes_cpu_usage: list[Node]


@dataclass
class Witness(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for the sync and the async client, which sets the header `Prefer` and records what Prism reports.

    Attributes:
        preferred: The values of `Prefer`, one for each request; the last value is used for all later requests, too.
        violations: The violations that Prism has reported.
        requests: How many requests were sent.
    """

    preferred: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    requests: int = 0

    def __post_init__(self) -> None:
        self._sync = httpx.HTTPTransport()
        self._async = httpx.AsyncHTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._recorded(self._sync.handle_request(self._with_preference(request)))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._recorded(await self._async.handle_async_request(self._with_preference(request)))

    def close(self) -> None:
        self._sync.close()

    async def aclose(self) -> None:
        await self._async.aclose()

    def _with_preference(self, request: httpx.Request) -> httpx.Request:
        if self.preferred:
            request.headers["prefer"] = self.preferred.pop(0) if len(self.preferred) > 1 else self.preferred[0]
        return request

    def _recorded(self, response: httpx.Response) -> httpx.Response:
        self.requests += 1
        self.violations += response.headers.get_list(VIOLATIONS)
        return response


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    """Serve the composed spec with Prism, and yield the server's URL."""
    with serving(PRISM, SPEC) as url:
        yield url


@pytest.fixture
def witness() -> Witness:
    return Witness()


@pytest.fixture
def anchor(runner: Runner, prism: str, witness: Witness) -> Iterator[Any]:
    with runner.anchor(base_url=prism, transport=witness) as anchor:
        yield anchor


def test_task_that_runs_in_one_request_returns_the_example_in_the_spec_as_a_typed_value(
    runner: Runner, anchor: Any, witness: Witness
) -> None:
    result = runner.call(anchor.tasks.run_in_one_request, "Collect the CPU usage", output=Nodes)
    assert result.value.nodes_cpu_usage[0] == Node("pool-e1ro5g0nq-559g5", "do-nyc1-demo-infra", 8.29)
    assert (witness.requests, witness.violations) == (1, [])


@pytest.mark.usefixtures("clock")
def test_requests_that_start_and_check_a_task_fit_the_spec(runner: Runner, anchor: Any, witness: Witness) -> None:
    witness.preferred = ["example=async", "example=running", "example=completed"]
    result = runner.call(anchor.tasks.run, "Read the title", url="https://example.com")
    assert result.value == {"title": "Example Domain"}
    assert result.task_id.startswith("perform-web-task-execution-")
    assert (witness.requests, witness.violations) == (3, [])


@pytest.mark.parametrize(("method", "example"), [("start", "async"), ("run_in_one_request", "sync")])
def test_request_that_starts_a_task_with_every_option_fits_the_spec(
    runner: Runner, anchor: Any, witness: Witness, method: str, example: str
) -> None:
    witness.preferred = [f"example={example}"]
    options: TaskOptions = {
        "url": "https://example.com/ä?q=1",
        "session_id": "a/b c&d=ü",
        "agent": "browser-use",
        "provider": "gemini",
        "model": "a model",
        "detect_elements": True,
        "human_intervention": False,
        "max_steps": 1,
        "secret_values": {"PASSWORD": 'corr"ect', "*.example.com": {"USER": "ada"}},
        "highlight_elements": False,
        "extra_body": {"not_in_the_spec": True},
    }
    assert options.keys() == TaskOptions.__annotations__.keys()
    runner.call(getattr(anchor.tasks, method), "Lies die CPU-Last 🙂", output=Nodes, **options)
    assert (witness.requests, witness.violations) == (1, [])


def test_failed_task_raises_an_error_with_the_reason(runner: Runner, anchor: Any, witness: Witness) -> None:
    witness.preferred = ["example=failed"]
    error = raised(TaskFailedError, runner, anchor.tasks.get("task-1").result)
    assert (error.reason, error.task_id) == ("Maximum number of steps exceeded", "task-1")
    assert (witness.requests, witness.violations) == (1, [])


@pytest.mark.parametrize("status", [*REFUSALS, 500])
def test_each_error_status_in_the_spec_raises_the_exception_for_this_status(
    runner: Runner, anchor: Any, witness: Witness, status: int
) -> None:
    witness.preferred = [f"code={status}"]
    error: Any = raised(REFUSALS.get(status, StartOutcomeUnknownError), runner, anchor.tasks.start, "Read the title")
    assert (error.status, error.message) == (status, "string")
    error = raised(REFUSALS.get(status, ServerError), runner, anchor.tasks.get("task-1").refresh)
    assert (error.status, error.code, error.task_id) == (status, 0, "task-1")
    assert (witness.requests, witness.violations) == (2, [])


def test_prism_reports_a_request_that_violates_the_spec(runner: Runner, anchor: Any, witness: Witness) -> None:
    raised(BadRequestError, runner, anchor.tasks.start, "Read the title", agent="newer-than-the-spec")
    assert len(witness.violations) == 1
