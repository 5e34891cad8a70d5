"""The notes of a user's exception may be anything, and must not hide what the client adds."""

from __future__ import annotations

from typing import Any

import pytest

from anchor_webtask import _notes


class Unreadable:
    def __str__(self) -> str:
        raise RuntimeError


class Incomparable(str):
    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __str__(self) -> str:
        return self


class ClosedError(Exception):
    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.parametrize(
    ("notes", "texts"),
    [
        (["a", Unreadable(), 3], ["a", "3"]),
        (("a",), ["a"]),
        ([Incomparable("a")], ["a"]),
        ("abc", []),
        (None, []),
        (5, []),
    ],
)
def test_notes_that_can_be_read_are_texts(notes: Any, texts: list[str]) -> None:
    error: Any = Exception()
    error.__notes__ = notes
    assert _notes.notes_of(error) == texts


@pytest.mark.parametrize("notes", [["a", Unreadable()], [Incomparable("a")], ["a"]])
def test_note_is_added_once(notes: Any) -> None:
    error: Any = Exception()
    error.__notes__ = notes
    for note in ("a", "b", "b"):
        _notes.add_note(error, note)
    assert _notes.notes_of(error) == ["a", "b"]


def test_exception_that_refuses_notes_stays_as_it_is() -> None:
    error = ClosedError()
    _notes.add_note(error, "a")
    assert _notes.notes_of(error) == []
