"""Reads `--output`: a file with a JSON Schema, or a type in a module."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anchor_webtask._cli.mistakes import UsageMistake
from anchor_webtask._cli.screen import screen
from anchor_webtask._cli.text_files import read_json
from anchor_webtask._cli.user_code import imported
from anchor_webtask._cli.wording import for_people


def output_type(given: str | None) -> Any:
    """Return what `--output` names, as `output` of the client; None if there is no such option.

    Raises:
        UsageMistake: There is no such file or type, or it cannot be an output.
    """
    if given is None:
        return None
    module, colon, name = given.partition(":")
    if colon and not Path(given).exists() and not module.endswith(".json"):
        return _imported(module, name)
    return _schema(Path(given))


def _schema(path: Path) -> Any:
    schema = read_json(path, f"--output {str(path)!r}")
    from anchor_webtask import ConfigurationError, JsonSchema

    try:
        return JsonSchema(schema)
    except ImportError as error:
        raise UsageMistake(f"--output: {error}") from None
    except ConfigurationError as error:
        raise UsageMistake(f"--output {str(path)!r}: {for_people(str(error))}") from None


def _imported(module: str, name: str) -> Any:
    given = f"--output {module}:{name}"
    found = imported(module, name, given)
    from anchor_webtask import ConfigurationError
    from anchor_webtask._output.schema import output_of

    try:
        output_of(found)
    except ConfigurationError as error:
        raise UsageMistake(f"{given}: {for_people(str(error))}") from None
    return found


def plain(value: Any, raw: Any) -> Any:
    """Return an answer, which may be an object of the user's class, as values of JSON.

    Args:
        value: The answer.
        raw: The answer as it was received, which is returned if the class cannot be written: the answer was paid for.
    """
    import msgspec

    try:
        return msgspec.to_builtins(value, enc_hook=_plain, str_keys=True)
    except Exception as error:  # noqa: BLE001  the class is the user's code
        name = f"{type(value).__name__} cannot be written as JSON ({type(error).__name__})"
        screen.say(f"warning: {name}; this is the answer as it was received")
        return raw


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if callable(dump) else str(value)
