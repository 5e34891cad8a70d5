"""Shows the API's options by name in `inspect.signature` and `help`, which notebooks and terminals ask.

Type checkers read `**options: Unpack[TaskOptions]` in the source, and know the options from that. IPython's completion,
`help` and `?` ask the object itself, and would see nothing but `**options`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Final, TypeVar

from anchor_webtask._models import TaskOptions

C = TypeVar("C", bound=Callable[..., Any])

OPTIONS_LINE: Final = "**options: The API's optional fields; see `{}`."
"""What a docstring says of the options in the source; `help` shows a line for each option instead."""


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
        target.__doc__ = _described(target.__doc__, options)
    return target


def _described(text: str, options: type) -> str:
    """Return a docstring with the descriptions of all options in place of the line that stands for them."""
    # Without regular expressions, which would be compiled in each program that makes a client.
    before, line, after = text.partition(OPTIONS_LINE.format(options.__name__))
    head, heading, listed = (options.__doc__ or "").partition("Attributes:\n")
    if not (line and heading):
        return text
    indent, margin = _indent(before), _indent(head) + "    "
    lines = [indent + each.removeprefix(margin) for each in listed.rstrip().splitlines()]
    return before.removesuffix(indent) + "\n".join(lines) + after


def _indent(text: str) -> str:
    """Return the blanks at the end of a text: the indentation of what follows."""
    return text[len(text.rstrip(" ")) :]


@functools.cache
def _parameters(options: type) -> tuple[inspect.Parameter, ...]:
    return tuple(
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation.__forward_arg__)
        for name, annotation in inspect.get_annotations(options).items()  # as in the source, like those of the function
    )
