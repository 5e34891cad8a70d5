"""The URL of a database: what is shown of it, and what stays secret."""

from __future__ import annotations

import re
from typing import Final, NamedTuple
from urllib.parse import unquote

from anchor_webtask._errors import ConfigurationError
from anchor_webtask._ledger.postgres.schema import DEFAULT_SCHEMA
from anchor_webtask._redaction.secrets import Redactor, Sealed

_URL: Final = re.compile(
    r"postgres(?:ql)?://"
    r"(?:(?P<user>[^\s:/?#@]*)(?::(?P<password>[^\s/?@]*))?@)?"
    r"(?P<hosts>(?:[\w.%-]*|\[[0-9A-Fa-f:.%\w]*\])(?::\d*)?(?:,(?:[\w.%-]*|\[[0-9A-Fa-f:.%\w]*\])(?::\d*)?)*)"
    r"(?:/(?P<database>[^\s/?#@]*))?"
    r"(?:\?(?P<parameters>\w+=[^\s&=@]*(?:&\w+=[^\s&@]*)*))?"
)
_HOST: Final = re.compile(r"(\[.*\]|[^:]*)(?::(\d*))?")
_SCHEMA: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_SECRET: Final = frozenset({"password", "sslpassword", "oauth_client_secret"})
"""The parameters of a connection that are secret."""

INVALID: Final = (
    "the ledger's URL is not valid, and is not shown, since it may have a password: write "
    "postgresql://user:password@host:5432/database, and percent-encode special characters in each part, such as %40 "
    "for @ and %2F for /"
)
INVALID_SCHEMA: Final = (
    "the ledger's URL has the schema {!r}: pass a name of small letters, digits and underscores, such as schema=prices"
)


class DatabaseUrl(NamedTuple):
    """Where a ledger is.

    Attributes:
        name: The URL without its secrets.
        schema: The schema of PostgreSQL in which the tables are.
        parameters: The parameters of a connection.
        redact: Removes the secrets from a text.
    """

    name: str
    schema: str
    parameters: Sealed[dict[str, str]]
    redact: Redactor


def parsed(url: Sealed[str]) -> DatabaseUrl:
    """Return the parts of a URL.

    libpq would read other URLs, too, but what it takes for a host, and shows in its errors, may be part of a password.

    Raises:
        ConfigurationError: It is not a valid URL; the message does not show it.
    """
    made = _parsed(url)
    if isinstance(made, str):  # raised where no variable has the URL
        raise ConfigurationError(made)
    return made


def _parsed(url: Sealed[str]) -> DatabaseUrl | str:
    match = _URL.fullmatch(url.open())
    if match is None:
        return INVALID
    hosts = [_HOST.fullmatch(host) for host in match["hosts"].split(",")]
    named = {
        "user": match["user"],
        "password": match["password"],
        "host": ",".join(host[1].strip("[]") for host in hosts if host),
        "port": ports if (ports := ",".join(host[2] or "" for host in hosts if host)).strip(",") else None,
        "dbname": match["database"],
    }
    shown = []
    for parameter in (match["parameters"] or "").split("&"):
        name, _, value = parameter.partition("=")
        named[name] = value
        if name and name not in _SECRET:
            shown.append(parameter)
    parts = {name: unquote(value) for name, value in named.items() if name and value}
    schema = parts.pop("schema", DEFAULT_SCHEMA)
    if not _SCHEMA.fullmatch(schema):
        return INVALID_SCHEMA.format(schema)
    secrets = tuple(value for name, value in parts.items() if name in _SECRET)
    return DatabaseUrl(_shown(match, shown), schema, Sealed(parts), Redactor(Sealed(secrets)))


def _shown(match: re.Match[str], parameters: list[str]) -> str:
    user = f"{match['user']}@" if match["user"] else ""
    rest = f"?{'&'.join(parameters)}" if parameters else ""
    return f"postgresql://{user}{match['hosts']}/{match['database'] or ''}{rest}"
