"""Reads scenarios from a TOML file: a table `[[scenario]]` for each, whose keys are the arguments of `Emulator.on`."""

from __future__ import annotations

import base64
import json
import tomllib
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from anchor_webtask.emulator._scenarios import Fault, make_scenario

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from anchor_webtask.emulator._scenarios import Scenario

MAX_SIZE: Final = 200_000
"""In bytes; finding the line of a mistake takes time that grows with the square of the size."""

FAULT_KEYS: Final = frozenset(attrs.fields_dict(Fault))

T = TypeVar("T")

Place = tuple[str | int, ...]


class ScenarioFileError(ValueError):
    """A scenario file is invalid; the message names the line and the key."""


class _MistakeError(Exception):
    def __init__(self, place: Place, why: str) -> None:
        super().__init__(why)
        self.place = place


def read_scenarios(file: Path, default_takes: float) -> list[Scenario]:
    """Return the scenarios of a file.

    TOML has neither null nor bytes: `answer_json` and `fails_json` hold JSON as text, and a fault's `body_base64` holds
    bytes in base64.

    Args:
        file: The file.
        default_takes: Seconds that a task takes if its scenario does not say it.

    Raises:
        ScenarioFileError: The file is too large, is not TOML, or has an invalid scenario.
        OSError: The file cannot be read.
    """
    content = file.read_bytes()
    if len(content) > MAX_SIZE:
        raise ScenarioFileError(f"{file} has {len(content)} bytes; at most {MAX_SIZE} are allowed")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ScenarioFileError(f"{file} is not UTF-8: {error}") from None
    try:
        return _scenarios(tomllib.loads(text), default_takes)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ScenarioFileError(f"{file} is not TOML: {error}") from None
    except _MistakeError as mistake:
        place = ".".join(map(str, mistake.place))
        raise ScenarioFileError(f"{file}, line {_line_of(text, mistake.place)}, {place}: {mistake}") from None


def _scenarios(content: Mapping[str, Any], default_takes: float) -> list[Scenario]:
    for key in content:
        if key != "scenario":
            raise _MistakeError((key,), "this key is unknown: write each scenario as a table [[scenario]]")
    tables = content.get("scenario", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _MistakeError(("scenario",), "write each scenario as a table [[scenario]]")
    return [_scenario(table, ("scenario", number), default_takes) for number, table in enumerate(tables)]


def _scenario(table: Mapping[str, Any], place: Place, default_takes: float) -> Scenario:
    arguments: dict[str, Any] = {}
    for key, value in table.items():
        name: str = key
        given: Any = value
        match key:
            case "prompt" | "url" | "takes" | "answer" | "fails":
                pass
            case "answer_json" | "fails_json":
                name, given = key.removesuffix("_json"), _checked((*place, key), partial(_json, value))
            case "faults" | "start_faults":
                given = _faults(value, (*place, key))
            case _:
                raise _MistakeError((*place, key), "a scenario has no such key")
        if name in arguments:
            raise _MistakeError((*place, key), f"the scenario has {name} already")
        _checked((*place, key), partial(make_scenario, default_takes, **{name: given}))
        arguments[name] = given
    return _checked(place, partial(make_scenario, default_takes, **arguments))


def _faults(faults: object, place: Place) -> list[Fault]:
    if not isinstance(faults, list):
        raise _MistakeError(place, "write a list, such as [502, { delay = 5 }]")
    return [_fault(fault, (*place, number)) for number, fault in enumerate(faults)]


def _fault(fault: object, place: Place) -> Fault:
    if not isinstance(fault, dict):
        return _checked(place, partial(Fault, fault))  # type: ignore[arg-type]  # its own check refuses all but a status
    arguments: dict[str, Any] = {}
    for key, value in fault.items():
        name, given = key, value
        if key == "body_base64":
            name, given = "body", _checked((*place, key), partial(base64.b64decode, value, validate=True))
        if name not in FAULT_KEYS:
            raise _MistakeError((*place, key), "a fault has no such key")
        _checked((*place, key), partial(Fault, **{name: given}))
        arguments[name] = given
    return _checked(place, partial(Fault, **arguments))


def _json(text: object) -> object:
    if not isinstance(text, str):
        raise ValueError("write JSON as text, such as 'null'")  # noqa: TRY004  as all mistakes
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"the text is not JSON: {error}") from None


def _checked(place: Place, make: Callable[[], T]) -> T:
    try:
        return make()
    except (ValueError, TypeError) as error:
        raise _MistakeError(place, str(error)) from None


def _line_of(text: str, place: Place) -> int:
    """Return the line at which the statement begins that sets the value at a place.

    The parser does not say it. But it accepts the beginning of a file up to the end of each statement, and the value is
    in the first beginning that has it.
    """
    lines = text.splitlines(keepends=True)
    begin = 1
    for count in range(1, len(lines) + 1):
        try:
            content = tomllib.loads("".join(lines[:count]))
        except tomllib.TOMLDecodeError:
            continue
        if _has(content, place):
            return begin
        begin = count + 1
    return begin


def _has(content: Any, place: Place) -> bool:
    for step in place:
        try:
            content = content[step]
        except (KeyError, IndexError, TypeError):
            return False
    return True
