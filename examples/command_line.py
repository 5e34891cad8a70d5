"""Shows the command line with the task of the API's documentation: starts it, loses it, and finds it again.

`make run` runs it. If ANCHORBROWSER_API_KEY is set, the commands use the API, and the task costs credit. Otherwise they
use the emulator, over TCP on this machine. The package needs its extra `cli`.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from anchor_webtask.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

PROGRAM = "anchor-webtask"
PROMPT = "Collect the names of the nodes, their clusters and their average CPU usage in percent"
URL = "https://play.grafana.org/a/grafana-k8s-app/navigation/nodes?from=now-1h&to=now&refresh=1m"
NODE = {
    "type": "object",
    "properties": {
        "node": {"type": "string"},
        "cluster": {"type": "string"},
        "cpu_avg_percentage": {"type": "number", "minimum": 0},
    },
    "required": ["node", "cluster", "cpu_avg_percentage"],
}
SCHEMA = {"type": "array", "items": NODE, "minItems": 2}


def main() -> None:
    """Run the commands, in a folder that has the schema of the answer."""
    with tempfile.TemporaryDirectory() as folder, api():
        schema = Path(folder) / "nodes.json"
        schema.write_text(json.dumps(SCHEMA), encoding="utf-8")
        task_id = run("start", PROMPT, "--url", URL, "--output", schema.name, folder=folder).strip()
        run("status", task_id, folder=folder)
        run("wait", task_id, "--output", schema.name, folder=folder)


@contextmanager
def api() -> Iterator[None]:
    """Use the API if ANCHORBROWSER_API_KEY is set, otherwise start the emulator."""
    if os.environ.get("ANCHORBROWSER_API_KEY"):
        yield
        return
    with Emulator(takes=2).serve() as server:
        os.environ.update(ANCHORBROWSER_API_KEY="emulator", ANCHORBROWSER_BASE_URL=server.base_url)
        yield


def run(*arguments: str, folder: str) -> str:
    """Print a command as a person types it, run it, and print and return its output."""
    print(f"\n$ {shlex.join([PROGRAM, *arguments])}", flush=True)
    script = Path(sys.executable).with_name(PROGRAM)
    ran = subprocess.run([script, *arguments], cwd=folder, stdout=subprocess.PIPE, text=True, check=True)
    print(ran.stdout, end="", flush=True)
    return ran.stdout


if __name__ == "__main__":
    main()
