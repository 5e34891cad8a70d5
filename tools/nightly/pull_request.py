"""Writes the text of the pull request with a new spec: the drift report, and each step that failed with its message."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from tools.drift.markdown_report import LIMIT
from tools.terminal import printable

if TYPE_CHECKING:
    from pathlib import Path

_MESSAGE: Final = 3_000
"""The maximum number of characters of one message, with which all messages fit beside the longest drift report."""

_TIME: Final = 300
"""The maximum number of seconds of one step: the job has 15 minutes for all of them."""

_GENERATE: Final = {
    "make generate": ("tools.generate", "generate"),
    "make accept": ("tools.surface", "accept"),
}
_DRIFT: Final = ("tools.drift", "--base=HEAD", "--format=md")


def body(root: Path) -> str:
    """Generate the code, accept the surface, and compare both with the last commit.

    Args:
        root: The repository, whose own programs run; its spec is new.

    Returns:
        The text in Markdown, at most as long as GitHub accepts.
    """
    failed = ""
    for step, command in _GENERATE.items():
        ran = _run(root, command)
        if ran.returncode:
            failed = _failure(f"`{step}` failed, so the code is not that of this spec", ran)
            break
    report = _run(root, _DRIFT)
    compared = report.stdout if not report.returncode else _failure("`make drift` failed", report)
    return f"{failed}{compared}"[:LIMIT]


def _run(root: Path, command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", *command]
    try:
        return subprocess.run(  # noqa: S603  our own programs, without text from outside
            arguments,
            cwd=root,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIME,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(arguments, 1, "", f"stopped, since it took more than {_TIME} s")


def _failure(title: str, ran: subprocess.CompletedProcess[str]) -> str:
    """Return a message in a code block, whose fence is longer than any in the message, so that all of it is text."""
    message = printable(ran.stderr.strip() or ran.stdout.strip() or f"exit status {ran.returncode}")
    if len(message) > _MESSAGE:
        message = f"{message[: _MESSAGE // 2]}\n…\n{message[-_MESSAGE // 2 :]}"
    ticks = max((len(found) for found in re.findall("`+", message)), default=0)
    fence = "`" * max(3, ticks + 1)
    return f"**{title}:**\n\n{fence}text\n{message}\n{fence}\n\n"
