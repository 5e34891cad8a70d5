"""Applies one action of the overlay to the spec: merges, appends or removes, or refuses the action with a reason."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import attrs
import jsonpath

from tools.openapi import yaml
from tools.openapi.limits import SIZE

if TYPE_CHECKING:
    from tools.compose.read_overlay import Action

UPSTREAM_HAS_IT: Final = "upstream has it"


class RefusedError(Exception):
    """An action does not fit its target, or would lose or duplicate a part of the spec; the message says why."""


@attrs.frozen
class Result:
    """The result of an action at one target.

    Attributes:
        path: The normalized JSONPath of the target.
        done: The effect of the action on the target, in a few words.
        changed: Whether the action changed the target.
    """

    path: str
    done: str
    changed: bool


def apply(action: Action, document: dict[str, Any]) -> list[Result]:
    """Apply an action to a document, in place.

    Args:
        action: The action.
        document: The spec, loaded by `tools.openapi.yaml`.

    Returns:
        A result for each target, in the order of the document; empty if the action's path matches nothing.

    Raises:
        RefusedError: The action does not fit a target, or would lose or duplicate a part of upstream's spec.
    """
    try:
        targets = {match.path: match for match in action.target.finditer(document)}
    except jsonpath.JSONPathError as error:
        raise RefusedError(f"the target cannot be evaluated: {error.args[0]}") from error
    if action.remove:
        _remove([match.parts for match in targets.values()], document)
        return [Result(path, "removed", changed=True) for path in targets]
    added = len(_text(action.update)) * len(targets)
    if added > SIZE:
        raise RefusedError(f"would add {added:,} bytes at {len(targets):,} targets; {SIZE:,} is the limit for a spec")
    if action.add_if_missing:
        return [_add(action.update, match.obj, path) for path, match in targets.items()]
    return [_update(action.update, match.obj, path, document) for path, match in targets.items()]


def _remove(targets: list[tuple[int | str, ...]], document: dict[str, Any]) -> None:
    # remove later entries of arrays before earlier ones, and inner targets before outer ones, so that the paths of the
    # remaining targets stay valid
    for parts in sorted(targets, key=lambda parts: [(isinstance(part, str), part) for part in parts], reverse=True):
        if not parts:
            raise RefusedError("the target is the complete document, which cannot be removed")
        parent: Any = document
        for part in parts[:-1]:
            parent = parent[part]
        del parent[parts[-1]]


def _add(update: dict[str, Any], target: object, path: str) -> Result:
    if not isinstance(target, dict):
        raise RefusedError(f"{path} is {_kind(target)}, but keys can only be added to mappings")
    missing = [key for key in update if key not in target]
    there = [key for key in update if key in target]
    for key in missing:
        target[key] = yaml.bare(update[key])
    if not missing:
        return Result(path, UPSTREAM_HAS_IT, changed=False)
    done = f"added {', '.join(missing)}"
    return Result(path, f"{done}; {UPSTREAM_HAS_IT}: {', '.join(there)}" if there else done, changed=True)


def _update(update: Any, target: object, path: str, document: dict[str, Any]) -> Result:
    if isinstance(target, dict):
        if not isinstance(update, dict):
            raise RefusedError(f"{path} is a mapping, but the update is {_kind(update)}")
        changed = _merge(update, target, path, document)
    elif isinstance(target, list):
        if isinstance(update, list):
            raise RefusedError(
                f"{path} is an array: an update appends only one entry, so write an action for each entry"
            )
        changed = _append([update], target, path, document)
    else:
        raise RefusedError(
            f"{path} is {_kind(target)}: the target of an update must be the mapping or array that contains this value"
        )
    return Result(path, "changed" if changed else UPSTREAM_HAS_IT, changed)


def _merge(update: dict[str, Any], target: dict[str, Any], path: str, document: dict[str, Any]) -> bool:
    changed = False
    for key, new in update.items():
        here = f"{path}['{key}']"
        if key not in target:
            target[key] = yaml.bare(new)
            changed = True
            continue
        old = target[key]
        if isinstance(old, dict) and isinstance(new, dict):
            changed |= _merge(new, old, here, document)
        elif isinstance(old, list) and isinstance(new, list):
            changed |= _append(list(new), old, here, document)
        elif _kind(old) != _kind(new):
            raise RefusedError(
                f"{here} is {_kind(old)}, but the update has {_kind(new)} there: remove the old value first"
            )
        elif _text(old) != _text(new):
            target[key] = yaml.bare(new)
            changed = True
    return changed


def _append(entries: list[Any], target: list[Any], path: str, document: dict[str, Any]) -> bool:
    there = {_identity(entry, path, document) for entry in target}
    for entry in entries:
        identity = _identity(entry, path, document)
        if identity in there:
            raise RefusedError(f"{path} already has the entry {identity}, and the update would add this entry again")
        there.add(identity)
        target.append(yaml.bare(entry))
    return bool(entries)


def _identity(entry: Any, path: str, document: dict[str, Any]) -> str:
    """Return a text that is equal for equal entries: parameters are equal by `name` and `in`, tags by `name`."""
    if isinstance(entry, dict):
        reference = entry.get("$ref")
        if isinstance(reference, str) and reference.startswith("#/"):
            entry = jsonpath.resolve(reference[1:], document, default=entry, uri_decode=True)
        if path.endswith("['parameters']") and "name" in entry and "in" in entry:
            return _text({key: entry[key] for key in ("name", "in")})
        if path == "$['tags']" and "name" in entry:
            return _text({"name": entry["name"]})
    return _text(entry)


def _text(value: Any) -> str:
    # compared as JSON, since 1, 1.0 and true are equal in Python
    return json.dumps(yaml.plain(value), sort_keys=True, ensure_ascii=False)


def _kind(value: object) -> str:
    if isinstance(value, dict):
        return "a mapping"
    return "an array" if isinstance(value, list) else "a scalar"
