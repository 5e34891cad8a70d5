"""Each Python example of the README passes both type checkers, alone; the nox session `types` installs them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.documents.test_documents import EXAMPLES

ROOT = Path(__file__).parents[2]
CHECKERS = {
    "mypy": ["--strict", "--config-file=", "--no-error-summary"],
    "pyright": ["--pythonpath", sys.executable],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a module for each example."""
    folder = tmp_path_factory.mktemp("examples")
    # otherwise pyright checks no file in the folder of an environment, where nox may put temporary files
    (folder / "pyrightconfig.json").write_text('{"exclude": []}', encoding="utf-8")
    for number, example in enumerate(EXAMPLES):
        (folder / f"example_{number}.py").write_text(example, encoding="utf-8")
    (folder / "wrong.py").write_text("from anchor_webtask import Anchor\n\nAnchor().tasks.run(7)\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("checker", CHECKERS)
def test_examples_of_the_readme_pass_the_type_checker(checker: str, folder: Path) -> None:
    pytest.importorskip(checker, reason=f"{checker} is not installed: nox --session types runs this test")
    names = sorted(path.name for path in folder.glob("example_*.py"))
    assert len(names) == len(EXAMPLES) > 5
    correct, wrong = (check(checker, folder, files) for files in (names, ["wrong.py"]))
    assert (correct.returncode, correct.stderr) == (0, ""), correct.stdout
    assert wrong.returncode == 1, "the checker does not find the package"
    assert "wrong.py" in wrong.stdout


def check(checker: str, folder: Path, files: list[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", checker, *CHECKERS[checker], *files]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)
