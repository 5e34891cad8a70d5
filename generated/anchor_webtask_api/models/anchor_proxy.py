from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..models.anchor_proxy_country_code import AnchorProxyCountryCode, check_anchor_proxy_country_code
from ..models.anchor_proxy_type import AnchorProxyType, check_anchor_proxy_type
from ..types import UNSET, Unset

T = TypeVar("T", bound="AnchorProxy")


@_attrs_define
class AnchorProxy:
    """A proxy of the service, in a country, perhaps in a region and a city of it."""

    active: bool
    type_: AnchorProxyType | Unset = UNSET
    country_code: AnchorProxyCountryCode | Unset = UNSET
    """ A country, in two small letters. """
    region: str | Unset = UNSET
    city: str | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        active = self.active

        type_: str | Unset = UNSET
        if not isinstance(self.type_, Unset):
            type_ = self.type_

        country_code: str | Unset = UNSET
        if not isinstance(self.country_code, Unset):
            country_code = self.country_code

        region = self.region

        city = self.city

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "active": active,
            }
        )
        if type_ is not UNSET:
            field_dict["type"] = type_
        if country_code is not UNSET:
            field_dict["country_code"] = country_code
        if region is not UNSET:
            field_dict["region"] = region
        if city is not UNSET:
            field_dict["city"] = city

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        active = d.pop("active")

        _type_ = d.pop("type", UNSET)
        type_: AnchorProxyType | Unset
        if isinstance(_type_, Unset):
            type_ = UNSET
        else:
            type_ = check_anchor_proxy_type(_type_)

        _country_code = d.pop("country_code", UNSET)
        country_code: AnchorProxyCountryCode | Unset
        if isinstance(_country_code, Unset):
            country_code = UNSET
        else:
            country_code = check_anchor_proxy_country_code(_country_code)

        region = d.pop("region", UNSET)

        city = d.pop("city", UNSET)

        anchor_proxy = cls(
            active=active,
            type_=type_,
            country_code=country_code,
            region=region,
            city=city,
        )

        anchor_proxy.additional_properties = d
        return anchor_proxy

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
