"""`TaskStatus`: its members and their text."""

from __future__ import annotations

from anchor_webtask import TaskStatus


def test_task_status_is_formatted_as_its_text_and_found_by_its_text() -> None:
    assert f"{TaskStatus.COMPLETED}" == "completed"
    assert TaskStatus("failed") is TaskStatus.FAILED
