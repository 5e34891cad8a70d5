"""Small pieces of HTML for notebooks.

All text is escaped, and stands between tags, never in an attribute. Nothing has a colour of its own: text has that of
the theme, dark or light. JupyterLab replaces formulas between dollar signs in an output, but not in this one: an answer
may contain prices, or commands of LaTeX that make links.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Final, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable

Html = NewType("Html", str)
"""Text that is HTML already; all other text must be escaped first."""

MAX_LINE: Final = 200
MAX_BLOCK: Final = 2_000

_NO_MATH: Final = "tex2jax_ignore mathjax_ignore"
_CELL: Final = "text-align:left;vertical-align:top;padding:2px 16px 2px 0;border:none"
_BLOCK: Final = "margin:0;padding:0;white-space:pre-wrap;overflow-wrap:anywhere"


def text(value: str) -> Html:
    """Return a short text on one line, escaped and shortened."""
    return Html(escape(_cut(visible(value), MAX_LINE)))


def code(value: str) -> Html:
    """Return a short text that is meant literally, such as an id."""
    return Html(f"<code>{text(value)}</code>")


def block(value: str) -> Html:
    """Return a longer text, with its line breaks; if it is very long, its beginning and how long it is."""
    shown = escape(visible(value[:MAX_BLOCK], keep="\n\t"))
    rest = f"<div><em>… {len(value):,} characters in all</em></div>" if len(value) > MAX_BLOCK else ""
    return Html(f'<pre style="{_BLOCK}">{shown}</pre>{rest}')


def card(title: str, rows: Iterable[tuple[str, Html]]) -> Html:
    """Return a title, and below it a name and a value on each line."""
    return table([], [(Html(f"<em>{text(name)}</em>"), value) for name, value in rows], title=title)


def table(head: Iterable[str], rows: Iterable[Iterable[Html]], *, title: str, note: Html | None = None) -> Html:
    """Return a table with a title, and perhaps a note below."""
    names = "".join(f'<th scope="col" style="{_CELL};font-weight:normal"><em>{text(name)}</em></th>' for name in head)
    lines = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    return Html(
        f'<div class="{_NO_MATH}"><strong>{text(title)}</strong>'
        f'<table style="border-collapse:collapse;margin:0;border:none">'
        f"{f'<thead><tr>{names}</tr></thead>' if names else ''}<tbody>{lines}</tbody></table>"
        f"{f'<div>{note}</div>' if note else ''}</div>"
    )


def _cells(row: Iterable[Html]) -> str:
    return "".join(f'<td style="{_CELL}">{cell}</td>' for cell in row)


def visible(value: str, *, keep: str = "") -> str:
    """Replace invisible characters: they could reverse the text around them, or be invalid in a message."""
    if value.isprintable():
        return value
    return "".join(each if each.isprintable() or each in keep else "\ufffd" for each in value)


def _cut(value: str, limit: int) -> str:
    return value if len(value) <= limit else f"{value[:limit]}…"
