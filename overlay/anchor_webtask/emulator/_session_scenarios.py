"""What happens to the sessions of the emulator, and to requests about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import attrs

from anchor_webtask.emulator._scenarios import as_faults
from anchor_webtask.emulator._values import seconds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from anchor_webtask.emulator._scenarios import Fault

OPERATIONS: Final[Mapping[str, str]] = {
    "create": "create_session",
    "list": "list_sessions",
    "get": "get_session",
    "end": "end_session",
    "downloads": "list_session_downloads",
    "recordings": "list_session_recordings",
    "recording": "fetch_primary_recording",
    "screenshot": "take_session_screenshot",
    "questions": "list_questions",
    "answer": "answer_question",
}
"""The short names of the operations of sessions, and their ids in the spec."""

FILE: Final = "file"
"""The short name of fetching a file by its `file_link`, which is no operation of the spec."""

MP4: Final = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + b"the emulator's recording"
PNG: Final = (
    b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00:~\x9bU"
    b"\x00\x00\x00\nIDATx\x9cc`\x00\x00\x00\x02\x00\x01H\xaf\xa4q\x00\x00\x00\x00IEND\xaeB`\x82"
)


@attrs.frozen(kw_only=True)
class SessionScenario:
    """What happens to sessions."""

    recording: bytes = MP4
    recording_takes: float = 30.0
    screenshot: bytes = PNG


def make_session_scenario(*, recording: bytes, recording_takes: float, screenshot: bytes) -> SessionScenario:
    """Return what happens to sessions.

    Raises:
        ValueError: An argument is invalid; the message contains its name.
    """
    for name, content in (("recording", recording), ("screenshot", screenshot)):
        if not isinstance(content, bytes):
            raise ValueError(f"{name} must be bytes, not {type(content).__name__}")  # noqa: TRY004  as all mistakes
    return SessionScenario(
        recording=recording, recording_takes=seconds("recording_takes", recording_takes), screenshot=screenshot
    )


def session_faults(faults: Mapping[str, Iterable[int | Fault]]) -> dict[str, tuple[Fault, ...]]:
    """Return the faults of requests about sessions by the ids of their operations.

    Raises:
        ValueError: A name or a fault is invalid.
    """
    known = {**OPERATIONS, FILE: FILE}
    for name in faults:
        if name not in known:
            raise ValueError(f"there is no request {name!r} about sessions; choose from {', '.join(known)}")
    return {known[name]: as_faults(each) for name, each in faults.items()}
