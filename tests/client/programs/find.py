"""Finds a task by its id or token and prints its answer: `find.py FACE get|resume WHAT`, for a process of its own."""

from __future__ import annotations

import json
import sys

from tests.support.runners import make_runner


def main(name: str, method: str, what: str) -> None:
    with make_runner(name) as made, made.anchor(api_key=None) as anchor:
        task = getattr(anchor.tasks, method)(what)
        print(json.dumps(made.call(task.result, timeout=30).value))


main(*sys.argv[1:])
