"""Turns the lines of a file into requests, and finds all that is wrong with them before anything is started."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from anchor_webtask._cli.mistakes import UsageMistake
from anchor_webtask._cli.records import Mistakes, csv_lines, json_lines
from anchor_webtask._cli.text_files import decoded, read_bytes, read_stdin, strict_json
from anchor_webtask._cli.wording import for_people

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from anchor_webtask import TaskRequest
    from anchor_webtask._cli.records import Record
    from anchor_webtask._cli.templates import Template
    from anchor_webtask._redaction.secrets import Sealed

OWN_FIELDS: Final = ("prompt", "key", "data")
FLAGS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
FORMATS: Final = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}
STDIN: Final = "standard input"


class Entry(NamedTuple):
    """A line of the file, as a request."""

    line: int
    request: TaskRequest


class MapFile:
    """A file of tasks.

    Args:
        path: The file; - is standard input.
        form: `jsonl` or `csv`; None for what the file's name says.
        delimiter: What separates the cells of CSV.

    Raises:
        UsageMistake: The format is not known.
    """

    def __init__(self, path: str, form: str | None, delimiter: str) -> None:
        self.name = STDIN if path == "-" else path
        self._path = path
        self._is_csv = (form or FORMATS.get(Path(path).suffix.lower())) == "csv"
        self._delimiter = delimiter
        self.mistakes = Mistakes(self.name)
        if form is None and Path(path).suffix.lower() not in FORMATS:
            raise UsageMistake(f"{self.name}: add --format jsonl or --format csv")
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise UsageMistake("--delimiter must be one character")

    def entries(self, templates: Mapping[str, Template], defaults: Sealed[dict[str, Any]]) -> list[Entry]:
        """Return the requests; `check_requests` is called next.

        Args:
            templates: Make the prompt, the key and the URL of a line that has none of its own.
            defaults: The fields of a line that has none of its own.

        Raises:
            UsageMistake: Something is wrong with the file; nothing was started.
        """
        from anchor_webtask._models import TaskOptions

        content = read_stdin() if self._path == "-" else read_bytes(Path(self._path), self._path)
        text = decoded(content, self.name)
        records = [*self._records(text)]
        self.mistakes.check()
        fields = {*OWN_FIELDS, *TaskOptions.__annotations__}
        self._check_columns(records, fields, templates)
        entries = [*self._entries(records, fields, templates, defaults)]
        self.mistakes.check()
        self._check_keys(entries)
        return entries

    def check_requests(self, entries: Iterable[Entry], check: Callable[[TaskRequest], object]) -> None:
        """Check all requests in the way of the client.

        Args:
            entries: The requests.
            check: Raises a ConfigurationError for an invalid request.

        Raises:
            UsageMistake: A request is invalid.
        """
        from anchor_webtask import ConfigurationError

        for entry in entries:
            try:
                check(entry.request)
            except ConfigurationError as error:
                self.mistakes.add(entry.line, for_people(str(error)))
        self.mistakes.check()

    def _records(self, text: str) -> Iterator[Record]:
        if self._is_csv:
            return csv_lines(text, self.mistakes, self.name, self._delimiter)
        return json_lines(text, self.mistakes)

    def _check_columns(self, records: Iterable[Record], fields: set[str], templates: Mapping[str, Template]) -> None:
        """Refuse names that are neither a field nor used by a template, and templates with other names."""
        lines: dict[str, int] = {}
        for record in records:
            for name in record.fields:
                lines.setdefault(name, record.line)
        used = {name for template in templates.values() for name in template.columns}
        for template in templates.values():
            for name in template.columns:
                if lines and name not in lines:
                    there = ", ".join(map(repr, lines))
                    raise UsageMistake(f"{template.option}: {self.name} has no {name!r}; it has {there}")
        if unknown := [name for name in lines if name not in fields and name not in used]:
            known = ", ".join(sorted(fields))
            line = 1 if self._is_csv else lines[unknown[0]]
            raise UsageMistake(
                f"{self.name}, line {line}: there is no field {', '.join(map(repr, unknown))}: remove it, or use it in "
                f"--prompt, --key or --url. The fields are {known}"
            )

    def _entries(
        self,
        records: Iterable[Record],
        fields: set[str],
        templates: Mapping[str, Template],
        defaults: Sealed[dict[str, Any]],
    ) -> Iterator[Entry]:
        for record in records:
            given = {name: value for name, value in record.fields.items() if name in fields and value is not None}
            try:
                if self._is_csv:
                    given = {name: _converted(name, value) for name, value in given.items()}
                for name, template in templates.items():
                    if name not in given:
                        given[name] = template.filled(record.fields)
                yield Entry(record.line, _request(given, defaults))
            except ValueError as error:
                self.mistakes.add(record.line, str(error))

    def _check_keys(self, entries: Iterable[Entry]) -> None:
        first: dict[str, int] = {}
        for line, request in entries:
            if request.key is not None and first.setdefault(request.key, line) != line:
                self.mistakes.add(line, f"line {first[request.key]} has the key {request.key!r} already")


def _request(given: dict[str, Any], defaults: Sealed[dict[str, Any]]) -> TaskRequest:
    """Return a request.

    Args:
        given: The fields of its line.
        defaults: The fields that apply if the line has none of its own.

    Raises:
        ValueError: The line has no prompt, or an invalid key.
    """
    from anchor_webtask import TaskRequest

    prompt, key, data = (given.pop(name, None) for name in OWN_FIELDS)
    if prompt is None:
        raise ValueError("there is no prompt: add the field, or --prompt")
    if key is not None and not isinstance(key, str):
        raise ValueError(f"key must be text, not {type(key).__name__}")
    return TaskRequest(prompt, key=key, data=data, **{**defaults.open(), **given})


def equal_without_keys(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return groups of valid requests that are equal and have no key: they are different tasks, and each costs."""
    from anchor_webtask._batch.identity import fingerprint

    groups: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.request.key is None:
            groups[fingerprint(entry.request)].append(entry)
    return [group for group in groups.values() if len(group) > 1]


def _converted(name: str, text: str) -> Any:
    """Return the value of a cell of CSV.

    Raises:
        ValueError: It has the wrong type.
    """
    if name in {"detect_elements", "human_intervention", "highlight_elements"}:
        if text.strip().lower() not in FLAGS:
            raise ValueError(f"{name} must be true or false, not {text!r}")
        return FLAGS[text.strip().lower()]
    if name == "max_steps":
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{name} must be a whole number, not {text!r}") from None
    if name in {"extra_body", "secret_values"}:
        try:
            return strict_json(text)
        except ValueError:
            raise ValueError(f"{name} must be JSON") from None  # the message would show a part of a secret
    return text
