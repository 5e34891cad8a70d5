"""A server that echoes the key and a secret value wherever it can: neither is shown anywhere."""

from __future__ import annotations

import json
import logging
import pickle
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

import pytest

from anchor_webtask import AnchorError
from tests.support.faces import KEY
from tests.support.raw_server import STARTED, Ending, Play, answer, error, http, raw_server

if TYPE_CHECKING:
    from tests.support.faces import Face

TESTS: Final = Path(__file__).parents[1]
PASSWORD: Final = 'corr"ect-hörse/bättery'
FORMS: Final = (
    KEY,
    PASSWORD,
    json.dumps(PASSWORD)[1:-1],
    json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
    quote(PASSWORD, safe=""),
    repr(PASSWORD.encode())[2:-1],
    repr(PASSWORD.encode("latin-1"))[2:-1],
    PASSWORD.encode("ascii", "ignore").decode(),
)
ECHO: Final = f"you sent {KEY} and {PASSWORD}"
IN_A_HEADER: Final = {"x-request-id": ECHO, "retry-after": ECHO, "x-echo": ECHO}


@dataclass(frozen=True)
class Case:
    """Where the server echoes; `shows` is what the error says in place of the secrets, if it quotes that place."""

    name: str
    start: Play = STARTED
    check: Play = STARTED
    shows: str = ""

    def __str__(self) -> str:
        return self.name


QUOTED: Final = "you sent [redacted] and [redacted]"
CASES: Final = (
    Case("message", start=error(400, ECHO), shows=QUOTED),
    Case("message-of-unknown-outcome", start=error(500, ECHO), shows=QUOTED),
    Case("error-text", start=answer({"error": ECHO}, 402), shows=QUOTED),
    Case("headers", start=error(400, "no", IN_A_HEADER), shows=QUOTED),
    Case("status-line", start=answer({}, f"400 {ECHO}")),
    Case("broken-status-line", start=(f"HTTP/1.1 {ECHO}\r\n\r\n".encode("latin-1"), Ending.CLOSE)),
    Case("no-http", start=(f"{ECHO}\r\n\r\n".encode("latin-1"), Ending.CLOSE)),
    Case("success-in-html", start=http(200, f"<p>{ECHO}</p>".encode(), IN_A_HEADER)),
    Case(
        "redirect", start=http(307, b"", {"location": f"https://{KEY}.example/{quote(PASSWORD)}"}), shows="[redacted]"
    ),
    Case("status", check=answer({"data": {"status": ECHO}}), shows=QUOTED),
    Case("message-of-a-check", check=error(403, ECHO), shows=QUOTED),
    Case("message-of-the-last-check", check=error(502, ECHO, IN_A_HEADER), shows=QUOTED),
    Case("reason", check=answer({"data": {"status": "FAILED", "error": ECHO}}), shows=QUOTED),
    Case("reason-in-json", check=answer({"data": {"status": "FAILED", "error": {"echo": ECHO}}}), shows=QUOTED),
)


def told(error: AnchorError) -> str:
    """Return all that an error gives away: text, pickle, notes, and a traceback with the variables of all frames.

    The tests' own frames are left out: a caller's frames are the caller's.
    """
    texts = [repr(error), str(error), pickle.dumps(error).decode("latin-1"), repr(vars(error))]
    pending: list[traceback.TracebackException | None] = [
        traceback.TracebackException.from_exception(error, capture_locals=True)
    ]
    while pending:
        report = pending.pop()
        if report is None:
            continue
        texts += report.format_exception_only()
        texts += [repr(f.locals) for f in report.stack if not Path(f.filename).is_relative_to(TESTS)]
        pending += (report.__cause__, report.__context__)
    return "\n".join(texts)


@pytest.mark.usefixtures("clock")
@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_a_server_echoes_is_shown_nowhere(face: Face, caplog: pytest.LogCaptureFixture, case: Case) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[str] = []
    with raw_server(start=[case.start], check=[case.check]) as server, face.anchor(base_url=server.base_url) as anchor:
        with pytest.raises(AnchorError) as caught:
            face.call(
                anchor.tasks.run,
                "Log in",
                timeout=3,
                secret_values={"PASSWORD": PASSWORD},
                on_start=lambda task: shown.extend([repr(task), task.token()]),
                on_update=lambda update: shown.append(repr(update)),
            )
        shown += [repr(anchor), repr(anchor.tasks), repr(anchor.api)]
    shown += [told(caught.value), caplog.text, *(repr(vars(record)) for record in caplog.records)]
    assert [(form, text) for form in FORMS for text in shown if form in text] == []
    assert case.shows in told(caught.value)
    # The server did get both, and the loggers below were heard.
    assert server.seen[0].headers["anchor-api-key"] == KEY
    assert server.seen[0].json()["secret_values"] == {"PASSWORD": PASSWORD}
    assert any(record.name.startswith("httpcore.") for record in caplog.records)


@pytest.mark.usefixtures("clock")
def test_a_secret_value_that_is_part_of_a_status_does_not_hide_it(face: Face) -> None:
    with raw_server() as server, face.anchor(base_url=server.base_url) as anchor:
        assert face.call(anchor.tasks.run, "Log in", secret_values={"INITIALS": "ED"}, timeout=1.5).value == "done"
