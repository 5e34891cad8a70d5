"""Writes the text of the pull request with a new spec: the drift report, and each step that failed with its message."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tools.drift.markdown_report import LIMIT
from tools.terminal import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_MESSAGES: Final = 4_000
"""The maximum number of characters of all messages, which then fit beside the longest drift report."""

_SOURCES: Final = 3
"""The maximum number of sources whose messages are in the text."""

TIME: Final = 240
"""The maximum number of seconds of one step."""

_GENERATE: Final = {
    "make generate": ("tools.generate", "generate"),
    "make accept": ("tools.surface", "accept"),
}
_DRIFT: Final = ("tools.drift", "--base=HEAD", "--format=md")
STEPS: Final = (*_GENERATE.values(), _DRIFT)


def body(root: Path, failed_sources: Sequence[str] = ()) -> str:
    """Generate the code, accept the surface, and compare both with the last commit.

    Args:
        root: The repository, whose own programs run; its spec is new.
        failed_sources: The message for each source of the spec that could not be vendored.

    Returns:
        The text in Markdown, at most as long as GitHub accepts.
    """
    failed = [("A source failed, so the spec lacks what is new there", each) for each in failed_sources[:_SOURCES]]
    if more := failed_sources[_SOURCES:]:
        failed[-1] = (failed[-1][0], f"{failed[-1][1]}\n… and {len(more)} more sources, see the log of the job")
    for step, command in _GENERATE.items():
        ran = _run(root, command)
        if ran.returncode:
            failed.append((f"`{step}` failed, so the code is not that of this spec", _message(ran)))
            break
    report = _run(root, _DRIFT)
    if report.returncode:
        failed.append(("`make drift` failed", _message(report)))
    messages = "".join(_failure(title, message, _MESSAGES // len(failed)) for title, message in failed)
    return f"{messages}{'' if report.returncode else report.stdout}"[:LIMIT]


def _run(root: Path, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", *command]
    with subprocess.Popen(  # noqa: S603  our own programs, without text from outside
        arguments,
        cwd=root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            stdout, stderr = process.communicate(timeout=TIME)
        except subprocess.TimeoutExpired:
            # with the programs that it has started: they have its pipes, which are read until all are closed
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            return subprocess.CompletedProcess(arguments, 1, "", f"stopped, since it took more than {TIME} s")
    return subprocess.CompletedProcess(arguments, process.returncode, stdout, stderr)


def _message(ran: subprocess.CompletedProcess[str]) -> str:
    return ran.stderr.strip() or ran.stdout.strip() or f"exit status {ran.returncode}"


def _failure(title: str, message: str, room: int) -> str:
    """Return a message in a code block, whose fence is longer than any in the message, so that all of it is text."""
    message = printable(message)
    if len(message) > room:
        message = f"{message[: room // 2]}\n…\n{message[-room // 2 :]}"
    ticks = max((len(found) for found in re.findall("`+", message)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"**{title}:**\n\n{fence}text\n{message}\n{fence}\n\n"
