"""The values that users receive about a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence  # noqa: TC003  get_type_hints(SessionOptions) evaluates them
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final, TypedDict

from anchor_webtask._api.session_responses import is_over

PRICE_SOURCE: Final = "https://docs.anchorbrowser.io/pricing"
PRICE_DATE: Final = "2026-03-12"
BROWSER_PRICE: Final = Decimal("0.01")
HOUR_PRICE: Final = Decimal("0.05")
STEP_PRICE: Final = Decimal("0.01")
GIGABYTE_PRICE: Final = Decimal(8)


class SessionOptions(TypedDict, total=False):
    """How a browser session is created, under the API's names; None means the same as leaving an option out.

    Attributes:
        initial_url: The page that the browser opens first, with its scheme; by default an empty one.
        max_duration: Minutes after which the service ends the session; -1 for never. By default 180.
        idle_timeout: Minutes without a connection after which the service ends the session; -1 for never. By default
            40, which is longer than a task is waited for by default: so a task does not lose its session. It is also
            how long a session costs that nobody ends, such as after a crash of the program.
        recording: Whether the session is recorded; the API's default is True.
        live_view: How the browser may be watched, such as `{"read_only": True}` or `{"one_time_url": True}`.
        profile: The browser profile with its logins: its name, or `{"name": "shop", "persist": True}` to save it when
            the session is ended.
        tags: Labels by which sessions are found, without commas. Each session also has the tag `anchor-webtask`, and
            one of its own.
        proxy: The proxy of the browser, such as `{"active": True, "type": "anchor_proxy", "country_code": "de"}`.
        browser: Other settings of the browser, such as `{"captcha_solver": {"active": True}}`.
        identities: The ids of identities that the browser is logged in with.
        integrations: Integrations, as the API describes them.
        extra_body: Other fields of the request, for what the API accepts and the spec does not describe yet; any JSON.
    """

    initial_url: str | None
    max_duration: int | None
    idle_timeout: int | None
    recording: bool | None
    live_view: Mapping[str, Any] | None
    profile: str | Mapping[str, Any] | None
    tags: Sequence[str] | None
    proxy: Mapping[str, Any] | None
    browser: Mapping[str, Any] | None
    identities: Sequence[str] | None
    integrations: Sequence[Mapping[str, Any]] | None
    extra_body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """A session of a list.

    Attributes:
        id: The session's id.
        status: The API's word for its status; None if the API does not say it.
        tags: Its tags.
        created_at: When it was created, as the API writes it.
    """

    id: str
    status: str | None
    tags: tuple[str, ...]
    created_at: str | None

    @property
    def has_ended(self) -> bool:
        """Whether the status says that the session has ended; False if it says nothing, or a word that is not known."""
        return is_over(self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPrice:
    """What something costs by the published prices. Your plan may have other prices: `credits` is what was counted.

    Attributes:
        amount: The price in US dollars.
        date: The day of the price list.
        source: Where the price list is.
    """

    amount: Decimal
    date: str = PRICE_DATE
    source: str = PRICE_SOURCE


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionUsage:
    """What a session has used so far. The API counts late: the numbers may still grow after the session's end.

    Attributes:
        steps: The steps that agents have made; None if the API does not say it.
        duration: How long the session has run, in seconds; None if the API does not say it.
        credits: The credits that it has used; None if the API does not say it, as while a session runs.
        tokens: The tokens that models have used, as the API counts them.
        proxy_bytes: The bytes that went through the service's proxy; None if the API does not say it.
        status: The API's word for the session's status.
    """

    steps: int | None
    duration: float | None
    credits: Decimal | None
    tokens: Mapping[str, Any] = field(default_factory=dict)
    proxy_bytes: int | None
    status: str | None

    @property
    def cost(self) -> ListPrice | None:
        """The cost by the published prices: of the browser, each begun minute, each step, and the proxy's traffic.

        None if `steps` or `duration` is not known.
        """
        if self.steps is None or self.duration is None:
            return None
        minutes = (Decimal(str(self.duration)) / 60).to_integral_value(ROUND_CEILING)
        traffic = Decimal(self.proxy_bytes or 0) / 10**9 * GIGABYTE_PRICE
        amount = BROWSER_PRICE + HOUR_PRICE * minutes / 60 + STEP_PRICE * self.steps + traffic
        return ListPrice(amount=amount.quantize(Decimal("0.0001"), ROUND_CEILING))
