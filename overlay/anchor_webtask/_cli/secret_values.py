"""Reads `--secret`. A value never comes from the command line, which the process list and the shell's history show."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._cli.mistakes import Interruption, UsageMistake
from anchor_webtask._cli.text_files import decoded, read_bytes
from anchor_webtask._redaction.secrets import Sealed

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
# None of these messages shows what was given: it may be the value.
VALUE_GIVEN: Final = (
    "--secret takes no value, since other programs can read the command line: write --secret NAME, and set the "
    "environment variable NAME, or --secret NAME=@FILE"
)
NO_NAME: Final = "--secret takes a name of letters, digits and _, or DOMAIN:NAME, such as '*.bank.example:PASSWORD'"


def secret_values(given: Iterable[str]) -> Sealed[dict[str, Any]]:
    """Return the secrets that the options name.

    Raises:
        UsageMistake: An option has a value, no valid name, or the name of a variable or a file that does not exist.
        Interruption: The user has pressed Ctrl-C when a value was asked for.
    """
    values: dict[str, Any] = {}
    for each in given:
        label, equals, source = each.partition("=")
        if equals and not source.startswith("@"):
            raise UsageMistake(VALUE_GIVEN)
        domain, _, name = label.rpartition(":")
        if not _NAME.fullmatch(name):
            raise UsageMistake(NO_NAME)
        into = values
        if domain:
            into = values.setdefault(domain, {})
            if not isinstance(into, dict):
                raise UsageMistake(f"--secret: {domain!r} is the name of a secret, and a domain")
        if name in into:
            raise UsageMistake(f"--secret {label!r} is given twice")
        into[name] = _of_file(name, source[1:]) if equals else _value(name, label)
    return Sealed(values)


def _of_file(name: str, path: str) -> str:
    text = decoded(read_bytes(Path(path), f"--secret {name}=@{path}"), f"--secret {name}=@{path}")
    return _not_empty(text.removesuffix("\n").removesuffix("\r"), f"--secret {name}: the file {path!r} is empty")


def _value(name: str, label: str) -> str:
    value = os.environ.get(name)
    if value is not None:
        return _not_empty(value, f"--secret {name}: the environment variable {name} is empty")
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageMistake(f"--secret {name}: the environment variable {name} is not set, and no terminal to ask on")
    from getpass import getpass

    try:
        return _not_empty(getpass(f"{label}: ", sys.stderr), f"--secret {name}: nothing was entered")
    except (KeyboardInterrupt, EOFError):
        raise Interruption from None


def _not_empty(value: str, message: str) -> str:
    if not value:
        raise UsageMistake(message)
    return value
