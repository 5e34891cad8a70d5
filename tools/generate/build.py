"""Builds the contents of `generated/`: runs the generator, which writes models and endpoints, and checks its output.

The same input gives the same bytes on every supported Python, whatever the caller's environment: the versions of the
programs are pinned, each program is called by its path, and its environment variables are fixed.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs

from tools.compose.composition import Composition, compose
from tools.generate import import_check, pins, shadowed_names
from tools.generate.isolated_run import run
from tools.openapi import yaml
from tools.repository import CONFIG, OVERLAY, ROOT, SPEC

if TYPE_CHECKING:
    from tools.generate.census import Census
    from tools.openapi.limits import JSON

README: Final = """\
# Generated code

`make generate` writes this folder from `openapi-mintlify.yaml`, `overlay/openapi-overlay.yaml` and
`generator-config.yaml`. Do not edit it: the next `make generate` replaces the complete folder. To correct the code,
change the overlay. `models` imports each model at its first use.

`make check` and a contract test generate the code again in a temporary folder, and name every file that is missing,
extra or changed. `provenance.json` has the hashes of the input files and the versions of the tools.

Programs should import `anchor_webtask`, which uses this package. `anchor_webtask_api` itself promises no stability.
"""


RUN_GENERATOR: Final = "tools.generate.run_generator"

TEMPLATES: Final = Path(__file__).with_name("templates")
"""The templates that replace those of the generator."""


class GenerationError(Exception):
    """`generated/` cannot be built or replaced, and stays unchanged. The message tells the maintainer why."""


@attrs.frozen
class Generated:
    """The result of generating.

    Attributes:
        composition: The composed spec.
        census: The number of operations, schemas and other parts of the spec; the code has all of them.
    """

    composition: Composition
    census: Census

    def report(self) -> str:
        """Return the outcomes of the overlay's actions, and the number of generated operations, schemas and so on."""
        return f"{self.composition.report()}generated: {self.census}\n"


def build(root: Path, work: Path) -> Generated:
    """Write everything that belongs in `generated/` to a new folder.

    Args:
        root: The repository.
        work: An empty folder, in which the new folder is created as `new`.

    Returns:
        The composed spec, and the census of the generated code.

    Raises:
        GenerationError: The code cannot be generated, or lacks a part of the spec.
        CompositionError: The overlay does not fit the spec.
    """
    try:
        versions = pins.verify(root / "pyproject.toml")
    except pins.PinError as error:
        raise GenerationError(str(error)) from error
    from tools.generate import census, config, ignored_parts  # these import the generator, which may be missing

    try:
        settings = config.read(root / CONFIG)
    except config.ConfigError as error:
        raise GenerationError(str(error)) from error
    composition = compose(root / SPEC, root / OVERLAY)
    spec = work / "openapi.json"
    content = composition.to_json()
    composed = json.loads(content)
    if ignored := list(ignored_parts.find(composed)):
        raise GenerationError("\n".join(["the generator would ignore parts of the spec:", *ignored]))
    spec.write_text(content, encoding="utf-8")
    new = work / "new"
    new.mkdir()
    package = new / settings.package
    _run_generator(spec, root / CONFIG, package)
    for hook in settings.formatting:
        formatted = run([pins.program(pins.FORMATTER), *hook, "--check"], package)
        if formatted.returncode:
            raise GenerationError(f"{pins.FORMATTER} did not format the output:\n{formatted.stdout}")
    imported = run([sys.executable, import_check.__file__, str(new), settings.package], work)
    if imported.returncode:
        raise GenerationError(f"the generated package cannot be imported:\n{imported.stdout}")
    counted = census.take(composed, package, settings.class_names)
    if lost := [*counted.lost, *shadowed_names.find(package)]:
        raise GenerationError(
            "\n".join(["the generated code lacks parts of the spec, or hides names that it needs:", *lost])
        )
    spec.rename(package / spec.name)
    (package / "py.typed").touch()
    (new / "README.md").write_text(README, encoding="utf-8")
    inputs = {path.as_posix(): root / path for path in (SPEC, OVERLAY, CONFIG)}
    inputs |= {path.relative_to(ROOT).as_posix(): path for path in sorted(TEMPLATES.iterdir())}
    provenance: dict[str, JSON] = {
        "sha256": {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in inputs.items()},
        "tools": {name: versions[name] for name in (pins.GENERATOR, pins.FORMATTER)},
    }
    (new / "provenance.json").write_text(yaml.to_json(provenance), encoding="utf-8")
    return Generated(composition, counted)


def _run_generator(spec: Path, config: Path, package: Path) -> None:
    arguments = ["--path", spec, "--config", config, "--output-path", package, "--meta", "none", "--fail-on-warning"]
    arguments += ["--custom-template-path", TEMPLATES]
    ran = run([sys.executable, "-m", RUN_GENERATOR, "generate", *map(str, arguments)], spec.parent)
    # for some warnings the exit status is 0, so any line other than the usual one is an error
    printed = [line for line in ran.stdout.splitlines() if line.strip() and line != f"Generating {package}"]
    if ran.returncode or printed:
        raise GenerationError("the generator failed or warned:\n" + "\n".join(printed))
