"""Writes `generated/` from the spec, the overlay and the config, or checks that it is what would be written.

The same bytes come of the same input on every supported Python, whatever the caller's surroundings: programs are pinned
and found by path, their environment is made here, and all work is done in a new folder that takes the old one's place
only when everything is well.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from tools import _hiding, _importable, _pins, _yaml
from tools._alone import alone, exchange
from tools._terminal import printable
from tools.compose import OVERLAY, ROOT, SPEC, Composition, CompositionError, compose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tools._census import Census

GENERATED: Final = Path("generated")
CONFIG: Final = Path("generator-config.yaml")

README: Final = """\
# Generated code

Written by `make generate` from `openapi-mintlify.yaml`, `overlay/openapi-overlay.yaml` and `generator-config.yaml`.
Do not edit: the next `make generate` replaces the whole folder. What is wrong here is put right in the overlay.

`make check` and a contract test write it anew elsewhere, and name every file that is missing, extra or changed.
`provenance.json` says what it was made from, and with which versions of the tools.

`anchor_webtask_api` promises no stability; `anchor_webtask`, which imports it, is what people should import.
"""


_WORK: Final = ".generated-"


class GenerationError(Exception):
    """`generated/` can't be written; the old one is as it was. The message is for the maintainer."""


@attrs.frozen
class Generated:
    """What was generated.

    Attributes:
        composition: The composed spec that it was made from.
        census: What the spec has, all of which is there.
    """

    composition: Composition
    census: Census

    def report(self) -> str:
        """Return what the overlay's actions did, and what there is."""
        return f"{self.composition.report()}generated: {self.census}\n"


def generate(root: Path) -> Generated:
    """Write `generated/` anew.

    Args:
        root: The repository.

    Returns:
        What it was made from, with a report.

    Raises:
        GenerationError: Something went wrong; `generated/` is as it was.
        CompositionError: The overlay and the spec don't go together; `generated/` is as it was.
    """
    with alone(root, f"{_WORK}*"), tempfile.TemporaryDirectory(prefix=_WORK, dir=root) as work:
        generated = _build(root, Path(work))
        _swap(Path(work, "new"), root / GENERATED)
    return generated


def check(root: Path) -> list[str]:
    """Compare `generated/` with what `generate` would write.

    Args:
        root: The repository.

    Returns:
        A line for each file that is missing, extra or changed.

    Raises:
        GenerationError: It can't be generated.
        CompositionError: The overlay and the spec don't go together.
    """
    with alone(root, f"{_WORK}*"), tempfile.TemporaryDirectory() as work:
        _build(root, Path(work))
        wanted = _files(Path(work, "new"))
        found = _files(root / GENERATED)
    words = {
        path: "missing" if path not in found else "extra" if path not in wanted else "changed"
        for path in sorted(wanted.keys() | found.keys())
        if wanted.get(path) != found.get(path)
    }
    return [f"{word}: {GENERATED / path}" for path, word in words.items()]


def _build(root: Path, work: Path) -> Generated:
    """Write all that belongs into `generated/` to `new` in an empty folder."""
    try:
        versions = _pins.verify(root / "pyproject.toml")
    except _pins.PinError as error:
        raise GenerationError(str(error)) from error
    from tools import _census, _config, _unread  # they import the generator, which may not have been there

    try:
        settings = _config.read(root / CONFIG)
    except _config.ConfigError as error:
        raise GenerationError(str(error)) from error
    composition = compose(root / SPEC, root / OVERLAY)
    spec = work / "openapi.json"
    content = composition.to_json()
    composed = json.loads(content)
    if unread := list(_unread.find(composed)):
        raise GenerationError("\n".join(["code would not be made of all of the spec:", *unread]))
    spec.write_text(content, encoding="utf-8")
    new = work / "new"
    new.mkdir()
    package = new / settings.package
    _run_generator(spec, root / CONFIG, package)
    for hook in settings.formatting:
        formatted = _run([_pins.program(_pins.FORMATTER), *hook, "--check"], package)
        if formatted.returncode:
            raise GenerationError(f"{_pins.FORMATTER} has not formatted the output:\n{formatted.stdout}")
    imported = _run([sys.executable, _importable.__file__, str(new), settings.package], work)
    if imported.returncode:
        raise GenerationError(f"the generated package does not import:\n{imported.stdout}")
    census = _census.take(composed, package, settings.class_names)
    if lost := [*census.lost, *_hiding.find(package)]:
        raise GenerationError("\n".join(["code was not made of all of the spec:", *lost]))
    spec.rename(package / spec.name)
    (package / "py.typed").touch()
    (new / "README.md").write_text(README, encoding="utf-8")
    provenance: dict[str, _yaml.JSON] = {
        "sha256": {
            path.as_posix(): hashlib.sha256((root / path).read_bytes()).hexdigest() for path in (SPEC, OVERLAY, CONFIG)
        },
        "tools": {name: versions[name] for name in (_pins.GENERATOR, _pins.FORMATTER)},
    }
    (new / "provenance.json").write_text(_yaml.to_json(provenance), encoding="utf-8")
    return Generated(composition, census)


def _run_generator(spec: Path, config: Path, package: Path) -> None:
    arguments = ["--path", spec, "--config", config, "--output-path", package, "--meta", "none", "--fail-on-warning"]
    ran = _run([_pins.program(_pins.GENERATOR), "generate", *map(str, arguments)], spec.parent)
    # some warnings leave the exit status at 0, so nothing may be said beyond the usual line
    said = [line for line in ran.stdout.splitlines() if line.strip() and line != f"Generating {package}"]
    if ran.returncode or said:
        raise GenerationError("the generator has failed, or has warned:\n" + "\n".join(said))


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": str(_pins.BIN),  # the hooks' ruff; the shell that runs them is called by its path
        "LC_ALL": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONNOUSERSITE": "1",
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if "LD_LIBRARY_PATH" in os.environ:  # some interpreters don't start without it
        environment["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
    return subprocess.run(  # noqa: S603  the programs are those beside this interpreter
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def _swap(new: Path, current: Path) -> None:
    try:
        if current.exists():
            exchange(current, new)
        else:
            new.rename(current)
    except OSError as error:
        raise GenerationError(f"{current} can't be replaced: {error.strerror}") from error


def _files(folder: Path) -> dict[Path, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(folder): path.read_bytes() for path in paths}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; by default those of the process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(prog="python -m tools.generate", description="Write generated/, or check it.")
    parser.add_argument("command", choices=["generate", "check"])
    parser.add_argument("--root", type=Path, default=ROOT, metavar="FOLDER", help="default: this repository")
    options = parser.parse_args(arguments)
    root = options.root.resolve()
    try:
        if options.command == "generate":
            print(printable(generate(root).report()), end="", file=sys.stderr)
            return 0
        differences = check(root)
    except (GenerationError, CompositionError) as error:
        print(printable(f"make {options.command}: {error}"), file=sys.stderr)
        return 1
    if differences:
        print(printable("\n".join(differences)), file=sys.stderr)
        print(f"{GENERATED}/ is not what spec, overlay and config make. Run: make generate", file=sys.stderr)
        return 1
    print(f"{GENERATED}/ is up to date")
    return 0


if __name__ == "__main__":
    sys.exit(main())
