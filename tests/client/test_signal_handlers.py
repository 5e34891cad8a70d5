"""The exception of a signal handler reaches the caller, whatever code it interrupts; no other error replaces it."""

from __future__ import annotations

import dataclasses
import functools
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import httpx
import pydantic
import pytest

from anchor_webtask import Anchor, InvalidOutputError, StartOutcomeUnknownError, WaitPolicy
from anchor_webtask._http import lifecycle
from tests.support.patience import PATIENCE
from tests.support.raw_server import STARTED, TASK_ID, Ending, ReadUntil, json_response, raw_server
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.raw_server import RawServer, Script

OFTEN: Final = WaitPolicy(minimum=0.001, maximum=0.001)
ID_NOTE: Final = f"tasks.get({TASK_ID!r}) finds it again"
UNKNOWN_NOTE: Final = "the task may or may not have started"


class Alarm:
    """A handler that raises its exception at the first signal, and ignores all others."""

    def __init__(self, exception: Exception) -> None:
        self.exception = exception
        self.rings = 0

    def __call__(self, *_: object) -> None:
        self.ring()

    def ring(self, *_: object) -> None:
        """Raise the exception, if this is the first signal."""
        self.rings += 1
        if self.rings == 1:
            raise self.exception


def _restoring(alarm: Alarm) -> Callable[..., None]:
    def ring(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        alarm.ring()

    return ring


HANDLERS: Final[dict[str, Callable[[Alarm], Callable[..., None]]]] = {
    "object": lambda alarm: alarm,
    "method": lambda alarm: alarm.ring,
    "function": lambda alarm: lambda *_: alarm.ring(),
    "that restores the former handler": _restoring,
    "partial": lambda alarm: functools.partial(alarm.ring, "worker"),
}


@contextmanager
def handling(handler: Callable[..., None]) -> Iterator[None]:
    """Make a handler handle SIGALRM."""
    previous = signal.signal(signal.SIGALRM, handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGALRM, previous)


def signals(server: RawServer) -> None:
    """Send signals until the server stops: one that arrives just before a system call begins does not interrupt it."""
    main = threading.main_thread().ident
    assert main is not None
    while not server.stopping.wait(0.01):
        signal.pthread_kill(main, signal.SIGALRM)


@contextmanager
def interrupting_server(*, on: str, script: Script = (), **arguments: Any) -> Iterator[RawServer]:
    """Run a server that interrupts the client on each request of a kind, and responds no further.

    Args:
        on: The kind of the requests: start or check.
        script: What the server does before it interrupts the client.
        **arguments: Arguments of `raw_server`.
    """
    servers: list[RawServer] = []
    with raw_server(**{on: [(*script, lambda: signals(servers[0]), Ending.SILENCE)], **arguments}) as server:
        servers.append(server)
        yield server


# These exceptions would be taken for an error of the connection, or for an invalid answer.
EXCEPTIONS: Final[tuple[type[Exception], ...]] = (TimeoutError, ConnectionResetError, OSError, ValueError)


@pytest.fixture(name="exception", params=EXCEPTIONS)
def each_exception(request: pytest.FixtureRequest) -> Exception:
    """Return a new exception of each kind."""
    kind: type[Exception] = request.param
    return kind("time limit")


@pytest.mark.parametrize("handler", HANDLERS)
def test_exception_of_a_handler_is_raised_while_a_start_waits_for_its_response(
    exception: Exception, handler: str
) -> None:
    with (
        handling(HANDLERS[handler](Alarm(exception))),
        interrupting_server(on="start") as server,
        Anchor(KEY, base_url=server.base_url) as anchor,
        pytest.raises(type(exception)) as caught,
    ):
        anchor.tasks.start("Read the price")
    assert caught.value is exception
    assert [UNKNOWN_NOTE in note for note in exception.__notes__] == [True]
    assert server.starts == 1


def test_exception_of_a_handler_is_raised_while_a_start_is_sent(exception: Exception) -> None:
    with (
        handling(Alarm(exception)),
        interrupting_server(on="start", script=(ReadUntil.FIRST_BYTE,)) as server,
        Anchor(KEY, base_url=server.base_url) as anchor,
        pytest.raises(type(exception)) as caught,
    ):
        anchor.tasks.start("Read the price", extra_body={"filler": " " * 20_000_000})
    assert caught.value is exception
    assert [UNKNOWN_NOTE in note for note in exception.__notes__] == [True]


def test_exception_of_a_handler_is_raised_while_a_check_waits_for_its_response(exception: Exception) -> None:
    with (
        handling(Alarm(exception)),
        interrupting_server(on="check") as server,
        Anchor(KEY, base_url=server.base_url) as anchor,
        pytest.raises(type(exception)) as caught,
    ):
        anchor.tasks.get(TASK_ID).result(PATIENCE)
    assert caught.value is exception
    assert [ID_NOTE in note for note in exception.__notes__] == [True]
    assert server.checks == 1


def test_exception_of_a_handler_is_raised_after_half_of_the_response_has_arrived(exception: Exception) -> None:
    (response,) = STARTED
    assert isinstance(response, bytes)
    with (
        handling(Alarm(exception)),
        interrupting_server(on="start", script=(response[:-10],)) as server,
        Anchor(KEY, base_url=server.base_url) as anchor,
        pytest.raises(type(exception)) as caught,
    ):
        anchor.tasks.start("Read the price")
    assert caught.value is exception
    assert [UNKNOWN_NOTE in note for note in exception.__notes__] == [True]


def test_exception_of_a_handler_is_raised_while_the_client_is_made(
    exception: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = lifecycle.create

    def interrupted(make: Callable[[], Any]) -> Any:
        def interrupted_make() -> Any:
            signal.raise_signal(signal.SIGALRM)
            return make()

        return create(interrupted_make)

    monkeypatch.setattr(lifecycle, "create", interrupted)
    with (
        handling(Alarm(exception)),
        raw_server() as server,
        Anchor(KEY, base_url=server.base_url) as anchor,
    ):
        with pytest.raises(type(exception)) as caught:
            anchor.tasks.start("Read the price")
        assert caught.value is exception
        assert not hasattr(exception, "__notes__")
        assert server.connections == 0
        assert anchor.tasks.start("Read the price").id == TASK_ID


def _slow(value: str) -> str:
    """Return the value; a worker's time limit ends this function."""
    signal.raise_signal(signal.SIGALRM)
    return value


@dataclasses.dataclass
class WithPostInit:
    """A class whose own code is interrupted."""

    name: str

    def __post_init__(self) -> None:
        _slow(self.name)


class WithValidator(pydantic.BaseModel):
    """A model whose validator is interrupted."""

    name: str

    @pydantic.field_validator("name")
    @classmethod
    def _check(cls, value: str) -> str:
        return _slow(value)


@pytest.mark.parametrize("kind", [WithPostInit, WithValidator])
def test_exception_of_a_handler_is_raised_while_the_answer_is_converted(kind: Any) -> None:
    exception = TimeoutError("time limit")
    answer = json_response({"data": {"status": "COMPLETED", "result": {"name": "a"}}})
    with (
        handling(Alarm(exception)),
        raw_server(check=[answer]) as server,
        Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor,
    ):
        with pytest.raises(TimeoutError) as caught:
            anchor.tasks.run("Read the name", output=kind)
        assert caught.value is exception
        assert [ID_NOTE in note for note in exception.__notes__] == [True]
        assert anchor.tasks.get(TASK_ID, output=kind).result().value.name == "a"


def test_exception_that_is_handled_during_a_call_does_not_replace_the_error_of_the_call() -> None:
    """The exception of a handler is the context of the errors that follow, but it does not belong to them."""
    with (
        handling(Alarm(TimeoutError("time limit"))),
        raw_server(start=[(Ending.CLOSE,)]) as server,
        Anchor(KEY, base_url=server.base_url) as anchor,
    ):
        try:
            signal.raise_signal(signal.SIGALRM)
        except TimeoutError:
            with pytest.raises(StartOutcomeUnknownError):
                anchor.tasks.start("Read the price")


def test_exception_of_a_converter_is_an_invalid_answer_although_handlers_are_installed() -> None:
    @dataclasses.dataclass
    class Refusing:
        name: str

        def __post_init__(self) -> None:
            raise httpx.ReadTimeout("refused")

    answer = json_response({"data": {"status": "COMPLETED", "result": {"name": "a"}}})
    with (
        handling(Alarm(TimeoutError("time limit"))),
        raw_server(check=[answer]) as server,
        Anchor(KEY, base_url=server.base_url, wait=OFTEN) as anchor,
        pytest.raises(InvalidOutputError, match="the type's own code raised ReadTimeout"),
    ):
        anchor.tasks.run("Read the name", output=Refusing)
