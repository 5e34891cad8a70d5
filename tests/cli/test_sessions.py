"""The commands for browser sessions, as programs in a pipe."""

from __future__ import annotations

import json
import os
import re
import signal
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from anchor_webtask import Anchor
from anchor_webtask.emulator import Ask, Download, Emulator, Fault
from anchor_webtask.testing import SystemClock
from tests.support.command_line import interrupt
from tests.support.patience import PATIENCE, until
from tests.support.raw_server import Ending, json_response, raw_server, response_head
from tests.support.runners import KEY

if TYPE_CHECKING:
    from anchor_webtask.emulator import EmulatorServer
    from tests.support.command_line import CommandLine


def test_session_is_opened_used_viewed_and_ended(cli: CommandLine, server: EmulatorServer) -> None:
    opened = cli(
        "session", "open", "--url", "https://shop.example/", "--idle-timeout", "7", "--tag", "mine", "--no-recording"
    )
    session = server.emulator.sessions[-1]
    assert (opened.status, opened.out) == (0, f"{session.id}\n")
    assert f"anchor-webtask session end {session.id}" in opened.err
    assert session.body["session"]["timeout"]["idle_timeout"] == 7
    assert session.body["session"]["recording"] == {"active": False}
    assert session.tags[0::2] == ["anchor-webtask", "mine"]
    assert cli("run", "Read the price", "--session-id", session.id).status == 0
    viewed = json.loads(cli("session", "view", session.id, "--screenshot", "now.png").out)
    assert (viewed["session_id"], viewed["steps"], viewed["status"]) == (session.id, 3, "running")
    assert viewed["list_price"]["date"] == "2026-03-12"
    assert (cli.folder / "now.png").read_bytes().startswith(b"\x89PNG")
    assert cli("session", "view", session.id, "--screenshot", "now.png").status == 5
    ended = cli("session", "end", session.id)
    assert (ended.status, ended.out, ended.err) == (0, "", f"{session.id} has ended\n")
    server.emulator.expect_no_open_sessions()


def test_session_whose_id_is_not_written_is_ended(cli: CommandLine, server: EmulatorServer) -> None:
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, b"x"):  # a pipe that is full takes no id
            pass
    os.set_blocking(writing, True)
    with cli.spawned("session", "open", output=writing) as process:
        assert process.stderr
        assert "it costs until it ends" in process.stderr.readline()
        session = server.emulator.sessions[-1]
        assert session.is_open
        interrupt(process)
        until(lambda: not session.is_open)
        os.close(reading)  # what is left of the output is written before the program ends
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read().endswith(f"{session.id} was ended, since its id was not written\n")
    os.close(writing)


def test_commands_that_are_said_have_the_base_url_that_was_given(cli: CommandLine, server: EmulatorServer) -> None:
    url = server.base_url
    opened = cli("session", "open", "--base-url", url, ANCHORBROWSER_BASE_URL="")
    session_id = opened.out.strip()
    assert f"  anchor-webtask session end --base-url {url} {session_id}\n" in opened.err
    assert cli("session", "end", "--base-url", url, session_id, ANCHORBROWSER_BASE_URL="").status == 0
    server.emulator.on_session(faults={"end": [401]})
    ran = cli("run", "Read", "--in-session", "--base-url", url, "--check-every", "0.05", ANCHORBROWSER_BASE_URL="")
    session = server.emulator.sessions[-1]
    assert f"this command ends it: anchor-webtask session end --base-url {url} {session.id}" in ran.err
    session.end()
    server.emulator.expect_no_open_sessions()


def test_sessions_of_a_crash_are_listed_and_ended_by_one_command(cli: CommandLine, server: EmulatorServer) -> None:
    with Anchor(KEY, base_url=server.base_url) as anchor:
        first, second = anchor.sessions.open(tags=["a"]), anchor.sessions.open()
        anchor.sessions.get(second.id).end()
        third = anchor.sessions.open()
    lines = [json.loads(line) for line in cli("session", "list").out.splitlines()][-3:]
    assert [(each["session_id"], each["status"]) for each in lines] == [
        (first.id, "running"),
        (second.id, "ended"),
        (third.id, "running"),
    ]
    assert [
        json.loads(line)["session_id"] for line in cli("session", "list", "--tag", str(third.tag)).out.splitlines()
    ] == [third.id]
    assert cli("session", "end", "--all").status == 0
    server.emulator.expect_no_open_sessions()


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--url=shop.example", "--url must start with https://"),
        ("--url=ftp://", "--url has no valid host"),
        ("--profile=", "--profile is blank"),
    ],
)
def test_mistake_in_an_option_names_the_option(cli: CommandLine, option: str, said: str) -> None:
    ran = cli("session", "open", option)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith(f"anchor-webtask: {said}")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_list_on_a_terminal_breaks_no_id(cli: CommandLine, server: EmulatorServer, columns: int) -> None:
    tag = f"mine-{columns}"
    with (
        Anchor(KEY, base_url=server.base_url) as anchor,
        anchor.sessions.open(tags=[tag]) as session,
        cli.terminal("session", "list", "--tag", tag, columns=columns) as terminal,
    ):
        assert terminal.finish() == 0
    shown = terminal.screen()
    assert max(map(len, shown.splitlines())) <= columns
    assert [re.search(rf"\b{each}\b", shown) is None for each in (session.id, session.tag)] == [False, False]
    assert len(shown.strip().splitlines()) == {40: 5, 80: 2, 200: 2}[columns]
    assert shown.startswith("id " if columns == 200 else session.id)


def test_no_session_is_ended_if_one_of_the_ids_is_a_mistake(cli: CommandLine, server: EmulatorServer) -> None:
    with Anchor(KEY, base_url=server.base_url) as anchor:
        first, second = anchor.sessions.open(), anchor.sessions.open()
    mistaken = cli("session", "end", first.id, "..", second.id)
    assert (mistaken.status, mistaken.out) == (2, "")
    assert "ended" not in mistaken.err
    assert all(each.is_open for each in server.emulator.sessions[-2:])
    assert cli("session", "end", first.id, second.id).status == 0
    server.emulator.expect_no_open_sessions()


def test_files_and_the_recording_are_saved(cli: CommandLine, server: EmulatorServer) -> None:
    server.emulator.on(downloads=[Download("../a.csv", b"a,b")], takes=0)
    server.emulator.on_session(recording=b"video", recording_takes=0)
    with Anchor(KEY, base_url=server.base_url) as anchor, anchor.sessions.open() as session:
        session.tasks.run("Download")
    listed = json.loads(cli("session", "downloads", session.id).out)
    assert listed == {"name": "a.csv", "size": 3, "path": None}
    (cli.folder / "files").mkdir()
    saved = json.loads(cli("session", "downloads", session.id, "--save", "files").out)
    assert (cli.folder / saved["path"]).read_bytes() == b"a,b"
    video = json.loads(cli("session", "recording", session.id, "--save", "files").out)
    assert (cli.folder / video["path"]).read_bytes() == b"video"
    assert cli("session", "downloads", session.id, "--save", "none").status == 2


def test_files_that_are_cut_off_are_shown_while_they_arrive_and_leave_nothing(cli: CommandLine) -> None:
    item = {"id": "f-1", "is_primary": True, "file_link": "/file", "suggested_file_name": "a.mp4", "size": 5_000_000}
    listed = json_response({"data": {"items": [item]}})
    begun = (response_head(200, 5_000_000), b"v" * 2_500_000, Ending.SILENCE)
    for command in ("recording", "downloads"):
        with (
            raw_server(check=[listed, begun]) as server,
            cli.terminal("session", command, "s-1", "--base-url", server.base_url, "--save", ".") as terminal,
        ):
            terminal.wait_for("saving a.mp4, 2.5 MB of 5.0 MB, ")
            assert [each.name for each in cli.folder.iterdir()] != []
            terminal.type("\x03")
            assert terminal.finish() == 130
        assert "a.mp4 was cut off, and nothing of it was kept: run the command again" in terminal.screen()
        assert "Traceback" not in terminal.screen()
        assert [*cli.folder.iterdir()] == []


def test_interrupted_wait_for_a_recording_is_said(cli: CommandLine, server: EmulatorServer) -> None:
    server.emulator.on_session(recording_takes=3600)
    with Anchor(KEY, base_url=server.base_url) as anchor, anchor.sessions.open() as session:
        pass
    with cli.terminal("session", "recording", session.id) as terminal:
        terminal.wait_for("waiting for the recording, ")
        terminal.type("\x03")
        assert terminal.finish() == 130
    assert "the recording was not waited for any longer: run the command again" in terminal.screen()


def test_picture_that_cannot_be_written_is_no_half_file(cli: CommandLine, server: EmulatorServer) -> None:
    with Anchor(KEY, base_url=server.base_url) as anchor, anchor.sessions.open() as session:
        # Files may have no byte; coverage could not write its own.
        limited = f"unset ${{!COVERAGE_@}}; ulimit -f 0; anchor-webtask session view {session.id} --screenshot now.png"
        viewed = cli.pasted(limited, "bash")
    assert viewed.status == 5
    assert "now.png cannot be written" in viewed.err
    assert [*cli.folder.iterdir()] == []


def test_errors_have_the_usual_exit_statuses(cli: CommandLine, server: EmulatorServer) -> None:
    server.emulator.on_session(faults={"create": [402], "end": [401]})
    refused = cli("session", "open")
    assert (refused.status, refused.out) == (5, "")
    assert "HTTP 402" in refused.err
    with Anchor(KEY, base_url=server.base_url) as anchor:
        session_id = anchor.sessions.open().id
    failed = cli("session", "end", session_id)
    assert failed.status == 5
    assert f"{session_id} may still be open: HTTP 401" in failed.err
    assert server.emulator.sessions[-1].is_open
    server.emulator.sessions[-1].end()
    assert "or --all, not both" in cli("session", "end", "--all", session_id).err
    for wrong in (
        ("end",),
        ("open", "--idle-timeout", "1800"),
        ("view", ".."),
        ("end", "all"),
    ):
        assert cli("session", *wrong).status == 2, wrong


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_sessions_are_ended_at_once_and_an_interruption_says_which_are_left(
    cli: CommandLine, number: signal.Signals
) -> None:
    emulator = Emulator(KEY, clock=SystemClock())
    hangs = Fault(504, delay=3600)
    with emulator.serve() as served, Anchor(KEY, base_url=served.base_url) as anchor:
        ids = [anchor.sessions.open().id for _ in range(3)]
        emulator.on_session(faults={"end": [hangs, Fault(), Fault(401), hangs, hangs]})
        with cli.spawned("session", "end", "--base-url", served.base_url, *ids, ids[0]) as process:
            assert process.stderr
            first = "".join(process.stderr.readline() for _ in range(2))
            process.send_signal(number)
            out, said = process.communicate()
    (ended,) = (each.id for each in emulator.sessions if not each.is_open)
    assert f"{ended} has ended\n" in first
    (failed,) = (each for each in ids if f"{each} may still be open: HTTP 401" in first)
    (left,) = {*ids} - {ended, failed}
    command = f"anchor-webtask session end --base-url {served.base_url} {left}"
    assert said.endswith(f"interrupted before these have ended; to end them:\n  {command}\n")
    assert "Traceback" not in said
    assert (process.returncode, out) == (128 + number, "")


def test_end_of_an_unknown_session_is_an_error_and_the_others_are_ended(
    cli: CommandLine, server: EmulatorServer
) -> None:
    with Anchor(KEY, base_url=server.base_url) as anchor:
        session_id = anchor.sessions.open().id
    ended = cli("session", "end", "mistyped", session_id)
    assert ended.status == 5
    assert "mistyped is not known: the API knows no session with this id" in ended.err
    assert ended.err.count("has ended") == 1
    server.emulator.expect_no_open_sessions()


def test_creation_whose_outcome_is_unknown_has_a_status_of_its_own(cli: CommandLine, server: EmulatorServer) -> None:
    server.emulator.on_session(faults={"create": [Fault(cut=True, accepted=True)]})
    adopted = cli("session", "open", "--json")
    session = server.emulator.sessions[-1]
    assert json.loads(adopted.out) == {"session_id": session.id, "tag": session.tags[1]}
    assert "was found by its tag" in adopted.err
    session.end()


def test_task_in_a_session_of_its_own_ends_with_the_command(cli: CommandLine, server: EmulatorServer) -> None:
    ran = cli("run", "Read the price", "--in-session", "--check-every", "0.05")
    session = server.emulator.sessions[-1]
    line = json.loads(ran.out)
    assert (ran.status, line["state"], line["session_id"]) == (0, "completed", session.id)
    assert (
        f"browser session {session.id} is open, and ends with this command. If this command is killed, end it by:\n"
        f"  anchor-webtask session end {session.id}\n"
    ) in ran.err
    assert not session.is_open
    assert cli("run", "Read", "--in-session", "--session-id", "s-1").status == 2


@pytest.mark.parametrize(
    "arguments",
    [("Read", "--url", "shop"), ("Read", "--max-steps", "-1"), ("Read", "--agent", ""), ("",)],
    ids=["url", "steps", "agent", "prompt"],
)
def test_no_session_is_opened_for_invalid_arguments(
    cli: CommandLine, server: EmulatorServer, arguments: tuple[str, ...]
) -> None:
    before = len(server.emulator.requests)
    assert cli("run", *arguments, "--in-session").status == 2
    assert len(server.emulator.requests) == before


def test_interrupted_task_in_a_session_is_stopped(cli: CommandLine, server: EmulatorServer) -> None:
    server.emulator.on(prompt="Wait", takes=3600)
    with cli.spawned("run", "Wait", "--in-session") as process:
        assert process.stderr
        while "has started" not in (line := process.stderr.readline()):
            assert line
        interrupt(process)
        _, said = process.communicate()
    assert process.returncode == 130
    assert "its browser session was ended, and with it the task: task perform-web-task" in said
    assert "anchor-webtask wait" not in said
    assert not server.emulator.sessions[-1].is_open


def test_task_is_stopped_by_its_timeout_only_if_its_session_ends(cli: CommandLine, server: EmulatorServer) -> None:
    arguments = ("run", "Wait", "--in-session", "--timeout", "0.2", "--check-every", "0.05")
    server.emulator.on(prompt="Wait", takes=3600)
    stopped = cli(*arguments)
    assert (stopped.status, json.loads(stopped.out)["state"]) == (1, "failed")
    assert "stopped: " in stopped.err
    assert "its browser session was ended, and with it the task" in stopped.err
    assert "may still be open" not in stopped.err
    assert "anchor-webtask wait" not in stopped.err
    server.emulator.expect_no_open_sessions()

    server.emulator.on_session(faults={"end": [401]})
    running = cli(*arguments)
    assert (running.status, json.loads(running.out)["state"]) == (3, "running")
    assert running.err.count("may still be open") == 1
    assert "its browser session was ended" not in running.err
    assert "anchor-webtask wait" in running.err
    assert f"anchor-webtask session end {server.emulator.sessions[-1].id}" in running.err
    server.emulator.sessions[-1].end()


def test_questions_are_answered_at_the_terminal(cli: CommandLine, server: EmulatorServer) -> None:
    asks = [
        Ask("The code?", fields=[{"name": "code", "label": "Code", "description": "by SMS", "defaultValue": "0"}]),
        Ask("Are you sure?"),
    ]
    server.emulator.on(prompt="Log in", takes=0.1, answer="in", asks=asks)
    with cli.terminal("run", "Log in", "--in-session", "--check-every", "0.05") as terminal:
        terminal.wait_for("The agent asks: The code\\?")
        terminal.wait_for("Code \\(by SMS\\) \\[0\\]:")
        terminal.type("123456\n")
        terminal.wait_for("Your answer:")
        terminal.type("yes\n")
        assert terminal.finish() == 0
    assert server.emulator.sessions[-1].answers == (("The code?", {"code": "123456"}), ("Are you sure?", "yes"))
