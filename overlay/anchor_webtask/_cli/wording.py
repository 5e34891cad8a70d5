"""Rewrites the messages of the client, which are for programs in Python, for a person at a terminal.

The client names its own calls and arguments when it says what to do. Each such advice has a command or an option here
that does the same. What the command line says itself is left out. Only our own words are rewritten, never what the
service or the user has said: the reprs in a message are left as they are, and so is a text of the service in it, which
the caller passes.
"""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING, Final

from anchor_webtask._cli.escaping import harmless_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OPTIONS: Final = {"secret_values": "--secret", "tags": "--tag", "initial_url": "--url"}
"""The options that are not called as the argument of the client."""
_ESCAPE: Final = r"\\(?:[\\'\"nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U000[0-9a-f]{5}|U0010[0-9a-f]{4})"
_PLAIN: Final = r"\\\x00-\x1f\x7f\ud800-\udfff"  # what a repr escapes
REPR: Final = rf"(?:'(?:[^'{_PLAIN}]|{_ESCAPE})*'|\"(?:[^\"{_PLAIN}]|{_ESCAPE})*\")"
"""A repr of text, which `value_of` always understands."""
_OPTIONS_FIRST: Final = re.compile(
    r"^(initial_url|base_url|url|agent|provider|model|session_id|max_steps|extra_body|idle_timeout|max_duration|tags|"
    r"profile)\b(?= (?:must|is|has) )"
)


def value_of(written: str) -> str:
    """Return the text of which `REPR` has matched the repr."""
    return str(ast.literal_eval(written))


class _Rules:
    """Replaces what patterns match outside of reprs: at each place by the first rule that fits.

    Args:
        rules: Patterns, and what replaces them, as for `re.sub`.
    """

    def __init__(self, rules: Iterable[tuple[str, str | Callable[[re.Match[str]], str]]]) -> None:
        self._rules = [(re.compile(pattern, re.DOTALL), replacement) for pattern, replacement in rules]
        any_rule = "|".join(f"(?P<rule{number}>{rule.pattern})" for number, (rule, _) in enumerate(self._rules))
        self._any = re.compile(rf"{any_rule}|(?<!\w){REPR}", re.DOTALL)

    def __call__(self, text: str) -> str:
        return self._any.sub(self._replaced, text)

    def _replaced(self, found: re.Match[str]) -> str:
        if found.lastgroup is None:
            return found[0]
        pattern, replacement = self._rules[int(found.lastgroup.removeprefix("rule"))]
        match = pattern.match(found.string, found.start())
        if match is None:
            raise AssertionError("the rule has matched here as a part of the pattern of all rules")
        return match.expand(replacement) if isinstance(replacement, str) else replacement(match)


def _option(name: str) -> str:
    return OPTIONS.get(name, f"--{name.replace('_', '-')}")


def _finding(found: re.Match[str]) -> str:
    return f"`anchor-webtask wait {shlex.quote(value_of(found[1]))}` {found[2]}"


_COMMANDS: Final = (
    (r"\btasks\.map and tasks\.run make it", "`map` and `run` make it, with --ledger"),
    (r"\buse tasks\.map with a ledger in a file", "use `anchor-webtask map` with a ledger in a file"),
    (r"\btasks\.get\(id\) finds each", "`anchor-webtask wait ID` finds each"),
    (rf"\btasks\.get\(({REPR})\)(?:\.result\(\))? (finds it again|continues to wait)", _finding),
    (r"\bits task_id finds it", "`anchor-webtask wait` finds it by the task's id"),
    (r"\bLedger\.get has what is stored", "`anchor-webtask ledger get` shows what is stored"),
    (r"\bLedger\.free ends", "`anchor-webtask ledger free` ends"),
    (r"\bgive it to the ledger's attach\b", "give it to the ledger by `anchor-webtask ledger attach`"),
    (rf"\bthe ledger's retry\(({REPR}|[^'\"()]*)\) allows", r"`anchor-webtask ledger retry` with the key \1 allows"),
    (r"\bits free ends", "`anchor-webtask ledger free` ends"),
    (rf"\b(belongs to) base_url ({REPR}), but this client uses ({REPR}): use another ledger for this client",
     r"\1 the API at \2, but this command uses \3: use another ledger, or --base-url"),
    (rf"\b(belongs to) base_url ({REPR}), but this client uses ({REPR}): make a client for the token's base_url",
     r"\1 the API at \2, but this command uses \3: add --base-url"),
    (r"\bpass the text that task\.token\(\) returned, unchanged; to find a task by its id, use tasks\.get",
     "pass it complete and unchanged, or pass the task's id"),
    (r"\bpass the handle's \.id to tasks\.get", "pass the task's id"),
    (r"\bpass a token to tasks\.resume", "pass it complete, from { to }"),
    (r"\bpass the \.id of a started task", "pass the id that `anchor-webtask start` has written"),
    (r", as the \.id of a (?:started task|session)\b", ""),
    (r", \.id is complete\b", ""),
    (r"\bthe key of a TaskRequest\b", "the key"),
    (r"\bpass api_key, or set\b", "set"),
    (r", or pass ssl_context\b|; pass an ssl_context without it", ""),
    (r"\bcheck ((?:the scheme and the port in )?)base_url\b", r"check \1--base-url or ANCHORBROWSER_BASE_URL"),
    (r"\bif base_url uses\b", "if the base URL uses"),
    (r"\b((?:larger|more) than )max_(?:response_)?bytes=([\d,]+)", r"\1\2 bytes"),
    (r"(?<=, since )max_starts=(\d+) tasks were started before",
     r"\1 tasks were started before, which is your --max-starts"),
    (r"\bit was opened with recording=False", "it was opened with --no-recording"),
    (r"\bcall recording then\b", "run this command again then"),
    (r"\bcall save again\b", "run this command again"),
    (r"(?:^|(?<=: ))pass it as (\w+)=…", lambda found: f"pass it as {_option(found[1])}"),
    (r"^output=(?=.* (?:needs pydantic|is read by pydantic|cannot be expressed))|(?<=^no answer can fit )output=",
     "output "),
)  # fmt: skip
_in_commands: Final = _Rules(_COMMANDS)
_for_people: Final = _Rules(
    (
        (r"^the task failed: ", ""),
        (r"\.? Check the dashboard before you start it again.*", ""),
        (r"; the error's \.raw is the answer as received", ""),
        *_COMMANDS,
    )
)


def in_commands(text: str, said: str | None = None) -> str:
    """Return a message of the client with commands and options in the place of calls and arguments of Python.

    Args:
        text: The message.
        said: What it has of the service's own text; None if it has none.
    """
    return _around(said, text, _in_commands)


def for_people(text: str, said: str | None = None) -> str:
    """Return a message of the client in one line, in commands, and without what the command line says itself.

    Args:
        text: The message.
        said: What it has of the service's own text; None if it has none.
    """
    return harmless_line(_around(said, text, _for_people))


def about_options(text: str) -> str:
    """Return what is wrong with an argument of the client, of which an option has the value."""
    return _OPTIONS_FIRST.sub(lambda found: _option(found[0]), for_people(text))


def _around(said: str | None, text: str, rules: _Rules) -> str:
    before, found, after = text.rpartition(said) if said else (text, "", "")
    return f"{rules(before)}{found}{rules(after)}"
