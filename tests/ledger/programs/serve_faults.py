"""A program that serves an emulator whose faults are random, and tells what has started.

Usage: `serve_faults.py SEED FAULTS SHORTEST LONGEST`. The next `FAULTS` starts may get a fault. Each task takes a
random number of seconds between the two. The first line that the program prints is the base URL. Then it answers each
line of its standard input with a line: `calm` ends all faults, `finish` ends all tasks, and those that start later at
once, `report` prints the starts as JSON, and `wait N PREFIX` waits until N tasks were started whose prompts begin so.
It ends with its standard input.

A prompt says more about its task. One with "fails" fails, the checks of one with "hidden" get faults, and one with
"long" takes LONG seconds. The response to a start with "slow" is SLOW seconds late, "stuck" likewise.
"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from contextlib import suppress
from typing import Any, Final

from anchor_webtask.emulator import Emulator, Fault

LONG, SLOW, STUCK = 4.0, 2.0, 600.0
START_FAULTS: Final = (
    Fault(429),
    Fault(429, headers={"Retry-After": "0"}),
    Fault(502),
    Fault(502, accepted=True),
    Fault(cut=True),
    Fault(cut=True, accepted=True),
    Fault(cut="midway"),
    Fault(400),
    Fault(delay=0.1),
)
CHECK_FAULTS: Final = (Fault(502), Fault(cut=True), Fault(429, headers={"Retry-After": "0"}), Fault(cut="midway"))
NO_FAULT: Final = Fault()
SHARE: Final = 0.3
"""The share of starts that get a fault."""


class Starts:
    """Remembers when each task started, and decides how long it takes."""

    def __init__(self, moments: random.Random, shortest: float, longest: float) -> None:
        self._moments, self._shortest, self._longest = moments, shortest, longest
        self._begun: list[tuple[str, float, float]] = []
        self._changed = threading.Condition()
        self._is_over = False

    def takes(self, body: dict[str, Any]) -> float:
        seconds = LONG if "long" in body["prompt"] else self._moments.uniform(self._shortest, self._longest)
        with self._changed:
            seconds = 0.0 if self._is_over else seconds
            self._begun.append((body["prompt"], time.time(), seconds))
            self._changed.notify_all()
        return seconds

    def finish(self, emulator: Emulator) -> None:
        with self._changed:
            self._is_over, now = True, time.time()
            self._begun = [(prompt, begun, min(seconds, now - begun)) for prompt, begun, seconds in self._begun]
        for task in emulator.tasks:
            with suppress(ValueError):  # it has ended
                task.finish({})

    def wait(self, number: int, prefix: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: sum(each[0].startswith(prefix) for each in self._begun) >= number)

    def report(self, emulator: Emulator) -> list[dict[str, object]]:
        return [
            {"prompt": task.body["prompt"], "task_id": task.id, "begun": begun, "ended": begun + seconds}
            for task, (_, begun, seconds) in zip(emulator.tasks, self._begun, strict=True)
        ]


def reason(body: dict[str, Any]) -> str | None:
    return "the page was empty" if "fails" in body["prompt"] else None


def main(seed: str, faults: str, shortest: str, longest: str) -> None:
    moments = random.Random(int(seed))
    starts = Starts(moments, float(shortest), float(longest))
    emulator = Emulator()
    some = [moments.choice(START_FAULTS) if moments.random() < SHARE else NO_FAULT for _ in range(int(faults))]
    emulator.on(takes=starts.takes, fails=reason, start_faults=some)
    emulator.on(prompt="*hidden*", takes=starts.takes, faults=CHECK_FAULTS, start_faults=some[::-1])
    for word, seconds in (("slow", SLOW), ("stuck", STUCK)):
        emulator.on(prompt=f"*{word}*", takes=starts.takes, start_faults=[Fault(delay=seconds)] * 1000)
    with emulator.serve() as server:
        print(server.base_url, flush=True)
        for line in sys.stdin:
            match line.split():
                case ["calm"]:
                    emulator.on(takes=starts.takes, fails=reason)
                    print(line, end="", flush=True)
                case ["finish"]:
                    starts.finish(emulator)
                    print(line, end="", flush=True)
                case ["wait", number, prefix]:
                    starts.wait(int(number), prefix)
                    print(line, end="", flush=True)
                case _:
                    print(json.dumps(starts.report(emulator)), flush=True)


main(*sys.argv[1:])
