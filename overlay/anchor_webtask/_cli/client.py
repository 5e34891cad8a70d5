"""Makes the client of a command, and writes the command that goes on with its task."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, TypeVar

from anchor_webtask._cli import exit_status
from anchor_webtask._cli.escaping import harmless_line
from anchor_webtask._cli.mistakes import CommandError, UsageMistake
from anchor_webtask._cli.screen import PROGRAM
from anchor_webtask._cli.wording import about_options
from anchor_webtask._secret_task_id import shown_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from anchor_webtask import Anchor, AsyncAnchor
    from anchor_webtask._cli.options import ConnectionArguments

C = TypeVar("C", "Anchor", "AsyncAnchor")

NO_KEY_NEEDED = "placeholder"


def connected(connection: ConnectionArguments, check_every: float) -> Anchor:
    """Return a client with the key of the environment.

    Raises:
        CommandError: There is no valid key, or another setting is invalid.
    """
    from anchor_webtask import Anchor

    return _connected(Anchor, connection, check_every)


def connected_async(connection: ConnectionArguments, check_every: float) -> AsyncAnchor:
    """Return an async client with the key of the environment.

    Raises:
        CommandError: There is no valid key, or another setting is invalid.
    """
    from anchor_webtask import AsyncAnchor

    return _connected(AsyncAnchor, connection, check_every)


def _connected(client: type[C], connection: ConnectionArguments, check_every: float) -> C:
    from anchor_webtask import Anchor, ConfigurationError, WaitPolicy

    policy = WaitPolicy(minimum=check_every, maximum=max(60.0, check_every))
    try:
        return client(base_url=connection.base_url, wait=policy)
    except ConfigurationError as error:
        message = about_options(str(error))
    try:
        Anchor(NO_KEY_NEEDED, base_url=connection.base_url, wait=policy).close()
    except ConfigurationError:
        raise UsageMistake(message) from None
    raise CommandError(message, exit_status.REFUSED)


def go_on(
    verb: str, *arguments: str | Path, connection: ConnectionArguments | None = None, output: str | None = None
) -> str:
    """Return a command that goes on, quoted for the shell.

    Args:
        verb: The command, such as `wait`, with options of its own.
        *arguments: Its arguments.
        connection: Its base URL is repeated if it was given as an option.
        output: The value of `--output`; None if there was none.
    """
    words = [PROGRAM, *verb.split()]
    if connection is not None and connection.base_url is not None:
        words += ["--base-url", connection.base_url]
    if output is not None:
        words += ["--output", output]
    return " ".join(map(_quoted, [*words, *_safe(arguments)]))


def environment(base_url: str) -> str:
    """Return the command of a shell that makes all others use an emulator."""
    return f"export ANCHORBROWSER_BASE_URL={shlex.quote(base_url)} ANCHORBROWSER_API_KEY=emulator"


def _quoted(word: str) -> str:
    """Return a word quoted for the shell; with characters that a terminal must not get, in the way of bash and zsh."""
    if harmless_line(word) == word:
        return shlex.quote(word)
    return f"$'{''.join(map(_character, word))}'"


def _character(character: str) -> str:
    if character not in "'\\" and harmless_line(character) == character:
        return character
    return "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))


def _safe(arguments: Iterable[str | Path]) -> Iterable[str]:
    """Yield the arguments as text, after `--` if one of them would be read as an option."""
    texts = [str(shown_id(each)) if isinstance(each, str) else str(each) for each in arguments]
    if any(text.startswith("-") for text in texts):
        yield "--"
    yield from texts
