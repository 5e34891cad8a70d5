"""A test kit for applications that use this package: their tests need neither an account nor time.

    from anchor_webtask.testing import install

    def test_prices():
        with install() as emulator:
            emulator.on(url="https://shop.example/*", takes=1200, answer={"amount": 3})
            collect_prices()  # makes its own Anchor()
            assert emulator.elapsed >= 1200

With pytest, the fixtures `anchor_emulator`, `anchor_emulator_server` and `anchor_clock` do that.
"""

from __future__ import annotations

from anchor_webtask._clock import Clock, SystemClock, VirtualTimeError
from anchor_webtask.testing._install import install
from anchor_webtask.testing._virtual_clock import VirtualClock

__all__ = ["Clock", "SystemClock", "VirtualClock", "VirtualTimeError", "install"]
