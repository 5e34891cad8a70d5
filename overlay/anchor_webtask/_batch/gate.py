"""Decides for each start, directly before its first byte leaves, whether the call was left before.

A start can take long until it is sent: it queues for a slot, or the connection is made again and again. It is sent by
another thread, or another task of the event loop, than the one that leaves the call. So either the start sees that the
gate is closed, or whoever closes the gate sees that the start was sent. For this, the start first says that it was sent
and then checks the gate, and whoever leaves first closes the gate and then asks what was sent. There is no lock,
since an interruption between two operations could leave a lock locked forever.
"""

from __future__ import annotations

from typing import Final

from anchor_webtask._polling.outcomes import Failure, Fault

STOPPED: Final = "the task was not started, since the call of map was stopped before"


class CallLeftError(Exception):
    """Nothing was sent for a start that was about to be sent, since the call was left."""


class Gate:
    """The gate of one call.

    Attributes:
        is_closed: Whether nothing more is sent.
    """

    __slots__ = ("is_closed",)

    def __init__(self) -> None:
        self.is_closed = False


class Departure:
    """Whether one start was sent.

    Args:
        gate: The gate of its call.

    Attributes:
        is_sent: Whether a byte of the start may have left.
    """

    __slots__ = ("_gate", "is_sent")

    def __init__(self, gate: Gate) -> None:
        self.is_sent = False
        self._gate = gate

    def pass_gate(self) -> None:
        """Record that the start is sent now.

        Raises:
            CallLeftError: The call was left, so the start must not be sent.
        """
        self.is_sent = True
        self._check()

    async def pass_gate_async(self) -> None:
        """Do the same for the async client, whose hooks are awaited."""
        self.pass_gate()

    def return_unsent(self, failure: Failure) -> None:
        """Record that an attempt got no connection; the next one passes the gate again.

        Raises:
            CallLeftError: The call was left, so no attempt follows.
        """
        if failure.fault is Fault.NOT_CONNECTED:
            self._check()
            self.is_sent = False

    def _check(self) -> None:
        if self._gate.is_closed:
            self.is_sent = False
            raise CallLeftError
