"""Files of a session on the disk: nothing is removed that a save has not made, and nothing leaves the folder."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import ServerError, UnexpectedResponseError
from anchor_webtask.emulator import Download, Emulator, Fault
from tests.support.errors import raised
from tests.support.raw_server import http_response, raw_server

if TYPE_CHECKING:
    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

RECORDING = '{"data": {"items": [{"id": "1", "file_link": "/v1/sessions/x/recordings/primary/fetch"}]}}'


class InterruptionError(Exception):
    """What interrupts, such as the exception of a signal handler."""


def downloaded(runner: Runner, anchor: Any, emulator: Emulator, *names: str) -> list[Any]:
    """Return the files of a session that has downloaded something under each of these names."""
    emulator.on(downloads=[Download(name, name.encode()) for name in names])
    session = runner.call(anchor.sessions.open)
    runner.call(session.tasks.run, "Download")
    files: list[Any] = runner.call(session.downloads)
    return files


def contents(folder: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in folder.iterdir()}


@pytest.mark.parametrize("fault", [None, 502], ids=str)
def test_files_of_others_are_kept(
    runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path, fault: int | None
) -> None:
    first, second = downloaded(runner, anchor, emulator, "a.txt.part", "a.txt")
    runner.call(first.save, tmp_path)
    if fault is None:
        assert runner.call(second.save, tmp_path) == tmp_path / "a.txt"
        assert contents(tmp_path) == {"a.txt.part": b"a.txt.part", "a.txt": b"a.txt"}
    else:
        emulator.on_session(faults={"file": [fault] * 3})
        raised(ServerError, runner, second.save, tmp_path)
        assert contents(tmp_path) == {"a.txt.part": b"a.txt.part"}


@pytest.mark.parametrize("at", [1, 2], ids=["name", "part"])
def test_interruption_at_the_creation_of_a_file_leaves_none(
    runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    (tmp_path / "a.txt").write_bytes(b"kept")
    (file,) = downloaded(runner, anchor, emulator, "a.txt")
    made: list[Path] = []
    open_ = Path.open

    def interrupt(path: Path, *args: Any) -> Any:
        opened = open_(path, *args)
        made.append(path)
        if len(made) == at:
            opened.close()
            raise InterruptionError
        return opened

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", interrupt)
        with pytest.raises(InterruptionError):
            runner.call(file.save, tmp_path)
    assert len(made) == at
    assert contents(tmp_path) == {"a.txt": b"kept"}


@pytest.mark.parametrize("session_id", ["../up", "..\\up", "/etc/up", "a/../..", "C:up"])
def test_recording_stays_in_its_folder_whatever_the_sessions_id_is(
    runner: Runner, anchor: Any, emulator: Emulator, tmp_path: Path, session_id: str
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    emulator.on_session(faults={"recordings": [Fault(body=RECORDING)], "recording": [Fault(body="video")]})
    file = runner.call(anchor.sessions.get(session_id).recording)
    path = runner.call(file.save, folder)
    assert (path.parent, path.name, path.read_text()) == (folder, file.name, "video")
    assert path.suffix == ".mp4" or file.name == "mp4"
    assert [*tmp_path.iterdir()] == [folder]


CONTENT = bytes(range(256)) * 400
PACKED = gzip.compress(CONTENT)
RAW_DEFLATE = zlib.compress(CONTENT)[2:-4]
LISTED = http_response(
    200, json.dumps({"data": {"items": [{"file_link": "/file", "suggested_file_name": "a"}]}}).encode()
)


@pytest.mark.parametrize(
    ("coding", "body", "is_complete"),
    [
        ("gzip", PACKED, True),
        ("gzip", PACKED + PACKED, True),
        ("gzip", PACKED + b"\0\0", True),
        ("gzip", PACKED[:-1], False),
        ("gzip", PACKED[: len(PACKED) // 2], False),
        ("gzip", PACKED + PACKED[:-9], False),
        ("gzip", b"", False),
        ("deflate", zlib.compress(CONTENT), True),
        ("deflate", RAW_DEFLATE, True),
        ("deflate", RAW_DEFLATE[:-1], False),
        ("identity", CONTENT, True),
        ("br", CONTENT, False),
        ("zstd", CONTENT, False),
        ("gzip, gzip", gzip.compress(PACKED), False),
    ],
    ids=lambda given: f"{len(given)} bytes" if isinstance(given, bytes) else str(given),
)
def test_file_is_saved_only_if_it_can_be_decompressed_to_its_end(
    runner: Runner, clock: InstantClock, tmp_path: Path, coding: str, body: bytes, *, is_complete: bool
) -> None:
    answer = http_response(200, body, {"content-encoding": coding})
    with (
        raw_server(check=[LISTED, answer, answer]) as server,
        runner.anchor(base_url=server.base_url) as anchor,
    ):
        session = anchor.sessions.get("session-1")
        (file,) = runner.call(session.downloads)
        if is_complete:
            path = runner.call(file.save, tmp_path)
            assert path.read_bytes() == runner.call(session.screenshot)
            assert path.read_bytes().startswith(CONTENT)
        else:
            errors = [raised(UnexpectedResponseError, runner, file.save, tmp_path)]
            errors.append(raised(UnexpectedResponseError, runner, session.screenshot))
            assert all("cannot be decompressed, or ends too early" in str(error) for error in errors)
            assert [*tmp_path.iterdir()] == []
            assert clock.time > 3
