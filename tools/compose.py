"""Composes the spec that code is generated from: the vendored one with the overlay applied, strictly.

The Overlay specification lets an action that matches nothing succeed. For corrections that are kept over years that is
wrong: when upstream moves a target, or makes the same correction, somebody has to be told. So each action has to change
something, unless it says otherwise; the overlay's own head explains the kinds. Then names are given, by one rule, and
words made fit to be read.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import attrs
from ruamel.yaml.comments import CommentedMap

from tools import _apply, _consts, _naming, _nearest, _overlay, _prose, _yaml
from tools._overlay import CompositionError, Problem
from tools._terminal import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = [
    "OVERLAY",
    "ROOT",
    "SPEC",
    "SURFACE",
    "Composition",
    "CompositionError",
    "Outcome",
    "Problem",
    "compose",
    "main",
]

ROOT: Final = Path(__file__).resolve().parent.parent
SPEC: Final = Path("openapi-mintlify.yaml")
OVERLAY: Final = Path("overlay/openapi-overlay.yaml")
SURFACE: Final = Path("tests/contract/surface.txt")


@attrs.frozen
class Outcome:
    """What became of one action.

    Attributes:
        action: The action.
        results: What it did at each target, in the document's order.
    """

    action: _overlay.Action
    results: tuple[_apply.Result, ...]

    def __str__(self) -> str:
        if not self.results:
            return f"{self.action.id}: no target, which may be: {self.action.optional}"
        changed = sum(result.changed for result in self.results)
        head = f"{self.action.id}: {changed} of {len(self.results)} changed"
        if not changed:
            head += f" ({_apply.UPSTREAM_HAS_IT})"
        elif self.action.add_if_missing:
            head += "".join(f"\n    {result.path}: {result.done}" for result in self.results)
        elif changed < len(self.results):
            kept = (result for result in self.results if not result.changed)
            head += "".join(f"\n    {result.path}: {result.done}" for result in kept)
        return head


@attrs.frozen
class Composition:
    """A composed spec and how it came about.

    Attributes:
        document: The composed spec as ruamel.yaml's mappings and sequences, in order.
        outcomes: What became of each action, in the overlay's order.
    """

    document: CommentedMap
    outcomes: tuple[Outcome, ...]

    def report(self) -> str:
        """Return a line or more for each action: at how many targets it changed something, and where not."""
        return "".join(f"{outcome}\n" for outcome in self.outcomes)

    def to_yaml(self) -> str:
        """Return the spec as YAML, with the comments of the vendored file."""
        return _yaml.dump(self.document)

    def to_json(self) -> str:
        """Return the spec as JSON, the same bytes for the same input."""
        return _yaml.to_json(_yaml.plain(self.document))


def compose(spec: Path, overlay: Path) -> Composition:
    """Apply an overlay to a spec.

    Args:
        spec: An OpenAPI 3.x document in YAML 1.2 or JSON.
        overlay: An OpenAPI Overlay 1.0 document.

    Returns:
        The composed spec and a report.

    Raises:
        CompositionError: A file can't be read, or the overlay and the spec don't go together; has every problem found.
    """
    try:
        document = _yaml.load(spec)
        actions = _overlay.read(overlay)
    except _yaml.DocumentError as error:
        raise CompositionError([Problem(None, str(error))]) from error
    version = document.get("openapi") if isinstance(document, CommentedMap) else None
    if not (isinstance(version, str) and re.fullmatch(r"3\.\d+\.\d+", version)):
        raise CompositionError([Problem(None, f"{spec}: is no OpenAPI 3.x document (a mapping with `openapi: 3.x.y`)")])
    outcomes: list[Outcome] = []
    problems: list[Problem] = []
    for action in actions:
        try:
            outcome = Outcome(action, tuple(_apply.apply(action, document)))
        except _apply.RefusedError as error:
            problems.append(Problem(action.id, str(error)))
            continue
        outcomes.append(outcome)
        problems += _lost(outcome, document)
    problems += _twins(document)
    problems += (Problem(None, lost, "Give it an operationId in the overlay.") for lost in _naming.rename(document))
    if problems:
        raise CompositionError(problems)
    _consts.say_as_enums(document)
    _prose.spell_out(document)
    return Composition(document, tuple(outcomes))


def _lost(outcome: Outcome, document: CommentedMap) -> Iterator[Problem]:
    action = outcome.action
    if action.optional is not None:
        return
    if not outcome.results:
        reason = f"the target {action.target} matches nothing"
        near = _nearest.hint(action.target, document)
        if action.remove:
            yield Problem(action.id, reason, f"Delete the action if upstream has removed it as well; {near}.")
        else:
            yield Problem(action.id, reason, f"{near[0].upper()}{near[1:]}.")
    elif not action.add_if_missing and not any(result.changed for result in outcome.results):
        yield Problem(action.id, f"changes nothing: {_apply.UPSTREAM_HAS_IT}", "Delete the action.")


def _twins(document: CommentedMap) -> Iterator[Problem]:
    """Find paths that differ in a parameter's name only, as an added one does once upstream has its own."""
    paths = document.get("paths")
    seen: dict[str, str] = {}
    for path in paths if isinstance(paths, CommentedMap) else ():
        first = seen.setdefault(re.sub(r"\{[^}]*\}", "{}", path), path)
        if first != path:
            yield Problem(None, f"{first} and {path} are one path to OpenAPI", "Let the overlay use upstream's name.")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: Without the program's name; by default those of the process.

    Returns:
        The exit status.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.compose",
        description="Write the composed spec as YAML, and what each action of the overlay did to stderr.",
    )
    parser.add_argument("spec", nargs="?", type=Path, default=ROOT / SPEC, help=f"default: {SPEC}")
    parser.add_argument("--overlay", type=Path, default=ROOT / OVERLAY, metavar="FILE", help=f"default: {OVERLAY}")
    parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
    options = parser.parse_args(arguments)
    try:
        composition = compose(options.spec, options.overlay)
    except CompositionError as error:
        print(printable(f"{options.spec} and {options.overlay} do not compose:\n{error}"), file=sys.stderr)
        return 1
    content = composition.to_yaml().encode()
    try:
        if options.output is None:
            sys.stdout.buffer.write(content)  # not as text: the caller's locale has no say in it
        else:
            options.output.write_bytes(content)
    except OSError as error:
        print(f"{options.output or 'standard output'}: {error.strerror}", file=sys.stderr)
        return 1
    print(printable(composition.report()), end="", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
