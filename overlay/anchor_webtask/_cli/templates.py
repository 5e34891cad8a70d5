"""Texts with `{column}` in them, which each line of a file fills in."""

from __future__ import annotations

import json
import string
from typing import TYPE_CHECKING, Any

from anchor_webtask._cli.mistakes import UsageMistake

if TYPE_CHECKING:
    from collections.abc import Mapping

HOW = "write {column} for the value of a column, and {{ or }} for a brace"


class Template:
    """A text with the names of columns in braces. A name is only a name: nothing is called or looked up in a value.

    Args:
        option: The option that has the text.
        text: The text.

    Attributes:
        columns: The names, in their order.

    Raises:
        UsageMistake: The text is no template.
    """

    def __init__(self, option: str, text: str) -> None:
        self.option = option
        try:
            parts = [*string.Formatter().parse(text)]
        except ValueError as error:
            raise UsageMistake(f"{option}: {error}: {HOW}") from None
        for _, name, form, conversion in parts:
            if name is not None and (not name.strip() or form or conversion):
                raise UsageMistake(f"{option}: {HOW}")
        self._parts = [(literal, name) for literal, name, _, _ in parts]
        self.columns = tuple(dict.fromkeys(name for _, name in self._parts if name is not None))

    def filled(self, fields: Mapping[str, Any]) -> str:
        """Return the text with the values of a line.

        Raises:
            ValueError: The line has no value for a column.
        """
        texts = []
        for literal, name in self._parts:
            texts.append(literal)
            if name is not None:
                value = fields.get(name)
                if value is None or value == "":
                    raise ValueError(f"{name} is empty, and {self.option} needs it")
                texts.append(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        return "".join(texts)
