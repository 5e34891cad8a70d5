from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tools.generate import config

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = "ruff format . --isolated --no-cache --no-respect-gitignore"
GOOD = f"package_name_override: name\npost_hooks:\n  - {FORMAT}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def test_valid_config_is_read(file: Path) -> None:
    file.write_text(GOOD + "class_overrides: {Old: {class_name: New}}\n", encoding="utf-8")
    settings = config.read(file)
    assert settings.package == "name"
    assert settings.formatting == (tuple(FORMAT.split()[1:]),)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (GOOD + "literal_enum: true\n", "unknown key `literal_enum`; did you mean `literal_enums`?"),
        (GOOD + "zzz: true\n", "unknown key `zzz`"),
        (
            GOOD + "class_overrides: {Old: {clas_name: New}}\n",
            "unknown key `class_overrides.Old.clas_name`; did you mean `class_overrides.Old.class_name`?",
        ),
        (GOOD + "literal_enums: perhaps\n", "literal_enums"),
        (GOOD.replace("name\n", "[a]\n"), "package_name_override"),
        (GOOD.replace("package_name_override: name\n", ""), "`package_name_override` is missing"),
        ("package_name_override: name\n", "`post_hooks` must have a `ruff format`"),
        (GOOD.replace("format", "check"), "`post_hooks` must have a `ruff format`"),
        (GOOD.replace(" --isolated", ""), "`post_hooks` has a ruff format without --isolated"),
        (GOOD.replace(" --no-cache --no-respect-gitignore", ""), "without --no-cache, --no-respect-gitignore"),
        (GOOD + "  - black .\n", "`post_hooks` calls black, but only ruff is pinned"),
        ("- a\n", "config.yaml: "),
        ("a: [\n", "config.yaml:2:1: "),
    ],
)
def test_invalid_config_is_refused(file: Path, text: str, reason: str) -> None:
    file.write_text(text, encoding="utf-8")
    with pytest.raises(config.ConfigError, match=re.escape(reason)):
        config.read(file)


def test_all_problems_of_a_config_are_reported(file: Path) -> None:
    file.write_text("a: 1\nb: 2\n", encoding="utf-8")
    with pytest.raises(config.ConfigError) as caught:
        config.read(file)
    assert len(str(caught.value).splitlines()) == 4
