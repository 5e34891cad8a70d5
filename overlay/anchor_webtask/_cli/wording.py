"""Takes out of the client's messages what the command line says itself, and advice for Python."""

from __future__ import annotations

import re
from typing import Final

from anchor_webtask._cli.escaping import harmless_line

_LEFT_OUT: Final = re.compile(
    r"^the task failed: |"
    r"\.? Check the dashboard before you start it again.*|; Ledger\.free ends .*|"
    r"; the error's \.raw is the answer as received",
    re.DOTALL,
)


def for_people(text: str) -> str:
    """Return a message of the client in one line, without control characters and without advice for Python."""
    return harmless_line(_LEFT_OUT.sub("", text))
