from typing import Literal

OnePasswordSpecificSecretsConfigLoadMode = Literal["specific"]

ONE_PASSWORD_SPECIFIC_SECRETS_CONFIG_LOAD_MODE_VALUES: set[OnePasswordSpecificSecretsConfigLoadMode] = {
    "specific",
}


def check_one_password_specific_secrets_config_load_mode(value: str) -> OnePasswordSpecificSecretsConfigLoadMode:
    if value in ONE_PASSWORD_SPECIFIC_SECRETS_CONFIG_LOAD_MODE_VALUES:
        return value
    raise TypeError(
        f"Unexpected value {value!r}. Expected one of {ONE_PASSWORD_SPECIFIC_SECRETS_CONFIG_LOAD_MODE_VALUES!r}"
    )
