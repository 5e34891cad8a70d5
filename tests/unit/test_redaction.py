"""Redaction: secrets appear in no text, log record, traceback or pickle, in whatever encoding a server returns them."""

from __future__ import annotations

import copy
import logging
import os
import pickle
import re
import subprocess
import sys
import textwrap
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import httpcore
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_webtask._redaction.secrets import (
    HTTP_LOGGERS,
    MAX_QUOTE,
    REDACTED,
    Redactor,
    Sealed,
    redact_http_logs,
    release_frames,
)
from tests.support.secret_search import SPELLINGS

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = 'pä55"w/o rd\\\n+%'

FORMS: dict[str, Callable[[str], str]] = {
    **SPELLINGS,
    "repr": repr,
    "repr of bytes": lambda secret: repr(secret.encode()),
    "repr of bytes with an apostrophe": lambda secret: repr(secret.encode() + b"'"),
    "repr of an error that quotes bytes": lambda secret: repr(ValueError(f"illegal: {secret.encode()!r}")),
    "repr of an error that quotes bytes with an apostrophe": lambda secret: repr(
        ValueError(f"illegal: {secret.encode() + bytes([39])!r}")
    ),
}
# Forms in which some secrets cannot be recognized.
LOSSY_FORMS = {
    *("in-lower-case", "in-json-by-dotnet", "in-html", "decomposed"),  # these forms replace rare characters
    *("by-python-from-latin-1", "without-umlauts"),  # these forms drop rare characters
}


# -- Sealed --------------------------------------------------------------------------------------------------------


def test_sealed_value_is_returned_only_by_method_open() -> None:
    box = Sealed({"password": SECRET})
    assert box.open() == {"password": SECRET}
    assert repr(box) == str(box) == f"{box}" == "<sealed [redacted]>"
    assert not hasattr(box, "__dict__")


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.copy, copy.deepcopy])
def test_sealed_value_cannot_be_pickled_or_copied(duplicate: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="a sealed value cannot be pickled"):
        duplicate(Sealed(SECRET))


def raise_with_sealed_local(box: Sealed[str]) -> NoReturn:
    raise RuntimeError(f"with {box}")


def test_traceback_with_local_variables_does_not_show_a_sealed_value() -> None:
    with pytest.raises(RuntimeError) as caught:
        raise_with_sealed_local(Sealed(SECRET))
    report = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frame = report.stack[-1]
    assert frame.locals == {"box": "<sealed [redacted]>"}


# -- Redactor ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_secret_is_redacted_in_every_form(form: Callable[[str], str]) -> None:
    written = form(SECRET)
    text = f"before {written} after"
    redacted = Redactor(Sealed((SECRET,)))(text)
    assert redacted != text
    assert REDACTED in redacted
    assert redacted.startswith("before ")
    assert redacted.endswith(" after")
    assert "55" not in redacted


@given(
    secret=st.text(min_size=1),
    before=st.text(),
    after=st.text(),
    form=st.sampled_from([form for name, form in FORMS.items() if name not in LOSSY_FORMS]),
)
def test_every_form_of_any_secret_is_redacted(secret: str, before: str, after: str, form: Callable[[str], str]) -> None:
    written = form(secret)
    redacted = Redactor(Sealed((secret,)))(f"{before}{written}{after}")
    assert REDACTED in redacted
    assert redacted.startswith(before) or REDACTED in redacted[: len(before) + len(REDACTED)]
    assert all(secret not in part for part in redacted.split(REDACTED))
    assert len(written) < 12 or written[-12:] not in redacted


LONG = "pässword-häving-more-of-it"


@pytest.mark.parametrize("length", range(8, 26))
def test_beginning_of_a_secret_is_redacted_at_the_end_of_a_text(length: int) -> None:
    redact = Redactor(Sealed((LONG,)))
    assert redact(f"you sent {LONG[:length]}") == f"you sent {REDACTED}"
    assert redact(f"(b'x', b'{LONG[:length]}')") == f"(b'x', b'{REDACTED}')"


def test_first_half_of_a_secret_is_redacted_anywhere_in_a_text_but_a_shorter_part_is_not_redacted() -> None:
    redact = Redactor(Sealed((LONG,)))
    assert redact(f"{LONG[:13]} and more") == f"{REDACTED} and more"
    assert redact(f"{LONG[:12]} and pässwor") == f"{LONG[:12]} and pässwor"


def test_short_secret_is_redacted_only_if_it_is_complete_and_in_its_original_case() -> None:
    redact = Redactor(Sealed(("äöü", "ABC")))
    assert redact("äö AB abc ÄÖÜ äöü ABC") == f"äö AB abc ÄÖÜ {REDACTED} {REDACTED}"


@pytest.mark.parametrize(
    ("secrets", "text", "shown"),
    [
        (
            ("sk-live-AAAAAAAA1111", "sk-live-BBBBBBBB2222"),
            "token sk-live-BBBBBBBB2222 is bad",
            "token [redacted] is bad",
        ),
        (
            ("https://user:hunter2@long-host.example/path", "https://me:swordfish@x.example"),
            "bad https://me:swordfish@x.example",
            "bad [redacted]",
        ),
        (("alice.smith@example.com", "alice.smith!Pw9"), "login alice.smith!Pw9 failed", "login [redacted] failed"),
        (("00000000-pass",), "x 000000000000-pass y", "x [redacted] y"),
        (("abcdefgh12", "gh12345678"), "abcdefgh12345678", "[redacted]"),
        (("https://example.com/login?pw=secret",), "see https://exam.example", "see https://exam.example"),
    ],
    ids=[
        "keys with the same beginning",
        "URLs with the same beginning",
        "passwords with the same beginning",
        "text that repeats the beginning of the secret",
        "secrets that overlap in the text",
        "text with only a short part of the secret",
    ],
)
def test_secrets_that_share_a_part_are_all_redacted(secrets: tuple[str, ...], text: str, shown: str) -> None:
    assert Redactor(Sealed(secrets))(text) == shown
    assert Redactor(Sealed(secrets[::-1]))(text) == shown


UNUSUAL = {
    "a PEM key in a form": ("-----BEGIN KEY-----\nMIISECRET\n", "-----BEGIN+KEY-----%0D%0AMIISECRET%0D%0A"),
    "an apostrophe in XML": ("it's-a-secretpart", "it&apos;s-a-secretpart"),
    "HTML that is escaped twice": ('my"secret"value', "my&amp;quot;secret&amp;quot;value"),
    "URL escapes that are escaped again": ("pass word<1>", "pass%2520word%253C1%253E"),
    "octal escapes": ("pässwörd", r"p\303\244ssw\303\266rd"),
    "umlauts replaced by question marks": ("pässwörd", "p?ssw?rd"),
    "umlauts replaced by U+FFFD": ("pässwörd", "p\ufffdssw\ufffdrd"),
    "a path that is JSON-escaped twice, in another case": (r"C:\Users\me\secret", r"c:\\\\users\\\\me\\\\SECRET"),
    "a secret after a backslash": ("u1234abcd", r"\u1234abcd"),
    "a secret after a percent sign": ("41abcdefg", "%41abcdefg"),
}


@pytest.mark.parametrize(("secret", "written"), UNUSUAL.values(), ids=UNUSUAL)
def test_unusually_encoded_secret_is_redacted_completely(secret: str, written: str) -> None:
    redacted = Redactor(Sealed((secret,)))(f"<{written}>")
    assert redacted in {f"<{REDACTED}>", f"<\\{REDACTED}>", f"<%{REDACTED}>"}


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("Test-Key-0123456789", "\\" * 60_000),
        ("a" * 20, "\\" * 60_000 + "a" * 60_000),
        ("\\" * 7 + "z", "\\" * 60_000),
        (r"CORP\user", "CORP" + "\\" * 60_000),
        ("ä" * 300 + "abcd", "ä" * 60_000 + "Ã¤" * 60_000),
        ("a" * 5_000, "a" * 60_000),
        ("%41" * 3_000, "%41%" * 60_000),
        ("&#1;" * 3_000, "&#0000001" * 60_000),
    ],
    ids=[
        "only backslashes",
        "backslashes before repeated letters",
        "backslashes like those in the secret",
        "backslashes after the beginning of the secret",
        "umlauts in two encodings",
        "repeated letter like that in the secret",
        "percent signs like those in the secret",
        "character references like those in the secret",
    ],
)
def test_time_to_redact_a_hostile_text_grows_linearly_with_its_length(secret: str, text: str) -> None:
    """No time is measured: if the time grew with the square of the length, the test would run for hours."""
    assert len(Redactor(Sealed((secret,)))(text)) <= len(text)


def test_text_without_secrets_is_unchanged() -> None:
    redact = Redactor(Sealed((SECRET, "", "key")))
    assert redact("nothing here") == "nothing here"
    assert redact("") == ""


def test_longer_secret_is_redacted_before_a_shorter_secret_inside_it() -> None:
    redact = Redactor(Sealed(("abc", "abcdef")))
    assert redact("abcdef abc") == "[redacted] [redacted]"


def test_replacement_text_is_not_redacted_again_if_a_secret_is_part_of_it() -> None:
    redact = Redactor(Sealed(tuple("redact[]")))
    assert redact("e") == REDACTED
    assert redact(redact("one")) == f"on{REDACTED}"


def test_repr_and_attributes_of_a_redactor_show_no_secret() -> None:
    redact = Redactor(Sealed((SECRET,)))
    # A search for "55" alone could fail the test, since the memory address in a repr may contain these digits.
    assert '55"w' not in repr(redact)
    assert '55"w' not in repr([getattr(redact, name) for name in redact.__slots__ if name != "__weakref__"])


def test_method_quote_redacts_secrets_before_it_truncates_the_text() -> None:
    long = "s" * 50
    quoted = Redactor(Sealed((long,))).quote("x" * (MAX_QUOTE - 20) + long)
    assert "sss" not in quoted
    assert quoted == "x" * (MAX_QUOTE - 20) + REDACTED
    assert len(Redactor(Sealed(())).quote("x" * 1000)) == MAX_QUOTE + 1


def test_method_quote_returns_one_line_without_control_characters() -> None:
    assert Redactor(Sealed(())).quote("a\nb\r\x1b[31mc\u2028d\x00") == "a b  [31mc d "


# -- Logs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def http_records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    redact_http_logs()
    for name in HTTP_LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    return caplog


@pytest.mark.parametrize("name", HTTP_LOGGERS)
def test_log_records_of_httpx_and_httpcore_show_no_secret(name: str, http_records: pytest.LogCaptureFixture) -> None:
    redact = Redactor(Sealed(("s3cret-value",)))
    logger = logging.getLogger(name)
    logger.info("HTTP Request: %s %s", "GET", "https://api.example/?q=s3cret-value")
    logger.debug("headers=%r", [(b"x", b"s3cret-value")])
    logger.debug("plain s3cret-value")
    logger.debug("nothing %d", 7)
    assert [record.getMessage() for record in http_records.records] == [
        f"HTTP Request: GET https://api.example/?q={REDACTED}",
        f"headers=[(b'x', b'{REDACTED}')]",
        f"plain {REDACTED}",
        "nothing 7",
    ]
    assert "s3cret" not in str([vars(record) for record in http_records.records])
    assert redact  # keep the redactor alive: the log filter has only a weak reference to it


def test_every_logger_of_httpx_and_httpcore_is_in_the_list_of_redacted_loggers() -> None:
    named = {
        name
        for package in (httpx, httpcore)
        for folder in package.__path__
        for path in Path(folder).rglob("*.py")
        for name in re.findall(r"getLogger\(\"(.+?)\"\)", path.read_text(encoding="utf-8"))
    }
    assert named == set(HTTP_LOGGERS)


def test_log_filter_does_not_keep_the_secrets_of_a_deleted_redactor(http_records: pytest.LogCaptureFixture) -> None:
    redact: Redactor | None = Redactor(Sealed(("s3cret-value",)))
    assert redact is not None
    del redact
    logging.getLogger("httpx").info("s3cret-value")
    assert http_records.messages == ["s3cret-value"]


def test_second_call_of_redact_http_logs_changes_nothing() -> None:
    redact_http_logs()
    before = {name: list(logging.getLogger(name).filters) for name in HTTP_LOGGERS}
    redact_http_logs()
    assert {name: list(logging.getLogger(name).filters) for name in HTTP_LOGGERS} == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_forked_child_can_log_although_a_parent_thread_was_logging_during_the_fork() -> None:
    program = """
        import logging, os, threading
        from anchor_webtask._redaction import secrets
        secrets.redact_http_logs()
        acquired, forked = threading.Event(), threading.Event()
        def hold():
            with secrets._redactors_lock:
                acquired.set()
                forked.wait()
        thread = threading.Thread(target=hold)
        thread.start()
        acquired.wait()
        if child := os.fork():
            forked.set()
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        import signal
        signal.alarm(10)
        logging.getLogger("httpx").error("logged")
        os._exit(0)
    """
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "logged\n")


# -- Interruptions -------------------------------------------------------------------------------------------------


def raise_with_local(exception: BaseException, _value: str) -> NoReturn:
    """Raise the exception; the frame of this function has the value as a local variable."""
    raise exception


def interrupted(password: str) -> KeyboardInterrupt:
    """Return a KeyboardInterrupt with a chain of errors; local variables in the errors' frames contain the password."""
    interruption = KeyboardInterrupt()
    try:
        try:
            try:
                raise_with_local(ValueError(), password)
            except ValueError as error:
                raise KeyError from error
        except KeyError:
            raise interruption from OSError(password)
    except KeyboardInterrupt:
        return interruption


def report_with_locals(exception: BaseException) -> str:
    parts = traceback.TracebackException.from_exception(exception, capture_locals=True)
    return "".join(parts.format(chain=True))


def test_interruption_shows_no_local_variables_after_a_call_of_release_frames() -> None:
    interruption = interrupted(SECRET)
    assert repr(SECRET) in report_with_locals(interruption)
    release_frames(interruption)
    assert report_with_locals(interruption) == "KeyboardInterrupt\n"


def test_function_release_frames_also_clears_causes_and_contexts_of_an_interruption() -> None:
    interruption = interrupted(SECRET)
    context, cause = interruption.__context__, interruption.__cause__
    assert context is not None
    assert cause is not None
    first = context.__context__
    assert first is not None
    release_frames(interruption)
    for exception in (context, cause, first):
        assert (exception.__traceback__, exception.__cause__, exception.__context__) == (None, None, None)


def test_function_release_frames_also_clears_members_of_an_exception_group() -> None:
    members: list[Any] = [interrupted(SECRET), interrupted(SECRET)]
    group = BaseExceptionGroup("several", members)
    release_frames(group)
    assert SECRET not in report_with_locals(group)
    assert all(member.__traceback__ is None for member in members)


def test_function_release_frames_accepts_a_circular_chain_of_exceptions() -> None:
    one, other = KeyError(), ValueError()
    one.__context__, other.__context__ = other, one
    release_frames(one)
    contexts: list[object] = [one.__context__, other.__context__]
    assert contexts == [None, None]
