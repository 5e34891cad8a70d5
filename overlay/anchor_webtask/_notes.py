"""Notes of exceptions that may be the user's: those count, also if their classes do not accept notes."""

from __future__ import annotations

from contextlib import suppress


def notes_of(raised: BaseException | None) -> list[str]:
    """Return the notes of an exception as texts; none if they cannot be read."""
    with suppress(Exception):
        notes = getattr(raised, "__notes__", None)
        return [str(note) for note in notes] if isinstance(notes, list | tuple) else []
    return []


def add_note(raised: BaseException, note: str) -> None:
    """Add a note to an exception, which may pass several places that add the same."""
    if note not in notes_of(raised):
        with suppress(Exception):
            raised.add_note(note)
