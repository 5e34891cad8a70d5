"""The documents' Python examples pass both type checkers; the nox session `types` installs them.

Each example that runs alone passes alone, and the files of a page in docs/ together.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.test_documents import EXAMPLES, PAGES_WITH_PROGRAMS
from tests.documents.test_pages import files

ROOT = Path(__file__).parents[2]
CHECKERS = {
    "mypy": ["--strict", "--config-file=", "--no-error-summary"],
    "pyright": ["--pythonpath", sys.executable],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module for each example that runs alone."""
    folder = tmp_path_factory.mktemp("examples")
    # otherwise pyright checks no file in the folder of an environment, where nox may put temporary files
    (folder / "pyrightconfig.json").write_text('{"exclude": []}', encoding="utf-8")
    for name, example in EXAMPLES.items():
        (folder / f"example_{name.replace('-', '_')}.py").write_text(example, encoding="utf-8")
    (folder / "wrong.py").write_text("from anchor_webtask import Anchor\n\nAnchor().tasks.run(7)\n", encoding="utf-8")
    return folder


@pytest.fixture
def options(checker: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The checker's options; all runs of mypy share a cache, which has the types of our dependencies."""
    cache = ["--cache-dir", str(tmp_path_factory.getbasetemp() / "mypy-cache")] if checker == "mypy" else []
    return [*CHECKERS[checker], *cache]


@pytest.fixture(autouse=True)
def checker_is_installed(checker: str) -> None:
    pytest.importorskip(checker, reason=f"{checker} is not installed: nox --session types runs this test")


@pytest.mark.parametrize("checker", CHECKERS)
def test_examples_pass_the_type_checker(checker: str, options: list[str], folder: Path) -> None:
    names = sorted(path.name for path in folder.glob("example_*.py"))
    assert len(names) == len(EXAMPLES) > 5
    correct, wrong = (check(checker, options, folder, files) for files in (names, ["wrong.py"]))
    assert (correct.returncode, correct.stderr) == (0, ""), correct.stdout
    assert wrong.returncode == 1, "the checker does not find the package"
    assert "wrong.py" in wrong.stdout


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.parametrize("page", [*PAGES_WITH_PROGRAMS, "docs/workers.md"])
def test_files_of_a_page_pass_the_type_checker(checker: str, options: list[str], page: str, tmp_path: Path) -> None:
    shown = {name: content for name, content in files(page).items() if name.endswith(".py")}
    for name, content in shown.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    checked = check(checker, options, tmp_path, sorted(shown))
    assert (checked.returncode, checked.stderr) == (0, ""), checked.stdout


def check(checker: str, options: list[str], folder: Path, files: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", checker, *options, *files]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)
