"""Tokens: text by which another process finds a task."""

from __future__ import annotations

import json
import random
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_webtask import ConfigurationError
from anchor_webtask._tasks.resume_token import VERSION, Token, decode

BASE_URL = "https://api.example"
TOKEN = Token("task-1", BASE_URL, 1_800_000_000.0, wrapped=False)
FIELDS = {
    "version": 1,
    "task_id": "task-1",
    "base_url": BASE_URL,
    "started": "2027-01-15T08:00:00+00:00",
    "wrapped": False,
}
OLDEST, LATEST = datetime(1, 1, 2).timestamp(), datetime(9999, 12, 30).timestamp()


def token_with(**fields: Any) -> str:
    return json.dumps({**FIELDS, **fields})


def test_token_is_json_with_a_version_and_exactly_the_documented_fields() -> None:
    assert json.loads(TOKEN.encode()) == FIELDS
    assert VERSION == 1


@given(
    task_id=st.text(),
    base_url=st.text(),
    started=st.none() | st.floats(OLDEST, LATEST),
    wrapped=st.booleans(),
)
def test_token_is_unchanged_by_encoding_and_decoding(
    task_id: str, base_url: str, started: float | None, *, wrapped: bool
) -> None:
    text = Token(task_id, base_url, started, wrapped).encode()
    assert text.isascii()
    decoded = decode(text, base_url)
    assert (decoded.task_id, decoded.base_url, decoded.wrapped) == (task_id, base_url, wrapped)
    assert decoded.started == (None if started is None else pytest.approx(started, abs=1e-4, rel=0))
    assert decoded.encode() == text


@pytest.mark.parametrize(
    "damaged",
    [
        "",
        " ",
        "task-1",
        "null",
        "[]",
        "1",
        '"{}"',
        "{}",
        "[" * 100_000,
        "9" * 5000,
        TOKEN.encode()[:-1],
        TOKEN.encode()[1:],
        f"{TOKEN.encode()}}}",
        token_with(version=None),
        token_with(version=0),
        token_with(version=-1),
        token_with(version=1.0),
        token_with(version=True),
        token_with(version="1"),
        token_with(task_id=None),
        token_with(task_id=1),
        token_with(base_url=None),
        token_with(base_url=["x"]),
        token_with(wrapped=None),
        token_with(wrapped=0),
        token_with(wrapped="false"),
    ],
    ids=lambda it: it[:40],
)
def test_damaged_token_is_refused(damaged: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"token is damaged: pass the text that task\.token\(\) returned, unchanged"
    ):
        decode(damaged, BASE_URL)


@pytest.mark.parametrize("missing", ["version", "task_id", "base_url", "started", "wrapped"])
def test_token_that_lacks_a_required_field_is_refused(missing: str) -> None:
    text = json.dumps({name: value for name, value in FIELDS.items() if name != missing})
    with pytest.raises(ConfigurationError, match="token is damaged"):
        decode(text, BASE_URL)


@pytest.mark.parametrize(
    "started",
    [
        "",
        "now",
        "12",
        "-5",
        "Sun",
        "10 may",
        "2027-01-15",  # a date without a time zone
        "2027-01-15T08:00:00",
        "2027-13-15T08:00:00Z",
        "2027-01-15T25:00:00Z",
        "٢٠٢٧-01-15T08:00:00Z",
        "0000-01-01T00:00:00Z",
        "0001-01-01T00:00:00+23:59",  # before the year 1 in UTC
        "9999-12-31T23:59:59-23:59",  # after the year 9999 in UTC
        "9999-12-31T23:59:59.999999Z",  # rounds to the year 10000
        1_800_000_000,
        1e300,
        True,
        ["2027", "01", "15", "08"],
        {"2027": 1, "01": 2, "15": 3, "08": 4},
    ],
    ids=ascii,
)
def test_token_with_an_invalid_start_time_is_refused(started: object) -> None:
    with pytest.raises(ConfigurationError, match="token is damaged"):
        decode(token_with(started=started), BASE_URL)


@pytest.mark.parametrize(
    "started", ["2027-01-15T08:00:00Z", "2027-01-15T10:00:00+02:00", "20270115T080000Z", "2027-01-15T08:00Z"]
)
def test_start_time_may_have_any_iso_8601_format_with_a_time_zone(started: str) -> None:
    assert decode(token_with(started=started), BASE_URL) == TOKEN


def test_token_with_an_unknown_start_time_can_be_decoded() -> None:
    assert decode(token_with(started=None), BASE_URL).started is None


def test_token_of_a_later_version_is_refused_even_if_its_fields_differ() -> None:
    later = json.dumps({"version": VERSION + 1, "id": "task-1"})
    with pytest.raises(
        ConfigurationError, match="version 2, but this package reads only versions up to 1: upgrade the package"
    ):
        decode(later, BASE_URL)


def test_token_may_have_additional_fields() -> None:
    assert decode(token_with(region="eu"), BASE_URL) == TOKEN


@pytest.mark.parametrize("other", ["https://api.example/v2", "https://api.example:8443", "http://api.example", ""])
def test_token_of_another_base_url_is_refused(other: str) -> None:
    with pytest.raises(
        ConfigurationError, match=r"the token belongs to base_url 'https://api\.example', but this client uses"
    ) as caught:
        decode(TOKEN.encode(), other)
    assert repr(other) in str(caught.value)


@pytest.mark.parametrize("token", [None, 1, b"{}", FIELDS])
def test_token_that_is_not_text_is_refused(token: object) -> None:
    with pytest.raises(ConfigurationError, match=r"must be the text that task\.token\(\) returned, not"):
        decode(token, BASE_URL)


def test_token_with_one_changed_character_is_decoded_or_refused() -> None:
    chance = random.Random(1)
    text = TOKEN.encode()
    decoded = 0
    for _ in range(3000):
        at = chance.randrange(len(text))
        damaged = text[:at] + chr(chance.choice([*range(32, 127), 0, 0xD800, 0x1F600])) + text[at + 1 :]
        try:
            decode(damaged, BASE_URL).encode()
        except ConfigurationError:
            continue
        decoded += 1
    assert 0 < decoded < 3000
