from typing import Literal

AnchorProxyType = Literal["anchor_proxy"]

ANCHOR_PROXY_TYPE_VALUES: set[AnchorProxyType] = {
    "anchor_proxy",
}


def check_anchor_proxy_type(value: str) -> AnchorProxyType:
    if value in ANCHOR_PROXY_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ANCHOR_PROXY_TYPE_VALUES!r}")
