"""Scenarios, which define what happens to tasks, and faults, which replace, delay or cut off responses."""

from __future__ import annotations

import enum
import http
import json
import re
from collections import deque
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import attrs

from anchor_webtask.emulator._values import as_json, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from anchor_webtask.emulator._dialects import Wording
    from anchor_webtask.emulator._http_messages import Cut, Response
    from anchor_webtask.emulator._session_parts import Ask, Download

STATUSES_WITHOUT_BODY = (204, 304)
STEPS = 3
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
PRINTABLE = re.compile(r"[ -~]*")
FRAMING = ("content-length", "transfer-encoding")


class ScenarioError(RuntimeError):
    """A function of a scenario has failed, or returned an invalid value. The error of the function is the cause."""


class Answer(enum.Enum):
    """The default of the argument `answer`; None cannot be the default, because it is a valid answer (JSON's null)."""

    SYNTHETIC = "synthetic"


@attrs.frozen
class Fault:
    """A problem with one HTTP response, for instance an error status, a delay or a cut connection.

    A fault changes only what its arguments say: `Fault(delay=5)` is the emulator's normal response, five seconds late.
    A response with a status of 400 or more has the API's error body unless `body` is given; a redirect has no body.

    A fault with status 204, a status of 300 or more, a `body` or `cut=True` hides the emulator's own response.
    If the response to a start is hidden, no task starts; with `accepted=True`, the task starts, and its id is lost.

    Args:
        status: The HTTP status of the response, from 200 to 599.
        headers: Headers that are added to the response, or replace its own.
        body: The body of the response; text is sent as UTF-8.
        content_type: The content type of the response; by default, `application/json`.
        delay: Seconds by which the response is late.
        cut: True closes the connection before any byte of the response is sent, `"midway"` in the middle of the body.
        task_status: A status that replaces the task's status in an otherwise correct response, such as `"SLEEPING"`.
        accepted: For starts only: the task starts although the response is lost.

    Raises:
        ValueError: An argument is out of range, or two arguments contradict each other.
    """

    status: int | None = None
    headers: Mapping[str, str] = attrs.field(factory=dict, kw_only=True)
    body: bytes | str | None = attrs.field(default=None, repr=False, kw_only=True)
    content_type: str | None = attrs.field(default=None, kw_only=True)
    delay: float = attrs.field(default=0.0, kw_only=True)
    cut: Cut = attrs.field(default=False, kw_only=True)
    task_status: str | None = attrs.field(default=None, kw_only=True)
    accepted: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        if self.status is not None and (not isinstance(self.status, int) or not 200 <= self.status <= 599):
            raise ValueError(f"a fault's status must be an integer from 200 to 599, not {self.status!r}")
        if self.body is not None and not isinstance(self.body, bytes | str):
            raise ValueError(f"a fault's body must be bytes or str, not {type(self.body).__name__}")
        if self.cut not in (True, False, "midway"):
            raise ValueError(f"a fault's cut must be True, False or 'midway', not {self.cut!r}")
        if self.status in STATUSES_WITHOUT_BODY and (self.body or self.cut == "midway"):
            raise ValueError(f"a response with status {self.status} has no body: leave out body and cut='midway'")
        if not (self.task_status is None or isinstance(self.task_status, str)):
            raise ValueError(f"a fault's task_status must be a str, not {self.task_status!r}")
        if not isinstance(self.accepted, bool):
            raise ValueError(f"a fault's accepted must be True or False, not {self.accepted!r}")  # noqa: TRY004
        if not isinstance(self.headers, Mapping):
            raise ValueError(f"a fault's headers must be a mapping, not {self.headers!r}")  # noqa: TRY004
        if self.task_status is not None and self.hides_answer:
            raise ValueError(
                "task_status changes the emulator's own response: "
                "it cannot be combined with a status, body or cut that hides this response"
            )
        for name, value in self._header_changes().items():
            if name in FRAMING:
                raise ValueError(
                    f"a fault cannot set the header {name}, which follows from the body; use cut for an incomplete body"
                )
            if not isinstance(value, str):
                raise ValueError(f"the header {name} must have a text as its value: write {str(value)!r}")  # noqa: TRY004
            if not HEADER_NAME.fullmatch(name) or not PRINTABLE.fullmatch(value):
                raise ValueError(
                    f"invalid header {name!r}: the name must be valid in HTTP, and the value a str of printable ASCII"
                )
        seconds("delay", self.delay)

    @property
    def hides_answer(self) -> bool:
        """Whether this fault hides the emulator's own response, so that the client receives no part of it."""
        other_status = self.status is not None and (self.status >= 300 or self.status in STATUSES_WITHOUT_BODY)
        return other_status or self.cut is True or self.body is not None

    def apply(self, response: Response, wording: Wording) -> Response:
        """Return the response with the changes that this fault makes; the caller holds it for `delay` seconds.

        Args:
            response: The response without the fault.
            wording: How the emulator words an error.
        """
        if self.body is not None:
            response = attrs.evolve(response, body=self.body.encode() if isinstance(self.body, str) else self.body)
        elif self.status is not None and self.status >= 400:
            response = wording.error(self.status, _reason_phrase(self.status))
        elif self.hides_answer:
            response = attrs.evolve(response, body=b"", headers={})
        elif self.task_status is not None:
            response = _with_task_status(response, self.task_status)
        return attrs.evolve(
            response,
            status=self.status or response.status,
            headers={**response.headers, **self._header_changes()},
            cut=self.cut,
        )

    def _header_changes(self) -> dict[str, str]:
        headers = {name.lower(): value for name, value in self.headers.items()}
        return headers if self.content_type is None else {**headers, "content-type": self.content_type}


@attrs.frozen(kw_only=True)
class Scenario:
    """What happens to the tasks whose prompt and URL match patterns; a pattern that is None matches everything."""

    prompt: str | None = None
    url: str | None = None
    takes: float | Callable[[dict[str, Any]], float]
    answer: object = Answer.SYNTHETIC
    fails: object = None
    faults: tuple[Fault, ...] = ()
    start_faults: deque[Fault] = attrs.field(factory=deque)
    steps: int = STEPS
    asks: tuple[Ask, ...] = ()
    downloads: tuple[Download, ...] = ()

    def matches(self, body: Mapping[str, Any]) -> bool:
        """Whether a start with this request body matches the scenario's patterns."""
        return all(
            pattern is None or (isinstance(value, str) and fnmatchcase(value, pattern))
            for pattern, value in ((self.prompt, body.get("prompt")), (self.url, body.get("url")))
        )


def make_scenario(
    default_takes: float,
    *,
    prompt: str | None = None,
    url: str | None = None,
    takes: float | Callable[[dict[str, Any]], float] | None = None,
    answer: object = Answer.SYNTHETIC,
    fails: object = None,
    faults: Iterable[int | Fault] = (),
    start_faults: Iterable[int | Fault] = (),
    steps: int = STEPS,
    asks: Iterable[Ask] = (),
    downloads: Iterable[Download] = (),
) -> Scenario:
    """Return a scenario.

    Args:
        default_takes: Seconds that a task takes if `takes` does not say it.
        prompt: As for `Emulator.on`, like all others.
        url: As there.
        takes: As there.
        answer: As there.
        fails: As there.
        faults: As there.
        start_faults: As there.
        steps: As there.
        asks: As there.
        downloads: As there.

    Raises:
        ValueError: An argument is out of range, is not JSON, or contradicts another argument.
    """
    for name, pattern in (("prompt", prompt), ("url", url)):
        if not (pattern is None or isinstance(pattern, str)):
            raise ValueError(f"{name} must be a shell-style pattern (str), not {type(pattern).__name__}")
    if answer is not Answer.SYNTHETIC and fails is not None and not callable(fails):
        raise ValueError("a task either returns an answer or fails: pass answer or fails, not both")
    check_faults = as_faults(faults)
    if any(fault.accepted for fault in check_faults):
        raise ValueError("a fault with accepted=True is for starts only: pass it in start_faults, not in faults")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 0:
        raise ValueError(f"steps must be an integer, 0 or more, not {steps!r}")
    if takes is None:
        takes = default_takes
    return Scenario(
        prompt=prompt,
        url=url,
        takes=takes if callable(takes) else seconds("takes", takes),
        answer=answer if answer is Answer.SYNTHETIC or callable(answer) else as_json("answer", answer),
        fails=fails if callable(fails) else as_json("fails", fails),
        faults=check_faults,
        start_faults=deque(as_faults(start_faults)),
        steps=steps,
        asks=tuple(asks),
        downloads=tuple(downloads),
    )


def as_faults(faults: Iterable[int | Fault]) -> tuple[Fault, ...]:
    """Return the faults as a tuple; an integer `n` becomes `Fault(n)`."""
    if isinstance(faults, int | Fault):
        raise ValueError(f"faults must be a list, such as [{faults!r}]")  # noqa: TRY004 — every invalid argument is a ValueError
    return tuple(fault if isinstance(fault, Fault) else Fault(fault) for fault in faults)


def _with_task_status(response: Response, status: str) -> Response:
    content = json.loads(response.body)
    data = content.get("data", content)
    if "status" in data:
        data["status"] = status
    return attrs.evolve(response, body=json.dumps(content).encode())


def _reason_phrase(status: int) -> str:
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
