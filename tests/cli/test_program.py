"""The program itself: help, completion, the emulator, what is missing, and mistakes of ours."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import typer.main

from anchor_webtask import __version__
from anchor_webtask._cli import app, exit_status
from tests.support.command_line import interrupt
from tests.support.runners import KEY

if TYPE_CHECKING:
    from tests.support.command_line import CommandLine

COMMANDS = [name for name, _, _ in app.COMMANDS]
LEDGER_COMMANDS = [name for name, _, _ in app.LEDGER_COMMANDS]


def test_help_names_all_commands_and_exit_statuses(cli: CommandLine) -> None:
    ran = cli("--help")
    assert (ran.status, ran.err) == (0, "")
    assert [
        name for name in [*COMMANDS, "session", "ledger"] if not re.search(rf"^  {name} ", ran.out, re.MULTILINE)
    ] == []
    text = " ".join(ran.out.split())
    assert [number for number in (0, 1, 2, 3, 4, 5, 130, 143, 129, 141) if not re.search(rf" {number}[ ,]", text)] == []


def test_help_of_start_says_how_to_go_on_with_the_id(cli: CommandLine) -> None:
    text = " ".join(cli("start", "--help").out.split())
    task_id = cli("start", "x").out.strip()
    for verb in ("status", "wait", "result"):
        (command,) = re.findall(rf"`(anchor-webtask {verb} [^`]+)`", text)
        ran = cli.pasted(f"id={task_id}; {command}")
        assert (ran.status, task_id in ran.out) == (0, True), ran.err


def test_group_without_a_command_shows_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, command in (([], "run"), (["ledger"], "resume")):
        assert app.run(arguments) == exit_status.USAGE
        out, err = capsys.readouterr()
        assert out == ""
        assert re.search(rf"^  {command} ", err, re.MULTILINE)


def test_version_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.run(["--version"]) == 0
    assert capsys.readouterr().out == f"anchor-webtask {__version__}\n"


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_help_of_each_command_fits_in_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    sessions = [["session"], *(["session", name] for name, _, _ in app.SESSION_COMMANDS)]
    ledgers = [["ledger"], *(["ledger", name] for name in LEDGER_COMMANDS)]
    for command in [[], *([name] for name in COMMANDS), *sessions, *ledgers]:
        assert app.run([*command, "--help"]) == 0
        out = capsys.readouterr().out
        assert out.startswith(f"Usage: anchor-webtask {' '.join(command)}".rstrip())
        assert max(map(len, out.splitlines())) <= max(columns, 52), command


def test_help_imports_no_client() -> None:
    code = (
        "import sys; before = {*sys.modules}; from anchor_webtask._cli import app; app.run(['run', '--help']); "
        "added = {*sys.modules} - before; "
        "print([n for n in ('httpx', 'attr', 'msgspec', 'sqlite3', 'rich') if n in added], file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.stderr == "[]\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_can_be_shown_and_installed(shell: str, cli: CommandLine) -> None:
    variables = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1", "HOME": str(cli.folder)}
    shown = cli("--show-completion", shell, **variables)
    assert (shown.status, shown.err) == (0, "")
    assert "_ANCHOR_WEBTASK_COMPLETE" in shown.out
    if shutil.which(shell):
        installed = cli("--install-completion", shell, **variables)
        assert (installed.status, installed.err) == (0, "")
        files = [path for path in cli.folder.rglob("*") if path.is_file()]
        assert [path for path in files if "ANCHOR_WEBTASK_COMPLETE" in path.read_text(encoding="utf-8")]
        assert [path for path in files if KEY in path.read_text(encoding="utf-8")] == []


def complete(cli: CommandLine, line: str) -> list[str]:
    """Return what bash offers after a line."""
    words = line.split(" ")
    ran = cli(_ANCHOR_WEBTASK_COMPLETE="complete_bash", COMP_WORDS=line, COMP_CWORD=str(len(words) - 1))
    assert ran.err == ""
    return ran.out.split()


def test_completion_offers_commands_options_and_choices(cli: CommandLine) -> None:
    assert complete(cli, "anchor-webtask ") == [*COMMANDS, "session", "ledger"]
    assert complete(cli, "anchor-webtask ledger re") == ["retry", "resume"]
    assert complete(cli, "anchor-webtask run --secr") == ["--secret"]
    assert complete(cli, "anchor-webtask map --format ") == ["jsonl", "csv"]
    assert complete(cli, "anchor-webtask ledger list --state unk") == ["unknown"]


def test_emulator_serves_until_ctrl_c(cli: CommandLine) -> None:
    (cli.folder / "shop.toml").write_text('[[scenario]]\nprompt = "a"\nanswer = 7\n', encoding="utf-8")
    with cli.spawned(
        "emulator", "--takes", "0", "--scenarios", "shop.toml", "--dialect", "upper-case-status"
    ) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:")
        ran = cli("run", "a", "--check-every", "0.05", ANCHORBROWSER_BASE_URL=url, ANCHORBROWSER_API_KEY="any")
        interrupt(process)
        _, err = process.communicate()
    assert (ran.status, json.loads(ran.out)["value"]) == (0, 7)
    assert (process.returncode, "POST /v1/tools/perform-web-task" in err) == (0, True)


def test_emulator_on_a_terminal_says_what_to_set(cli: CommandLine) -> None:
    with cli.terminal("emulator") as terminal:
        terminal.wait_for(r"  export ANCHORBROWSER_BASE_URL=http://127\.0\.0\.1:\d+ ANCHORBROWSER_API_KEY=emulator")
        terminal.type("\x03")
        assert terminal.finish() == 0


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--dialect", "no-such"], 2, "no-such"),
        (["--scenarios", "no.toml"], 5, "no.toml"),
        (["--host", "0.0.0.0"], 2, "allow_remote"),
        (["--takes", "-1"], 2, "takes"),
    ],
)
def test_emulator_says_what_is_wrong(options: list[str], status: int, said: str, cli: CommandLine) -> None:
    ran = cli("emulator", *options)
    assert (ran.status, ran.out) == (status, "")
    assert said in ran.err


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_missing_extra_is_told(missing: str) -> None:
    code = (
        "import importlib.util; find = importlib.util.find_spec; "
        f"importlib.util.find_spec = lambda name: None if name == {missing!r} else find(name); "
        "from anchor_webtask._cli.entry import main; main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert ran.stderr == f"anchor-webtask: {missing} is not installed: pip install 'anchor-webtask[cli]'\n"


@pytest.mark.parametrize("module", ["typer", "anchor_webtask._cli.app"])
def test_ctrl_c_before_the_command_is_no_traceback(module: str) -> None:
    code = (
        "import sys; from importlib.abc import MetaPathFinder\n"
        "class Interrupted(MetaPathFinder):\n"
        "    def find_spec(self, name, *_):\n"
        f"        if name == {module!r}: raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Interrupted())\n"
        "from anchor_webtask._cli.entry import main; main()"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "")


def test_missing_extra_of_the_emulator_is_told() -> None:
    code = (
        "import sys; sys.modules['starlette.requests'] = None; "
        "from anchor_webtask._cli import app; sys.exit(app.run(['emulator']))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "pip install 'anchor-webtask[emulator]'" in ran.stderr


def test_mistake_of_ours_shows_no_values(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def broken(*_: object) -> None:
        error = RuntimeError(f"a secret: {KEY}")
        error.add_note("the task may or may not have started")
        raise error

    monkeypatch.setattr("anchor_webtask._cli.one_task.prompt_text", broken)
    assert app.run(["run", "x"]) == exit_status.UNKNOWN
    said = capsys.readouterr()
    assert (said.out, KEY in said.err) == ("", False)
    assert re.match(r"anchor-webtask: an unexpected error, RuntimeError, in test_program\.py:\d+, ", said.err)
    assert "the task may or may not have started" in said.err


def test_no_option_takes_the_api_key() -> None:
    group = typer.main.get_command(app.app)
    names = [name for command in group.commands.values() for option in command.params for name in option.opts]  # type: ignore[attr-defined]  # it is a group
    assert len(names) > 30
    assert [name for name in names if "api" in name.lower() or "token" in name.lower()] == []
