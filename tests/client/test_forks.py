"""A process that is forked while another thread is in the middle of its first call can make calls."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.patience import PATIENCE
from tests.support.raw_server import error_response, json_response, raw_server

PROGRAMS: Final = Path(__file__).parent / "programs"
POINTS: Final = ("1", "9", "25", "50", "75")
"""Numbers of imports, of the 90 or more that a first call makes: in the generated code, attrs, httpcore and anyio."""

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
each_client = pytest.mark.parametrize("client", ["sync", "asyncio", "trio"])


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program; from Python 3.12 on, a fork of a process with threads causes a warning."""
    command = [sys.executable, "-W", "ignore::DeprecationWarning", str(PROGRAMS / program), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=2 * PATIENCE)


@each_client
def test_fork_in_the_middle_of_a_first_call_can_make_calls(client: str) -> None:
    with raw_server() as server:
        ran = run("fork_in_first_call.py", client, server.base_url, *POINTS)
    assert (ran.stdout.split("\n"), ran.stderr) == ([*(f"{point} 0" for point in POINTS), ""], "")


@each_client
def test_first_calls_import_nothing_without_the_lock_for_which_a_fork_waits(client: str) -> None:
    started = json_response({"data": {"status": "running", "workflow_id": "task-1", "id": "session-1"}})
    listed = json_response({"data": {"status": "COMPLETED", "result": "done", "items": []}})
    with raw_server(start=[started], check=[error_response(502), listed]) as server:
        # A host name is looked up by other code than an address.
        ran = run("import_in_calls.py", client, server.base_url.replace("127.0.0.1", "localhost"))
    assert (ran.stdout, ran.stderr, ran.returncode) == ("", "", 0)


IMPORT_IN_A_THREAD: Final = """
import os, sys, threading
import anchor_webtask
from anchor_webtask import _importing

{}
status = os.waitpid(child, 0)[1] if (child := os.fork()) else None
if status is None:
    try:
        anchor_webtask.Anchor("key")
    except ImportError as error:
        print(error, flush=True)
    os._exit(0)
print(status)
"""
HELD: Final = f"""
_importing.MAX_WAIT = 0.01
holds, ends = threading.Event(), threading.Event()

def hold():
    with _importing.lock:
        holds.set()
        ends.wait({PATIENCE})

thread = threading.Thread(target=hold)
thread.start()
holds.wait({PATIENCE})
"""


LOGGED: Final = f"""
import logging
forks, holds = threading.Event(), threading.Event()
os.register_at_fork(before=forks.set)

def hold():
    with _importing.lock:
        holds.set()
        forks.wait({PATIENCE})
        logging.getLogger("of an imported module")

threading.Thread(target=hold).start()
holds.wait({PATIENCE})
"""


def fork_with(setup: str, after: str = "") -> list[str]:
    code = IMPORT_IN_A_THREAD.format(setup) + after
    ran = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert (ran.stderr, ran.returncode) == ("", 0)
    return ran.stdout.splitlines()


def test_fork_that_cannot_wait_for_an_import_is_refused_in_words() -> None:
    said, status = fork_with(HELD, "ends.set(); thread.join(); anchor_webtask.Anchor('key')")
    assert said == (
        "this process was forked while another thread was importing modules, so it cannot import them: fork before the "
        "first call of anchor_webtask or after it, or start the process by 'spawn'"
    )
    assert status == "0"


@pytest.mark.parametrize(
    "setup",
    ["", "_importing.lock.__enter__()", "_importing.lock.__enter__(); _importing.lock.__enter__()", LOGGED],
    ids=[
        "outside an import",
        "in an import of the same thread",
        "in an import of an import",
        "in an import that needs the lock of logging",
    ],
)
def test_fork_that_need_not_wait_for_ever_works(setup: str) -> None:
    assert fork_with(setup) == ["0"]
