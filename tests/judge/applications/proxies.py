"""Opens a browser behind a proxy of one kind, in a country that can be chosen."""

from anchor_webtask_api.models import (
    AnchorProxy,
    AnchorProxyType,
    GovCountryCode,
    SessionConfig,
)


def anchored() -> AnchorProxy:
    return AnchorProxy(active=True, type_=AnchorProxyType.ANCHOR_RESIDENTIAL)  # BREAKS


def of_government() -> str:
    return str(GovCountryCode.US)  # BREAKS


def session() -> SessionConfig:
    return SessionConfig(initial_url="https://shop.example")
