"""Finds tasks by id or token, each with a type as `output`: `find_typed.py FACE get|resume WHATS`, in its own process.

WHATS is JSON: an id or token by the name of the kind. The names of those whose value is right are printed, as JSON too.
"""

from __future__ import annotations

import json
import sys

from tests.support.kinds import KINDS
from tests.support.runners import make_runner


def main(name: str, method: str, whats: str) -> None:
    kinds = {kind.name: kind for kind in KINDS}
    right: list[str] = []
    with make_runner(name) as made, made.anchor(api_key=None) as anchor:
        for kind, what in json.loads(whats).items():
            task = getattr(anchor.tasks, method)(what, output=kinds[kind].output)
            value = made.call(task.result, timeout=30).value
            if type(value) is type(kinds[kind].value) and value == kinds[kind].value:
                right.append(kind)
    print(json.dumps(right))  # noqa: T201  the program's output


main(*sys.argv[1:])
