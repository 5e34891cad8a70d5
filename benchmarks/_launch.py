"""Runs one command and prints what it took, as JSON.

It's a program of its own because Linux counts the size of the process that starts another as that one's peak: this one
is small, and the benchmark is not.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Run the command that the arguments are; all that it prints goes to standard error."""
    begun = time.perf_counter()
    process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - begun
    unit = 1 if sys.platform == "darwin" else 1024
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "exit": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main()
