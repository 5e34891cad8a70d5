"""Shows the API's options by name in `inspect.signature` and `help`, which notebooks and terminals ask.

Type checkers read `**options: Unpack[TaskOptions]` in the source, and know the options from that. IPython's completion,
`help` and `?` ask the object itself, and would see nothing but `**options`.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

from anchor_webtask._models import TaskOptions

C = TypeVar("C", bound=Callable[..., Any])

OPTIONS_LINE: Final = "**options: The API's optional fields; see `{}`."
"""What a docstring says of the options in the source; `help` shows a line for each option instead."""
_LISTED: Final = re.compile(r"^( *)Attributes:\n(.*?)\s*\Z", re.MULTILINE | re.DOTALL)


def shows_options(target: C) -> C:
    """Decorate a function, or a class by its constructor, that takes `**options: Unpack[TaskOptions]`.

    Calls do not change: the function still takes whatever it is passed, and refuses what it does not know.
    """
    return _shown(target, TaskOptions)


def shows(options: type) -> Callable[[C], C]:
    """Return the decorator for functions that take other options, `**options: Unpack[…]` of this TypedDict."""
    return functools.partial(_shown, options=options)


def _shown(target: C, options: type) -> C:
    signature = inspect.signature(target)
    taken = (each for each in signature.parameters.values() if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL))
    target.__signature__ = signature.replace(  # type: ignore[attr-defined]  # `inspect` looks for it
        parameters=(*taken, *_parameters(options))
    )
    if target.__doc__ is not None:  # `python -OO` removes docstrings
        line = OPTIONS_LINE.format(options.__name__)
        described = functools.partial(_described, options)
        target.__doc__ = re.sub(rf"^( *){re.escape(line)}$", described, target.__doc__, flags=re.MULTILINE)
    return target


def _described(options: type, line: re.Match[str]) -> str:
    """Return the descriptions of all options, indented like the line that they replace."""
    listed = _LISTED.search(options.__doc__ or "")
    if listed is None:
        return line[0]
    margin = f"{listed[1]}    "
    return "\n".join(line[1] + each.removeprefix(margin) for each in listed[2].splitlines())


@functools.cache
def _parameters(options: type) -> tuple[inspect.Parameter, ...]:
    return tuple(
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation.__forward_arg__)
        for name, annotation in inspect.get_annotations(options).items()  # as in the source, like those of the function
    )
