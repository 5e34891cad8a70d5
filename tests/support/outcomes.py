"""What comes of a request, in both faces: the same, and if it's an error, a sound one."""

from __future__ import annotations

import copy
import pickle
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import httpx
import pytest

from anchor_webtask import AnchorError, InvalidOutputError, TaskFailedError, TaskTimeoutError, _clock
from tests.support.clocks import VirtualClock
from tests.support.errors import contents
from tests.support.fuzzing import MARK, PASSWORD
from tests.support.raw_server import TASK_ID, Ending, raw_server
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

    from tests.support.fuzzing import Answer
    from tests.support.runners import Runner

STARTS: Final = ("start", "one-request")
CHECKS: Final = ("refresh", "result")
DONE: Final = b'{"data": {"status": "COMPLETED", "result": "done"}}'

Outcome: TypeAlias = AnchorError | dict[str, Any]
"""The error, or what the result or the running handle says."""


def came_of(runner: Runner, request: str, output: Any, **client: Any) -> Outcome:
    """Make one of the requests, with a client and a time of its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_clock, "default", VirtualClock())
        with runner.anchor(**client) as anchor:
            try:
                return _asked(runner, anchor, request, output)
            except AnchorError as error:
                return error


def _asked(runner: Runner, anchor: Any, request: str, output: Any) -> dict[str, Any]:
    start = {"prompt": "Log in", "output": output, "secret_values": {"PASSWORD": PASSWORD}}
    match request:
        case "one-request":
            return _said(runner.call(anchor.tasks.run_in_one_request, **start))
        case "result":
            return _said(runner.call(anchor.tasks.get(TASK_ID, output=output).result, timeout=0))
        case "start":
            task = runner.call(anchor.tasks.start, **start)
        case _:
            task = anchor.tasks.get(TASK_ID, output=output)
            runner.call(task.refresh)
    return _said(runner.call(task.result)) if task.done else {"task_id": task.id, "status": task.status}


def _said(result: Any) -> dict[str, Any]:
    return {"task_id": result.task_id, "value": result.value, "raw": result.raw}


class _Content(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body on its way."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._body


@dataclass
class Player:
    """Answers as a test says; once a start has been answered, that its task is done.

    Attributes:
        methods: Those of the requests that came.
    """

    answer: Answer
    methods: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.methods.append(request.method)
        if "POST" in self.methods[:-1]:
            return httpx.Response(200, stream=_Content(DONE))
        status, headers, body = self.answer
        fields = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        return httpx.Response(status, headers=fields, stream=_Content(body))


def came_below_the_wire(runners: Sequence[Runner], request: str, output: Any, answer: Answer) -> Outcome:
    """Return what comes of an answer that needs no connection; a start is sent once."""
    outcomes = []
    for runner in runners:
        player = Player(answer)
        outcomes.append(came_of(runner, request, output, transport=httpx.MockTransport(player)))
        assert player.methods.count("POST") == (request in STARTS)
    return _alike(outcomes, request)


def came_over_the_wire(runners: Sequence[Runner], request: str, sent: bytes) -> Outcome:
    """Return what comes of these bytes before the connection is closed; a start is sent once."""
    outcomes = []
    plays: dict[str, Any] = {"start" if request in STARTS else "check": [(sent, Ending.CLOSE)]}
    for runner in runners:
        with raw_server(**plays) as server:
            outcomes.append(came_of(runner, request, None, base_url=server.base_url))
        assert server.starts == (request in STARTS)
    return _alike(outcomes, request)


def told(outcome: Any) -> str:
    """Return all that an outcome says; as text, since NaN isn't equal to itself."""
    return repr(contents(outcome) if isinstance(outcome, AnchorError) else outcome)


def _alike(outcomes: list[Outcome], request: str) -> Outcome:
    first, *others = outcomes
    assert [told(other) for other in others] == [told(first)] * len(others)
    if isinstance(first, AnchorError):
        _hold_sound(first, request)
    return first


def _hold_sound(error: AnchorError, request: str) -> None:
    assert error.__cause__ is None
    assert error.__context__ is None
    assert all(told(same) == told(error) for same in (pickle.loads(pickle.dumps(error)), copy.copy(error)))
    if request in CHECKS:
        assert error.task_id == TASK_ID
    if isinstance(error, InvalidOutputError):
        return  # it has the answer as it came, with whatever that echoes
    text = str(error) + told(error)
    if error.task_id is not None:
        text = text.replace(error.task_id, "")  # what a server names a task is needed as it is
    assert KEY not in text
    assert PASSWORD not in text or request in CHECKS  # a handle that was found doesn't know it
    quotes_the_api = isinstance(error, TaskFailedError | TaskTimeoutError) or getattr(error, "message", None)
    assert MARK not in str(error) or quotes_the_api
