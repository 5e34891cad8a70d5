"""The Makefile passes the values of users on as they are: neither make nor a shell runs a part of a value."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from tools.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = [
    "$(shell touch pwned)",
    "${shell touch pwned}",
    "$$(touch pwned)",
    "$(touch pwned)",
    "`touch pwned`",
    "; touch pwned; #",
    "'; touch pwned; '",
    '"; touch pwned; "',
    "a\ntouch pwned\n",
    "a & touch pwned | b > pwned < c",
    "$(eval override BIN := pwned)$(error pwned)",
    "  two  spaces ",
    "--output=pwned",
    "-- -c",
    "* ~ \\ % ! {a,b} $HOME ${HOME} \\$x",
]
PASSED = {
    "FROM": ["vendor", "-m", "tools.vendor", "--", "{}"],
    "BASE": ["drift", "-m", "tools.drift", "--base={}", "--old=", "--new=", "--format=", "--fail-on=", "--used-by="],
    "OLD": ["drift", "-m", "tools.drift", "--base=", "--old={}", "--new=", "--format=", "--fail-on=", "--used-by="],
    "NEW": ["drift", "-m", "tools.drift", "--base=", "--old=", "--new={}", "--format=", "--fail-on=", "--used-by="],
    "FORMAT": ["drift", "-m", "tools.drift", "--base=", "--old=", "--new=", "--format={}", "--fail-on=", "--used-by="],
    "FAIL_ON": ["drift", "-m", "tools.drift", "--base=", "--old=", "--new=", "--format=", "--fail-on={}", "--used-by="],
    "USED_BY": ["drift", "-m", "tools.drift", "--base=", "--old=", "--new=", "--format=", "--fail-on=", "--used-by={}"],
    "ROUNDS": ["bench", "--session", "bench", "--", "--rounds={}"],
    "PLOT": ["bench", "--session", "bench", "--", "--plot={}"],
    "FULL": ["bench", "--session", "bench", "--", "--full={}"],
    "DATABASE": ["bench", "--session", "bench", "--", "--database={}"],
    "REPLACE": ["vendor", "-m", "tools.vendor", "--", ""],
    "CHECK": ["bench", "--session", "bench", "--"],
    "JSON": ["bench", "--session", "bench", "--"],
    "VENV": ["vendor", "-m", "tools.vendor", "--", ""],
    "BIN": ["vendor", "-m", "tools.vendor", "--", ""],
    "ANY_OTHER_NAME": ["vendor", "-m", "tools.vendor", "--", ""],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with our Makefile, and with programs that print their arguments in place of Python and nox."""
    if shutil.which("make") is None:
        pytest.skip("make is missing")
    shutil.copy(ROOT / "Makefile", tmp_path)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for path in ("pyproject.toml", "constraints.txt", ".venv/ready"):
        (tmp_path / path).touch()
        os.utime(tmp_path / path, (0, 0))  # all times are equal, so that make rebuilds nothing
    for name in ("python", "nox"):
        (programs / name).write_text("#!/bin/sh\nprintf '%s\\0' \"$@\"\n", encoding="utf-8")
        (programs / name).chmod(0o755)
    return tmp_path


def make(folder: Path, *arguments: str, **environment: str) -> list[str]:
    """Run make, and return the arguments of the program that it calls."""
    files = sorted(folder.rglob("*"))
    ran = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
    )
    assert sorted(folder.rglob("*")) == files
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split("\0")[:-1]


@pytest.mark.parametrize("name", PASSED)
@pytest.mark.parametrize("value", HOSTILE)
def test_value_reaches_the_program_as_it_is(folder: Path, name: str, value: str) -> None:
    target, *passed = PASSED[name]
    assert make(folder, target, **{name: value}) == [argument.replace("{}", value) for argument in passed]
    stripped = value.lstrip()  # make does this to the values on its command line
    assert make(folder, target, f"{name}={value}") == [argument.replace("{}", stripped) for argument in passed]


@pytest.mark.parametrize("value", HOSTILE)
def test_programs_get_variables_that_no_recipe_uses_as_they_are(folder: Path, value: str) -> None:
    (folder / ".venv" / "bin" / "python").write_text("#!/bin/sh\nprintf '%s\\0' \"$UNUSED\"\n", encoding="utf-8")
    assert make(folder, "drift", f"UNUSED={value}") == [value.lstrip()]
    assert make(folder, "drift", UNUSED=value) == [value]


@pytest.mark.parametrize("value", HOSTILE)
def test_groups_of_the_benchmarks_are_separated_by_blanks_only(folder: Path, value: str) -> None:
    wanted = ["--session", "bench", "--", "--only", *value.split()]
    assert make(folder, "bench", f"ONLY={value}") == make(folder, "bench", ONLY=value) == wanted


def test_switches_are_on_if_their_value_is_1(folder: Path) -> None:
    assert make(folder, "bench", "CHECK=1", "JSON=1", "ONLY=memory import", "PLOT=a b.svg") == [
        *("--session", "bench", "--", "--check", "--json", "--only", "memory", "import", "--plot=a b.svg")
    ]
    for value, options in (("", []), ("0", []), ("1", ["--replace"])):
        assert make(folder, "vendor", f"REPLACE={value}", "FROM=a") == ["-m", "tools.vendor", *options, "--", "a"]


@pytest.mark.parametrize("value", HOSTILE)
def test_python_is_the_name_of_a_program_and_no_command(folder: Path, value: str) -> None:
    os.utime(folder / "pyproject.toml")  # newer than the environment, which make then builds with this program
    with pytest.raises(AssertionError, match=r"not found|Permission denied|No such file|Error 12[67]"):
        make(folder, ".venv/ready", f"PYTHON={value}")
    assert not (folder / "pwned").exists()
