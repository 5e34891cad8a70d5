"""How long the end of a program waits for calls of `tasks.map`: as long as they may take to end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anchor_webtask._batch import at_exit, left
from anchor_webtask._batch.plan import GRACE

if TYPE_CHECKING:
    import pytest


class Waiting:
    """A call that does not end."""

    def __init__(self) -> None:
        self.did: list[str] = []
        self.waited = 0.0

    def abandon(self) -> None:
        self.did.append("abandon")

    def end_now(self) -> None:
        self.did.append("end now")

    def wait(self, seconds: float) -> bool:
        self.waited += seconds
        return False


def test_end_of_program_waits_for_the_responses_and_the_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(at_exit, "_calls", {})
    call = Waiting()
    at_exit.leave_at_exit(call)
    at_exit._leave_all()
    assert call.did == ["abandon", "end now"]
    assert GRACE + left.FLUSH_SECONDS < call.waited <= left.ENDS_WITHIN
