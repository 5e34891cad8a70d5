from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from tools.openapi import yaml
from tools.openapi.limits import DocumentError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "file.yaml"


def loaded(file: Path, text: str) -> Any:
    file.write_text(text, encoding="utf-8")
    return yaml.load(file)


def test_loaded_document_is_dumped_unchanged(file: Path) -> None:
    text = (
        "# Head\nb: 1  # why\na:\n  - 'quoted'\n  - \"twice\"\n  - >-\n    folded\n    text\n\n"
        f"long: {'word ' * 80}end\nno: no\nhex: 0x1F\nfloat: 1.50\nempty:\n"
    )
    assert yaml.dump(loaded(file, text)) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01T10:00:00Z", "2024-01-01T10:00:00Z"),
        ("0777", 777),
        ("0o17", 15),
        ("1:30", "1:30"),
        ("1.50", 1.5),
        ("true", True),
        ("&anchor true", True),
        ("~", None),
        ("'1'", "1"),
    ],
)
def test_scalars_follow_yaml_1_2(file: Path, text: str, value: object) -> None:
    plain: Any = yaml.plain(loaded(file, f"key: {text}\n"))
    assert plain == {"key": value}
    assert type(plain["key"]) is type(value)


def test_keys_are_loaded_as_text(file: Path) -> None:
    document = loaded(file, "200: a\nno: b\n~: c\n2024-01-01: d\n")
    assert yaml.plain(document) == {"200": "a", "no": "b", "~": "c", "2024-01-01": "d"}


def test_number_and_text_with_the_same_characters_are_duplicate_keys(file: Path) -> None:
    with pytest.raises(DocumentError, match=r"file.yaml:2:1: found duplicate key \"200\"$"):
        loaded(file, "200: a\n'200': b\n")


def test_each_alias_becomes_its_own_copy_of_the_value(file: Path) -> None:
    document = loaded(file, "a: &x {b: [1]}\nc: *x\nd: *x\n")
    document["c"]["b"].append(2)
    assert yaml.plain(document) == {"a": {"b": [1]}, "c": {"b": [1, 2]}, "d": {"b": [1]}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: .nan\n", "$['a']: JSON has no float like nan"),
        ("a: [.inf]\n", "$['a'][0]: JSON has no float like inf"),
        ("a: !!binary aGk=\n", "$['a']: JSON has no bytes"),
        ("a: !other x\n", "$['a']: JSON has no TaggedScalar"),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", ":3:3: found a merge key"),
        ("a: 1\n---\na: 2\n", ":2:1: but found another document"),
        ("a: *x\n", ":1:4: found undefined alias 'x'"),
        ("a: 1\n\tb: 2\n", ":2:1: not valid YAML or JSON: found character"),
    ],
)
def test_value_that_json_cannot_express_is_refused(file: Path, text: str, reason: str) -> None:
    with pytest.raises(DocumentError, match=re.escape(reason)):
        loaded(file, text)


def test_file_that_is_not_utf_8_is_refused(file: Path) -> None:
    file.write_bytes(b"a: \xff\n")
    with pytest.raises(DocumentError, match=r"file\.yaml: "):
        yaml.load(file)


def test_json_is_indented_and_ends_in_a_newline() -> None:
    assert yaml.to_json({"b": ["é"], "a": None}) == '{\n  "b": [\n    "é"\n  ],\n  "a": null\n}\n'
