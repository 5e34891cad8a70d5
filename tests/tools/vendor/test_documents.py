"""Documents that `make vendor` refuses: the error has the place and the reason, and the files stay unchanged."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from tools.openapi.limits import SIZE, DocumentError
from tools.repository import ROOT, SOURCE, SPEC
from tools.vendor import document
from tools.vendor.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.capture import CaptureFixture

HEAD = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"
SPEC_3 = f"{HEAD}paths: {{}}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "new.yaml"


def read(file: Path, text: str | bytes) -> document.Document:
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return document.read_document("new.yaml", file)


def refusal(file: Path, text: str | bytes) -> str:
    with pytest.raises(DocumentError) as caught:
        read(file, text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        # not OpenAPI 3.x
        ("swagger: '2.0'\ninfo: {}\n", "new.yaml: not an OpenAPI 3.x document (a mapping with `openapi: 3.x.y`)"),
        ("openapi: 4.0.0\n", "new.yaml: not an OpenAPI 3.x document"),
        ("openapi: 3.1\n", "new.yaml: not an OpenAPI 3.x document"),
        ("[1]", "new.yaml: not an OpenAPI 3.x document"),
        ("just text", "new.yaml: not an OpenAPI 3.x document"),
        ("# nothing\n", "new.yaml: not an OpenAPI 3.x document"),
        ("openapi: 3.1.0\npaths: {}\n", "new.yaml: not an OpenAPI 3.x document: `info.version` must be text"),
        ("openapi: 3.1.0\ninfo: {version: 1.0}\npaths: {}\n", "`info.version` must be text"),
        (f"{HEAD}paths: []\n", "`paths` must be a mapping"),
        (f"{SPEC_3}components:\n", "`components` must be a mapping"),
        (HEAD, "new.yaml: has no `paths`, so no code can be generated from it"),
        # broken
        ("a: b\n c: d\n", "new.yaml:2:3: not valid YAML or JSON: mapping values are not allowed here"),
        ("a: [1,\n", "new.yaml:2:1: not valid YAML or JSON: "),
        (
            '{"openapi": "3.1.0",\n "info": {"ti',
            "new.yaml:2:14: not valid YAML or JSON: found unexpected end of stream; is the text cut off?",
        ),
        ('{"openapi": "3.1.0"\n "info": 1}', "new.yaml:2:2: not valid YAML or JSON"),
        ("a: 'x\nb: y\n", "is the text cut off?"),
        (f"{SPEC_3}---\n{SPEC_3}", "new.yaml:4:1: but found another document"),
        ("a: *x\n", "new.yaml:1:4: found undefined alias 'x'"),
        ("%YAML 1.1\n---\na: no\n", "new.yaml:2:1: declares a YAML version other than 1.2"),
        ("a: é\nb: \xff\n".encode("latin-1"), "new.yaml:1:4: the byte 0xe9 is not valid UTF-8"),
        ("é: é\n€: ".encode() + b"\xff\n", "new.yaml:2:4: the byte 0xff is not valid UTF-8"),
        ("a: 1\n".encode("utf-16"), "new.yaml:1:1: the byte 0xff is not valid UTF-8"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "new.yaml:1:1: the byte 0x89 is not valid UTF-8"),
        ("a: é\nb: \x1b[31m\n", "new.yaml:2:4: the character U+001B is not allowed in YAML or JSON"),
        (b"PK\x03\x04", "new.yaml:1:3: the character U+0003"),
        # not JSON data
        (f"{SPEC_3}x-a: .nan\n", "new.yaml: $['x-a']: JSON has no float like nan"),
        # duplicate keys
        (f"{HEAD}paths:\n  /a: {{}}\n  /b: {{}}\n  /a: {{}}\n", 'new.yaml:6:3: found duplicate key "/a"'),
        ('{"openapi": "3.1.0",\n"paths": {}, "paths": {}}', 'new.yaml:2:14: found duplicate key "paths"'),
    ],
)
def test_invalid_document_is_refused(file: Path, content: str | bytes, reason: str) -> None:
    assert reason in refusal(file, content)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"^new\.yaml: No such file or directory$"):
        document.read_document("new.yaml", tmp_path / "none")


# -- Size and depth ----------------------------------------------------------------------------------------------------


def doubling(levels: int) -> str:
    lines = [f"  - &a{level} [*a{level - 1}, *a{level - 1}]\n" for level in range(1, levels + 1)]
    return f"{SPEC_3}x-a:\n  - &a0 [lol, lol]\n{''.join(lines)}"


def test_aliases_that_expand_exponentially_are_refused(file: Path) -> None:
    assert re.match(
        r"new\.yaml:\d+:\d+: the aliases up to here expand to more than 1024 KiB", refusal(file, doubling(64))
    )


def test_aliases_that_repeat_a_long_text_are_refused(file: Path) -> None:
    text = f"{SPEC_3}x-a:\n  - &a {'x' * 100_000}\n" + "  - *a\n" * 11
    assert "new.yaml:16:5: the aliases up to here expand to more than" in refusal(file, text)


def test_aliases_of_moderate_size_are_accepted(file: Path) -> None:
    text = f"{SPEC_3}x-a: &a {{b: [1, &c two]}}\nx-b: *a\nx-c: *c\n"
    root = read(file, text + doubling(8).removeprefix(SPEC_3).replace("x-a", "x-f")).root
    assert root["x-b"] == {"b": [1, "two"]}
    assert root["x-c"] == "two"


def test_alias_inside_its_own_value_is_refused(file: Path) -> None:
    assert refusal(file, f"{SPEC_3}x-a: &a\n  b: [*a]\n") == "new.yaml:5:7: the alias *a is inside its own value"


@pytest.mark.parametrize("content", ["[" * 100_000, '{"a":' * 100_000])
def test_deep_nesting_is_refused(file: Path, content: str) -> None:
    assert "mappings and arrays are nested more than 100 levels deep" in refusal(file, content)


def test_maximum_depth_is_accepted(file: Path) -> None:
    read(file, f"{SPEC_3}x-a: {'[' * 99}{']' * 99}\n")
    assert "new.yaml:4:105:" in refusal(file, f"{SPEC_3}x-a: {'[' * 100}{']' * 100}\n")


# -- References --------------------------------------------------------------------------------------------------------


def components(schemas: str) -> str:
    lines = "".join(f"    {line}\n" for line in schemas.splitlines())
    return f"{SPEC_3}components:\n  schemas:\n{lines}"


@pytest.mark.parametrize(
    ("schemas", "reason"),
    [
        ("A: {$ref: 'https://x.example/y.yaml#/A'}", "6:15: the `$ref` https://x.example/y.yaml#/A is remote"),
        ("A: {$ref: 'other.yaml'}", "6:15: the `$ref` other.yaml is remote"),
        ("A: {$ref: ''}", "is remote"),
        (
            "Error: {}\nA: {items: {$ref: '#/components/schemas/Eror'}}",
            "7:23: the `$ref` #/components/schemas/Eror leads to no object of the document; "
            "the nearest is #/components/schemas/Error",
        ),
        ("A: {$ref: '#/none/at/all'}", "6:15: the `$ref` #/none/at/all leads to no object of the document"),
        ("A: {$ref: '#'}", "leads to no object"),
        ("A: {$ref: '#B'}\nB: {$anchor: B}", "leads to no object"),
        ("A: {$ref: '#/info/title'}", "leads to no object"),
        ("A: {$ref: '#/components/schemas/B/\\u0041'}\nB: {A: {}}", "leads to no object"),
        ("A: {$ref: '#/components/schemas/B/\\u'}\nB: {A: {}}", "leads to no object"),
        ("A: {$ref: 5}", "6:15: the `$ref` must be text"),
        ("A: {properties: {example: {$ref: 'x'}, $ref: {$ref: 'y'}}}", "the `$ref` y is remote"),
        ("A: {$ref: '#/components/schemas/A'}", "leads only to other `$ref`s, in a circle"),
        (
            "A: {$ref: '#/components/schemas/B', description: Here}\nB: {$ref: '#/components/schemas/A'}",
            "7:15: the `$ref` #/components/schemas/A leads only to other `$ref`s, in a circle",
        ),
        ("A: &a {items: {$ref: x}}\nB: *a", "6:26: the `$ref` x is remote"),
    ],
)
def test_broken_reference_is_refused(file: Path, schemas: str, reason: str) -> None:
    assert reason in refusal(file, components(schemas))


@pytest.mark.parametrize(
    "schemas",
    [
        "A: {properties: {next: {$ref: '#/components/schemas/A'}}}",
        "A: {$ref: '#/components/schemas/B'}\nB: {$ref: '#/components/schemas/C'}\nC: {}",
        "a/b c~d: {}\nA: {$ref: '#/components/schemas/a~1b%20c~0d'}",
        "A: {anyOf: [{type: 'null'}, {}]}\nB: {$ref: '#/components/schemas/A/anyOf/1'}",
        "A: {example: {$ref: x}, default: {$ref: x}, const: {$ref: x}, enum: [{$ref: x}], examples: [{$ref: x}]}",
        "A: {x-more: {$ref: x}, properties: {$ref: {type: string}}}",
    ],
)
def test_valid_references_are_accepted(file: Path, schemas: str) -> None:
    read(file, components(schemas))


def test_broken_references_outside_schemas_are_refused(file: Path) -> None:
    text = (
        f"{HEAD}paths:\n  /a:\n    get:\n      responses:\n        default: {{$ref: '#/components/responses/Lost'}}\n"
        "        '200':\n          content:\n            application/json:\n"
        "              examples: {one: {value: {$ref: x}}, two: {$ref: y}}\n"
    )
    assert [line.partition(" the ")[2] for line in refusal(file, text).splitlines()] == [
        "`$ref` #/components/responses/Lost leads to no object of the document",
        "`$ref` y is remote, but only references within the document (#/…) are followed",
    ]


def test_error_lists_the_first_20_problems_and_counts_the_others(file: Path) -> None:
    lines = refusal(file, components("".join(f"A{number}: {{$ref: x}}\n" for number in range(50)))).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "… and 30 more"


def test_long_chain_of_references_is_refused(file: Path) -> None:
    links = "".join(f"A{number}: {{$ref: '#/components/schemas/A{number + 1}'}}\n" for number in range(200))
    assert "A2 leads only to other `$ref`s, in a circle or in a chain of more than 100" in refusal(
        file, components(f"{links}A200: {{}}\n")
    )


# -- The command -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "new.yaml is empty"),
        (b" \n\n", "new.yaml is empty"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><html></html>", "new.yaml: is HTML or XML"),
        (b"# A page\n\n> of no operation", "new.yaml:3:3: not valid YAML or JSON"),
        (json.dumps({"swagger": "2.0"}).encode(), "new.yaml: not an OpenAPI 3.x document"),
        (doubling(64).encode(), "the aliases up to here"),
        (b"x" * (SIZE + 1), "new.yaml is larger than 32 MiB"),
        (b"a: 1\na: 2\n", "found duplicate key"),
        (f"{SPEC_3}components: {{schemas: {{A: {{$ref: x}}}}}}".encode(), "the `$ref` x is remote"),
    ],
)
def test_refused_document_leaves_the_vendored_files_unchanged(
    tmp_path: Path, file: Path, content: bytes, reason: str, capsys: CaptureFixture[str]
) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    old = {SPEC.name: (ROOT / SPEC).read_bytes(), SOURCE.name: (ROOT / SOURCE).read_bytes()}
    for name, before in old.items():
        (root / name).write_bytes(before)
    file.write_bytes(content)
    assert main(["--root", str(root), "--replace", str(file)]) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("make vendor: ")
    assert reason in captured.err
    assert captured.err.endswith(f"\n{SPEC} is unchanged.\n")
    if "MiB" not in reason and "empty" not in reason:
        assert "\nFROM must be a complete OpenAPI 3.x document in YAML or JSON" in captured.err
    assert {path.name: path.read_bytes() for path in root.iterdir()} == old
