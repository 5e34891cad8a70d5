from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.perform_web_task_async_response_data import PerformWebTaskAsyncResponseData
    from ..models.perform_web_task_sync_response_data import PerformWebTaskSyncResponseData


T = TypeVar("T", bound="PerformWebTaskResponseSchema")


@_attrs_define
class PerformWebTaskResponseSchema:
    data: PerformWebTaskAsyncResponseData | PerformWebTaskSyncResponseData | Unset = UNSET
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        from ..models.perform_web_task_sync_response_data import PerformWebTaskSyncResponseData  # noqa: PLC0415

        data: dict[str, Any] | Unset
        if isinstance(self.data, Unset):
            data = UNSET
        elif isinstance(self.data, PerformWebTaskSyncResponseData):
            data = self.data.to_dict()
        else:
            data = self.data.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if data is not UNSET:
            field_dict["data"] = data

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.perform_web_task_async_response_data import PerformWebTaskAsyncResponseData  # noqa: PLC0415
        from ..models.perform_web_task_sync_response_data import PerformWebTaskSyncResponseData  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_data(data: object) -> PerformWebTaskAsyncResponseData | PerformWebTaskSyncResponseData | Unset:
            if isinstance(data, Unset):
                return data
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                data_type_0 = PerformWebTaskSyncResponseData.from_dict(data)

                return data_type_0
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            if not isinstance(data, dict):
                raise TypeError()
            data_type_1 = PerformWebTaskAsyncResponseData.from_dict(data)

            return data_type_1

        data = _parse_data(d.pop("data", UNSET))

        perform_web_task_response_schema = cls(
            data=data,
        )

        perform_web_task_response_schema.additional_properties = d
        return perform_web_task_response_schema

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
