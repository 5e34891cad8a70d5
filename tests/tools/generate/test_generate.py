from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.building import repository
from tests.support.once import once
from tools.generate import build, folder_swap, generated_folder, import_check, pins
from tools.generate.__main__ import main
from tools.generate.build import GenerationError
from tools.generate.generated_folder import generate
from tools.repository import CONFIG, OVERLAY, ROOT, SPEC
from tools.repository_lock import locked

if TYPE_CHECKING:
    from collections.abc import Callable

    from _pytest.capture import CaptureFixture

PACKAGE = "generated/anchor_webtask_api"


def copy_of_the_repository(folder: Path, factory: pytest.TempPathFactory) -> Path:
    """Return a new folder with the files that the pipeline reads and writes; the code is generated only once."""
    generated = once(factory, "generated", lambda made: generate(repository(made / "repository")))
    return Path(shutil.copytree(generated / "repository", folder))


@pytest.fixture
def root(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the files that the pipeline reads and writes."""
    return copy_of_the_repository(tmp_path / "repository", tmp_path_factory)


def run(command: str, root: Path) -> int:
    return main([command, "--root", str(root)])


def tree(root: Path) -> dict[str, bytes]:
    """Return the contents of all files in the repository, including unexpected files; the keys are paths."""
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def files(folder: Path) -> dict[str, bytes]:
    """Return the contents of all files in a folder, except bytecode files; the keys are paths."""
    return {path: content for path, content in tree(folder).items() if "__pycache__" not in path}


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the lines that the command `check` prints after the spec and some generated files have changed."""

    def make(folder: Path) -> None:
        root = copy_of_the_repository(folder / "repository", tmp_path_factory)
        replace(root / SPEC, "title: AnchorBrowser API", "title: Another API")
        replace(root / PACKAGE / "client.py", "class Client", "class Klient")
        (root / PACKAGE / "models" / "error_response.py").unlink()
        (root / PACKAGE / "extra.py").touch()
        (root / "generated" / "extra.txt").touch()
        (root / PACKAGE / "__pycache__").mkdir()
        (root / PACKAGE / "__pycache__" / "client.cpython-311.pyc").touch()
        before = tree(root)
        with contextlib.redirect_stderr(io.StringIO()) as stderr:
            assert run("check", root) == 1
        assert tree(root) == before
        (folder / "stderr").write_text(stderr.getvalue(), encoding="utf-8")

    printed = once(tmp_path_factory, "generate-checked", make) / "stderr"
    return printed.read_text(encoding="utf-8").splitlines()


OF_AN_INPUT = [
    f"changed: {PACKAGE}/__init__.py",
    f"changed: {PACKAGE}/openapi.json",
    "changed: generated/provenance.json",
]


def test_command_check_reports_every_changed_extra_and_missing_file(checked: list[str]) -> None:
    assert [line for line in checked if line not in OF_AN_INPUT] == [
        f"changed: {PACKAGE}/client.py",
        f"extra: {PACKAGE}/extra.py",
        f"missing: {PACKAGE}/models/error_response.py",
        "extra: generated/extra.txt",
        "generated/ does not match the spec, the overlay and the config; run: make generate",
    ]


def test_command_check_reports_the_files_that_depend_on_a_changed_spec(checked: list[str]) -> None:
    assert [line for line in checked if line in OF_AN_INPUT] == OF_AN_INPUT


def test_provenance_has_the_hash_of_each_input(root: Path) -> None:
    template = "tools/generate/templates/models_init.py.jinja"
    inputs = {str(path): root / path for path in (SPEC, OVERLAY, CONFIG)} | {template: ROOT / template}
    hashes = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in inputs.items()}
    assert json.loads((root / "generated" / "provenance.json").read_text(encoding="utf-8"))["sha256"] == hashes


def without_network() -> list[str]:
    """Return a command that runs other programs without network; an empty list if this system has no such command."""
    unshare = shutil.which("unshare")
    command = [str(unshare), "--net", "--map-root-user"]
    return [] if unshare is None or subprocess.run([*command, "true"], capture_output=True).returncode else command


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Generate code in an environment that could change the result; return the folder that contains the repository.

    The network is off if this system can run a program without network.
    """

    def make(folder: Path) -> None:
        root = copy_of_the_repository(folder / "repository", tmp_path_factory)
        shutil.rmtree(root / PACKAGE / "api")
        (root / PACKAGE / "models" / "left_from_another_generation.py").touch()
        surroundings = {
            root / "ruff.toml": "line-length = 40\n[format]\nquote-style = 'single'\n",
            root / "generated" / "ruff.toml": "line-length = 40\n",
            folder / "ruff.toml": "line-length = 40\n",
            root / ".gitignore": "*.py\n",
            root / ".ignore": "*.py\n",
            folder / "bin" / "ruff": "#!/bin/sh\necho x = 1 > types.py\n",
            folder / "bin" / "openapi-python-client": "#!/bin/sh\nexit 0\n",
        }
        for path, text in surroundings.items():
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)
        (root / ".git").mkdir()  # programs read .gitignore only in a git repository
        ran = subprocess.run(
            [*without_network(), sys.executable, "-m", "tools.generate", "generate", "--root", "repository"],
            cwd=folder,
            env={
                "PATH": str(folder / "bin"),
                "PYTHONPATH": str(ROOT),
                "PYTHONHASHSEED": "7",
                "PYTHONUTF8": "0",
                "PYTHONCOERCECLOCALE": "0",
                "PYTHONWARNINGS": "error",
                "PYTHONPROFILEIMPORTTIME": "1",  # writes to stderr, as a warning would
                "LC_ALL": "C",
                "HOME": str(folder),
                "XDG_CONFIG_HOME": str(folder),
                "RUFF_CONFIG": str(folder / "ruff.toml"),
                "RUFF_LINE_LENGTH": "40",
                "RUFF_CACHE_DIR": str(root / "generated"),
            },
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stderr
        (folder / "stderr").write_text(ran.stderr, encoding="utf-8")
        for path in (root / "ruff.toml", root / ".gitignore", root / ".ignore"):
            path.unlink()

    return once(tmp_path_factory, "generate-hostile", make)


def test_hostile_environment_does_not_change_the_generated_bytes(hostile_run: Path, root: Path) -> None:
    assert "operation-id-perform: 1 of 1 changed" in (hostile_run / "stderr").read_text(encoding="utf-8")
    assert tree(hostile_run / "repository") == tree(root)


def test_generating_needs_no_network(hostile_run: Path) -> None:
    if not without_network():
        pytest.skip("this system cannot run a program without network")
    assert (hostile_run / "repository" / PACKAGE / "api").exists()


def test_warning_of_the_generator_is_an_error_and_changes_nothing(root: Path, capsys: CaptureFixture[str]) -> None:
    path = "  /v1/song:\n    get:\n      responses:\n        '200':\n          description: P\n"
    content = "          content:\n            audio/mpeg:\n              schema: {type: string, format: binary}\n"
    replace(root / SPEC, "paths:\n", f"paths:\n{path}{content}")
    before = tree(root)
    assert run("generate", root) == 1
    text = capsys.readouterr().err
    assert text.startswith("make generate: the generator failed or warned:")
    assert "Unsupported content_type audio/mpeg" in text
    assert tree(root) == before


@pytest.fixture
def ready_code(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace the generator by a function that copies the generated code of the repository."""
    monkeypatch.setattr(build, "_run_generator", lambda _, __, package: shutil.copytree(root / PACKAGE, package))


@pytest.mark.usefixtures("ready_code")
def test_unformatted_output_is_an_error(root: Path, capsys: CaptureFixture[str]) -> None:
    hook = "  - ruff format . --isolated --no-cache --no-respect-gitignore --line-length 60\n"
    with (root / CONFIG).open("a", encoding="utf-8") as config:
        config.write(hook)
    assert run("check", root) == 1
    assert "ruff did not format the output" in capsys.readouterr().err


@pytest.mark.usefixtures("ready_code")
def test_package_that_cannot_be_imported_is_an_error_and_changes_nothing(
    root: Path, tmp_path: Path, capsys: CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    finding = tmp_path / "finding.py"
    finding.write_text("import sys\nsys.exit(f'{sys.argv[2]}.models: lost')\n", encoding="utf-8")
    monkeypatch.setattr(import_check, "__file__", str(finding))
    before = tree(root)
    assert run("generate", root) == 1
    text = capsys.readouterr().err
    assert "the generated package cannot be imported:\nanchor_webtask_api.models: lost" in text
    assert tree(root) == before


def test_spec_that_cannot_be_composed_is_an_error_and_changes_nothing(root: Path, capsys: CaptureFixture[str]) -> None:
    action = "  - {x-id: of-nothing, description: none, target: $.nothing, remove: true}\n"
    with (root / OVERLAY).open("a", encoding="utf-8") as overlay:
        overlay.write(action)
    before = tree(root)
    assert run("generate", root) == 1
    text = capsys.readouterr().err
    assert text.startswith("make generate: of-nothing: the target $['nothing'] matches nothing")
    assert tree(root) == before


def test_unknown_config_key_is_an_error(root: Path, capsys: CaptureFixture[str]) -> None:
    replace(root / CONFIG, "literal_enums", "literal_enum")
    assert run("check", root) == 1
    assert "unknown key `literal_enum`; did you mean `literal_enums`?" in capsys.readouterr().err


@pytest.mark.parametrize("name", [pins.GENERATOR, pins.FORMATTER])
def test_program_whose_version_is_not_the_pinned_version_is_an_error(
    root: Path, capsys: CaptureFixture[str], name: str
) -> None:
    replace(root / "pyproject.toml", f'"{name} == ', f'"{name} == 9')
    assert run("check", root) == 1
    text = capsys.readouterr().err
    assert f"make check: the installed {name} is " in text
    assert f"pip install --python {sys.executable} --reinstall-package {name} {name}==9" in text


def test_pin_that_is_not_exact_is_an_error(root: Path, capsys: CaptureFixture[str]) -> None:
    replace(root / "pyproject.toml", '"ruff == ', '"ruff >= ')
    assert run("check", root) == 1
    assert "must pin `ruff == <version>` in the dependency group `tools`" in capsys.readouterr().err


def test_formatter_that_is_only_in_a_folder_of_the_variable_path_is_an_error(
    root: Path, tmp_path: Path, capsys: CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bin_without_ruff = tmp_path / "bin"
    bin_without_ruff.mkdir()
    shutil.copy(pins.program(pins.GENERATOR), bin_without_ruff)
    monkeypatch.setattr(pins, "BIN", bin_without_ruff)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))
    assert run("check", root) == 1
    assert (
        f"ruff is not installed in {bin_without_ruff}, the folder of the running Python; run: "
        in capsys.readouterr().err
    )


WITHOUT_GENERATOR = """
import pathlib, sys
sys.modules["openapi_python_client"] = None
from tools.generate import pins
from tools.generate.__main__ import main
pins.BIN = pathlib.Path(sys.argv[1])
sys.exit(main(["check", "--root", sys.argv[1]]))
"""


def test_error_names_the_missing_generator(root: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_GENERATOR, str(root)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    assert ran.stderr.startswith(
        f"make check: {pins.GENERATOR} is not installed in {root}, the folder of the running Python; run: "
    )


def test_temporary_folder_that_cannot_be_removed_yet_is_removed_by_a_later_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = tmp_path / ".generated-left"
    left.mkdir()
    with monkeypatch.context() as patched:
        patched.setattr(os, "rmdir", refuse)  # fails as if a process had just written a file into the folder
        with locked(tmp_path, ".generated-*"):
            assert left.exists()
    with locked(tmp_path, ".generated-*"):
        assert not left.exists()


def refuse(path: str, *_: object, **__: object) -> None:
    raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), path)


def test_failed_replacement_keeps_the_old_folder(tmp_path: Path) -> None:
    current = tmp_path / "generated"
    current.mkdir()
    (current / "file").touch()
    with pytest.raises(FileNotFoundError):
        folder_swap.replace(current, tmp_path / "none")
    assert tree(tmp_path) == {"generated/file": b""}


def test_folder_that_cannot_be_replaced_is_an_error_and_is_unchanged(
    root: Path, capsys: CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = tree(root)

    def refused(*_: Path) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(generated_folder, "build", copying(root / "generated"))
    monkeypatch.setattr(folder_swap, "replace", refused)
    assert run("generate", root) == 1
    assert capsys.readouterr().err == f"make generate: {root / 'generated'} cannot be replaced: Permission denied\n"
    assert tree(root) == before


KILLED = """
import os, pathlib, shutil, signal, sys
from tools.generate import build, folder_swap, generated_folder
from tools.generate.__main__ import main

moment, ready, root = sys.argv[1:]

def kill(*arguments, **options):
    os.kill(os.getpid(), signal.SIGKILL)

def kill_after(module, name):
    complete = getattr(module, name)
    setattr(module, name, lambda *arguments: (complete(*arguments), kill()))

def rename(path, target):
    if target.name == "generated":
        kill()
    return complete_rename(path, target)

complete_rename = pathlib.Path.rename
if ready:
    generated_folder.build = lambda root, work: shutil.copytree(ready, work / "new")
match moment:
    case "code generated":
        kill_after(build, "_run_generator")
    case "spec composed":
        kill_after(build, "compose")
    case "before both renames":
        folder_swap.replace = kill
    case "between both renames":
        pathlib.Path.rename = rename
    case "after both renames":
        shutil.rmtree = kill
    case "old folder deleted":
        kill_after(folder_swap, "replace")
main(["generate", "--root", root])
"""


def killed(moment: str, root: Path, ready: str = "") -> None:
    """Run the generate command in a process that kills itself at a given moment.

    Args:
        moment: The moment of the kill, one of the cases in `KILLED`.
        root: The repository.
        ready: A folder to copy instead of running the generator. If it is empty text, the generator runs.
    """
    command = [sys.executable, "-c", KILLED, moment, ready, str(root)]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True)
    assert ran.returncode == -signal.SIGKILL, ran.stderr


def copying(ready: Path) -> Callable[[Path, Path], object]:
    """Return a stub of `build` that copies a folder instead of running the generator."""
    return lambda _, work: shutil.copytree(ready, work / "new")


def hidden(root: Path) -> list[str]:
    return [path.name for path in root.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("moment", "left"),
    [
        ("before both renames", "old"),
        ("between both renames", "none"),
        ("after both renames", "new"),
        ("old folder deleted", "new"),
    ],
)
def test_folder_is_complete_after_a_kill_at_any_moment_of_its_replacement_and_the_next_run(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, left: str
) -> None:
    ready = shutil.copytree(root / "generated", tmp_path / "ready")
    new = files(ready)
    (root / "generated" / "old").touch()
    old = files(root / "generated")
    killed(moment, root, str(ready))
    assert files(root / "generated") == {"old": old, "new": new, "none": {}}[left]

    def fail(*_: Path) -> None:
        raise GenerationError("no")

    monkeypatch.setattr(generated_folder, "build", fail)
    assert run("check", root) == 1  # if the next run fails, the folder is still complete
    assert files(root / "generated") == (new if left == "new" else old)
    monkeypatch.setattr(generated_folder, "build", copying(ready))
    generated_folder.generate(root)
    assert files(root / "generated") == new  # if the next run succeeds, it replaces the folder
    assert hidden(root) == []


def test_kill_before_the_code_is_generated_keeps_the_old_folder(root: Path) -> None:
    (root / "generated" / "old").touch()
    old = files(root / "generated")
    killed("spec composed", root)
    assert files(root / "generated") == old
    assert hidden(root) != []


def test_kill_after_the_code_is_generated_keeps_the_old_folder_until_the_next_run_replaces_it(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready = shutil.copytree(root / "generated", tmp_path / "ready")
    new = files(ready)
    (root / "generated" / "old").touch()
    old = files(root / "generated")
    killed("code generated", root)
    assert files(root / "generated") == old
    monkeypatch.setattr(generated_folder, "build", copying(ready))
    generated_folder.generate(root)
    assert files(root / "generated") == new
    assert hidden(root) == []


TAKING_TURNS = """
import pathlib, shutil, sys, time
from tools.generate import generated_folder

ready, log, root = map(pathlib.Path, sys.argv[1:])

def build(root, work):
    with log.open("a") as file:
        print("begins", file=file, flush=True)
        time.sleep(0.2)
        shutil.copytree(ready, work / "new")
        print("ends", file=file, flush=True)

generated_folder.build = build
generated_folder.generate(root)
"""


def test_second_of_two_simultaneous_runs_waits_for_the_first(root: Path, tmp_path: Path) -> None:
    ready, log = shutil.copytree(root / "generated", tmp_path / "ready"), tmp_path / "log"
    wanted = tree(root)
    shutil.rmtree(root / "generated")
    command = [sys.executable, "-c", TAKING_TURNS, str(ready), str(log), str(root)]
    with subprocess.Popen(command, cwd=ROOT) as one, subprocess.Popen(command, cwd=ROOT) as other:
        assert (one.wait(), other.wait()) == (0, 0)
    assert log.read_text(encoding="utf-8").split() == ["begins", "ends"] * 2
    assert tree(root) == wanted
