"""What may go wrong in the model, and what users may do: functions that return the possible effects, by their names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from anchor_webtask import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._ledger.models import Row
    from tests.ledger.model.service import Request, Task
    from tests.ledger.model.world import World

    Moves = list[tuple[str, Callable[[], object]]]

# Processes


def _kill(world: World) -> Moves:
    return [(f"kill process {each.number}", each.kill) for each in world.busy()]


def _pause(world: World) -> Moves:
    return [(f"pause process {each.number}", partial(world.pause, each, is_paused=True)) for each in world.busy()]


def _leave(world: World) -> Moves:
    live = [call for call in world.calls if call.process.is_up and not (call.ends or call.is_left)]
    return [(f"leave {call.name}", call.leave) for call in live]


def _lose_lock(world: World) -> Moves:
    alive = [owner for owner in world.owners.values() if owner.is_alive]
    return [(f"{owner.id} loses its lock", owner.lose_lock) for owner in alive]


def _reconnect(world: World) -> Moves:
    up = [owner for owner in world.owners.values() if owner.is_used and owner.process.is_up]
    return [(f"{owner.id} gets another connection", owner.renew) for owner in up]


# The writer


def _lose_result(world: World) -> Moves:
    some = [each for each in world.up() if any(not job.is_record for job in each.queue)]
    return [
        (f"process {each.number} commits, and loses a result", partial(each.commit, loses_result=True)) for each in some
    ]


def _commit_twice(world: World) -> Moves:
    some = [each for each in world.up() if any(job.is_record for job in each.queue)]
    return [(f"process {each.number} commits records twice", each.commit_twice) for each in some]


def _lock(world: World) -> Moves:
    some = [each for each in world.up() if each.queue]
    return [(f"process {each.number} finds the file locked", each.find_locked) for each in some]


# The network and the service


def _new(world: World) -> list[Request]:
    return [request for request in world.service.requests if request.response is None]


def _answer(request: Request, response: tuple[Any, ...]) -> None:
    request.response = response


def _lose_request(world: World) -> Moves:
    return [(f"the request for {each.key} is lost", partial(_answer, each, ("lost",))) for each in _new(world)]


def _lose_response(world: World) -> Moves:
    return [(f"the response for {each.key} is lost", partial(_start_and_lose, world, each)) for each in _new(world)]


def _start_and_lose(world: World, request: Request) -> None:
    world.handle(request)
    request.response = ("lost",)


def _refuse(world: World) -> Moves:
    return [(f"400 for {each.key}", partial(_answer, each, (400,))) for each in _new(world)]


def _limit_rate(world: World) -> Moves:
    return [(f"429 for {each.key}", partial(_answer, each, (429,))) for each in _new(world)]


def _answer_at_once(world: World) -> Moves:
    return [(f"the result of {each.key} at once", partial(_end_at_once, world, each)) for each in _new(world)]


def _end_at_once(world: World, request: Request) -> None:
    world.checks.started(world.service.start(request, at_once=True))


def _refuse_connection(world: World) -> Moves:
    return [("the next connection is refused", world.refuse_connection)]


def _ends(world: World, status: str) -> Moves:
    return [(f"{task.id} ends: {status}", partial(world.end, task, status)) for task in world.service.running()]


# Time


def _wait(world: World) -> Moves:
    return [(f"{seconds} s pass", partial(world.elapse, seconds)) for seconds in (10.0, 70.0)]


def _suspend(world: World) -> Moves:
    return [(f"suspended for {seconds} s", partial(world.suspend, seconds)) for seconds in (10.0, 70.0)]


def _set_clock(world: World) -> Moves:
    return [(f"the clock is set by {by} s", partial(world.set_clock, by)) for by in (-1000.0, 1000.0)]


# Users


def _keys(world: World, *states: str) -> list[str]:
    latest: dict[str, Row] = {}
    for row in sorted(world.rows(), key=lambda row: row.attempt):
        latest[row.key] = row
    return [key for key, row in latest.items() if row.state in states]


def _retry(world: World) -> Moves:
    keys = _keys(world, "unknown", "failed", "completed")
    return [(f"retry {key}", partial(_retry_key, world, key)) for key in keys]


def _retry_key(world: World, key: str) -> None:
    world.checks.allowed_again(key)
    _by_user(world, "retry", key)


def _free(world: World) -> Moves:
    return [(f"free {key}", partial(_free_key, world, key)) for key in _keys(world, "unknown", "retried")]


def _free_key(world: World, key: str) -> None:
    world.checks.freed(key)
    _by_user(world, "free", key)


def _attach(world: World) -> Moves:
    """Attach an id to an unknown task: its own, or that of another start whose response was lost."""
    stored = {row.task_id for row in world.rows()}
    found = [task for task in world.service.tasks.values() if task.has_id and task.id not in stored]
    return [
        (f"attach {task.id} to {key}", partial(_attach_task, world, key, task))
        for key in _keys(world, "unknown")
        for task in found
    ]


def _attach_task(world: World, key: str, task: Task) -> None:
    row = next(row for row in world.rows() if row.key == key and row.state == "unknown")
    if task.request.claim != row.claim:
        world.checks.attached_wrongly(key)
    _by_user(world, "attach", key, _Checked(task.id))


@dataclass
class _Checked:
    """A handle that was checked."""

    id: str
    status: str = "running"


def _by_user(world: World, verb: str, *arguments: object) -> None:
    ledger = next(iter(world.processes.values())).ledger
    try:
        getattr(ledger, verb)(*arguments)
    except ConfigurationError as error:
        world.checks.fail(f"{verb} is refused", error)


MISHAPS: dict[str, Callable[[World], Moves]] = {
    "kill": _kill,
    "pause": _pause,
    "leave": _leave,
    "lose_lock": _lose_lock,
    "reconnect": _reconnect,
    "lose_result": _lose_result,
    "commit_twice": _commit_twice,
    "lock": _lock,
    "lose_request": _lose_request,
    "lose_response": _lose_response,
    "refuse": _refuse,
    "limit_rate": _limit_rate,
    "answer_at_once": _answer_at_once,
    "refuse_connection": _refuse_connection,
    "fail": partial(_ends, status="failed"),
    "be_invalid": partial(_ends, status="invalid"),
    "forget": partial(_ends, status="gone"),
    "wait": _wait,
    "suspend": _suspend,
    "set_clock": _set_clock,
    "retry": _retry,
    "free": _free,
    "attach": _attach,
}
