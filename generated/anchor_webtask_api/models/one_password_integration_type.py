from typing import Literal

OnePasswordIntegrationType = Literal["1PASSWORD"]

ONE_PASSWORD_INTEGRATION_TYPE_VALUES: set[OnePasswordIntegrationType] = {
    "1PASSWORD",
}


def check_one_password_integration_type(value: str) -> OnePasswordIntegrationType:
    if value in ONE_PASSWORD_INTEGRATION_TYPE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ONE_PASSWORD_INTEGRATION_TYPE_VALUES!r}")
