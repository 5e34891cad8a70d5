from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.one_password_specific_secrets_config_load_mode import (
    OnePasswordSpecificSecretsConfigLoadMode,
    check_one_password_specific_secrets_config_load_mode,
)

T = TypeVar("T", bound="OnePasswordSpecificSecretsConfig")


@_attrs_define
class OnePasswordSpecificSecretsConfig:
    """The secrets that are named."""

    load_mode: OnePasswordSpecificSecretsConfigLoadMode
    secrets: list[str]
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        load_mode: str = self.load_mode

        secrets = self.secrets

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "load_mode": load_mode,
                "secrets": secrets,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        load_mode = check_one_password_specific_secrets_config_load_mode(d.pop("load_mode"))

        secrets = cast(list[str], d.pop("secrets"))

        one_password_specific_secrets_config = cls(
            load_mode=load_mode,
            secrets=secrets,
        )

        one_password_specific_secrets_config.additional_properties = d
        return one_password_specific_secrets_config

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
