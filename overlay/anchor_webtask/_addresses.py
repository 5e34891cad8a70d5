"""Decides which parts of an address may be secrets: whoever has the address of a live view uses the browser.

Nobody says where the service puts the token of such an address. So each part is taken for one that is long enough and
is no word: in the host, the path, the query, the fragment, and before the host.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from anchor_webtask._secret_task_id import SecretTaskId

if TYPE_CHECKING:
    from collections.abc import Iterable

MIN_SECRET: Final = 8
"""Characters; a shorter part of an address is no secret, but a setting or a version."""
MIN_USERNAME: Final = 4
"""Characters; a shorter user name is no secret, and would be found in each text: "ok", "eu"."""
HIDDEN: Final = "[redacted]"

_WORDS: Final = r"[A-Za-z][a-z]{0,14}(?:[-_.][A-Za-z][a-z]{0,14})*"


class SecretUrl(SecretTaskId):
    """An address that must not be shown: it works like any text, but its repr shows only its harmless parts.

    Notebooks, which show reprs, are often published.
    """

    __slots__ = ()


def secret_url(url: str | None) -> SecretUrl | None:
    """Return an address whose repr shows only its host."""
    return None if url is None else SecretUrl(url, _shown_place(url))


def secret_path(path: str, *secrets: str, is_known: bool) -> str:
    """Return a percent-encoded path whose repr shows no secret.

    Args:
        path: The path.
        secrets: The secrets.
        is_known: Whether the path is that of an operation, whose other parts are ids; otherwise only words are shown.
    """
    shown = "/".join(
        HIDDEN
        if any(each in unquote(part) for each in secrets if len(each) >= MIN_SECRET)
        or (not is_known and _may_be_token(unquote(part)))
        else part
        for part in path.split("/")
    )
    return path if shown == path else SecretUrl(path, shown)


def secret_parts(address: str, *, known: Iterable[str] = ()) -> list[str]:
    """Return the parts of an address that may be secrets; the complete address if it is not a valid one.

    Args:
        address: The address; its scheme may be missing.
        known: What is no secret, such as the id of the session and the host of the API.
    """
    try:
        parts = urlsplit(address if "://" in address else f"//{address}")
        username, password, host = unquote(parts.username or ""), unquote(parts.password or ""), parts.hostname or ""
    except ValueError:
        return [address]
    places = (*host.split("."), *map(unquote, parts.path.split("/")))
    found = [part for part in places if _may_be_token(part)]
    for text in (parts.query, parts.fragment):
        for name, value in parse_qsl(text, keep_blank_values=True):
            found += [name] if _may_be_token(name) else []
            found += [value] if len(value) >= MIN_SECRET else []
    found += [username] if len(username) >= MIN_USERNAME else []
    found += [password] if password else []
    harmless = {*known}
    return [each for each in found if each not in harmless]


def _shown_place(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return HIDDEN
    if not (parts.scheme and host) or any(map(_may_be_token, host.split("."))):
        return HIDDEN
    return f"{parts.scheme}://{host}/{HIDDEN}"


def _may_be_token(part: str) -> bool:
    return len(part) >= MIN_SECRET and re.fullmatch(_WORDS, part) is None
