"""A program that finds tasks in another process: `find_typed_tasks.py CLIENT_KIND get|resume REFERENCES`.

REFERENCES is a JSON object: each key is the name of a type case, and each value is the id or token of a task. The
program reads each task's answer as the case's type. It prints the names of the cases whose value is right, as JSON.
"""

from __future__ import annotations

import json
import sys

from tests.support.patience import PATIENCE
from tests.support.runners import make_runner
from tests.support.type_cases import TYPE_CASES


def main(client_kind: str, method: str, references: str) -> None:
    cases = {case.name: case for case in TYPE_CASES}
    right: list[str] = []
    with make_runner(client_kind) as client_runner, client_runner.anchor(api_key=None) as anchor:
        for name, reference in json.loads(references).items():
            case = cases[name]
            task = getattr(anchor.tasks, method)(reference, output=case.output)
            value = client_runner.call(task.result, timeout=PATIENCE).value
            if type(value) is type(case.value) and value == case.value:
                right.append(name)
    print(json.dumps(right))  # noqa: T201  the program's output


main(*sys.argv[1:])
