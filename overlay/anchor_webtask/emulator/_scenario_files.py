"""Reads scenarios and limits from a TOML file.

Each scenario is a table `[[scenario]]`, whose keys are the arguments of `Emulator.on`. Each limit is a table
`[[limit]]`, whose keys are the arguments of `Emulator.limit`.
"""

from __future__ import annotations

import base64
import json
import tomllib
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from anchor_webtask.emulator._scenarios import Fault, make_scenario
from anchor_webtask.emulator._session_parts import Ask, Download
from anchor_webtask.emulator._start_limits import make_limit
from anchor_webtask.emulator._toml_places import line_of, place_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from anchor_webtask.emulator._scenarios import Scenario
    from anchor_webtask.emulator._start_limits import StartLimit
    from anchor_webtask.emulator._toml_places import Place

MAX_SIZE: Final = 200_000
"""In bytes; the parser is slow, and runs again to find the line of a mistake."""

SCENARIO_KEYS: Final = (
    "prompt",
    "url",
    "takes",
    "answer",
    "answer_json",
    "fails",
    "fails_json",
    "faults",
    "start_faults",
    "steps",
    "asks",
    "downloads",
)
ASK_KEYS: Final = tuple(attrs.fields_dict(Ask))
DOWNLOAD_KEYS: Final = tuple(attrs.fields_dict(Download))
FAULT_KEYS: Final = tuple(attrs.fields_dict(Fault))

T = TypeVar("T")


class ScenarioFileError(ValueError):
    """A scenario file is invalid; the message names the line and the key."""


class _MistakeError(Exception):
    def __init__(self, place: Place, why: str) -> None:
        super().__init__(why)
        self.place = place


def read_scenario_file(file: Path, default_takes: float) -> tuple[list[Scenario], list[StartLimit]]:
    """Return the scenarios and limits of a file.

    TOML has neither null nor bytes: `answer_json` and `fails_json` hold JSON as text, and a fault's `body_base64` holds
    bytes in base64.

    Args:
        file: The file.
        default_takes: Seconds that a task takes if its scenario does not say it.

    Raises:
        ScenarioFileError: The file is too large, is not TOML, or has an invalid scenario or limit.
        OSError: The file cannot be read.
    """
    with file.open("rb") as opened:
        content = opened.read(MAX_SIZE + 1)
    if len(content) > MAX_SIZE:
        raise ScenarioFileError(f"{file} has more than {MAX_SIZE:,} bytes: write fewer scenarios, with patterns")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ScenarioFileError(f"{file}, line {line}: the file is not TOML, which must be UTF-8") from None
    try:
        return _scenarios_and_limits(tomllib.loads(text), default_takes)
    except _MistakeError as mistake:
        where = f"{file}, line {line_of(text, mistake.place)}, {place_text(mistake.place)}"
        raise ScenarioFileError(f"{where}: {mistake}") from None
    except RecursionError:
        raise ScenarioFileError(f"{file} is nested too deeply") from None
    except ValueError as error:  # not always a TOMLDecodeError: an integer may have too many digits
        raise ScenarioFileError(f"{file} is not TOML: {error}") from None


def _scenarios_and_limits(content: Mapping[str, Any], default_takes: float) -> tuple[list[Scenario], list[StartLimit]]:
    for key in content:
        if key not in ("scenario", "limit"):
            raise _MistakeError(
                (key,), "this key is unknown: write each scenario as a table [[scenario]], and each limit as [[limit]]"
            )
    scenarios = [_scenario(table, place, default_takes) for place, table in _tables(content, "scenario")]
    return scenarios, [_limit(table, place) for place, table in _tables(content, "limit")]


def _tables(content: Mapping[str, Any], name: str) -> Iterator[tuple[Place, Mapping[str, Any]]]:
    tables = content.get(name, [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise _MistakeError((name,), f"write each {name} as a table [[{name}]]")
    for number, table in enumerate(tables):
        yield (name, number), table


def _scenario(table: Mapping[str, Any], place: Place, default_takes: float) -> Scenario:
    arguments: dict[str, Any] = {}
    for key, value in table.items():
        here = (*place, key)
        name: str = key
        given: Any = value
        match key:
            case "prompt" | "url" | "takes" | "answer" | "fails" | "steps":
                pass
            case "answer_json" | "fails_json":
                name, given = key.removesuffix("_json"), _checked(here, partial(_json, value))
            case "faults" | "start_faults":
                given = _faults(value, here)
            case "asks":
                given = _parts(value, here, Ask, ASK_KEYS)
            case "downloads":
                given = _parts(value, here, Download, DOWNLOAD_KEYS)
            case _:
                raise _MistakeError(here, f"a scenario has no such key; it may have {', '.join(SCENARIO_KEYS)}")
        _add(arguments, name, given, here)
        _checked(here, partial(make_scenario, default_takes, **{name: given}))
    return _checked(place, partial(make_scenario, default_takes, **arguments))


def _limit(table: Mapping[str, Any], place: Place) -> StartLimit:
    for key, value in table.items():
        here = (*place, key)
        match key:
            case "running" | "starts" | "sessions":
                _checked(here, partial(make_limit, **{key: value}))
            case "status" | "retry_after":
                _checked(here, partial(make_limit, running=0, **{key: value}))
            case _:
                raise _MistakeError(here, "a limit has no such key")
    return _checked(place, partial(make_limit, **table))


def _faults(faults: object, place: Place) -> list[Fault]:
    if not isinstance(faults, list):
        raise _MistakeError(place, "write a list, such as [502, { delay = 5 }]")
    return [_fault(fault, (*place, number)) for number, fault in enumerate(faults)]


def _fault(fault: object, place: Place) -> Fault:
    if not isinstance(fault, dict):
        return _checked(place, partial(Fault, fault))  # type: ignore[arg-type]  # its own check refuses all but a status
    arguments: dict[str, Any] = {}
    for key, value in fault.items():
        here = (*place, key)
        name, given = key, value
        if key == "body_base64":
            name, given = "body", _checked(here, partial(_bytes, value))
        if name not in FAULT_KEYS:
            raise _MistakeError(here, f"a fault has no such key; it may have {', '.join((*FAULT_KEYS, 'body_base64'))}")
        _add(arguments, name, given, here)
        _checked(here, partial(Fault, **{name: given}))
    return _checked(place, partial(Fault, **arguments))


def _parts(parts: object, place: Place, kind: Callable[..., T], keys: tuple[str, ...]) -> list[T]:
    """Return the questions or the downloads of a scenario; `content_base64` holds bytes in base64."""
    if not isinstance(parts, list) or not all(isinstance(each, dict) for each in parts):
        raise _MistakeError(place, f"write a list of tables with the keys {', '.join(keys)}")
    made = []
    for number, table in enumerate(parts):
        arguments: dict[str, Any] = {}
        for key, value in table.items():
            here = (*place, number, key)
            name, given = key, value
            if key == "content_base64":
                name, given = "content", _checked(here, partial(_bytes, value))
            elif key == "content" and isinstance(value, str):
                given = value.encode()
            if name not in keys:
                raise _MistakeError(here, f"there is no such key; choose from {', '.join(keys)}")
            _add(arguments, name, given, here)
        if keys[0] not in arguments:
            raise _MistakeError((*place, number), f"the key {keys[0]} is missing")
        made.append(_checked((*place, number), partial(kind, **arguments)))
    return made


def _add(arguments: dict[str, Any], name: str, value: object, place: Place) -> None:
    """Add an argument, which two keys may set: `answer` and `answer_json`, for instance."""
    if name in arguments:
        raise _MistakeError(place, f"another key sets {name} already")
    arguments[name] = value


def _json(text: object) -> object:
    if not isinstance(text, str):
        raise ValueError("write JSON as text, such as 'null'")  # noqa: TRY004  as all mistakes
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the text is not JSON: {error}") from None


def _bytes(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("write bytes as text in base64")  # noqa: TRY004  as all mistakes
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise ValueError(f"the text is not base64: {error}") from None


def _checked(place: Place, make: Callable[[], T]) -> T:
    try:
        return make()
    except ValueError as error:
        raise _MistakeError(place, str(error)) from None
