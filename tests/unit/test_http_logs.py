"""Log records of httpx and httpcore: those of an exchange show no secret, and all others pass untouched."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import httpcore
import httpx
import pytest

from anchor_webtask._redaction.logs import HTTP_LOGGERS, RedactedLogs
from anchor_webtask._redaction.secrets import REDACTED, Redactor, Sealed
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

SECRET = "s3cret-value-2026"
REQUEST = 'HTTP Request: %s %s "%s %d %s"'
URL = httpx.URL("https://api.example/v1/task-1/status")


@pytest.fixture(autouse=True)
def http_records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """The captured records of httpx and httpcore at all levels, after the filter."""
    for name in HTTP_LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    return caplog


def exchange(*secrets: str) -> RedactedLogs:
    """Return the context of an exchange that knows these secrets."""
    return RedactedLogs(Redactor(Sealed(secrets)))


def log(message: str, *args: object, name: str = "httpx") -> None:
    logging.getLogger(name).debug(message, *args)


@pytest.mark.parametrize("name", HTTP_LOGGERS)
def test_records_of_an_exchange_show_no_secret(name: str, http_records: pytest.LogCaptureFixture) -> None:
    with exchange(SECRET):
        log("a request to %s", f"https://api.example/?q={SECRET}", name=name)
        log("headers=%r", [(b"x", SECRET.encode())], name=name)
        log(f"plain {SECRET}", name=name)
        log("nothing %d", 7, name=name)
        log(REQUEST, "GET", URL.join(f"/task-{SECRET}"), f"HTTP/{SECRET}", 200, SECRET, name=name)
        log("receive_response_headers.complete return_value=(200, [(b'x', b's3cret-value-2026')])", name=name)
        log(f"receive_response_headers.failed exception=ReadError({SECRET!r})", name=name)
        log(f"connect_tcp.started host='{SECRET}.example' port=443", name=name)
    assert http_records.messages == [
        f"a request to https://api.example/?q={REDACTED}",
        f"headers=[(b'x', b'{REDACTED}')]",
        f"plain {REDACTED}",
        "nothing 7",
        f'HTTP Request: GET https://api.example/task-{REDACTED} "HTTP/{REDACTED} 200 {REDACTED}"',
        f"receive_response_headers.complete return_value=(200, [(b'x', b'{REDACTED}')])",
        f"receive_response_headers.failed exception=ReadError('{REDACTED}')",
        f"connect_tcp.started host='{REDACTED}.example' port=443",
    ]
    assert SECRET not in str([vars(record) for record in http_records.records])


class NeverFormatted:
    """An argument of a record that must not be formatted."""

    def __str__(self) -> NoReturn:
        raise AssertionError("the record was formatted")


def test_record_outside_an_exchange_is_neither_changed_nor_formatted(http_records: pytest.LogCaptureFixture) -> None:
    redact = Redactor(Sealed((SECRET,)))
    with RedactedLogs(redact):
        pass
    record = logging.makeLogRecord({"name": "httpx", "msg": f"{SECRET} %s", "args": (NeverFormatted(),)})
    assert logging.getLogger("httpx").filter(record)
    assert record.msg == f"{SECRET} %s"
    log(SECRET)
    assert http_records.messages == [SECRET]
    assert redact  # the redactor still exists, as that of a living handle does


HEADERS = r"""[(b'Server', b"it's"), (b'X-Echo', b'\'k"k\''), (b'X', b'te\\')]"""


@pytest.mark.parametrize(
    ("message", "args", "shown"),
    [
        (REQUEST, ("GET", URL, "HTTP/1.1", 200, "OK"), None),
        (REQUEST, ("POST", URL, "HTTP/1.1", 404, "Not Found"), None),
        (REQUEST, ("GET", URL, "HTTP/2", 200, "task"), f'HTTP Request: GET {URL} "HTTP/2 200 [redacted]"'),
        (REQUEST, ("GET", URL, "HTTP/1.1", 200, "GET"), f'HTTP Request: GET {URL} "HTTP/1.1 200 [redacted]"'),
        ("connect_tcp.started host='task.example' port=443 local_address=None timeout=30", (), None),
        ("connect_tcp.complete return_value=<httpcore._backends.sync.SyncStream object at 0x7f>", (), None),
        ("send_request_headers.started request=<Request [b'GET']>", (), None),
        ("close.started", (), None),
        ("receive_response_headers.complete return_value=(b'HTTP/1.1', 200, b'Fine', [])", (), None),
        (
            f"receive_response_headers.complete return_value=(b'HTTP/1.1', 200, b'web', {HEADERS})",
            (),
            "receive_response_headers.complete return_value=(b'HTTP/1.1', 200, b'[redacted]', "
            r"""[(b'Server', b"it's"), (b'X-Echo', b'\'[redacted]"[redacted]\''), (b'X', b'te\\')])""",
        ),
        (
            "receive_response_headers.failed exception=RemoteProtocolError('task: k')",
            (),
            "receive_response_headers.failed exception=RemoteProtocolError('[redacted]: [redacted]')",
        ),
        ("receive_response_body.failed exception=CancelledError()", (), None),
    ],
)
def test_short_secret_is_redacted_only_where_a_server_may_have_put_it(
    message: str, args: Sequence[Any], shown: str | None, http_records: pytest.LogCaptureFixture
) -> None:
    with exchange("k", "task", "Remote", "web", "GET", "TT", "b'", "return_value"):
        log(message, *args)
    record = http_records.records[0]
    assert record.getMessage() == (message % tuple(args) if shown is None else shown)
    if shown is None:
        assert (record.msg, record.args) == (message, tuple(args))


def test_records_of_an_inner_exchange_are_redacted_for_both_exchanges(http_records: pytest.LogCaptureFixture) -> None:
    with exchange("outer-secret"):
        with exchange("inner-secret"):
            log("outer-secret inner-secret")
        log("outer-secret inner-secret")
    log("outer-secret inner-secret")
    assert http_records.messages == [f"{REDACTED} {REDACTED}", f"{REDACTED} inner-secret", "outer-secret inner-secret"]


def test_exchange_that_raises_ends_the_redaction(http_records: pytest.LogCaptureFixture) -> None:
    with pytest.raises(KeyboardInterrupt), exchange(SECRET):
        raise KeyboardInterrupt
    log(SECRET)
    assert http_records.messages == [SECRET]


def test_threads_redact_the_records_of_their_own_exchanges_only(http_records: pytest.LogCaptureFixture) -> None:
    inside = threading.Barrier(2, timeout=PATIENCE)

    def run(own: str) -> None:
        with exchange(own):
            inside.wait()
            log("first-secret second-secret")
            inside.wait()

    threads = [threading.Thread(target=run, args=(own,)) for own in ("first-secret", "second-secret")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(http_records.messages) == [f"{REDACTED} second-secret", f"first-secret {REDACTED}"]


def test_asyncio_tasks_and_callbacks_redact_the_records_of_their_own_exchanges_only(
    http_records: pytest.LogCaptureFixture,
) -> None:
    async def run(own: str) -> None:
        with exchange(own):
            await asyncio.sleep(0)
            log(f"{own}: first-secret second-secret")
            called = asyncio.Event()
            asyncio.get_running_loop().call_soon(log, "first-secret second-secret")
            asyncio.get_running_loop().call_soon(called.set)
            await called.wait()

    async def main() -> None:
        await asyncio.gather(run("first-secret"), run("second-secret"))
        log("outside first-secret")

    asyncio.run(main())
    assert sorted(http_records.messages) == sorted(
        [
            f"{REDACTED}: {REDACTED} second-secret",
            f"{REDACTED}: first-secret {REDACTED}",
            f"{REDACTED} second-secret",
            f"first-secret {REDACTED}",
            "outside first-secret",
        ]
    )


def test_exchange_that_is_closed_in_another_context_leaves_the_exchange_there_redacted(
    http_records: pytest.LogCaptureFixture, recwarn: pytest.WarningsRecorder
) -> None:
    """The garbage collector may close the coroutine of an exchange whose event loop has gone."""

    async def suspended() -> None:
        with exchange("first-secret"):
            await asyncio.sleep(0)

    coroutine = suspended()
    contextvars.copy_context().run(coroutine.send, None)
    with exchange("second-secret"):
        coroutine.close()
        log("second-secret")
    log("second-secret")
    assert http_records.messages == [REDACTED, "second-secret"]
    assert not recwarn.list


def test_every_logger_of_httpx_and_httpcore_is_in_the_list_of_redacted_loggers() -> None:
    named = {
        name
        for package in (httpx, httpcore)
        for folder in package.__path__
        for path in Path(folder).rglob("*.py")
        for name in re.findall(r"getLogger\(\"(.+?)\"\)", path.read_text(encoding="utf-8"))
    }
    assert named == set(HTTP_LOGGERS)


def test_second_exchange_adds_no_second_filter() -> None:
    with exchange(SECRET):
        before = {name: list(logging.getLogger(name).filters) for name in HTTP_LOGGERS}
    with exchange(SECRET):
        pass
    assert {name: list(logging.getLogger(name).filters) for name in HTTP_LOGGERS} == before


def test_password_for_a_socks_proxy_is_redacted_although_it_is_short(http_records: pytest.LogCaptureFixture) -> None:
    with exchange("hunter2-pw"):
        log("setup_socks5_connection.started host=b'a' auth=(b'user', b'hunter2-pw')", name="httpcore.socks")
    assert http_records.messages == [f"setup_socks5_connection.started host=b'a' auth=(b'user', b'{REDACTED}')"]
