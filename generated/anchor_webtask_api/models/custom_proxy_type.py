from typing import Literal

CustomProxyType = Literal["custom"]

CUSTOM_PROXY_TYPE_VALUES: set[CustomProxyType] = {
    "custom",
}


def check_custom_proxy_type(value: str) -> CustomProxyType:
    if value in CUSTOM_PROXY_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {CUSTOM_PROXY_TYPE_VALUES!r}")
