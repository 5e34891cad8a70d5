"""How secrets are kept from showing."""

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
from tests.support.hunt import DIALECTS

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = 'pä55"w/o rd\\\n+%'

FORMS: dict[str, Callable[[str], str]] = {
    **DIALECTS,
    "repr": repr,
    "repr of bytes": lambda secret: repr(secret.encode()),
    "repr of other bytes": lambda secret: repr(secret.encode() + b"'"),
    "repr of the repr of bytes": lambda secret: repr(ValueError(f"illegal: {secret.encode()!r}")),
    "repr of the repr of other bytes": lambda secret: repr(ValueError(f"illegal: {secret.encode() + bytes([39])!r}")),
}
NOT_OF_ANY_TEXT = {
    *("in-lower-case", "in-json-by-dotnet", "in-html", "decomposed"),  # make something else of rare characters
    *("by-python-from-latin-1", "without-umlauts"),  # lose them
}


# -- Sealed --------------------------------------------------------------------------------------------------------


def test_sealed_value_comes_out_by_open_only() -> None:
    box = Sealed({"password": SECRET})
    assert box.open() == {"password": SECRET}
    assert repr(box) == str(box) == f"{box}" == "<sealed [redacted]>"
    assert not hasattr(box, "__dict__")


@pytest.mark.parametrize("spread", [pickle.dumps, copy.copy, copy.deepcopy])
def test_sealed_value_is_not_spread(spread: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="a sealed value cannot be pickled"):
        spread(Sealed(SECRET))


def open_badly(box: Sealed[str]) -> NoReturn:
    raise RuntimeError(f"with {box}")


def test_traceback_with_variables_shows_the_box() -> None:
    with pytest.raises(RuntimeError) as caught:
        open_badly(Sealed(SECRET))
    told = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    frame = told.stack[-1]
    assert frame.locals == {"box": "<sealed [redacted]>"}


# -- Redactor ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_secret_is_taken_out_in_every_form(form: Callable[[str], str]) -> None:
    written = form(SECRET)
    text = f"before {written} after"
    came = Redactor(Sealed((SECRET,)))(text)
    assert came != text
    assert REDACTED in came
    assert came.startswith("before ")
    assert came.endswith(" after")
    assert "55" not in came


@given(
    secret=st.text(min_size=1),
    before=st.text(),
    after=st.text(),
    form=st.sampled_from([form for name, form in FORMS.items() if name not in NOT_OF_ANY_TEXT]),
)
def test_no_form_of_any_secret_stays(secret: str, before: str, after: str, form: Callable[[str], str]) -> None:
    written = form(secret)
    came = Redactor(Sealed((secret,)))(f"{before}{written}{after}")
    assert REDACTED in came
    assert came.startswith(before) or REDACTED in came[: len(before) + len(REDACTED)]
    assert all(secret not in part for part in came.split(REDACTED))
    assert len(written) < 12 or written[-12:] not in came


LONG = "pässword-häving-more-of-it"


@pytest.mark.parametrize("length", range(8, 26))
def test_the_beginning_of_a_secret_is_one_where_a_text_ends(length: int) -> None:
    redact = Redactor(Sealed((LONG,)))
    assert redact(f"you sent {LONG[:length]}") == f"you sent {REDACTED}"
    assert redact(f"(b'x', b'{LONG[:length]}')") == f"(b'x', b'{REDACTED}')"


def test_half_of_a_secret_is_one_anywhere_and_less_is_none() -> None:
    redact = Redactor(Sealed((LONG,)))
    assert redact(f"{LONG[:13]} and more") == f"{REDACTED} and more"
    assert redact(f"{LONG[:12]} and pässwor") == f"{LONG[:12]} and pässwor"


def test_a_secret_of_few_characters_is_only_taken_out_whole_and_in_its_case() -> None:
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
)
def test_secrets_that_share_a_part_are_all_taken_out(secrets: tuple[str, ...], text: str, shown: str) -> None:
    assert Redactor(Sealed(secrets))(text) == shown
    assert Redactor(Sealed(secrets[::-1]))(text) == shown


ODD = {
    "a key in a form": ("-----BEGIN KEY-----\nMIISECRET\n", "-----BEGIN+KEY-----%0D%0AMIISECRET%0D%0A"),
    "an apostrophe in XML": ("it's-a-secretpart", "it&apos;s-a-secretpart"),
    "HTML in HTML": ('my"secret"value', "my&amp;quot;secret&amp;quot;value"),
    "a URL in a URL": ("pass word<1>", "pass%2520word%253C1%253E"),
    "octal bytes": ("pässwörd", r"p\303\244ssw\303\266rd"),
    "umlauts that were lost": ("pässwörd", "p?ssw?rd"),
    "umlauts that were replaced": ("pässwörd", "p\ufffdssw\ufffdrd"),
    "a path in JSON in JSON": (r"C:\Users\me\secret", r"c:\\\\users\\\\me\\\\SECRET"),
    "after a backslash": ("u1234abcd", r"\u1234abcd"),
    "after a percent sign": ("41abcdefg", "%41abcdefg"),
}


@pytest.mark.parametrize(("secret", "written"), ODD.values(), ids=ODD)
def test_odd_spellings_are_taken_out_to_their_end(secret: str, written: str) -> None:
    came = Redactor(Sealed((secret,)))(f"<{written}>")
    assert came in {f"<{REDACTED}>", f"<\\{REDACTED}>", f"<%{REDACTED}>"}


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
    ids=range(8),
)
def test_a_hostile_text_is_read_in_no_time(secret: str, text: str) -> None:
    """Nothing is measured: where it takes more than its share, this takes hours."""
    assert len(Redactor(Sealed((secret,)))(text)) <= len(text)


def test_text_without_secrets_stays_as_it_is() -> None:
    redact = Redactor(Sealed((SECRET, "", "key")))
    assert redact("nothing here") == "nothing here"
    assert redact("") == ""


def test_longer_secret_is_taken_out_before_one_that_it_holds() -> None:
    redact = Redactor(Sealed(("abc", "abcdef")))
    assert redact("abcdef abc") == "[redacted] [redacted]"


def test_secret_that_is_part_of_the_replacement_does_not_multiply_it() -> None:
    redact = Redactor(Sealed(tuple("redact[]")))
    assert redact("e") == REDACTED
    assert redact(redact("one")) == f"on{REDACTED}"


def test_redactor_shows_no_secret_itself() -> None:
    redact = Redactor(Sealed((SECRET,)))
    # Not "55" alone, which an address in a repr may have.
    assert '55"w' not in repr(redact)
    assert '55"w' not in repr([getattr(redact, name) for name in redact.__slots__ if name != "__weakref__"])


def test_quote_takes_secrets_out_before_it_cuts() -> None:
    long = "s" * 50
    quoted = Redactor(Sealed((long,))).quote("x" * (MAX_QUOTE - 20) + long)
    assert "sss" not in quoted
    assert quoted == "x" * (MAX_QUOTE - 20) + REDACTED
    assert len(Redactor(Sealed(())).quote("x" * 1000)) == MAX_QUOTE + 1


def test_quote_shows_one_line_without_control_characters() -> None:
    assert Redactor(Sealed(())).quote("a\nb\r\x1b[31mc\u2028d\x00") == "a b  [31mc d "


# -- Logs ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def http_records(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    redact_http_logs()
    for name in HTTP_LOGGERS:
        caplog.set_level(logging.DEBUG, name)
    return caplog


@pytest.mark.parametrize("name", HTTP_LOGGERS)
def test_logs_of_the_libraries_below_show_no_secret(name: str, http_records: pytest.LogCaptureFixture) -> None:
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
    assert redact


def test_every_logger_of_httpx_and_httpcore_is_guarded() -> None:
    named = {
        name
        for package in (httpx, httpcore)
        for folder in package.__path__
        for path in Path(folder).rglob("*.py")
        for name in re.findall(r"getLogger\(\"(.+?)\"\)", path.read_text(encoding="utf-8"))
    }
    assert named == set(HTTP_LOGGERS)


def test_secrets_of_a_redactor_that_is_gone_are_no_longer_held(http_records: pytest.LogCaptureFixture) -> None:
    redact: Redactor | None = Redactor(Sealed(("s3cret-value",)))
    assert redact is not None
    del redact
    logging.getLogger("httpx").info("s3cret-value")
    assert http_records.messages == ["s3cret-value"]


def test_guarding_again_changes_nothing() -> None:
    redact_http_logs()
    before = {name: list(logging.getLogger(name).filters) for name in HTTP_LOGGERS}
    redact_http_logs()
    assert {name: list(logging.getLogger(name).filters) for name in HTTP_LOGGERS} == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_logs_though_another_thread_was_logging_at_the_fork() -> None:
    program = """
        import logging, os, threading
        from anchor_webtask._redaction import secrets
        secrets.redact_http_logs()
        taken, done = threading.Event(), threading.Event()
        def hold():
            with secrets._redactors_lock:
                taken.set()
                done.wait()
        thread = threading.Thread(target=hold)
        thread.start()
        taken.wait()
        if child := os.fork():
            done.set()
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        import signal
        signal.alarm(10)
        logging.getLogger("httpx").error("said")
        os._exit(0)
    """
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)], capture_output=True, text=True
    )
    assert (ran.returncode, ran.stderr) == (0, "said\n")


# -- Interruptions -------------------------------------------------------------------------------------------------


def fail(exception: BaseException, _held: str) -> NoReturn:
    """Raise from a frame that holds something."""
    raise exception


def interrupted(password: str) -> KeyboardInterrupt:
    """Return a Ctrl-C that came while another error was dealt with, with frames that hold the password."""
    interruption = KeyboardInterrupt()
    try:
        try:
            try:
                fail(ValueError(), password)
            except ValueError as error:
                raise KeyError from error
        except KeyError:
            raise interruption from OSError(password)
    except KeyboardInterrupt:
        return interruption


def told(exception: BaseException) -> str:
    parts = traceback.TracebackException.from_exception(exception, capture_locals=True)
    return "".join(parts.format(chain=True))


def test_released_interruption_shows_nothing_of_the_frames_that_it_passed() -> None:
    interruption = interrupted(SECRET)
    assert repr(SECRET) in told(interruption)
    release_frames(interruption)
    assert told(interruption) == "KeyboardInterrupt\n"


def test_exceptions_that_it_was_chained_to_are_released_as_well() -> None:
    interruption = interrupted(SECRET)
    context, cause = interruption.__context__, interruption.__cause__
    assert context is not None
    assert cause is not None
    first = context.__context__
    assert first is not None
    release_frames(interruption)
    for exception in (context, cause, first):
        assert (exception.__traceback__, exception.__cause__, exception.__context__) == (None, None, None)


def test_group_is_released_with_its_members() -> None:
    members: list[Any] = [interrupted(SECRET), interrupted(SECRET)]
    group = BaseExceptionGroup("several", members)
    release_frames(group)
    assert SECRET not in told(group)
    assert all(member.__traceback__ is None for member in members)


def test_release_copes_with_a_chain_that_bites_its_tail() -> None:
    one, other = KeyError(), ValueError()
    one.__context__, other.__context__ = other, one
    release_frames(one)
    contexts: list[object] = [one.__context__, other.__context__]
    assert contexts == [None, None]
