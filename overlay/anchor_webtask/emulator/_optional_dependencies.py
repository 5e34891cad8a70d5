"""Explains the error if a library of the `emulator` extra is missing: the message says what to install."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def explain_missing_library() -> Iterator[None]:
    """If an import inside the context fails, raise an ImportError that says what to install."""
    try:
        yield
    except ModuleNotFoundError as error:
        message = (
            f"{error}: the emulator's optional dependencies are not installed; "
            "install them with: pip install 'anchor-webtask[emulator]'"
        )
        raise ImportError(message, name=error.name) from error
