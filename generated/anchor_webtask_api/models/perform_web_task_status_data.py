from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="PerformWebTaskStatusData")


@_attrs_define
class PerformWebTaskStatusData:
    """The status of one web task."""

    status: str
    """ RUNNING, COMPLETED or FAILED, or a status that is newer than this document. """
    result: Any | Unset = UNSET
    """ The agent's answer, any JSON. COMPLETED does not mean that the agent succeeded; only the answer shows that.
    """
    error: Any | Unset = UNSET
    """ Why the task failed; text in all known cases. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        status = self.status

        result = self.result

        error = self.error

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "status": status,
            }
        )
        if result is not UNSET:
            field_dict["result"] = result
        if error is not UNSET:
            field_dict["error"] = error

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        status = d.pop("status")

        result = d.pop("result", UNSET)

        error = d.pop("error", UNSET)

        perform_web_task_status_data = cls(
            status=status,
            result=result,
            error=error,
        )

        perform_web_task_status_data.additional_properties = d
        return perform_web_task_status_data

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
