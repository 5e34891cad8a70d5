"""Cookies: httpx clients send those that the user sets, and none that a server sets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from http.cookiejar import CookieJar


class _NoServerCookies(httpx.Cookies):
    """Ignores servers' cookies: httpx would send them back unchanged, and fails if a cookie is not ASCII."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Extract nothing from the response."""


class OwnCookiesOnly:
    """Makes an httpx client send only the cookies that the user sets, not those that servers set."""

    def __init__(self) -> None:
        self._own_cookies = _NoServerCookies()

    @property
    def cookies(self) -> httpx.Cookies:
        """The cookies that are sent with each request."""
        return self._own_cookies

    @cookies.setter
    def cookies(self, cookies: httpx.Cookies | CookieJar | dict[str, str] | list[tuple[str, str]]) -> None:
        self._own_cookies = _NoServerCookies(cookies)
