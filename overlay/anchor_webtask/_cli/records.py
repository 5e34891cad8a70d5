"""Reads the lines of a file of tasks: JSON Lines, with an object a line, or CSV, with a column a field."""

from __future__ import annotations

import csv
import io
import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anchor_webtask._cli.mistakes import UsageMistake
from anchor_webtask._cli.text_files import strict_json

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SHOWN: Final = 20
OTHER_DELIMITERS: Final = {";": "';'", "\t": "$'\\t'"}


class Record(NamedTuple):
    """A line of a file.

    Attributes:
        line: Its number, from 1.
        fields: Its values, by name. None stands for an empty cell.
    """

    line: int
    fields: dict[str, Any]


class Mistakes:
    """Collects what is wrong with a file, so that a user sees all of it at once.

    Args:
        name: How messages call the file.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._found: list[tuple[int, str]] = []

    def add(self, line: int, text: str) -> None:
        """Add what is wrong with a line."""
        self._found.append((line, f"{self._name}, line {line}: {text}"))

    def check(self) -> None:
        """End the command if something is wrong.

        Raises:
            UsageMistake: It is.
        """
        if not self._found:
            return
        more = len(self._found) - MAX_SHOWN
        shown = [text for _, text in sorted(self._found)[:MAX_SHOWN]] + [f"… and {more} more"] * (more > 0)
        raise UsageMistake("\n".join([*shown, "nothing was started"]))


def json_lines(text: str, mistakes: Mistakes) -> Iterator[Record]:
    """Yield the objects of a text of JSON Lines."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            value = strict_json(line)
        except ValueError as error:
            mistakes.add(number, str(error))
            continue
        if isinstance(value, dict):
            yield Record(number, value)
        else:
            mistakes.add(number, f'this must be an object, such as {{"prompt": …}}, not {type(value).__name__}')


def csv_lines(text: str, mistakes: Mistakes, name: str, delimiter: str) -> Iterator[Record]:
    """Yield the lines of a text of CSV, whose first line names the columns.

    Raises:
        UsageMistake: The first line is missing or wrong.
    """
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = _header(reader, name, delimiter)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            mistakes.add(line, f"this is not CSV: {error}")
            return
        if cells is None:
            return
        if len(cells) > len(header) or (cells and len(cells) < len(header)):
            mistakes.add(line, f"there are {len(cells)} cells, and {len(header)} columns")
        elif cells:
            yield Record(line, {column: cell or None for column, cell in zip(header, cells, strict=True)})


def _header(reader: Iterator[list[str]], name: str, delimiter: str) -> list[str]:
    try:
        header = [column.strip() for column in next(reader, [])]
    except csv.Error as error:
        raise UsageMistake(f"{name}, line 1: this is not CSV: {error}") from None
    if not any(header):
        raise UsageMistake(f"{name}: the first line must name the columns, such as url,prompt")
    for number, column in enumerate(header, 1):
        if not column:
            raise UsageMistake(f"{name}, line 1: column {number} has no name")
        if header.count(column) > 1:
            raise UsageMistake(f"{name}, line 1: two columns have the name {column!r}")
    for other, shown in OTHER_DELIMITERS.items():
        if len(header) == 1 and other in header[0] and other != delimiter:
            raise UsageMistake(f"{name}, line 1: the columns seem to be separated otherwise: add --delimiter {shown}")
    return header
