"""The pictures: which commands they show, what is replaced in them, and how they are drawn."""

from __future__ import annotations

import io
import os
import re
import signal
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rich.console import Console
from rich.text import Text

from anchor_webtask.emulator import Emulator
from tools.screenshots.terminal_run import TerminalRun, script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from subprocess import Popen

FOLDER: Final = Path("docs") / "images"
COLUMNS: Final = 100
ID: Final = "perform-web-task-execution-4f1c…-9d02"
PROGRAM: Final = "anchor-webtask"
ENDED: Final = "12 tasks: "
URLS: Final = [f"https://shop.example/p/{number}" for number in range(1, 13)]
# What differs from run to run, and what the pictures have in its place.
REPLACED: Final = (
    (re.compile(r"perform-web-task-execution-[0-9a-f-]+…?"), ID),
    (re.compile(r"(?m)^[|/\\-] "), "| "),
    (re.compile(r"\b(running|started|starting), \d+ s"), r"\1, 12 s"),
    (re.compile(r"next check in \d+ s"), "next check in 2 s"),
    (re.compile(r"[\d.]+/min(, about [^,\n]+ left)?"), "31.0/min, about 8 s left"),
    (re.compile(r"until \d\d:\d\d"), "until 14:05"),
    (re.compile(r"until \d{4}-[^ ]+"), "until 2026-12-01T14:05:00+00:00"),
)


def pictures() -> dict[str, str]:
    """Return the pictures as SVG, by the names of their files."""
    emulator = Emulator(takes=0)
    emulator.on(prompt="Read the price", takes=3600, answer={"amount": 3, "currency": "USD"})
    emulator.on(prompt="Read the price at *", answer=3)
    emulator.on(prompt=f"Read the price at {URLS[3]}", fails="there is no price on the page")
    emulator.on(prompt=f"Read the price at {URLS[7]}", start_faults=[502])
    emulator.on(prompt=f"Read the price at {URLS[11]}", takes=3600)
    with tempfile.TemporaryDirectory() as folder, emulator.serve() as server:
        variables = {
            "PATH": os.environ.get("PATH", ""),
            "HOME": folder,
            "TERM": "xterm-256color",
            "ANCHORBROWSER_API_KEY": "emulator",
            "ANCHORBROWSER_BASE_URL": server.base_url,
        }
        (Path(folder) / "urls.csv").write_text("\n".join(["url", *URLS, ""]), encoding="utf-8")
        return {
            "help.svg": _picture(_help(Path(folder), variables)),
            "run.svg": _picture(_run(Path(folder), variables, emulator)),
            "map.svg": _picture(_map(Path(folder), variables)),
        }


def _help(folder: Path, variables: Mapping[str, str]) -> str:
    arguments = ["--help"]
    return _typed("--help") + _terminal(arguments, folder, variables).after


def _run(folder: Path, variables: Mapping[str, str], emulator: Emulator) -> str:
    arguments = ["run", "Read the price", "--url", URLS[0]]
    until = "running, [^\r]*next check"
    ran = _terminal(arguments, folder, variables, until, lambda _: emulator.tasks[-1].finish())
    answer = ran.after[ran.after.index("{") :]
    return f"{_typed(f'run {arguments[1]!r} --url {URLS[0]}')}{ran.during}\n\n# when the task has ended:\n{answer}"


def _map(folder: Path, variables: Mapping[str, str]) -> str:
    template = "Read the price at {url}"
    arguments = ["map", "urls.csv", "--prompt", template, "--key", "{url}", "--ledger", "prices.ledger"]
    arguments += ["--max-running", "12"]
    # Only the messages: the lines of JSON on standard output are too wide for a picture.
    command = ["bash", "-c", 'exec "$@" > prices.jsonl', "bash", script(PROGRAM), *arguments, "--check-every", "0.5"]
    until = r"11/12 done, 1 running, 1 unknown, 1 failed, 1 place held[^\r]+min"
    ran = TerminalRun(
        command,
        folder=folder,
        environment=variables,
        columns=COLUMNS,
        until=until,
        then=lambda process: process.send_signal(signal.SIGINT),
    )
    typed = _typed(
        f"map urls.csv --prompt '{template}' --key '{{url}}' --ledger prices.ledger --max-running 12 > prices.jsonl"
    )
    return f"{typed}{ran.during}\n\n# after Ctrl-C:\n{ran.after[ran.after.index(ENDED) :]}"


def _terminal(
    arguments: list[str],
    folder: Path,
    variables: Mapping[str, str],
    until: str | None = None,
    then: Callable[[Popen[bytes]], object] = lambda _: None,
) -> TerminalRun:
    command = [script(PROGRAM), *arguments]
    return TerminalRun(command, folder=folder, environment=variables, columns=COLUMNS, until=until, then=then)


def _typed(command: str) -> str:
    return f"$ {PROGRAM} {command}\n"


def _picture(text: str) -> str:
    """Return a picture of a terminal that shows a text."""
    for pattern, replacement in REPLACED:
        text = pattern.sub(replacement, text)
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(Text.from_ansi(text.rstrip()))
    return console.export_svg(title=PROGRAM, unique_id=PROGRAM)
