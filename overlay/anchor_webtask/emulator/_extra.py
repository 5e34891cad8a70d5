"""What to say when the libraries of the `emulator` extra are missing."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def needs_extra() -> Iterator[None]:
    """Turn a missing module into an ImportError that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        message = f"{error}: the emulator needs its extra, pip install 'anchor-webtask[emulator]'"
        raise ImportError(message, name=error.name) from error
