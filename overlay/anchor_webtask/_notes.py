"""Notes of exceptions that may be the user's: those count, also if their classes do not accept notes."""

from __future__ import annotations

from contextlib import suppress


def notes_of(raised: BaseException | None) -> list[str]:
    """Return the notes of an exception as texts; those that cannot be read are left out."""
    texts: list[str] = []
    with suppress(Exception):
        notes = getattr(raised, "__notes__", None)
        for note in notes if isinstance(notes, list | tuple) else ():
            with suppress(Exception):
                texts.append(str.__str__(str(note)))  # no subclass, which may compare in its own way
    return texts


def add_note(raised: BaseException, note: str) -> None:
    """Add a note to an exception, which may pass several places that add the same."""
    if note not in notes_of(raised):
        with suppress(Exception):
            raised.add_note(note)
