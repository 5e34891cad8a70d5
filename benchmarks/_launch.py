"""A small program that runs one command, and prints its time, peak memory and exit status as JSON.

On Linux, the reported peak memory of a process is at least the memory of the process that started it. So the measured
commands are started by this small program, not by the large process that runs the benchmarks.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Run the command in `sys.argv[1:]`. Its output goes to standard error."""
    start = time.perf_counter()
    process = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
    _, status, usage = os.wait4(process, 0)
    wall = time.perf_counter() - start
    unit = 1 if sys.platform == "darwin" else 1024
    cpu, peak = usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak, "exit": os.waitstatus_to_exitcode(status)}))


if __name__ == "__main__":
    main()
