"""Where a ledger is that a command names: a file, or a database whose password is not on the command line."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from anchor_webtask._cli.mistakes import UsageMistake

IN_VIEW: Final = (
    "the URL of the ledger has a password, which other users of this machine see on the command line: leave it out, "
    "and set PGPASSWORD, or use a password file (~/.pgpass)"
)
_HAS_PASSWORD: Final = re.compile(r"[^/]*://[^/?@]*:.*@|.*[?&]\w*(password|secret)=", re.DOTALL)


def ledger_place(given: str) -> Path | str:
    """Return the path of a ledger, or the URL of its database.

    Raises:
        UsageMistake: The URL has a password.
    """
    if "://" not in given:
        return Path(given)
    if _HAS_PASSWORD.match(given):
        raise UsageMistake(IN_VIEW)
    return given


def may_exist(place: Path | str) -> bool:
    """Whether there may be a ledger: only a look into a database shows whether it has one."""
    return isinstance(place, str) or place.exists()
