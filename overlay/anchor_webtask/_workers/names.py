"""The names of batches."""

from __future__ import annotations

import re
from typing import Final

from anchor_webtask._errors import ConfigurationError

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}")
"""A name is followed by a slash in the keys of the ledger, and is a queue of the engine, for whose notifications
PostgreSQL needs a name of at most 63 bytes, of which 23 are the engine's."""
BAD_NAME: Final = (
    "the name of a batch must be up to 40 letters, digits, dots, underscores and hyphens, and begin with a letter or "
    "a digit, such as prices-2026-11; not {!r}"
)


def check_name(name: object) -> None:
    """Refuse what no batch can be called.

    Raises:
        ConfigurationError: It is not a name.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(BAD_NAME.format(name))
