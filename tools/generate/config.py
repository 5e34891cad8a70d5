"""Reads and checks the generator's config: refuses unknown keys, which the generator itself would ignore."""

from __future__ import annotations

import difflib
import shlex
from typing import TYPE_CHECKING, Any

import attrs
import pydantic
from openapi_python_client.config import ClassOverride, ConfigFile

from tools.generate import pins
from tools.openapi import reader
from tools.openapi.limits import DocumentError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class ConfigError(Exception):
    """The config is invalid, or its output would differ between machines; the message has all problems."""


@attrs.frozen
class Settings:
    """The settings that other modules read.

    Attributes:
        package: The name of the generated package.
        formatting: The arguments of each post hook that formats the code, without the program's name.
        class_names: The class names that the config changes: default name -> new name.
    """

    package: str
    formatting: tuple[tuple[str, ...], ...]
    class_names: dict[str, str]


def read(path: Path) -> Settings:
    """Read and check the generator's config.

    Args:
        path: The YAML file.

    Returns:
        The settings.

    Raises:
        ConfigError: The file cannot be read, has an unknown key or an invalid value, names no package, or has hooks
            whose output depends on the caller's environment.
    """
    try:
        document = reader.read(path)
        problems = list(_unknown(document))
        config = ConfigFile.model_validate(document)
    except (DocumentError, pydantic.ValidationError) as error:
        raise ConfigError(f"{path}: {error}") from error
    hooks = [shlex.split(hook) for hook in config.post_hooks or ()]
    problems += _hook_problems(hooks)
    if config.package_name_override is None:
        problems.append("`package_name_override` is missing; it is the name of the generated package")
    if problems or config.package_name_override is None:
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems))
    formatting = tuple(tuple(hook[1:]) for hook in hooks if hook[1:2] == ["format"])
    overrides = config.class_overrides or {}
    class_names = {name: each.class_name.get_untrusted_value() for name, each in overrides.items() if each.class_name}
    return Settings(config.package_name_override, formatting, class_names)


def _unknown(document: Any) -> Iterator[str]:
    if not isinstance(document, dict):
        return  # pydantic reports a document that is not a mapping
    places = [("", document, ConfigFile.model_fields)]
    overrides = document.get("class_overrides")
    for name, override in overrides.items() if isinstance(overrides, dict) else ():
        if isinstance(override, dict):
            places.append((f"class_overrides.{name}.", override, ClassOverride.model_fields))
    for prefix, found, known in places:
        for key in found:
            if key not in known:
                close = difflib.get_close_matches(key, known, n=1)
                yield f"unknown key `{prefix}{key}`" + (f"; did you mean `{prefix}{close[0]}`?" if close else "")


def _hook_problems(hooks: list[list[str]]) -> Iterator[str]:
    for hook in hooks:
        if hook[:1] != [pins.FORMATTER]:
            yield f"`post_hooks` calls {' '.join(hook[:1])}, but only {pins.FORMATTER} is pinned"
        elif missing := {"--isolated", "--no-cache", "--no-respect-gitignore"}.difference(hook):
            yield f"`post_hooks` has a {' '.join(hook[:2])} without {', '.join(sorted(missing))}"
    if not any(hook[1:2] == ["format"] for hook in hooks):
        yield "`post_hooks` must have a `ruff format`"
