"""Makes the same request with several clients; checks that the outcomes are equal, and that no error holds a secret."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpx
import pytest

from anchor_webtask import AnchorError, InvalidOutputError, TaskFailedError, TaskTimeoutError, _world
from tests.support.clocks import InstantClock
from tests.support.errors import contents
from tests.support.fuzzing import MARK, PASSWORD
from tests.support.raw_server import TASK_ID, Ending, raw_server
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from tests.support.fuzzing import Response
    from tests.support.runners import Runner

STARTS: Final = ("start", "one-request")
CHECKS: Final = ("refresh", "result")
DONE: Final = b'{"data": {"status": "COMPLETED", "result": "done"}}'

Outcome: TypeAlias = AnchorError | dict[str, Any]
"""The outcome of a request: the error, the attributes of the result, or those of the handle of a running task."""


def client_outcome(runner: Runner, request: str, output: Any, **client: Any) -> Outcome:
    """Make a request with a new client and a new virtual clock, and return the outcome of the request.

    Args:
        runner: Makes the client.
        request: One of `STARTS` and `CHECKS`.
        output: The type of the answer.
        client: The client's arguments.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_world, "current", _world.World(InstantClock()))
        with runner.anchor(**client) as anchor:
            try:
                return _make_request(runner, anchor, request, output)
            except AnchorError as error:
                return error


def _make_request(runner: Runner, anchor: Any, request: str, output: Any) -> dict[str, Any]:
    start = {"prompt": "Log in", "output": output, "secret_values": {"PASSWORD": PASSWORD}}
    match request:
        case "one-request":
            return _attributes(runner.call(anchor.tasks.run_in_one_request, **start))
        case "result":
            return _attributes(runner.call(anchor.tasks.get(TASK_ID, output=output).result, timeout=0))
        case "start":
            task = runner.call(anchor.tasks.start, **start)
        case _:
            task = anchor.tasks.get(TASK_ID, output=output)
            runner.call(task.refresh)
    return _attributes(runner.call(task.result)) if task.done else {"task_id": task.id, "status": task.status}


def _attributes(result: Any) -> dict[str, Any]:
    return {"task_id": result.task_id, "value": result.value, "raw": result.raw}


class _Content(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A response body that httpx reads only when the client asks for it, like a body that arrives over a connection."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


@dataclass
class FixedResponse:
    """A handler for httpx's MockTransport, which returns the same response to each request.

    There is one exception: a check that follows a start gets a response with a completed task.

    Attributes:
        methods: The methods of the requests so far.
    """

    response: Response
    methods: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.methods.append(request.method)
        if "POST" in self.methods[:-1]:
            return httpx.Response(200, stream=_Content(DONE))
        status, headers, body = self.response
        fields = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return httpx.Response(status, headers=fields, stream=_Content(body))


def outcome_of_response(runners: Sequence[Runner], request: str, output: Any, response: Response) -> Outcome:
    """Return the outcome that all clients have if they get this response; assert that each sends at most one start."""
    outcomes = []
    for runner in runners:
        handler = FixedResponse(response)
        outcomes.append(client_outcome(runner, request, output, transport=httpx.MockTransport(handler)))
        assert handler.methods.count("POST") == (request in STARTS)
    return _common_outcome(outcomes, request)


def outcome_of_bytes(runners: Sequence[Runner], request: str, data: bytes) -> Outcome:
    """Return the outcome that all clients have if a server sends these bytes and closes the connection.

    Also assert that each client sends at most one start.
    """
    outcomes = []
    scripts: dict[str, Any] = {"start" if request in STARTS else "check": [(data, Ending.CLOSE)]}
    for runner in runners:
        with raw_server(**scripts) as server:
            outcomes.append(client_outcome(runner, request, None, base_url=server.base_url))
        assert server.starts == (request in STARTS)
    return _common_outcome(outcomes, request)


def as_text(outcome: Any) -> str:
    """Return all contents of an outcome as text. Texts can be compared, but values cannot, since NaN != NaN."""
    return repr(contents(outcome) if isinstance(outcome, AnchorError) else outcome)


def _common_outcome(outcomes: list[Outcome], request: str) -> Outcome:
    first, *others = outcomes
    assert [as_text(other) for other in others] == [as_text(first)] * len(others)
    if isinstance(first, AnchorError):
        _check_error(first, request)
    return first


def _check_error(error: AnchorError, request: str) -> None:
    assert error.__cause__ is None
    assert error.__context__ is None
    for duplicate in (pickle.loads(pickle.dumps(error)), copy.copy(error)):
        assert as_text(duplicate) == as_text(error)
    if request in CHECKS:
        assert error.task_id == TASK_ID
    if isinstance(error, InvalidOutputError):
        return  # this error holds the agent's answer unchanged, and so any secret that the answer contains
    text = str(error) + as_text(error)
    if error.task_id is not None:
        text = text.replace(error.task_id, "")  # ids are not redacted: requests need them
    assert KEY not in text
    assert PASSWORD not in text or request in CHECKS  # checks use tasks.get(), which does not know the password
    quotes_the_api = isinstance(error, TaskFailedError | TaskTimeoutError) or getattr(error, "message", None)
    assert MARK not in str(error) or quotes_the_api
