"""What a notebook shows of the package's objects: only text, without secrets and colours, whatever it holds."""

from __future__ import annotations

import os
import sqlite3
import threading
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import attrs
import pytest

from anchor_webtask import (
    Anchor,
    AsyncAnchor,
    ConfigurationError,
    Ledger,
    SessionError,
    TaskFailedError,
    TaskOutcome,
    TaskRequest,
    TaskResult,
    WaitPolicy,
)
from anchor_webtask._display.html import MAX_BLOCK
from anchor_webtask.emulator import Emulator
from anchor_webtask.notebook import watch
from tests.support.raw_server import json_response, raw_server
from tests.support.runners import KEY
from tests.support.secret_search import PASSWORD, find_secrets, secret_parts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.notebook.conftest import Cell
    from tests.support.runners import Runner

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</pre></code></td></table></div><iframe src='javascript:alert(1)'></iframe>",
    "\"' onmouseover='alert(1)' style=\"position:fixed;inset:0",
    "<style>*{display:none}</style><svg onload=alert(1)>",
    "&lt;script&gt; &#60;b&#62; <!-- --> ]]> {{7*7}} ${7*7}",
    "$\\href{javascript:alert(1)}{x}$ \\(a\\)",
    "\x1b[31mred\x07 \u202egnp.exe \u2066 \x00 \ud800",
]
ELEMENTS = {"div", "strong", "table", "thead", "tbody", "tr", "th", "td", "em", "code", "pre", "span", "br"}
STYLES = {
    *("border", "border-collapse", "font-weight", "margin", "overflow-wrap"),
    *("padding", "text-align", "vertical-align", "white-space"),
}
"""Properties that are safe in any theme: none is a colour."""


class Checked(HTMLParser):
    """The text in HTML, whose elements and attributes are checked."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ELEMENTS
        assert {name for name, _ in attrs} <= {"class", "style", "scope"}
        for declaration in (dict(attrs).get("style") or "").split(";"):
            assert {declaration.partition(":")[0].strip()} <= STYLES | {""}
        if tag != "br":
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        pytest.fail(data)

    def handle_decl(self, decl: str) -> None:
        pytest.fail(decl)

    def handle_pi(self, data: str) -> None:
        pytest.fail(data)

    def unknown_decl(self, data: str) -> None:
        pytest.fail(data)


def shown(shell: Any, value: object) -> str:
    """Return the text that a notebook shows, once its HTML is checked; the plain text must be the normal repr."""
    bundle, _ = shell.display_formatter.format(value)
    assert set(bundle) == {"text/plain", "text/html"}
    if not isinstance(value, TaskResult | TaskOutcome):  # IPython breaks these into lines
        assert bundle["text/plain"] == repr(value)
    bundle["text/html"].encode()
    assert "mathjax_ignore" in bundle["text/html"]
    return Checked(bundle["text/html"]).text


def outcome(value: object = 3, **fields: Any) -> TaskOutcome[Any]:
    """Return an outcome with a result, or with other fields."""
    result = TaskResult(value=value, raw=value, task_id="task-1")
    known: dict[str, Any] = {"key": "a", "index": 0, "request": TaskRequest("Read"), "state": "completed"}
    known |= {"task_id": "task-1", "attempt": 1, "error": None, "_result": result}
    return TaskOutcome(**(known | fields))


def visible(text: str) -> str:
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


# -- Injections ----------------------------------------------------------------------------------------------------

PLACES: dict[str, Callable[[str], object]] = {
    "answer": lambda text: TaskResult(value=text, raw=None, task_id="task-1"),
    "id of a result": lambda text: TaskResult(value=3, raw=None, task_id=text),
    "answer of an outcome": outcome,
    "key": lambda text: outcome(key=text),
    "id of an outcome": lambda text: outcome(task_id=text),
    "error": lambda text: outcome(error=ConfigurationError(text)),
    "ledger": lambda text: Ledger(f"/nowhere/{text}".replace("\0", "")),
}


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("place", PLACES)
def test_hostile_text_is_shown_as_text(shell: Any, place: str, hostile: str) -> None:
    text = shown(shell, PLACES[place](hostile)).replace("\ufffd", " ")
    assert visible(hostile.replace("\0", "") if place == "ledger" else hostile).replace("\ufffd", " ") in text


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_text_in_json_is_shown_as_text(shell: Any, hostile: str) -> None:
    for value in ({hostile: [hostile]}, [{hostile: hostile}] * 30):
        assert visible(repr(hostile)[1:-1]) in shown(shell, TaskResult(value=value, raw=None, task_id=None))


@pytest.mark.parametrize("hostile", [text for text in HOSTILE if text.isprintable()])
def test_hostile_id_and_status_of_a_handle_are_shown_as_text(runner: Runner, shell: Any, hostile: str) -> None:
    start = json_response({"data": {"workflow_id": hostile, "status": "running"}})
    check = json_response({"data": {"workflow_id": hostile, "status": hostile}})
    with raw_server(start=[start], check=[check]) as server, runner.anchor(base_url=server.base_url) as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        assert hostile in shown(shell, task)
        runner.call(task.refresh)
        text = shown(shell, task)
    assert f"unknown ({hostile})" in text


def test_repr_of_a_users_class_is_shown_as_text(shell: Any) -> None:
    @attrs.define(repr=False)
    class Fancy:
        def __repr__(self) -> str:
            return "<b>bold</b>"

        def _repr_html_(self) -> str:
            return "<b>bold</b>"

    assert "<b>bold</b>" in shown(shell, TaskResult(value=Fancy(), raw=None, task_id=None))


def test_repr_that_raises_is_not_shown() -> None:
    class Broken:
        def __repr__(self) -> str:
            raise ValueError

    html = TaskResult(value=Broken(), raw=None, task_id=None)._repr_html_()
    assert "<Broken, whose repr raised ValueError>" in Checked(html).text


# -- Contents ------------------------------------------------------------------------------------------------------


def test_long_answer_is_shortened(shell: Any) -> None:
    text = shown(shell, TaskResult(value="x" * 1_234_567, raw=None, task_id=None))
    assert f"{'x' * MAX_BLOCK}… 1,234,567 characters in all" in text
    assert "x" * (MAX_BLOCK + 1) not in text


def test_answer_of_several_lines_keeps_them(shell: Any) -> None:
    assert "first\n\tsecond" in shown(shell, TaskResult(value="first\n\tsecond", raw=None, task_id=None))
    rows = [{"name": "a" * 30, "price": number} for number in range(5)]
    assert shown(shell, TaskResult(value=rows, raw=None, task_id=None)).count("\n") == 4


def test_outcome_shows_its_fields(shell: Any) -> None:
    text = shown(shell, outcome({"amount": 3}, key="https://shop.example/p/1", attempt=2, stored=True))
    assert [each in text for each in ("https://shop.example/p/1", "completed, stored in the ledger", "{'amount': 3}")]
    failed = shown(shell, outcome(state="refused", task_id=None, error=ConfigurationError("the prompt is empty")))
    assert "ConfigurationError: the prompt is empty" in failed
    assert "without an id" in failed


def test_handle_shows_its_id_and_status(runner: Runner, shell: Any, anchor_emulator: Emulator) -> None:
    anchor_emulator.on(takes=30)
    with runner.anchor() as anchor:
        task = runner.call(anchor.tasks.start, "Read")
        assert task.id in (text := shown(shell, task))
        assert "not checked yet" in text
        runner.call(task.result)
        assert "completed" in shown(shell, task)


@pytest.mark.parametrize("kind", [Anchor, AsyncAnchor])
def test_client_shows_its_url(shell: Any, kind: type[Anchor | AsyncAnchor]) -> None:
    assert (
        shown(shell, kind(KEY, base_url="https://api.example/v9")) == f"{kind.__name__}base URLhttps://api.example/v9"
    )
    assert "with invalid arguments" in kind.__new__(kind)._repr_html_()


# -- Secrets -------------------------------------------------------------------------------------------------------


def test_no_secret_is_shown(runner: Runner, cell: Cell) -> None:
    task_id = f"task-{KEY}-{PASSWORD}-1"
    start = json_response({"data": {"workflow_id": task_id, "status": "running"}})
    failed = json_response({"data": {"status": "FAILED", "error": f"{KEY} {PASSWORD}"}})
    secrets = {"secret_values": {"NAME": PASSWORD}}
    texts = []
    with (
        raw_server(start=[start] * 2, check=[failed] * 2) as server,
        runner.anchor(base_url=server.base_url, wait=WaitPolicy(minimum=0.1)) as anchor,
    ):
        task = runner.call(anchor.tasks.start, "Read", **secrets)
        assert task.id == task_id
        texts += [anchor._repr_html_(), task._repr_html_()]
        with pytest.raises(TaskFailedError) as caught:
            runner.call(watch, task)
        texts += [task._repr_html_(), *cell.texts(), *cell.htmls()]
        request = TaskRequest("Read", key=f"key-{PASSWORD}", **secrets)  # type: ignore[arg-type]  # a dict
        (ended,) = runner.call(lambda: anchor.tasks.map([request]))
        texts += [
            ended._repr_html_(),
            outcome(task_id=caught.value.task_id, request=request, key=request.key)._repr_html_(),
        ]
        texts.append(TaskResult(value=1, raw=1, task_id=caught.value.task_id)._repr_html_())
    assert [text for text in texts[1:] if "redacted]" not in text] == []
    assert find_secrets(texts, secret_parts(KEY, PASSWORD)) == []


# -- Ledgers -------------------------------------------------------------------------------------------------------


@pytest.fixture
def ledger(anchor_emulator: Emulator, tmp_path: Path) -> Ledger:
    """A ledger with three completed tasks and a failed one."""
    anchor_emulator.on(prompt="Wrong", fails="no such page")
    made = Ledger(tmp_path / "prices.ledger")
    with Anchor(KEY) as anchor, made:
        assert len([*anchor.tasks.map(["a", "b", "c", "Wrong"], ledger=made)]) == 4
    return made


def test_ledger_shows_its_counts(shell: Any, ledger: Ledger) -> None:
    before = {*threading.enumerate()}
    assert shown(shell, ledger) == f"Ledgerfile{ledger.path}completed3failed1attempts4"
    assert {*threading.enumerate()} <= before


def test_ledger_without_a_file_says_so(shell: Any, tmp_path: Path) -> None:
    assert "the file does not exist yet" in shown(shell, Ledger(tmp_path / "none.ledger"))
    assert [*tmp_path.iterdir()] == []


def test_locked_ledger_says_so(shell: Any, ledger: Ledger) -> None:
    other = sqlite3.connect(str(ledger.path), isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        assert "they cannot be counted now; ledger.counts() says why" in shown(shell, ledger)
        other.execute("ROLLBACK")
        assert "completed3" in shown(shell, ledger)
    finally:
        other.close()


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    "make",
    [
        lambda path: path.write_bytes(b"not a database" * 100),
        lambda path: path.mkdir(),
        lambda path: path.touch(),
        pytest.param(make_pipe, marks=pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes here")),
    ],
    ids=["text", "folder", "empty", "pipe"],
)
def test_file_that_is_no_ledger_is_neither_read_for_ever_nor_changed(
    shell: Any, tmp_path: Path, make: Callable[[Path], object]
) -> None:
    path = tmp_path / "other.ledger"
    make(path)
    size = path.stat().st_size
    assert "they cannot be counted now" in shown(shell, Ledger(path))
    assert path.stat().st_size == size
    assert [*tmp_path.iterdir()] == [path]


def test_counting_ends_after_a_moment(shell: Any, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    from anchor_webtask._display import ledger_counts

    monkeypatch.setattr(ledger_counts, "SECONDS", -1.0)
    monkeypatch.setattr(ledger_counts, "STEPS", 1)
    assert "they cannot be counted now" in shown(shell, ledger)


def test_session_shows_its_live_view_only_on_demand(cell: Cell) -> None:
    with (
        Anchor("a-key-of-sixteen", transport=Emulator().transport()) as anchor,
        anchor.sessions.open() as session,
    ):
        assert "live.anchorbrowser.io" not in session._repr_html_()
        session.show()
        with pytest.raises(SessionError, match="the address of the live view is not known"):
            anchor.sessions.get(session.id).show()
        (shown,) = cell.htmls()
        assert f'src="{session.live_view_url}' in shown.replace("&amp;", "&")
        assert 'sandbox="allow-same-origin allow-scripts"' in shown
