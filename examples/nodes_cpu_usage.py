"""Reads the CPU usage of nodes from a web page, like the example in the API's documentation. `make run` runs it.

The program shows three ways to get the answer: start a task, watch it and wait for it; find the same task by its token
in a second process; and run a second task in one request. If ANCHORBROWSER_API_KEY is set, the program uses the API,
and the two tasks cost credit. Otherwise it uses the emulator, over TCP on this machine.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from anchor_webtask import Anchor
from anchor_webtask.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

PROMPT = "Collect the names of the nodes, their clusters and their average CPU usage in percent"
URL = "https://play.grafana.org/a/grafana-k8s-app/navigation/nodes?from=now-1h&to=now&refresh=1m"
NODE = {
    "type": "object",
    "properties": {
        "node": {"type": "string"},
        "cluster": {"type": "string"},
        "cpu_avg_percentage": {"type": "number"},
    },
    "required": ["node", "cluster", "cpu_avg_percentage"],
}
SCHEMA = {
    "type": "object",
    "properties": {"nodes_cpu_usage": {"type": "array", "items": NODE}},
    "required": ["nodes_cpu_usage"],
}
ANSWER = {
    "nodes_cpu_usage": [
        {"node": "pool-e1ro5g0nq-559g5", "cluster": "do-nyc1-demo-infra", "cpu_avg_percentage": 8.29},
        {"node": "pool-e1ro5g0nq-559gk", "cluster": "do-nyc1-demo-infra", "cpu_avg_percentage": 24.8},
    ]
}


def main() -> None:
    """Show the three ways to get the answer."""
    with api():
        token = watch()
        print("\nThe same task, found by its token in a second process:", flush=True)
        subprocess.run([sys.executable, __file__, token], check=True)
        print("\nA second task, in one request:")
        with Anchor() as anchor:
            show(anchor.tasks.run_in_one_request(PROMPT, url=URL, output=SCHEMA).value)


@contextmanager
def api() -> Iterator[None]:
    """Use the API if ANCHORBROWSER_API_KEY is set, otherwise start the emulator. Print which of the two is used."""
    if os.environ.get("ANCHORBROWSER_API_KEY"):
        print("ANCHORBROWSER_API_KEY is set: using the API. The two tasks cost credit.\n", flush=True)
        yield
        return
    emulator = Emulator()
    emulator.on(prompt=PROMPT, takes=4, answer=ANSWER)
    with emulator.serve() as server:
        print(f"ANCHORBROWSER_API_KEY is not set: using the emulator at {server.base_url}, which costs nothing.\n")
        os.environ.update(ANCHORBROWSER_API_KEY="emulator", ANCHORBROWSER_BASE_URL=server.base_url)
        yield


def watch() -> str:
    """Start the task, show its status while it runs and then its answer, and return its token."""
    with Anchor() as anchor:
        task = anchor.tasks.start(PROMPT, url=URL, output=SCHEMA)
        print(f"Started {task.id}")
        for update in task.updates():
            print(f"  {update.status} after {update.elapsed:.1f} s", flush=True)
        show(task.result().value)
        return task.token()


def find(token: str) -> None:
    """Find a task by its token, wait for it and show its answer."""
    with Anchor() as anchor:
        show(anchor.tasks.resume(token, output=SCHEMA).result().value)


def show(value: Any) -> None:
    """Print an answer as JSON."""
    print(json.dumps(value, indent=2), flush=True)


if __name__ == "__main__":
    find(sys.argv[1]) if len(sys.argv) > 1 else main()
