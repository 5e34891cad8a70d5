"""Reads a document from a file, a URL or standard input, with limits on size and time."""

from __future__ import annotations

import ipaddress
import os
import re
import time
from http import HTTPStatus
from pathlib import Path
from typing import Final

import attrs
import httpx

from tools.openapi import limits
from tools.openapi.limits import SIZE

TIMEOUT: Final = 30.0
"""The maximum number of seconds without any data from the server."""

DEADLINE: Final = 300.0
"""The maximum number of seconds for the complete response.

`TIMEOUT` alone does not end a response from a server that sends a byte now and then.
"""

REDIRECTS: Final = 5

STANDARD_INPUT: Final = "standard input"
_FORMS: Final = "FROM must be a file, an https URL, or - for standard input"


class FetchError(Exception):
    """The document cannot be read, or is empty or too large. The message says why, and contains no secret of a URL."""


@attrs.frozen
class Fetched:
    """A document that was read.

    Attributes:
        source: The origin without secrets, so that it may be published: a file's name, or a URL without user and query.
        content: The bytes of the document.
    """

    source: str
    content: bytes


def fetch(origin: str) -> Fetched:
    """Read a document.

    Args:
        origin: A file's path, a URL (https, or http on loopback), or `-` for standard input.

    Returns:
        The source and the bytes of the document, which is not empty and has at most `SIZE` bytes.

    Raises:
        FetchError: The document cannot be read, is empty or too large, or the URL is not allowed.
    """
    if not origin:
        raise FetchError(f"FROM is empty; {_FORMS}")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", origin):
        fetched = _from_url(origin)
    elif origin == "-":
        fetched = Fetched(STANDARD_INPUT, _from_file(STANDARD_INPUT, 0))
    else:
        name = os.fsencode(Path(origin).name).decode(errors="replace")
        fetched = Fetched(name, _from_file(origin, origin))
    if not fetched.content.strip():
        raise FetchError(f"{fetched.source} is empty")
    return fetched


def _from_file(name: str, file: str | int) -> bytes:
    try:
        with open(file, "rb", closefd=file != 0) as stream:
            content = stream.read(SIZE + 1)
    except OSError as error:
        raise FetchError(f"{name}: {error.strerror}; {_FORMS}") from error
    except ValueError as error:  # the path contains a null character
        raise FetchError(f"{name}: {error}; {_FORMS}") from error
    if len(content) > SIZE:
        raise _too_large(name)
    return content


def _from_url(text: str) -> Fetched:
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        url = None
    # raised outside the `except`: in it, the library's error, which may quote a password, would be chained
    if url is None or not url.host:
        raise FetchError(f"FROM is not a valid URL; {_FORMS}")
    source = _public(url)
    if not _is_private(url):
        raise FetchError(f"{source} uses {url.scheme}, but only https, and http on loopback, are allowed; {_FORMS}")

    def follow(request: httpx.Request) -> None:
        if request.url.scheme != url.scheme or not _is_private(request.url):
            target = _public(request.url)
            raise FetchError(
                f"{source} redirects to {target}, but redirects must keep the scheme, and http must stay on loopback"
            )

    try:
        with httpx.Client(
            follow_redirects=True,
            max_redirects=REDIRECTS,
            timeout=TIMEOUT,
            trust_env=url.scheme == "https",  # no proxy for loopback: those requests must not leave this machine
            headers={"Accept-Encoding": "identity"},  # without compression, a small response cannot become a huge chunk
            event_hooks={"request": [follow]},
        ) as client:
            return Fetched(source, _body(client, url, source))
    except httpx.TimeoutException as error:
        raise FetchError(f"{source}: the server sent nothing for {TIMEOUT:g} s; try again later") from error
    except httpx.TooManyRedirects as error:
        raise FetchError(f"{source} redirects more than {REDIRECTS} times") from error
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise FetchError(f"{source} cannot be fetched: {error}") from error


def _body(client: httpx.Client, url: httpx.URL, source: str) -> bytes:
    deadline = time.monotonic() + DEADLINE
    content = bytearray()
    with client.stream("GET", url) as response:
        if response.status_code != HTTPStatus.OK:
            raise FetchError(f"{source}: the server responded with status {response.status_code} instead of 200")
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > SIZE:
                raise _too_large(source)
            if time.monotonic() > deadline:
                raise FetchError(f"{source}: the response took more than {DEADLINE:g} s; try again later")
    return bytes(content)


def _too_large(name: str) -> FetchError:
    return FetchError(str(limits.too_large(name)))


def _public(url: httpx.URL) -> str:
    return str(url.copy_with(userinfo=b"", query=None, fragment=None))


def _is_private(url: httpx.URL) -> bool:
    """Tell whether the connection is safe: nobody between server and client can read or change the document."""
    return url.scheme == "https" or (url.scheme == "http" and _is_loopback(url.host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
