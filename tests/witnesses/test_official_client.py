"""The official client, `anchorbrowser`, starts tasks and gets their status from the emulator's server.

It is strict here: a response that its types cannot read is an error.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any, Final

import anyio
import pytest

from anchor_webtask import Anchor
from anchor_webtask.emulator import DIALECTS, Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

if importlib.util.find_spec("anchorbrowser") is None:
    pytest.skip("anchorbrowser is not installed; `nox --session witnesses` installs it", allow_module_level=True)

# The type checkers run without the official client, since it takes 170 MiB. So its objects are Any.
official: Any = importlib.import_module("anchorbrowser")

KEY: Final = "Test-Key-0123456789"
ANSWER: Final = {"amount": 3}
UNREADABLE: Final = {
    "text-result": "its types have an object as the answer",
    "lower-case-status": "its types have the statuses of a check in upper case only",
    "upper-case-status": "its types have the status of a start in lower case only",
    "top-level": "its types have `data` around each response",
}
"""The dialects that its types cannot read."""
SETTINGS: Final = {"api_key": KEY, "max_retries": 0, "_strict_response_validation": True}


@pytest.fixture(params=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """A function that calls a method of `tools` of the official client, given the server's URL, and returns data."""

    def sync(base_url: str, method: str, *args: object, **kwargs: object) -> Any:
        with official.Anchorbrowser(base_url=base_url, **SETTINGS) as client:
            return getattr(client.tools, method)(*args, **kwargs).data

    def in_event_loop(base_url: str, method: str, *args: object, **kwargs: object) -> Any:
        async def main() -> Any:
            async with official.AsyncAnchorbrowser(base_url=base_url, **SETTINGS) as client:
                return (await getattr(client.tools, method)(*args, **kwargs)).data

        return anyio.run(main)

    return sync if request.param == "sync" else in_event_loop


@pytest.fixture(params=[None, *(name for name in DIALECTS if name not in UNREADABLE)])
def dialect(request: pytest.FixtureRequest) -> str | None:
    """A dialect that its types can read; None for the wording of the spec."""
    return request.param  # type: ignore[no-any-return]


def read_answer(dialect: str | None) -> object:
    return {"result": ANSWER} if dialect == "nested-result" else ANSWER


@pytest.fixture
def emulator(dialect: str | None) -> Emulator:
    return Emulator(KEY, takes=600, dialects=[] if dialect is None else [dialect])


@pytest.fixture
def base_url(emulator: Emulator) -> Iterator[str]:
    with emulator.serve() as server:
        yield server.base_url


def test_task_runs_and_completes(
    call: Callable[..., Any], base_url: str, emulator: Emulator, dialect: str | None
) -> None:
    emulator.on(url="https://shop.example/*", answer=ANSWER)
    started = call(base_url, "perform_web_task", prompt="Read", url="https://shop.example/p/1", async_=True)
    (task,) = emulator.tasks
    assert (started.status, started.workflow_id) == ("running", task.id)
    assert call(base_url, "get_perform_web_task_status", task.id).status == "RUNNING"
    task.finish()
    ended = call(base_url, "get_perform_web_task_status", task.id)
    assert (ended.status, ended.result) == ("COMPLETED", read_answer(dialect))


def test_task_fails(call: Callable[..., Any], base_url: str, emulator: Emulator) -> None:
    call(base_url, "perform_web_task", prompt="Read", async_=True)
    (task,) = emulator.tasks
    task.fail("there is no price")
    ended = call(base_url, "get_perform_web_task_status", task.id)
    assert (ended.status, ended.error) == ("FAILED", "there is no price")


def test_start_in_one_request_gets_the_answer(
    call: Callable[..., Any], base_url: str, emulator: Emulator, dialect: str | None
) -> None:
    emulator.on(takes=0, answer=ANSWER)
    assert call(base_url, "perform_web_task", prompt="Read").result == read_answer(dialect)


def test_every_argument_is_accepted(call: Callable[..., Any], base_url: str, emulator: Emulator) -> None:
    options: dict[str, Any] = {
        "prompt": "Read",
        "url": "https://shop.example/p/1",
        "agent": "browser-use",
        "provider": "openai",
        "model": "gpt-5",
        "detect_elements": True,
        "human_intervention": False,
        "max_steps": 7,
        "secret_values": {"PASSWORD": "correct horse"},
        "highlight_elements": False,
        "output_schema": {"type": "object"},
    }
    with Anchor(KEY, base_url=base_url) as anchor:
        session_id = anchor.sessions.open().id
    call(base_url, "perform_web_task", async_=True, session_id=session_id, **options)
    body = emulator.tasks[0].body
    assert body["secret_values"].pop("PASSWORD").reveal() == options["secret_values"].pop("PASSWORD")
    assert body == {**options, "async": True}


@pytest.mark.parametrize(
    ("status", "error"), [(400, "BadRequestError"), (429, "RateLimitError"), (502, "InternalServerError")]
)
def test_error_status_raises_its_error(
    call: Callable[..., Any], base_url: str, emulator: Emulator, dialect: str | None, status: int, error: str
) -> None:
    emulator.on(faults=[status], start_faults=[status])
    with pytest.raises(getattr(official, error)) as raised:
        call(base_url, "perform_web_task", prompt="Read", async_=True)
    message = raised.value.body["error"]
    assert message if dialect == "flat-errors" else message["code"] == status
    call(base_url, "perform_web_task", prompt="Read", async_=True)
    with pytest.raises(getattr(official, error)):
        call(base_url, "get_perform_web_task_status", emulator.tasks[0].id)


@pytest.mark.parametrize("dialect", UNREADABLE)
def test_other_dialects_do_not_fit_its_types(call: Callable[..., Any], base_url: str, emulator: Emulator) -> None:
    def run() -> None:
        call(base_url, "perform_web_task", prompt="Read", async_=True)
        task = emulator.tasks[0]
        task.finish(ANSWER)
        call(base_url, "get_perform_web_task_status", task.id)

    with pytest.raises(official.APIResponseValidationError):
        run()
