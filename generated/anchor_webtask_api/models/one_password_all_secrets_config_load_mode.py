from typing import Literal

OnePasswordAllSecretsConfigLoadMode = Literal["all"]

ONE_PASSWORD_ALL_SECRETS_CONFIG_LOAD_MODE_VALUES: set[OnePasswordAllSecretsConfigLoadMode] = {
    "all",
}


def check_one_password_all_secrets_config_load_mode(value: str) -> OnePasswordAllSecretsConfigLoadMode:
    if value in ONE_PASSWORD_ALL_SECRETS_CONFIG_LOAD_MODE_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {ONE_PASSWORD_ALL_SECRETS_CONFIG_LOAD_MODE_VALUES!r}")
