"""The files of `map`: what each line means, and what is said of a line that means nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask import Anchor, ConfigurationError
from anchor_webtask._batch.items import prepared
from anchor_webtask._cli.map_file import MapFile, equal_without_keys
from anchor_webtask._cli.mistakes import UsageMistake
from anchor_webtask._cli.templates import Template
from anchor_webtask._redaction.secrets import Sealed
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from anchor_webtask import TaskRequest
    from anchor_webtask._cli.map_file import Entry


def read(
    path: Path,
    content: str | bytes,
    *,
    templates: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    delimiter: str = ",",
) -> list[Entry]:
    """Return the valid requests of a file with this content."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    source = MapFile(str(path), None, delimiter)
    made = {name: Template(f"--{name}", text) for name, text in (templates or {}).items()}
    entries = source.entries(made, Sealed(dict(defaults or {})))
    with Anchor(KEY) as anchor:

        def check(request: TaskRequest) -> None:
            if isinstance(made := prepared(request, prepare), ConfigurationError):
                raise made

        def prepare(request: TaskRequest) -> object:
            return anchor.tasks._prepare_start(request.prompt, None, request.sealed_options)

        source.check_requests(entries, check)
    return entries


def shown(entries: list[Entry]) -> list[tuple[int, str, str | None, Any, dict[str, Any]]]:
    requests = [(entry.line, entry.request) for entry in entries]
    return [(line, each.prompt, each.key, each.data, dict(each.sealed_options.open())) for line, each in requests]


def test_json_lines_have_a_field_a_name(tmp_path: Path) -> None:
    content = (
        '\ufeff{"prompt": "Read", "key": "a", "data": {"row": [1]}, "max_steps": 3, "detect_elements": false}\r\n'
        "\r\n"
        '{"prompt": "\u2028", "secret_values": {"*.example": {"PIN": "1"}}, "url": null}'
    ).replace("\u2028", "Read\u2028")
    assert shown(read(tmp_path / "a.jsonl", content, defaults={"agent": "x", "url": "https://a.example/"})) == [
        (
            1,
            "Read",
            "a",
            {"row": [1]},
            {"agent": "x", "url": "https://a.example/", "max_steps": 3, "detect_elements": False},
        ),
        (
            3,
            "Read\u2028",
            None,
            None,
            {
                "agent": "x",
                "url": "https://a.example/",
                "secret_values": {"*.example": {"PIN": "1"}},
            },
        ),
    ]


def test_csv_has_a_column_a_field(tmp_path: Path) -> None:
    content = (
        "\ufeffprompt,url,detect_elements,max_steps,data,extra_body\r\n"
        '"Read, ""all"" of\r\nit",https://a.example/,TRUE,3,row 1,"{""use_vision"": true}"\r\n'
        "\r\n"
        "Read,,no,,,\r\n"
    )
    assert shown(read(tmp_path / "a.CSV", content, defaults={"max_steps": 9, "url": "https://b.example/"})) == [
        (
            2,
            'Read, "all" of\r\nit',
            None,
            "row 1",
            {
                "url": "https://a.example/",
                "detect_elements": True,
                "max_steps": 3,
                "extra_body": {"use_vision": True},
            },
        ),
        (5, "Read", None, None, {"url": "https://b.example/", "detect_elements": False, "max_steps": 9}),
    ]


def test_templates_take_names_of_columns_and_nothing_else(tmp_path: Path) -> None:
    content = "sku;name;prompt\n7;{a!r};\n8;b;Look\n"
    templates = {"prompt": "Read {{{name}}} {sku}", "key": "{sku}", "url": "https://a.example/{sku}"}
    assert shown(read(tmp_path / "a.csv", content, templates=templates, delimiter=";")) == [
        (2, "Read {{a!r}} 7", "7", None, {"url": "https://a.example/7"}),
        (3, "Look", "8", None, {"url": "https://a.example/8"}),
    ]
    for text in ("{sku.__class__}", "{sku[0]}"):
        with pytest.raises(UsageMistake, match="has no 'sku"):
            read(tmp_path / "a.csv", content, templates={"prompt": text}, delimiter=";")


@pytest.mark.parametrize("text", ["{", "}", "{}", "{a!r}", "{a:>9}", "{ }"])
def test_template_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageMistake, match=r"--prompt: .*write \{column\}"):
        Template("--prompt", text)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"prompt": "a"}\n{"prompt": 1}\n', ["line 2: the prompt must be text, not int"]),
        ('{"prompt": "a", "max_steps": "3"}', ["line 1: max_steps must be a whole number, not str"]),
        ('{"prompt": "a", "detect_elements": 1}', ["line 1: detect_elements must be True or False"]),
        ('{"prompt": "a", "key": 7}', ["line 1: key must be text, not int"]),
        ('{"prompt": "a", "key": " "}', ["line 1: the key must be text that is not blank"]),
        ('{"prompt": "a", "key": "k"}\n\n{"prompt": "b", "key": "k"}', ["line 3: line 1 has the key 'k' already"]),
        ('{"url": "https://a.example"}', ["line 1: there is no prompt"]),
        ('{"prompt": "a", "ulr": "x"}', ["line 1: there is no field 'ulr'", "The fields are agent, data"]),
        ('{"prompt": "a"}\n{"prompt": "a", "prompt": "b"}', ["line 2: an object has the name 'prompt' twice"]),
        ('{"prompt": "a", "data": NaN}', ["line 1: NaN is not JSON"]),
        ('{"prompt": "a", "data": -1e999}', ["line 1: -1e999 is too large"]),
        (
            '{"prompt": "a"}\n{"prompt": "a"\n3',
            ["line 2: this is not JSON at column", "line 3: this must be an object"],
        ),
        ("[" * 100_000, ["line 1: "]),
        (b'{"prompt": "a"}\n{"prompt": "\xe4"}', ["line 2: this is not UTF-8"]),
        ('{"prompt": "a"}'.encode("utf-16"), ["line 1: this is not UTF-8, but perhaps UTF-16"]),
        ("\n".join(['{"prompt": " "}'] * 25), ["line 20: the prompt is blank", "… and 5 more"]),
    ],
)
def test_mistakes_in_json_lines_are_named_with_their_lines(
    content: str | bytes, said: list[str], tmp_path: Path
) -> None:
    with pytest.raises(UsageMistake) as raised:
        read(tmp_path / "a.jsonl", content)
    assert [text for text in said if text not in str(raised.value)] == [], raised.value


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "the first line must name the columns"),
        ("\n\n", "the first line must name the columns"),
        ("prompt,,x\n", "line 1: column 2 has no name"),
        ("prompt,url,url\n", "line 1: two columns have the name 'url'"),
        ("prompt;url\na;b\n", "add --delimiter ';'"),
        ("prompt\turl\na\tb\n", "add --delimiter $'\\t'"),
        ("prompt,price\na,b\n", "line 1: there is no field 'price'"),
        ("prompt,url\na\n", "line 2: there are 1 cells, and 2 columns"),
        ('prompt\n"a\nb', "line 2: this is not CSV"),
        ("prompt,max_steps\na,3\nb,few\n", "line 3: max_steps must be a whole number, not 'few'"),
        ("prompt,detect_elements\na,maybe\n", "line 2: detect_elements must be true or false, not 'maybe'"),
        ("prompt,secret_values\na,hunter2\n", "line 2: secret_values must be JSON"),
        ("prompt,url\na,shop.example\n", "line 2: url must start with https://"),
    ],
)
def test_mistakes_in_csv_are_named_with_their_lines(content: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(UsageMistake) as raised:
        read(tmp_path / "a.csv", content)
    assert said in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_empty_value_of_a_template_is_a_mistake(tmp_path: Path) -> None:
    for name, content in (("a.csv", "url,data\n,1\n"), ("a.jsonl", '{"url": null}'), ("b.jsonl", '{"url": ""}')):
        with pytest.raises(UsageMistake, match=r"line \d: url is empty, and --prompt needs it"):
            read(tmp_path / name, content, templates={"prompt": "Read {url}"})


def test_file_without_tasks_is_no_mistake(tmp_path: Path) -> None:
    assert read(tmp_path / "a.jsonl", "\n") == []
    assert read(tmp_path / "a.csv", "prompt,url\n") == []


def test_format_must_be_known() -> None:
    for path in ("-", "tasks.txt"):
        with pytest.raises(UsageMistake, match="add --format jsonl or --format csv"):
            MapFile(path, None, ",")


def test_equal_lines_without_keys_are_found(tmp_path: Path) -> None:
    content = '{"prompt": "a"}\n{"prompt": "b"}\n{"prompt": "a"}\n{"prompt": "b", "key": "k"}'
    groups = equal_without_keys(read(tmp_path / "a.jsonl", content))
    assert [[entry.line for entry in group] for group in groups] == [[1, 3]]
