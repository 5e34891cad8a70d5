"""What the commands for browser sessions say of the error or the interruption that ends them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from anchor_webtask._cli import exit_status, signals
from anchor_webtask._cli.mistakes import CommandError, Interruption, Signalled
from anchor_webtask._cli.reports import error_text, refused, usage_mistake
from anchor_webtask._cli.screen import screen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask import AnchorError


@contextmanager
def reporting() -> Iterator[None]:
    """Say the error or the interruption that ends the block, and what is known of a session then."""
    from anchor_webtask import AnchorError

    try:
        with signals.raising():
            yield
    except AnchorError as error:
        raise _mistake(error) from None
    except KeyboardInterrupt as raised:
        screen.say_notes(raised)
        number = raised.number if isinstance(raised, Signalled) else None
        raise Interruption(exit_status.INTERRUPTED if number is None else 128 + number) from None


def _mistake(error: AnchorError) -> CommandError:
    from anchor_webtask import ConfigurationError, SessionOutcomeUnknownError

    if isinstance(error, ConfigurationError):
        return usage_mistake(error)
    if isinstance(error, SessionOutcomeUnknownError):
        return CommandError(error_text(error), exit_status.UNKNOWN)
    return refused(error)
