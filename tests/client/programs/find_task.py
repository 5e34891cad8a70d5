"""A program that finds a task by its id or token, and prints the answer as JSON.

Usage: `find_task.py CLIENT METHOD ID_OR_TOKEN`. CLIENT is sync, asyncio or trio; METHOD is get or resume.
"""

from __future__ import annotations

import json
import sys

from tests.support.patience import PATIENCE
from tests.support.runners import make_runner


def main(client: str, method: str, id_or_token: str) -> None:
    with make_runner(client) as runner, runner.anchor(api_key=None) as anchor:
        task = getattr(anchor.tasks, method)(id_or_token)
        print(json.dumps(runner.call(task.result, timeout=PATIENCE).value))


main(*sys.argv[1:])
