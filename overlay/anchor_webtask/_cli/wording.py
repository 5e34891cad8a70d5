"""Rewrites the messages of the client, which are for programs in Python, for a person at a terminal.

The client names its own calls and arguments when it says what to do. Each such advice has a command or an option here
that does the same. What the command line says itself is left out.
"""

from __future__ import annotations

import ast
import re
import shlex
from typing import TYPE_CHECKING, Final

from anchor_webtask._cli.escaping import harmless_line

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS: Final = {"secret_values": "--secret", "tags": "--tag", "initial_url": "--url"}
"""The options that are not called as the argument of the client."""
_LEFT_OUT: Final = re.compile(
    r"^the task failed: |"
    r"\.? Check the dashboard before you start it again.*|"
    r"; the error's \.raw is the answer as received",
    re.DOTALL,
)
_TEXT: Final = r"(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")"  # a repr of text
_OPTIONS_FIRST: Final = re.compile(
    r"(base_url|url|agent|provider|model|session_id|max_steps|extra_body|idle_timeout|max_duration|tags)"
    r"(?= (?:must|is) )"
)


def _option(name: str) -> str:
    return OPTIONS.get(name, f"--{name.replace('_', '-')}")


def _finding(found: re.Match[str]) -> str:
    return f"`anchor-webtask wait {shlex.quote(ast.literal_eval(found[1]))}` {found[2]}"


_IN_COMMANDS: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\btasks\.map and tasks\.run make it", "`map` and `run` make it, with --ledger"),
        (r"\buse tasks\.map with a ledger in a file", "use `anchor-webtask map` with a ledger in a file"),
        (r"\btasks\.get\(id\) finds each", "`anchor-webtask wait ID` finds each"),
        (rf"\btasks\.get\(({_TEXT})\)(?:\.result\(\))? (finds it again|continues to wait)", _finding),
        (r"\bits task_id finds it", "`anchor-webtask wait` finds it by the task's id"),
        (r"\bLedger\.get has what is stored", "`anchor-webtask ledger get` shows what is stored"),
        (r"\bLedger\.free ends", "`anchor-webtask ledger free` ends"),
        (r"\bgive it to the ledger's attach\b", "give it to the ledger by `anchor-webtask ledger attach`"),
        (r"\bthe ledger's retry\((.*?)\) allows", r"`anchor-webtask ledger retry` with the key \1 allows"),
        (r"\bits free ends", "`anchor-webtask ledger free` ends"),
        (rf"\b(belongs to) base_url ({_TEXT}), but this client uses ({_TEXT}): use another ledger for this client",
         r"\1 the API at \2, but this command uses \3: use another ledger, or --base-url"),
        (rf"\b(belongs to) base_url ({_TEXT}), but this client uses ({_TEXT}): make a client for the token's base_url",
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
        (r"\bmax_(?:response_)?bytes=([\d,]+)", r"\1 bytes"),
        (r"\bmax_starts=(\d+) tasks were started before", r"\1 tasks were started before, which is your --max-starts"),
        (r"\bpass it as (\w+)=…", lambda found: f"pass it as {_option(found[1])}"),
        (r"\boutput=(?=\S)", "output "),
    )
)  # fmt: skip


def in_commands(text: str) -> str:
    """Return a message of the client with commands and options in the place of calls and arguments of Python."""
    for pattern, replacement in _IN_COMMANDS:
        text = pattern.sub(replacement, text)
    return text


def for_people(text: str) -> str:
    """Return a message of the client in one line, in commands, and without what the command line says itself."""
    return harmless_line(in_commands(_LEFT_OUT.sub("", text)))


def about_options(text: str) -> str:
    """Return what is wrong with an argument of the client, of which an option has the value."""
    return _OPTIONS_FIRST.sub(lambda found: _option(found[0]), for_people(text), count=1)
