from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

if TYPE_CHECKING:
    from ..models.domain_secret_values import DomainSecretValues


T = TypeVar("T", bound="PerformWebTaskRequestSchemaSecretValues")


@_attrs_define
class PerformWebTaskRequestSchemaSecretValues:
    """Secret values to pass to the agent for secure credential handling. Keys and values are passed as environment
    variables to the agent.

    """

    additional_properties: dict[str, DomainSecretValues | str] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.domain_secret_values import DomainSecretValues  # noqa: PLC0415

        field_dict: dict[str, Any] = {}
        for prop_name, prop in self.additional_properties.items():
            if isinstance(prop, DomainSecretValues):
                field_dict[prop_name] = prop.to_dict()
            else:
                field_dict[prop_name] = prop

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.domain_secret_values import DomainSecretValues  # noqa: PLC0415

        d = dict(src_dict)
        perform_web_task_request_schema_secret_values = cls()

        additional_properties = {}
        for prop_name, prop_dict in d.items():

            def _parse_additional_property(data: object) -> DomainSecretValues | str:
                try:
                    if not isinstance(data, dict):
                        raise TypeError()
                    additional_property_type_1 = DomainSecretValues.from_dict(data)

                    return additional_property_type_1
                except (TypeError, ValueError, AttributeError, KeyError):
                    pass
                return cast(DomainSecretValues | str, data)

            additional_property = _parse_additional_property(prop_dict)

            additional_properties[prop_name] = additional_property

        perform_web_task_request_schema_secret_values.additional_properties = additional_properties
        return perform_web_task_request_schema_secret_values

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> DomainSecretValues | str:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: DomainSecretValues | str) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
