from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.building import SLICE, upstream
from tools.openapi import yaml
from tools.repository import ROOT, SOURCE, SPEC
from tools.vendor.__main__ import main
from tools.vendor.page import Page, is_page, read_page

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.capture import CaptureFixture

SEED = ROOT.parent / "shared" / "seed" / "perform-web-task.md"
FENCE = "````yaml openapi-mintlify.yaml"

HEAD = "openapi: 3.1.0\ninfo: {title: T, version: '1'}\n"
GET_A = """\
  /a:
    get:
      # The first of all
      responses:
        '200': {description: Fine}
"""
VENDORED = f"""\
{HEAD}# == Paths ==
paths:
{GET_A}
  # -- after a --
  /z:
    get: {{responses: {{}}}}   # short
components:
  schemas:
    First:   {{type: string}}

    # The last
    Last:
      type: string
      description: |
        Two

        lines


# The end
"""
SECOND = """\
    Second:
      type: object
"""
EITHER = f"""\
{HEAD}paths:
{GET_A}components:
  schemas:
    First:
      oneOf:
        - $ref: '#/components/schemas/Second'
        - $ref: '#/components/schemas/Third'
{SECOND}    Third: {{type: object}}
"""
POST_A = """\
paths:
  /a:
    post:
      description: >-
        Posts
        all
      requestBody:
        content:
          application/json:
            schema:
              $ref: '#/components/schemas/New'
      responses: {}
"""
NEW = """\
    New:
      type: object
      properties:
        no: {enum: [no, 'yes', 1.50]}
        text:
          description: |2-
              indented

            text
"""


def page(text: str, operation: str = "post /a") -> str:
    return f"# A page\n\n```bash\ncurl\n```\n\n{FENCE} {operation}\n{text}\n````\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "repository"
    root.mkdir()
    (root / SPEC).write_text(VENDORED, encoding="utf-8")
    (root / SOURCE).write_text('{"source": "https://docs.example/first.md"}\n', encoding="utf-8")
    return root


def run(root: Path, text: str, *options: str) -> int:
    path = root.parent / "page.md"
    path.write_text(text, encoding="utf-8", newline="")
    return main(["--root", str(root), *options, str(path)])


def vendored(root: Path) -> str:
    return (root / SPEC).read_bytes().decode()


def source(root: Path) -> Any:
    return json.loads((root / SOURCE).read_bytes())["source"]


def refused(root: Path, text: str, capsys: CaptureFixture[str], *options: str) -> str:
    before = {path.name: path.read_bytes() for path in root.iterdir()}
    assert run(root, text, *options) == 1
    captured = capsys.readouterr()
    assert captured.out == ""
    assert {path.name: path.read_bytes() for path in root.iterdir()} == before
    return captured.err.removeprefix("make vendor: ").removesuffix(f"\n{SPEC} is unchanged.\n")


# -- The form of pages -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["openapi-mintlify.yaml", "/openapi.yaml"])
def test_spec_in_a_page_is_found_with_its_operation_and_line(form: str) -> None:
    example = f"`````md\n{FENCE} get /no\n````\n`````\n````json\n{{}}\n````\n"
    text = f"{example}\n````yaml {form} get /a/{{id}}\na: 1\nb: 2\n\n````"
    assert read_page("p", text) == Page(method="get", path="/a/{id}", text="a: 1\nb: 2\n", line=9)


def test_page_with_carriage_returns_is_accepted() -> None:
    text = page("a: 1\nb: 2\n").replace("\n", "\r\n")
    assert read_page("p", text).text == "a: 1\r\nb: 2\n"


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [("p.md", "a: 1", True), ("p.mdx", "", True), ("p", page(""), True), ("p.yaml", "a: |\n  ````yaml x\n", False)],
)
def test_documentation_page_is_recognized_by_its_name_or_code_fence(name: str, text: str, *, expected: bool) -> None:
    assert is_page(name, text) is expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("# Nothing\n", f"page.md: has no code fence that begins with {FENCE} <method> <path>\n"),
        ("# A\n```yaml openapi-mintlify.yaml get /a\n```\n", "<path>; line 2 has ```yaml openapi-mintlify.yaml get /a"),
        ("````yaml openapi.yaml get /a\n````\n", "<path>; line 1 has ````yaml openapi.yaml get /a"),
        ("````yaml openapi-mintlify.yaml /a\n````\n", "<path>; line 1 has"),
        (f"{page('')}{page('')}", "page.md: has 2 slices of the spec, at lines 7 and 16; a page must have exactly one"),
        (
            f"# A\n{FENCE} get /a\nopenapi: 3.1.0\n",
            "page.md:2: the code fence is not closed; is the page cut off?",
        ),
        (f"{FENCE} get /a\na: b\n c: d\n````\n", "page.md:3:3: not valid YAML or JSON"),
        (f"{FENCE} get /a\na: 1\na: 2\n````\n", 'page.md:3:1: found duplicate key "a"'),
        (f"{FENCE} get /a\n````\n", "page.md: not an OpenAPI 3.x document"),
        (
            page(f"{HEAD}paths: {{/a: {{get: {{}}}}}}"),
            "page.md:7: the slice lacks the operation that its code fence names: post /a",
        ),
        (
            page(f"{HEAD}paths: {{/b: {{post: {{}}}}}}"),
            "page.md:7: the slice lacks the operation that its code fence names: post /a",
        ),
        (page(f"{HEAD}{POST_A}"), "page.md:20:21: the `$ref` #/components/schemas/New leads to no object"),
        ("<!doctype html>\n", "page.md: is HTML or XML"),
    ],
)
def test_invalid_page_is_refused(root: Path, text: str, reason: str, capsys: CaptureFixture[str]) -> None:
    message = refused(root, text, capsys, "--replace")
    assert reason in f"{message}\n"
    assert "\nFROM must be a complete OpenAPI 3.x document" in message


# -- The seed page -----------------------------------------------------------------------------------------------------


def seed() -> str:
    return page(SLICE.read_text(encoding="utf-8"), "post /v1/tools/perform-web-task")


@pytest.mark.parametrize("text", [seed(), pytest.param(SEED, id="real page")])
def test_page_whose_spec_is_already_vendored_changes_no_byte(
    tmp_path: Path, text: str | Path, capsys: CaptureFixture[str]
) -> None:
    if not isinstance(text, str):
        if not text.exists():
            pytest.skip("the page is missing")
        text = text.read_text(encoding="utf-8")
    root = tmp_path / "repository"
    root.mkdir()
    shutil.copy(SLICE, root / SPEC)
    assert run(root, text) == 0
    recorded = (root / SOURCE).read_bytes()
    assert source(root) == "page.md"
    capsys.readouterr()
    assert run(root, text) == 0
    assert capsys.readouterr().out == f"{SPEC}: already up to date\n"
    assert (root / SPEC).read_bytes() == SLICE.read_bytes()
    assert (root / SOURCE).read_bytes() == recorded


def test_page_is_vendored_into_an_empty_repository(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    assert run(root, seed()) == 0
    assert (root / SPEC).read_bytes() == SLICE.read_bytes()
    assert source(root) == "page.md"


def test_removed_component_is_restored_byte_for_byte(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    less = EITHER.replace(SECOND, "").replace("        - $ref: '#/components/schemas/Second'\n", "")
    (root / SPEC).write_text(less, encoding="utf-8")
    assert run(root, page(EITHER, "get /a")) == 1
    assert vendored(root) == less
    assert run(root, page(EITHER, "get /a"), "--replace") == 0
    assert vendored(root) == EITHER


def test_page_with_the_complete_vendored_spec_changes_no_byte(tmp_path: Path) -> None:
    path = upstream("2026-02-15")
    root = tmp_path / "repository"
    root.mkdir()
    shutil.copy(path, root / SPEC)
    assert run(root, page(path.read_text(encoding="utf-8"), "post /v1/tools/perform-web-task")) == 0
    assert (root / SPEC).read_bytes() == path.read_bytes()


# -- Merging -----------------------------------------------------------------------------------------------------------


def test_new_entries_are_inserted_in_order_and_all_other_bytes_stay_the_same(
    root: Path, capsys: CaptureFixture[str]
) -> None:
    more = "    Newer: {}\n  headers:\n    Count: {schema: {}}\n"
    text = f"{HEAD}security: []\n{POST_A}components:\n  schemas:\n    First: {{type: string}}\n{NEW}{more}"
    assert run(root, page(text)) == 0
    post = POST_A.removeprefix("paths:\n  /a:\n")
    new = NEW.replace(
        "{enum: [no, 'yes', 1.50]}", "\n          enum:\n            - no\n            - 'yes'\n            - 1.50"
    )
    expected = (
        VENDORED.replace(GET_A, GET_A + post)
        .replace(
            "    First:   {type: string}\n",
            f"    First:   {{type: string}}\n{new.replace('no: ', 'no:')}    Newer: {{}}\n",
        )
        .replace("# The end\n", "  headers:\n    Count:\n      schema: {}\n# The end\n")
    )
    assert vendored(root) == expected
    assert capsys.readouterr().out.startswith(
        f"{SPEC}: added $['paths']['/a']['post']\n"
        f"{SPEC}: added $['components']['schemas']['New']\n"
        f"{SPEC}: added $['components']['schemas']['Newer']\n"
        f"{SPEC}: added $['components']['headers']\nNext:\n"
    )
    assert source(root) == ["https://docs.example/first.md", "page.md"]


def test_second_merge_of_a_page_changes_nothing(root: Path) -> None:
    text = page(f"{HEAD}{POST_A}components:\n  schemas:\n{NEW}")
    run(root, text)
    before = {path.name: path.read_bytes() for path in root.iterdir()}
    assert run(root, text) == 0
    assert {path.name: path.read_bytes() for path in root.iterdir()} == before


def test_new_path_is_added_at_the_end(root: Path) -> None:
    assert run(root, page(f"{HEAD}paths:\n  /b:\n    summary: B\n    post: {{}}\n", "post /b")) == 0
    assert vendored(root) == VENDORED.replace("# short\n", "# short\n  /b:\n    summary: B\n    post: {}\n")


def test_definition_that_differs_only_in_the_order_of_its_keys_counts_as_equal(root: Path) -> None:
    last = r'Last: {description: "Two\n\nlines\n", type: string}'
    text = f"{HEAD}paths:\n  /z: {{post: {{}}}}\ncomponents: {{schemas: {{{last}}}}}\n"
    assert run(root, page(text, "post /z")) == 0
    assert vendored(root) == VENDORED.replace("# short\n", "# short\n    post: {}\n")


def test_error_for_a_different_definition_shows_both_definitions(root: Path, capsys: CaptureFixture[str]) -> None:
    text = (
        "openapi: 3.1.1\ninfo: {title: T, version: '1'}\npaths:\n  /z:\n    get: {responses: {}, deprecated: true}\n"
        "    post: {}\ncomponents:\n  schemas:\n    First: {type: [string]}\n"
    )
    assert refused(root, page(text, "get /z"), capsys).splitlines() == [
        f"page.md and {SPEC} define the same entries differently; REPLACE=1 uses the lines with +",
        f"--- {SPEC} $['openapi']",
        "+++ page.md $['openapi']",
        "@@ -1 +1 @@",
        "-openapi: 3.1.0",
        "+openapi: 3.1.1",
        f"--- {SPEC} $['paths']['/z']['get']",
        "+++ page.md $['paths']['/z']['get']",
        "@@ -1,2 +1,3 @@",
        " get:",
        "+  deprecated: true",
        "   responses: {}",
        f"--- {SPEC} $['components']['schemas']['First']",
        "+++ page.md $['components']['schemas']['First']",
        "@@ -1,2 +1,3 @@",
        " First:",
        "-  type: string",
        "+  type:",
        "+    - string",
    ]


@pytest.mark.parametrize("value", ["1.0", "true", "'1'", "null"])
def test_values_that_are_equal_in_python_but_not_in_json_are_different(
    root: Path, value: str, capsys: CaptureFixture[str]
) -> None:
    (root / SPEC).write_text(VENDORED + "x-one: 1\n", encoding="utf-8")
    text = page(f"{HEAD}paths: {{/z: {{get: {{responses: {{}}}}}}}}\nx-one: {value}\n", "get /z")
    assert "-x-one: 1\n+x-one:" in refused(root, text, capsys)


def test_replace_option_overwrites_the_vendored_definition_with_the_definition_in_the_page(
    root: Path, capsys: CaptureFixture[str]
) -> None:
    text = (
        f"{HEAD}paths:\n  /z:\n    get: {{responses: {{}}, deprecated: true}}\n    put: {{}}\ncomponents:\n  schemas:\n"
        "    Second: {}\n    First:\n      type: integer\n      x: 1\n    Last: {type: number}\n"
    )
    assert run(root, page(text, "get /z"), "--replace") == 0
    assert vendored(root) == (
        VENDORED.replace(
            "    get: {responses: {}}   # short\n",
            "    get:\n      responses: {}\n      deprecated: true\n    put: {}\n",
        )
        .replace("    First:   {type: string}\n", "    First:\n      type: integer\n      x: 1\n")
        .replace(
            "    Last:\n      type: string\n      description: |\n        Two\n\n        lines\n",
            "    Last:\n      type: number\n",
        )
        .replace("\n\n\n# The end\n", "\n\n\n    Second: {}\n# The end\n")
    )
    message = capsys.readouterr().out
    assert f"{SPEC}: replaced $['paths']['/z']['get']\n" in message
    assert f"{SPEC}: added $['components']['schemas']['Second']\n" in message


def test_spec_without_a_final_newline_can_be_extended(root: Path) -> None:
    (root / SPEC).write_text(VENDORED.partition("components:")[0].rstrip("\n"), encoding="utf-8")
    assert run(root, page(f"{HEAD}paths: {{/z: {{put: {{}}}}}}\n", "put /z")) == 0
    assert vendored(root) == VENDORED.partition("components:")[0] + "    put: {}\n"


@pytest.mark.parametrize(
    ("indent", "added"),
    [
        (2, ',\n      "post": {\n        "description": "no",\n        "é": [\n          1.5\n        ]\n      }'),
        (None, ', "post": {"description": "no", "é": [1.5]}'),
        ("\t", ',\n\t\t\t"post": {\n\t\t\t  "description": "no",\n\t\t\t  "é": [\n\t\t\t    1.5\n\t\t\t  ]\n\t\t\t}'),
    ],
)
def test_page_is_merged_as_json_into_a_spec_in_json(root: Path, indent: int | str | None, added: str) -> None:
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "T", "version": "1"},
        "paths": {"/a": {"get": {"x": 1}}, "/z": {}},
    }
    (root / SPEC).write_text(json.dumps(document, indent=indent), encoding="utf-8")
    text = page(f"{HEAD}paths: {{/a: {{post: {{description: no, é: [1.5]}}}}, /z: {{put: {{}}}}}}\n")
    assert run(root, text) == 0
    document["paths"]["/a"]["post"] = {"description": "no", "é": [1.5]}
    document["paths"]["/z"]["put"] = {}
    assert json.loads(vendored(root)) == document
    assert added in vendored(root)


@pytest.mark.parametrize("paths", ["paths: {}\n", "paths:\n  {\n    /b: {},\n  }\n"])
def test_mapping_with_empty_braces_or_a_trailing_comma_can_be_extended(root: Path, paths: str) -> None:
    (root / SPEC).write_text(HEAD + paths + "x-end: 1\n", encoding="utf-8")
    assert run(root, page(f"{HEAD}paths: {{/a: {{post: {{}}, get: {{}}}}, /b: {{get: {{}}}}}}\n"), "--replace") == 0
    root_ = yaml.plain(yaml.load(root / SPEC))
    assert isinstance(root_, dict)
    assert root_["paths"] == {"/a": {"post": {}, "get": {}}, "/b": {"get": {}}}
    assert root_["x-end"] == 1


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        (
            "x-a: &a\n  get: {}\npaths:\n  /a: *a\n",
            "$['paths']['/a']['post'] cannot be merged: the vendored spec has an alias there",
        ),
        ("paths: {'/a': &a {post: {}}, /b: *a}\n", "page.md cannot be merged, since other parts of"),
        ("paths:\n  /a: {post: &a {x: 1}}\n  /b: *a\n", f"{SPEC} with page.md:5:7: found undefined alias 'a'"),
        ("paths:\n  ? /a\n  : post: {x: 1}\n    get: {}\n", f"{SPEC} with page.md:7:8: not valid YAML or JSON"),
    ],
)
def test_merge_that_would_change_or_break_other_parts_of_the_spec_is_refused(
    root: Path, target: str, reason: str, capsys: CaptureFixture[str]
) -> None:
    (root / SPEC).write_text(HEAD + target, encoding="utf-8")
    message = refused(root, page(f"{HEAD}paths:\n  /a:\n    post: {{new: 1}}\n"), capsys, "--replace")
    assert reason in message
    assert "vendor the complete spec" in message


def test_error_names_the_vendored_spec_if_it_is_invalid(root: Path, capsys: CaptureFixture[str]) -> None:
    (root / SPEC).write_text("a: 1\na: 2\n", encoding="utf-8")
    message = refused(root, page(f"{HEAD}paths:\n  /z: {{put: {{}}}}\n", "put /z"), capsys)
    assert f'{SPEC}:2:1: found duplicate key "a"' in message


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"source": 1}'])
def test_missing_or_invalid_source_file_is_replaced(root: Path, content: str | None) -> None:
    if content is None:
        (root / SOURCE).unlink()
    else:
        (root / SOURCE).write_text(content, encoding="utf-8")
    assert run(root, page(f"{HEAD}paths:\n  /z: {{put: {{}}}}\n", "put /z")) == 0
    assert source(root) == "page.md"
