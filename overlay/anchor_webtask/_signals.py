"""Recognizes the exception of a signal handler, which other code takes for an error of its own.

A handler runs between two operations of whatever code is running. If the handler raises, for example the `TimeoutError`
of a worker's time limit, the exception seems to come from that code: from a socket, from httpcore, or from the class of
an answer. But it belongs to the user, and must not be replaced by one of our errors.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import CodeType


def reraise_from_handler(error: BaseException) -> None:
    """Raise the exception of a signal handler, if it is this error or its cause; otherwise do nothing.

    Contexts are not searched: a context may be an exception that the user is handling while this package is called.
    """
    import signal

    handlers = {_code(signal.getsignal(number)) for number in signal.valid_signals()}
    exception: BaseException | None = error
    while exception is not None:
        traceback = exception.__traceback__
        while traceback is not None:
            if traceback.tb_frame.f_code in handlers:
                raise exception from None
            traceback = traceback.tb_next
        exception = exception.__cause__


def _code(handler: Any) -> CodeType | None:
    """Return the code of a handler; None if it is not written in Python."""
    while isinstance(handler, functools.partial):
        handler = handler.func
    function = handler if hasattr(handler, "__code__") else getattr(handler, "__call__", None)  # noqa: B004
    code: CodeType | None = getattr(function, "__code__", None)
    return code
