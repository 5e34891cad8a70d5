"""Composes the spec: applies the overlay, names the operations, and escapes control characters in texts.

`tools.generate.build` writes the composed spec to `generated/`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import attrs

from tools.compose import apply_overlay, control_characters, operation_names, quoted_consts, read_overlay, schema_names
from tools.compose.read_overlay import CompositionError, Problem
from tools.openapi import reader, yaml
from tools.openapi.limits import DocumentError
from tools.openapi.operations import operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tools.compose.apply_overlay import Outcome


@attrs.frozen
class Composition:
    """A composed spec, and the effect of the overlay on it.

    Attributes:
        document: The composed spec.
        outcomes: The outcome of each action, in the order of the overlay.
    """

    document: dict[str, Any]
    outcomes: tuple[Outcome, ...]

    def report(self) -> str:
        """Return a line for each action, with the number of its changed targets.

        Lines about single targets follow if the action changed only some of them, or only adds missing keys.
        """
        return "".join(f"{outcome}\n" for outcome in self.outcomes)

    def to_yaml(self) -> str:
        """Return the spec as YAML, with the comments of the vendored file if they were kept."""
        return yaml.dump(self.document)

    def to_json(self) -> str:
        """Return the spec as JSON, which is always the same text for the same input."""
        return yaml.to_json(yaml.plain(self.document))


def compose(spec: Path, overlay: Path, *, comments: bool = False) -> Composition:
    """Compose a spec.

    Args:
        spec: An OpenAPI 3.x document in YAML 1.2 or JSON.
        overlay: An OpenAPI Overlay 1.0 document.
        comments: Whether the composed spec keeps the comments of the vendored file, which is slow to read then.

    Returns:
        The composed spec, and the outcome of each action.

    Raises:
        CompositionError: A file cannot be read, or the overlay does not fit the spec; the error has all problems.
    """
    try:
        load: Callable[[Path], Any] = yaml.load if comments else reader.read
        document = load(spec)
    except DocumentError as error:
        raise CompositionError([Problem(None, str(error))]) from error
    return compose_document(str(spec), document, overlay, load)


def compose_document(name: str, document: Any, overlay: Path, load: Callable[[Path], Any] = reader.read) -> Composition:
    """Compose a spec that has been read, in place.

    Args:
        name: The name of the spec in messages.
        document: The spec, which is changed.
        overlay: An OpenAPI Overlay 1.0 document.
        load: Reads the overlay.

    Returns:
        The composed spec, and the outcome of each action.

    Raises:
        CompositionError: The overlay cannot be read, or does not fit the spec; the error has all problems.
    """
    try:
        actions = read_overlay.read(overlay, load)
    except DocumentError as error:
        raise CompositionError([Problem(None, str(error))]) from error
    version = document.get("openapi") if isinstance(document, dict) else None
    if not (isinstance(document, dict) and isinstance(version, str) and re.fullmatch(r"3\.\d+\.\d+", version)):
        raise CompositionError(
            [Problem(None, f"{name}: not an OpenAPI 3.x document (a mapping with `openapi: 3.x.y`)")]
        )
    given = _ids(document)
    outcomes, problems = apply_overlay.apply(actions, document)
    ours = [key for key, name in _ids(document).items() if given.get(key) != name]
    problems += _equivalent_paths(document)
    problems += (
        Problem(None, lost, "Give it another operationId in the overlay.")
        for lost in operation_names.rename(document, ours)
    )
    if problems:
        raise CompositionError(problems)
    quoted_consts.write_as_enums(document)
    schema_names.rename(document)
    control_characters.escape(document)
    return Composition(document, tuple(outcomes))


def _ids(document: dict[str, Any]) -> dict[tuple[str, str], Any]:
    found = ((method, path, operation.get("operationId")) for method, path, operation in operations(document))
    return {(method, path): name for method, path, name in found if name is not None}


def _equivalent_paths(document: dict[str, Any]) -> Iterator[Problem]:
    """Find paths that differ only in the name of a parameter.

    For example, the overlay adds a path, and upstream now has the same path with another parameter name.
    """
    paths = document.get("paths")
    seen: dict[str, str] = {}
    for path in paths if isinstance(paths, dict) else ():
        first = seen.setdefault(re.sub(r"\{[^}]*\}", "{}", path), path)
        if first != path:
            yield Problem(
                None, f"{first} and {path} are the same path in OpenAPI", "Use upstream's path in the overlay."
            )
