"""Reads the user's files; what cannot be read is a mistake of usage whose message says where."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any, NoReturn

from anchor_webtask._cli.mistakes import UsageMistake


def read_bytes(path: Path, name: str) -> bytes:
    """Return the content of a file.

    Args:
        path: The file.
        name: How messages call it.

    Raises:
        UsageMistake: It cannot be read.
    """
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        raise UsageMistake(f"{name}: {getattr(error, 'strerror', None) or error}") from None


def read_stdin() -> bytes:
    """Return what standard input has."""
    return sys.stdin.buffer.read()


def decoded(content: bytes, name: str) -> str:
    """Return the text of a file in UTF-8, without a byte order mark.

    Raises:
        UsageMistake: It is not UTF-8.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        looks_like = "UTF-16" if content[:2] in {b"\xff\xfe", b"\xfe\xff"} else "another encoding"
        raise UsageMistake(
            f"{name}, line {line}: this is not UTF-8, but perhaps {looks_like}: save it as UTF-8"
        ) from None


def strict_json(text: str) -> Any:
    """Return the value of a JSON text; numbers that are not finite, and two equal names in an object, are refused.

    Raises:
        ValueError: It is not JSON; the message says why.
    """
    try:
        return json.loads(text, parse_float=_finite, parse_constant=_no_constant, object_pairs_hook=_without_repetition)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}" if error.lineno > 1 else f"column {error.colno}"
        raise ValueError(f"this is not JSON at {place}: {error.msg}") from None
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # an output with it would not be JSON
        raise ValueError(f"{text} is too large for a number")
    return number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON: use a finite number, or null")


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        twice = next(name for name in made if sum(each == name for each, _ in pairs) > 1)
        raise ValueError(f"an object has the name {twice!r} twice")
    return made


def read_json(path: Path, name: str) -> Any:
    """Return the value in a file of JSON.

    Raises:
        UsageMistake: The file cannot be read, or is not JSON.
    """
    text = decoded(read_bytes(path, name), name)
    try:
        return strict_json(text)
    except ValueError as error:
        raise UsageMistake(f"{name}: {error}") from None


def json_or_file(given: str, option: str) -> Any:
    """Return the value of an option that takes JSON, or the name of a file with JSON after an @.

    Raises:
        UsageMistake: It is not JSON.
    """
    if given.startswith("@"):
        return read_json(Path(given[1:]), f"{option} {given!r}")
    try:
        return strict_json(given)
    except ValueError as error:
        raise UsageMistake(f"{option}: {error}") from None
