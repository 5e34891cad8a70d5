"""The function that the console script `anchor-webtask` calls."""

from __future__ import annotations

import os
import signal
import sys
from importlib.util import find_spec
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line, and end the process; without the extra `[cli]`, say what to install."""
    try:
        for name in ("typer", "rich"):
            if find_spec(name) is None:
                hint = f"anchor-webtask: {name} is not installed: pip install 'anchor-webtask[cli]'"
                print(hint, file=sys.stderr)  # noqa: T201  the modules that write messages need the extra
                sys.exit(2)
        if sys.argv[1:2] == ["worker"] and signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
            # A worker ends with 0 after SIGTERM. Until it handles the signal itself, it has nothing to hand back.
            signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
        from anchor_webtask._cli import app

        status = app.run(sys.argv[1:])
    except KeyboardInterrupt:  # while modules are imported, or after the command
        status = 130
    sys.exit(status)
