"""What a notebook shows of a handle, a result, an outcome, a ledger and a client.

The objects pass what is to be shown. So this module needs none of their classes, which import it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Protocol

from anchor_webtask import _importing
from anchor_webtask._display import html
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from pathlib import Path

    from anchor_webtask._display.html import Html

MAX_PRETTY: Final = 20_000
"""A longer repr is not broken into lines: it is cut soon in any case."""
WIDTH: Final = 100
ASK_DATABASE: Final = "ledger.counts() asks the database"


class Answered(Protocol):
    """A result."""

    @property
    def value(self) -> object:
        """The answer."""
        ...


class Outcome(Protocol):
    """An outcome of `tasks.map`; `TaskOutcome` describes its attributes."""

    @property
    def state(self) -> str: ...
    @property
    def task_id(self) -> str | None: ...
    @property
    def attempt(self) -> int: ...
    @property
    def stored(self) -> bool: ...
    @property
    def error(self) -> Exception | None: ...
    def result(self) -> Answered: ...


def handle(name: str, task_id: str | None, status: str | None, raw_status: str | None) -> Html:
    """Return the HTML of a handle.

    Args:
        name: The name of its class.
        task_id: The task's id; None if it has none.
        status: Its status after the last check; None before the first.
        raw_status: Its status as the API spells it.
    """
    shown = status or "not checked yet"
    if status == "unknown" and raw_status:
        shown = f"unknown ({raw_status})"
    return html.card(name, [("id", task_id_cell(task_id)), ("status", html.text(shown))])


def result(value: object, task_id: str | None) -> Html:
    """Return the HTML of a result."""
    return html.card("TaskResult", [("value", answer(value)), ("task", task_id_cell(task_id))])


def session(name: str, session_id: str, *, has_ended: bool) -> Html:
    """Return the HTML of a browser session, without the addresses by which it can be used."""
    return html.card(name, [("id", task_id_cell(session_id)), ("state", html.text("ended" if has_ended else "open"))])


def outcome(given: Outcome, key: str) -> Html:
    """Return the HTML of an outcome of `tasks.map`.

    Args:
        given: The outcome.
        key: Its key, without secrets.
    """
    rows = [
        ("key", html.code(key)),
        ("state", html.text(f"{given.state}{', stored in the ledger' if given.stored else ''}")),
        ("task", task_id_cell(given.task_id)),
        ("attempt", html.text(str(given.attempt))),
    ]
    if given.error is None:
        rows.append(("value", answer(given.result().value)))
    else:
        rows.append(("error", html.block(f"{type(given.error).__name__}: {given.error}")))
    return html.card("TaskOutcome", rows)


def ledger(name: str, path: Path | None) -> Html:
    """Return the HTML of a ledger: how many attempts are in each state, if that can be read at once.

    Args:
        name: The place of the ledger.
        path: Its file; None if it is in a database, which could take long to answer.
    """
    if path is None:
        return html.card("Ledger", [("database", html.code(name)), ("attempts", html.text(ASK_DATABASE))])
    with _importing.lock:
        from anchor_webtask._display.ledger_counts import counts

    found = counts(path)
    rows = [("file", html.code(str(path)))]
    if isinstance(found, str):
        rows.append(("attempts", html.text(found)))
    else:
        rows += [(state, html.text(f"{number:,}")) for state, number in found.items()]
        rows.append(("attempts", html.text(f"{sum(found.values()):,}")))
    return html.card("Ledger", rows)


def client(name: str, base_url: str | None) -> Html:
    """Return the HTML of a client."""
    shown = html.text("with invalid arguments") if base_url is None else html.code(base_url)
    return html.card(name, [("base URL", shown)])


def task_id_cell(task_id: str | None) -> Html:
    """Return the HTML of a task's id, without a secret."""
    return html.text("without an id") if task_id is None else html.code(shown_id(task_id))


def answer(value: object) -> Html:
    """Return the HTML of an answer: a text as it is, anything else as its repr. It is only text, whatever is in it."""
    if type(value) is str:
        return html.block(value)
    try:
        shown = repr(value)
        if WIDTH < len(shown) <= MAX_PRETTY:
            shown = _pretty(value)
    except Exception as raised:  # noqa: BLE001  the class of an answer is the user's
        shown = f"<{type(value).__name__}, whose repr raised {type(raised).__name__}>"
    return html.block(shown)


def _pretty(value: Any) -> str:
    with _importing.lock:
        from pprint import pformat

    return pformat(value, width=WIDTH, sort_dicts=False)
