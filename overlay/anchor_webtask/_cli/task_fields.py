"""Turns the options of a task into the fields of the client."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._cli.mistakes import UsageMistake
from anchor_webtask._cli.secret_values import secret_values
from anchor_webtask._cli.text_files import decoded, json_or_file, read_stdin
from anchor_webtask._redaction.secrets import Sealed

if TYPE_CHECKING:
    from anchor_webtask._cli.options import TaskArguments

_TIME: Final = re.compile(r"(\d+(?:\.\d+)?)([smh]?)")
_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


def task_options(task: TaskArguments) -> Sealed[dict[str, Any]]:
    """Return the fields that the options set; they may hold secrets.

    Raises:
        UsageMistake: An option is invalid.
    """
    options: dict[str, Any] = {
        name: value for name, value in vars(task).items() if value is not None and name not in {"secret", "extra_body"}
    }
    if task.extra_body is not None:
        options["extra_body"] = json_or_file(task.extra_body, "--extra-body")
    if task.secret:
        options["secret_values"] = secret_values(task.secret).open()
    return Sealed(options)


def prompt_text(given: str) -> str:
    """Return the prompt, which - reads from standard input."""
    return decoded(read_stdin(), "standard input").strip() if given == "-" else given


def seconds(given: str) -> float | None:
    """Return the seconds of `--timeout`; None for no deadline.

    Raises:
        UsageMistake: It is no duration.
    """
    if given == "none":
        return None
    match = _TIME.fullmatch(given.strip())
    if match is None:
        raise UsageMistake(f"--timeout {given!r} is no duration: write seconds, or such as 90s, 10m, 2h, or none")
    return float(match[1]) * _UNITS[match[2]]
