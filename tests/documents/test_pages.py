"""The pages in docs/ suffice alone: the files that a page shows work together, in a folder that has nothing else.

The first line of each block of Python or TOML is a comment with the name of its file.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING

import attrs
import pytest

from anchor_webtask import Anchor, WaitPolicy
from anchor_webtask.emulator import DIALECTS
from anchor_webtask.emulator.__main__ import main
from tests.documents.test_documents import FILE_NAME, PAGES_WITH_PROGRAMS, ROOT, code_blocks, shell_commands
from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

EMULATOR = "python -m anchor_webtask.emulator "


def emulators(page: str) -> list[str]:
    """Return the commands on a page that start an emulator."""
    return [command for command in shell_commands(page) if command.startswith(EMULATOR)]


PAGES_WITH_EMULATOR = [page for page in PAGES_WITH_PROGRAMS if emulators(page)]


def files(page: str) -> dict[str, str]:
    """Return the files that a page shows, by their names."""
    shown: dict[str, str] = {}
    for block in code_blocks(page, "python") + code_blocks(page, "toml"):
        name = FILE_NAME.match(block)
        assert name, f"the first line of this block is not the name of a file:\n{block}"
        assert name[1] not in shown, f"{name[1]} is shown twice"
        shown[name[1]] = block
    return shown


@attrs.frozen
class Copy:
    """The files of a page, in a folder of their own."""

    folder: Path
    names: list[str]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Python in the folder; a warning is an error."""
        command = [sys.executable, "-W", "error", *arguments]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True)


@pytest.fixture(params=PAGES_WITH_PROGRAMS)
def copy(request: pytest.FixtureRequest, tmp_path: Path) -> Copy:
    shown = files(request.param)
    for name, content in shown.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "pytest.ini").touch()  # else pytest would look for settings in the folders above
    return Copy(tmp_path, sorted(shown))


def test_every_test_on_a_page_passes(copy: Copy) -> None:
    options = ["--strict-markers", "-rA", "-p", "no:cacheprovider", "-o", "asyncio_default_fixture_loop_scope=function"]
    ran = copy.run("-m", "pytest", "-W", "error", *options)
    assert ran.returncode == 0, ran.stdout
    passed = re.findall(r"^PASSED (.+?)::", ran.stdout, flags=re.MULTILINE)
    assert sorted(set(passed)) == [name for name in copy.names if name.startswith("test_")]
    assert "skipped" not in ran.stdout.splitlines()[-1]


def test_every_program_on_a_page_runs(copy: Copy) -> None:
    programs = [name for name in copy.names if name.endswith(".py") and not name.startswith("test_")]
    assert programs
    assert {name: ran.stderr for name in programs if (ran := copy.run(name)).returncode} == {}


def test_some_page_starts_an_emulator() -> None:
    assert PAGES_WITH_EMULATOR


@pytest.mark.parametrize("copy", PAGES_WITH_EMULATOR, indirect=True)
def test_every_emulator_that_a_page_starts_serves_its_scenarios(copy: Copy, request: pytest.FixtureRequest) -> None:
    for command in emulators(request.node.callspec.params["copy"]):
        program = [sys.executable, *shlex.split(command)[1:]]
        with subprocess.Popen(program, cwd=copy.folder, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout
                url = process.stdout.readline().strip()
                with Anchor("any-key", base_url=url, wait=WaitPolicy(minimum=0.1)) as anchor:
                    task = anchor.tasks.start("Read the price", url="https://shop.example/p/1")
                    assert task.result(timeout=PATIENCE).value == {"amount": 3}
            finally:
                process.terminate()
        assert process.returncode == 0


def test_page_on_testing_names_every_dialect_and_every_option_of_the_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    text = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
    with pytest.raises(SystemExit):
        main(["--help"])
    usage = capsys.readouterr().out.partition("\n\n")[0]
    options = re.findall(r"(--[a-z-]+)", usage)
    assert len(options) >= 7
    assert [option for option in options if f"`{option}" not in text] == []
    assert [f"| `{name}` |" for name in DIALECTS if f"| `{name}` |" not in text] == []
