"""The exceptions that end a command: each has the exit status, and a message that may be shown."""

from __future__ import annotations

import errno

from anchor_webtask._cli import exit_status


class CommandError(Exception):
    """Ends a command.

    Args:
        message: What to say on standard error.
        status: The exit status.
    """

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class UsageMistake(CommandError):  # noqa: N818  a mistake of the user
    """The arguments or the files of a command are wrong; nothing was sent."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_status.USAGE)


class Interruption(CommandError):  # noqa: N818  no error: the user wants it
    """A command was ended by Ctrl-C or another signal; what there is to say of its task has been said."""

    def __init__(self, status: int = exit_status.INTERRUPTED, message: str = "") -> None:
        super().__init__(message, status)


class OutputClosed(CommandError):  # noqa: N818  no error: `head` does this
    """Standard output takes no more.

    Args:
        error: Why.
    """

    def __init__(self, error: OSError) -> None:
        is_gone = error.errno in {errno.EPIPE, errno.EIO}  # its reader, or its terminal
        message = "" if is_gone else f"standard output cannot be written: {error.strerror}"
        super().__init__(message, exit_status.OUTPUT_CLOSED)


class Signalled(KeyboardInterrupt):
    """SIGTERM or SIGHUP has arrived; it ends a call in the same way as Ctrl-C.

    Args:
        number: The signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number
