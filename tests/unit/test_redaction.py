"""Redaction: secrets appear in no text, log record, traceback or pickle, in whatever encoding a server returns them."""

# ruff: noqa: RUF001  letters that look alike are tested

from __future__ import annotations

import copy
import pickle
import sys
import traceback
import unicodedata
from typing import TYPE_CHECKING, Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anchor_webtask._redaction.long_matches import MIN_LONG_MATCH
from anchor_webtask._redaction.secrets import (
    MAX_QUOTE,
    REDACTED,
    Learned,
    LearningRedactor,
    Redactor,
    Sealed,
    SharingRedactor,
    release_frames,
)
from anchor_webtask._secret_task_id import SecretTaskId, shown_id
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
    *(
        "in-lower-case",
        "in-upper-case",
        "in-windows-1252",
        "with-each-byte-replaced",
        "in-json-by-dotnet",
        "in-html",
        "decomposed",
    ),  # these forms replace rare characters
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


CHANGED_CHARACTERS = {
    "upper case with ß": ("straße-großartig", "STRASSE-GROSSARTIG"),
    "capital ß": ("straße-großartig", "STRAẞE-GROẞARTIG"),
    "lower case of SS": ("STRASSE-GROSSARTIG", "straße-großartig"),
    "upper case of ligatures": ("ﬁnale-eﬀekte", "FINALE-EFFEKTE"),
    "compatible characters": ("finale-effekte²", "ﬁnale-eﬀekte2"),
    "full width": ("password-2026", "ｐａｓｓｗｏｒｄ－２０２６"),
    "final sigma": ("ΟΔΥΣΣΕΥΣ-ΚΩΔΙΚΟΣ", "οδυσσευς-κωδικος"),
    "upper case without accents": ("Οδυσσεύς-κωδικός", "ΟΔΥΣΣΕΥΣ-ΚΩΔΙΚΟΣ"),
    "dotless i in upper case": ("kırmızı-ışık", "KIRMIZI-IŞIK"),
    "dotted capital I in lower case": ("İSTANBUL-İZMİR", "i̇stanbul-i̇zmi̇r"),
    "accents removed": ("pässwörd-größe", "password-grosse"),
    "Windows-1252": ("pässwörd-größe", "pässwörd-größe".encode().decode("cp1252")),
    "Windows-1252 in upper case": ("pässwörd-größe", "pässwörd-größe".encode().decode("cp1252").upper()),
    "Windows-1252 with a byte that it does not define": ("ÖÁÜÍÐÏ", "Ã–Ã\x81ÃœÃ\x8dÃ\x90Ã\x8f"),
    "Windows-1252 with such bytes replaced by U+FFFD": ("ÖÁÜÍÐÏ", "Ã–Ã\ufffdÃœÃ\ufffdÃ\ufffdÃ\ufffd"),
    "Windows-1252 with such bytes replaced by question marks": ("ÖÁÜÍÐÏ", "Ã–Ã?ÃœÃ?Ã?Ã?"),
    "Windows-1252 without such bytes": ("ÖÁÜÍÐÏ", "Ã–ÃÃœÃÃÃ"),
    "Windows-1252 twice": ("пароль", "пароль".encode().decode("cp1252", "ignore").encode().decode("cp1252", "ignore")),
    "Latin-1 twice": ("пароль", "пароль".encode().decode("latin-1").encode().decode("latin-1")),
    "each byte a question mark": ("pässwörd-größe", "p??ssw??rd-gr????e"),
    "each byte U+FFFD": ("pässwörd-größe", "p\ufffd\ufffdssw\ufffd\ufffdrd-gr\ufffd\ufffd\ufffd\ufffde"),
    "each byte of an emoji": ("pass😀word", "pass????word"),
    "bytes at both ends": ("äpasswordü", "??password??"),
    "Windows-1250": ("pässwörd-größe", "pässwörd-größe".encode().decode("cp1250")),
    "Mac Roman": ("pässwörd-größe", "pässwörd-größe".encode().decode("mac_roman")),
    "code page 437": ("äpasswordü", "äpasswordü".encode().decode("cp437")),
    "Latin-1 read as UTF-8": ("pässwörd-größe", "pässwörd-größe".encode("latin-1").decode(errors="replace")),
    "decomposed, with the accents lost": (
        "pässwörd",
        unicodedata.normalize("NFD", "pässwörd").encode("ascii", "replace").decode(),
    ),
    "decomposed secret, sent composed and read as Latin-1": (
        unicodedata.normalize("NFD", "pässwörd-größe"),
        "pässwörd-größe".encode().decode("mac_roman"),
    ),
    "question marks of its own": ("wie-heißt-du?-so!", "wie-hei??t-du?-so!"),
}


@pytest.mark.parametrize(("secret", "written"), CHANGED_CHARACTERS.values(), ids=CHANGED_CHARACTERS)
def test_secret_whose_characters_were_changed_is_redacted_completely(secret: str, written: str) -> None:
    assert Redactor(Sealed((secret,)))(f"<{written}>") == f"<{REDACTED}>"


@given(
    secret=st.text(st.characters(categories=["L"]), min_size=16),
    change=st.sampled_from([str.upper, str.lower, str.title]),
)
def test_secret_of_any_letters_is_redacted_in_another_case(secret: str, change: Callable[[str], str]) -> None:
    assert Redactor(Sealed((secret,)))(change(secret)) == REDACTED


def test_secret_with_any_letter_is_redacted_in_another_case() -> None:
    letters = [
        each for each in map(chr, range(sys.maxunicode)) if len({each, each.upper(), each.lower(), each.title()}) > 1
    ]
    secret = "".join(letters)
    for changed in (secret.upper(), secret.lower(), "".join(map(str.title, letters))):
        assert Redactor(Sealed((secret,)))(f"<{changed}>") == f"<{REDACTED}>"


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
        ("ä" + "ab" * 300 + "ü", "?" * 60_000 + "ab" * 30_000 + "ü" * 60_000),
        ("ß" * 5_000, "ß" * 60_000 + "s" * 60_000),
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
        "lost characters around repeated letters",
        "letters that become two letters in upper case",
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


def test_redactor_that_learns_returns_and_removes_all_that_it_knows_now() -> None:
    learning, learned = LearningRedactor(Redactor(Sealed(("first",)))), Learned()
    sharing = SharingRedactor(learning, learned)
    assert (sharing("first, second, third"), sharing.knows_request) == (f"{REDACTED}, second, third", False)
    learning.learn(Sealed(("second",)))
    assert (sharing("first, second, third"), sharing.knows_request) == (f"{REDACTED}, {REDACTED}, third", True)
    learned.add(Sealed(("third", "first")))
    assert sharing("first, second, third") == f"{REDACTED}, {REDACTED}, {REDACTED}"
    learning.learn(Sealed(("fourth",)))
    assert learning.secrets() == ("first", "second", "fourth")
    assert sharing.secrets() == ("first", "second", "fourth", "third")
    assert sharing("fourth") == REDACTED


def test_what_is_known_already_is_not_learned_again() -> None:
    learned = Learned()
    learned.add(Sealed(()))
    assert not learned
    for _ in range(3):
        learned.add(Sealed(("first", "second")))
        learned.add(Sealed(("second",)))
    assert learned.secrets() == ("first", "second")


def test_repr_and_attributes_of_a_redactor_show_no_secret() -> None:
    redact = Redactor(Sealed((SECRET,)))
    assert (redact(""), redact.long_matches("x" * 20)) == ("", "x" * 20)  # makes what is made on first use
    # A search for "55" alone could fail the test, since the memory address in a repr may contain these digits.
    assert '55"w' not in repr(redact)
    assert '55"w' not in repr([getattr(redact, name) for name in redact.__slots__])


def test_method_quote_redacts_secrets_before_it_truncates_the_text() -> None:
    long = "s" * 50
    quoted = Redactor(Sealed((long,))).quote("x" * (MAX_QUOTE - 20) + long)
    assert "sss" not in quoted
    assert quoted == "x" * (MAX_QUOTE - 20) + REDACTED
    assert len(Redactor(Sealed(())).quote("x" * 1000)) == MAX_QUOTE + 1


def test_method_quote_returns_one_line_without_control_characters() -> None:
    assert Redactor(Sealed(())).quote("a\nb\r\x1b[31mc\u2028d\x00") == "a b  [31mc d "


# -- Texts of our own ----------------------------------------------------------------------------------------------

KEY = "Test-Key-0123456789"


@pytest.mark.parametrize(
    ("secret", "text", "shown"),
    [
        (KEY, f"task-{KEY}-1", f"task-{REDACTED}-1"),
        (KEY, f"TASK-{KEY.upper()}", f"TASK-{REDACTED}"),
        (
            KEY,
            f"https://api.example/v1/task-{KEY}/status?a={KEY}",
            f"https://api.example/v1/task-{REDACTED}/status?a={REDACTED}",
        ),
        (KEY, KEY[:16], REDACTED),
        (r"C:\Users\me\secret-2026", "task-C:Usersmesecret-2026", f"task-{REDACTED}"),
        (KEY, f"x-{KEY[:-1]}", f"x-{REDACTED}"),
        ("a-secret/with:signs%", "x-a-secret%2Fwith%3Asigns%25-y", f"x-{REDACTED}-y"),
        ("pässwörd-größe-2026", "task-passwort-password-grosse-2026", f"task-passwort-{REDACTED}"),
        ("pässwörd-größe-2026-x", "task-psswrd-gre-2026-x", f"task-{REDACTED}"),
        ("pässwörd-größe-2026-x", "task?p?ssw?rd-gr??e-2026-x", f"task?{REDACTED}"),
        ("pässwörd-größe-2026-x", "task-p%C3%A4ssw%C3%B6rd-gr%C3%B6%C3%9Fe-2026-x", f"task-{REDACTED}"),
        ("pässwörd größe 2026", "task-pässwörd größe 2026", f"task-{REDACTED}"),
        ("why-a-question?-mark", "task-why-a-question?-mark", f"task-{REDACTED}"),
    ],
)
def test_long_part_of_a_secret_is_redacted_in_a_text_of_our_own(secret: str, text: str, shown: str) -> None:
    assert Redactor(Sealed(("short", secret))).long_matches(text) == shown


@pytest.mark.parametrize("secret", ["task", "web", "e", KEY[:15], "api.example/v1/t", "status-of-task-1"])
def test_short_part_of_a_secret_means_nothing_in_a_text_of_our_own(secret: str) -> None:
    text = f"https://api.example/web/task-{KEY[:15]}/status-of-a-task"
    assert Redactor(Sealed((secret,))).long_matches(text) == text


@given(
    secret=st.text(min_size=MIN_LONG_MATCH), before=st.text(), after=st.text(), change=st.sampled_from([str, str.upper])
)
def test_secret_is_found_in_a_text_of_our_own_if_a_complete_search_finds_it(
    secret: str, before: str, after: str, change: Callable[[str], str]
) -> None:
    redact = Redactor(Sealed(("another-secret-that-is-not-there", secret)))
    text = f"{before}{change(secret)}{after}"
    assert redact.long_matches(text) == redact._redacted(text, MIN_LONG_MATCH)


def test_task_id_with_a_secret_is_text_whose_repr_shows_it_redacted() -> None:
    redact = Redactor(Sealed((KEY,)))
    task_id = redact.task_id(f"task-{KEY}")
    assert (task_id, f"{task_id}", type(str(task_id))) == (f"task-{KEY}", f"task-{KEY}", str)
    assert (repr(task_id), f"{[task_id]}", shown_id(task_id)) == (
        f"'task-{REDACTED}'",
        f"['task-{REDACTED}']",
        f"task-{REDACTED}",
    )
    for duplicate in (pickle.loads(pickle.dumps(task_id)), copy.copy(task_id), copy.deepcopy(task_id)):
        assert (duplicate, repr(duplicate), type(duplicate)) == (task_id, repr(task_id), SecretTaskId)
    assert Redactor(Sealed(("another-secret-value",))).task_id(task_id) is task_id


def test_task_id_without_a_secret_is_returned_unchanged() -> None:
    redact = Redactor(Sealed((KEY, "task")))
    assert type(redact.task_id("task-1")) is str
    assert shown_id("task-1") == "task-1"
    assert shown_id(None) is None


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


def test_function_release_frames_leaves_an_exception_unchanged_that_the_caller_is_handling() -> None:
    handled = ValueError()
    try:
        raise_with_local(handled, "no secret")
    except ValueError:
        interruption = interrupted(SECRET)
    frames = handled.__traceback__
    assert frames is not None
    release_frames(interruption)
    assert (interruption.__cause__, interruption.__context__) == (None, None)
    assert handled.__traceback__ is frames


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
    assert one.__context__ is None
