"""What the emulator is told to play: scenarios, and the faults on their way."""

from __future__ import annotations

import enum
import http
import json
import math
import re
from collections import deque
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import attrs

from anchor_webtask.emulator._http import Cut, Reply, error_reply

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NO_BODY = (204, 304)
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
PRINTABLE = re.compile(r"[ -~]*")
FRAMING = ("content-length", "transfer-encoding")


class Answer(enum.Enum):
    """Stands for an answer that isn't given, for None is one."""

    MADE_UP = "made up"


@attrs.frozen(kw_only=True)
class Fault:
    """One thing that goes wrong with one answer.

    What isn't given stays as the emulator would have answered: `Fault(delay=5)` is the right answer, late. A status of
    400 or more has the API's error body unless `body` is given, a redirect has none.

    At a start, a fault that lets the emulator's answer through makes the task; one that hides the answer (a status of
    300 or more, a `body`, `cut=True`) doesn't, unless it is `accepted`: then the task runs and nobody has its id.

    Args:
        status: The answer's HTTP status, 200 to 599.
        headers: Headers beside or instead of the emulator's own.
        body: The answer's body; text is sent as UTF-8.
        content_type: The answer's content type, `application/json` if not given.
        delay: Seconds that the answer comes late.
        cut: True closes the connection before a byte of the answer is sent, `"midway"` in the middle of its body.
        task_status: The task's status in an otherwise right answer, for instance `"SLEEPING"`.
        accepted: Only at a start: the task is made though its answer is lost.

    Raises:
        ValueError: An argument is out of range, or two of them contradict each other.
    """

    status: int | None = attrs.field(default=None, kw_only=False)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes | str | None = attrs.field(default=None, repr=False)
    content_type: str | None = None
    delay: float = 0.0
    cut: Cut = False
    task_status: str | None = None
    accepted: bool = False

    def __attrs_post_init__(self) -> None:
        if self.status is not None and (not isinstance(self.status, int) or not 200 <= self.status <= 599):
            raise ValueError(f"a fault's status is an integer from 200 to 599, not {self.status!r}")
        if self.body is not None and not isinstance(self.body, bytes | str):
            raise ValueError(f"a fault's body is bytes or text, not {type(self.body).__name__}")
        if self.cut not in (True, False, "midway"):
            raise ValueError(f"a fault's cut is True, False or 'midway', not {self.cut!r}")
        if self.status in NO_BODY and (self.body or self.cut == "midway"):
            raise ValueError(f"an answer with status {self.status} has no body")
        if self.task_status is not None and self.hides_answer:
            raise ValueError("task_status needs the emulator's answer, which this fault replaces or cuts off")
        for name, value in self._given_headers().items():
            if name in FRAMING:
                raise ValueError(f"{name} follows from the body; `cut` breaks off an answer")
            if not HEADER_NAME.fullmatch(name) or not isinstance(value, str) or not PRINTABLE.fullmatch(value):
                raise ValueError(f"the header {name!r} needs a proper name and printable ASCII text")
        seconds("delay", self.delay)

    @property
    def hides_answer(self) -> bool:
        """Whether nothing of the emulator's own answer gets through."""
        other_status = self.status is not None and (self.status >= 300 or self.status in NO_BODY)
        return other_status or self.cut is True or self.body is not None

    def apply(self, reply: Reply) -> Reply:
        """Return the reply with this fault done to it."""
        if self.body is not None:
            reply = attrs.evolve(reply, body=self.body.encode() if isinstance(self.body, str) else self.body)
        elif self.status is not None and self.status >= 400:
            reply = error_reply(self.status, _phrase(self.status))
        elif self.hides_answer:
            reply = attrs.evolve(reply, body=b"", headers={})
        elif self.task_status is not None:
            reply = _with_task_status(reply, self.task_status)
        return attrs.evolve(
            reply,
            status=self.status or reply.status,
            headers={**reply.headers, **self._given_headers()},
            hold=self.delay + (0 if self.hides_answer else reply.hold),
            cut=self.cut,
        )

    def _given_headers(self) -> dict[str, str]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return headers if self.content_type is None else {**headers, "content-type": self.content_type}


@attrs.frozen(kw_only=True)
class Scenario:
    """Which tasks it is about, and what becomes of them."""

    prompt: str | None = None
    url: str | None = None
    takes: float
    answer: object = Answer.MADE_UP
    fails: object = None
    faults: tuple[Fault, ...] = ()
    start_faults: deque[Fault] = attrs.field(factory=deque)

    def matches(self, body: Mapping[str, Any]) -> bool:
        """Whether a start with this body is what the scenario is about."""
        return all(
            pattern is None or (isinstance(value, str) and fnmatchcase(value, pattern))
            for pattern, value in ((self.prompt, body.get("prompt")), (self.url, body.get("url")))
        )


def as_faults(faults: Iterable[int | Fault]) -> tuple[Fault, ...]:
    """Return the faults, a plain integer being a fault with that status."""
    if isinstance(faults, int | Fault):
        raise ValueError(f"faults are given as a list: [{faults!r}]")  # noqa: TRY004 — as for every bad argument here
    return tuple(fault if isinstance(fault, Fault) else Fault(fault) for fault in faults)


def _with_task_status(reply: Reply, status: str) -> Reply:
    content = json.loads(reply.body)
    if "status" in content.get("data", {}):
        content["data"]["status"] = status
    return attrs.evolve(reply, body=json.dumps(content).encode())


def as_json(name: str, value: object) -> object:
    """Return a copy of the value as JSON gives it back, or raise a ValueError that names it."""
    try:
        copy: object = json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{name} is not JSON: {error}") from None
    return copy


def seconds(name: str, value: float) -> float:
    """Return the number of seconds, or raise a ValueError if it's negative or no number; `math.inf` is fine."""
    if not isinstance(value, int | float) or math.isnan(value) or value < 0:
        raise ValueError(f"{name} is a number of seconds from 0, not {value!r}")
    return value


def _phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
