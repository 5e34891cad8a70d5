"""Recognizes the exception of a signal handler, which other code takes for an error of its own.

A handler runs between two operations of whatever code is running. If the handler raises, for example the `TimeoutError`
of a worker's time limit, the exception seems to come from that code: from a socket, from httpcore, or from the class of
an answer. But it belongs to the user, and must not be replaced by one of our errors.

A traceback shows a handler: Python calls it with the frame that it interrupts, which comes before its own frame there.
It is the caller's frame if a function is interrupted before its first line.
"""

from __future__ import annotations

import inspect
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import FrameType


def reraise_from_handler(error: BaseException) -> None:
    """Raise the exception of a signal handler, if it is this error or its cause; otherwise do nothing.

    Contexts are not searched: a context may be an exception that the user is handling while this package is called.
    """
    exception: BaseException | None = error
    while exception is not None:
        frames: list[FrameType] = []
        traceback = exception.__traceback__
        while traceback is not None:
            frames.append(traceback.tb_frame)
            traceback = traceback.tb_next
        if any(_was_called_with(frame, frames[:at]) for at, frame in enumerate(frames)):
            raise exception
        exception = exception.__cause__


def _was_called_with(frame: FrameType, interrupted: list[FrameType]) -> bool:
    """Whether a function was called as Python calls a handler: with a signal's number and one of these frames."""
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + bool(code.co_flags & inspect.CO_VARARGS)]
    values: list[object] = [frame.f_locals.get(name) for name in names]
    if values and isinstance(values[-1], tuple):
        values.extend(values.pop())  # type: ignore[arg-type]  # it is a tuple
    return any(isinstance(number, int) and given in interrupted for number, given in pairwise(values))
