"""Imports what an option names: a type or a function in a module of the user's."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from anchor_webtask._cli.mistakes import UsageMistake


def imported(module: str, name: str, given: str) -> Any:
    """Return what has a name in a module.

    Args:
        module: The module.
        name: The name, perhaps with dots.
        given: The option as it was given, for messages.

    Raises:
        UsageMistake: There is no such module or name, or importing it has raised an exception.
    """
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)  # as `python -m` does; a console script has its own folder there
    from importlib import import_module

    try:
        found: Any = import_module(module)
    except ModuleNotFoundError as error:
        raise UsageMistake(f"{given}: there is no module {error.name!r} in this folder or Python's path") from None
    except Exception as error:  # noqa: BLE001  the module is the user's code
        raise UsageMistake(f"{given}: importing the module has raised {type(error).__name__}: {error}") from None
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise UsageMistake(f"{given}: the module has no {name!r}") from None
    return found
