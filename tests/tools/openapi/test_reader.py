"""The quick reader: it reads what the slow reader with comments reads, and refuses what is too large or too deep."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.support.building import UPSTREAM
from tools.openapi import limits, reader, yaml
from tools.openapi.limits import DocumentError
from tools.repository import ROOT

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = [
    *(ROOT / name for name in ("openapi-mintlify.yaml", "overlay/openapi-overlay.yaml", "generator-config.yaml")),
    *sorted((ROOT / ".github" / "workflows").glob("*.yml")),
    *sorted(UPSTREAM.glob("*.yaml")),
]


def parsed(text: str) -> Any:
    return reader.parse("a.yaml", text.encode())


def refusal(text: str | bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        reader.parse("a.yaml", text if isinstance(text, bytes) else text.encode())
    return str(caught.value)


def outcome(read: Any, text: str) -> str:
    """Return what a reader makes of a text, as JSON with the order of keys, or the message of its error."""
    try:
        return json.dumps(yaml.plain(read("a.yaml", text)))
    except DocumentError as error:
        return f"refused: {error}"


def quickly(name: str, text: str) -> Any:
    return reader.parse(name, text.encode())


# -- Both readers agree ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_document_is_read_as_by_the_slow_reader(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert outcome(quickly, text) == outcome(yaml.load_text, text)
    assert json.dumps(reader.parse("a.json", json.dumps(parsed(text)).encode())) == json.dumps(parsed(text))


WORDS = [
    "a",
    "b",
    "no",
    "yes",
    "on",
    "null",
    "~",
    "true",
    "False",
    "1",
    "-7",
    "+3",
    "0",
    "014",
    "1.5",
    "1e3",
    ".5",
    "-.5e-2",
    "0o17",
    "0x1F",
    "0o8",
    "2024-01-01",
    "1:30",
    ".",
    "-",
    "+",
    "é",
    "€",
    "<<x",
    "00",
    "1.",
    "1.2.3",
    "e3",
    "nan",
]
SYNTAX = [
    *("\n", "\n", "\n  ", "\n    ", " ", "  ", ": ", ":", "- ", "-", "? ", ", ", ",", "[", "]", "{", "}", "'", '"'),
    *("k: |\n  ", "k: >-\n    ", "- >+\n  ", "&a ", "&b ", "*a", "*b", "*a ", "<<: ", "!", "!!str ", "!!int ", "%"),
    *("---\n", "...\n", "%YAML 1.2\n---\n", "''", '""', "\\", "\\n", "\\u00e9", "\\ud83d\\ude00", "\\x41", "\\/"),
    *("#", "@", " # ", "`", "\u2028", "\x85", "\ufeff"),
]  # fmt: skip
SLOW_IS_WRONG = re.compile(r"[-+]0[ox]|\.[0-9]+e|0b")
"""Plain scalars that ruamel.yaml does not resolve as YAML 1.2 demands: by it, `-0x1F` is text, and `.5e3` a number."""
TEXTS = (
    st.lists(st.sampled_from([*WORDS, *SYNTAX]), max_size=14)
    .map("".join)
    .filter(lambda text: not SLOW_IS_WRONG.search(text))
)


@given(TEXTS)
@example("a: &x {b: [1]}\nc: *x\nd: *x\n")
@example("&a a: 1\nb: *a\n")
@example("{a: 1, a: 2}")
@example('{"a": 1, "a": 2}')
@example('{"a": 1e400}')
@example('{"a": NaN}')
@example('["\\ud83d\\ude00"]')
@example('["\\ud83d"]')
@example('"a\u2028b"')
@example("a: b\u2028c: d\n")
@example("a: b\x85c: d\n")
@example("a: |\n  b\u2029  c\n")
@example("a: -.inf\n")
@example("a: 1\n---\nb: 2\n")
@example("- !!str 1\n- ! 2\n")
def test_text_is_read_or_refused_as_by_the_slow_reader(text: str) -> None:
    slow = outcome(yaml.load_text, text)
    assume(not slow.endswith(": None"))  # ruamel.yaml refuses some block scalars without a reason
    assert outcome(quickly, text) == slow


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=8)
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=5), inner, max_size=4)),
    max_leaves=12,
)


@given(DATA, st.sampled_from([None, 1]))
def test_json_is_read_as_json(data: Any, indent: int | None) -> None:
    for ascii_only in (True, False):
        text = json.dumps([data], indent=indent, ensure_ascii=ascii_only)
        assert json.dumps(parsed(text)) == json.dumps([data])


@given(DATA)
def test_data_that_the_slow_reader_writes_is_read_back(data: Any) -> None:
    text = yaml.dump({"data": data})
    assert json.dumps(parsed(text)) == json.dumps({"data": data})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1_000", "1_000"),
        ("-0x1F", "-0x1F"),
        ("0b1", "0b1"),
        (".5e3", 500.0),
        ("=", "="),
        ("a\tb", "a\tb"),
        ("0o17", 15),
        ("0x1F", 31),
        ("0777", 777),
        ("no", "no"),
        ("2024-01-01", "2024-01-01"),
        ("1:30", "1:30"),
        ("~", None),
        ("'1'", "1"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(text: str, value: object) -> None:
    found = parsed(f"key: {text}\n")
    assert found == {"key": value}
    assert type(found["key"]) is type(value)


def test_values_of_aliases_are_copies() -> None:
    document = parsed("a: &x {b: [1]}\nc: *x\nd: *x\n")
    document["c"]["b"].append(2)
    assert document == {"a": {"b": [1]}, "c": {"b": [1, 2]}, "d": {"b": [1]}}


# -- Limits ------------------------------------------------------------------------------------------------------------


def chain(levels: int, inner: str = "&a0 [lol, lol]", outer: str = "*a{0}, *a{0}") -> str:
    """Return a document in which each value has the previous one, as an alias."""
    lines = [f"- &a{level} [{outer.format(level - 1)}]\n" for level in range(1, levels + 1)]
    return f"- {inner}\n{''.join(lines)}"


BOTH = pytest.mark.parametrize("read", [quickly, yaml.load_text])
LEFT_TO_THE_SLOW_READER = "- !!str a\n"


@BOTH
@pytest.mark.parametrize("head", ["", LEFT_TO_THE_SLOW_READER])
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (chain(64), "the aliases up to here expand to more than 1024 KiB"),
        (f"- &a {'x' * 100_000}\n" + "- *a\n" * 11, "the aliases up to here expand to more than 1024 KiB"),
        (f"- &a {{{'x' * 1000}: 1}}\n" + "- *a\n" * 1100, "the aliases up to here expand to more than 1024 KiB"),
        ("- &a [*a]\n", "the alias *a is inside its own value"),
        ("- &a {b: [*a]}\n", "the alias *a is inside its own value"),
        (f"- {'[' * 100_000}", "mappings and arrays are nested more than 100 levels deep"),
        (f"- {'{a: ' * 100_000}", "mappings and arrays are nested more than 100 levels deep"),
        (f"- {'[' * 100}{']' * 100}", "mappings and arrays are nested more than 100 levels deep"),
        (chain(99, "&a0 [1]", "*a{0}"), "mappings and arrays are nested more than 100 levels deep"),
        (chain(4000, "&a0 1", "*a{0}"), "mappings and arrays are nested more than 100 levels deep"),
    ],
    ids=range(10),
)
def test_bomb_is_refused(read: Any, head: str, text: str, reason: str) -> None:
    assert re.match(rf"refused: a\.yaml:\d+:\d+: {re.escape(reason)}$", outcome(read, head + text))


@BOTH
def test_document_within_the_limits_is_accepted(read: Any) -> None:
    for text in (f"- {'[' * 99}{']' * 99}", chain(98, "&a0 [1]", "*a{0}"), chain(8), "- &a x\n" + "- *a\n" * 50_000):
        assert not outcome(read, text).startswith("refused")


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"a":' * 100_000, "[" * 101 + "]" * 101, '{"a":' * 101 + "1" + "}" * 101]
)
def test_deep_json_is_refused(text: str) -> None:
    assert "nested more than 100 levels deep" in refusal(text)


@pytest.mark.parametrize("read", [reader.read, yaml.load])
def test_file_of_more_than_32_mib_is_refused(tmp_path: Path, read: Any) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (limits.SIZE + 1))
    with pytest.raises(DocumentError, match=r"large\.yaml is larger than 32 MiB, the limit for a spec$"):
        read(path)
    assert refusal(path.read_bytes()).startswith("a.yaml is larger than 32 MiB")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: .nan\n", "a.yaml: $['a']: JSON has no float like nan"),
        ('{"a": -1e999}', "a.yaml: $['a']: JSON has no "),
        ('{"a": 1,\n "a": 2}', 'a.yaml:2:2: found duplicate key "a"'),
        ('["\\ud800"]', "a.yaml: contains half of a surrogate pair without the other half"),
        ("- !!int a\n", "a.yaml: "),
        ("- !!float {}\n", "a.yaml:1:3: "),
        ("- !!bool x\n", "a.yaml: "),
        (f"- {'1' * 5000}\n", "a.yaml: "),
        (b"a: \xff\n", "a.yaml:1:4: the byte 0xff is not valid UTF-8"),
    ],
)
def test_value_that_is_not_json_is_refused(text: str | bytes, reason: str) -> None:
    assert refusal(text).startswith(reason)
