"""The `Emulator` class, which tests use: its scenarios, what has arrived, and its transport and server."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from anchor_webtask.emulator._dialects import Wording
from anchor_webtask.emulator._emulated_tasks import EmulatedTask
from anchor_webtask.emulator._hosts import is_loopback
from anchor_webtask.emulator._optional_dependencies import explain_missing_library
from anchor_webtask.emulator._responder import Responder
from anchor_webtask.emulator._scenarios import STEPS, Answer, make_scenario
from anchor_webtask.emulator._session_parts import Ask, Download, as_parts
from anchor_webtask.emulator._session_runs import EmulatedSession
from anchor_webtask.emulator._session_scenarios import MP4, PNG, make_session_scenario, session_faults
from anchor_webtask.emulator._start_limits import make_limit
from anchor_webtask.emulator._values import seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from os import PathLike

    import httpx

    from anchor_webtask._clock import Clock
    from anchor_webtask.emulator._requests_log import LoggedRequest
    from anchor_webtask.emulator._scenarios import Fault
    from anchor_webtask.emulator._serving import Serving
    from anchor_webtask.emulator._start_limits import StartLimit


class Emulator:
    """A local stand-in for the web-task API, which plays scenarios.

    The emulator validates requests against the composed spec, and its responses have the shapes that the API documents.
    The header `x-emulator` marks every response as the emulator's. A field, agent or provider that is not in the spec
    is accepted, because the API may support it already; the header `x-emulator-warning` names it.

    Time passes only on the clock: a task is RUNNING for the seconds that it takes, then COMPLETED or FAILED. The
    response to a one-request start (a start without `"async": true`) is sent when the task has ended, and a fault can
    delay any response. The transport or the server waits on the clock until the response is due.

    Args:
        api_key: The only key that is accepted; by default, every key is accepted.
        takes: Seconds that a task takes, unless its scenario gives another number.
        clock: Gives the time, and waits. By default, the clock of `testing.install` if the emulator is used in it
            first, else the system's.
        dialects: Other readings of the API's documents, which contradict each other; the emulator follows all that are
            named here. Each name is explained in `anchor_webtask.emulator.DIALECTS`.

    Raises:
        ValueError: `api_key` is empty, `takes` is not a valid number of seconds, or a dialect is unknown.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        takes: float = 2.0,
        clock: Clock | None = None,
        dialects: Collection[str] = (),
    ) -> None:
        if api_key == "":
            raise ValueError("api_key must not be empty; leave it out to accept every key")
        if api_key is not None and not (isinstance(api_key, str) and api_key.isascii() and api_key.isprintable()):
            raise ValueError("api_key must be a text of printable ASCII characters, as a header can hold")
        self.api_key = api_key
        self._takes = seconds("takes", takes)
        self._responder = Responder(api_key, Wording(dialects), self._takes, clock)

    def __repr__(self) -> str:
        return f"<Emulator: {len(self._responder.scenarios)} scenarios, {self.starts} starts>"

    @property
    def clock(self) -> Clock:
        """The emulator's clock. It never changes once it was used."""
        return self._responder.clock

    @property
    def elapsed(self) -> float:
        """How many seconds have passed on the clock since the emulator got it."""
        return self._responder.elapsed

    @property
    def starts(self) -> int:
        """How many tasks were started, including one-request starts and starts whose response was lost."""
        return self._responder.register.count

    @property
    def start_requests(self) -> int:
        """How many start requests were received, including those that were refused or failed because of a fault."""
        return self._responder.start_requests

    @property
    def max_running_seen(self) -> int:
        """The most tasks that ever ran at once on the clock, with or without a `limit`.

        All tasks count, also those of one-request starts and those whose response was lost. A task that takes no time
        never runs.
        """
        return self._responder.register.max_running

    @property
    def requests(self) -> tuple[LoggedRequest, ...]:
        """All requests, in the order in which they arrived."""
        return self._responder.log

    @property
    def tasks(self) -> tuple[EmulatedTask, ...]:
        """All tasks, in the order of their starts; a test can finish or fail each of them at once."""
        return tuple(EmulatedTask(run) for run in self._responder.register.tasks)

    @property
    def sessions(self) -> tuple[EmulatedSession, ...]:
        """All browser sessions, in the order of their creation."""
        return tuple(EmulatedSession(run) for run in self._responder.sessions.register.sessions)

    def check(self) -> None:
        """Check that the test itself has made no mistake; `testing.install` does that when it ends.

        Raises:
            ScenarioError: A function of a scenario has failed or returned an invalid value. Its task has failed as
                well, but the application may expect that.
            VirtualTimeError: A task was checked very often while no time passed.
        """
        if self._responder.error is not None:
            raise self._responder.error

    def expect_no_unfinished(self) -> None:
        """Check that no task is running: a task that nobody waits for is paid for in vain.

        Raises:
            AssertionError: Tasks are running; the message has their ids and prompts.
        """
        running = [task for task in self.tasks if task.status == "RUNNING"]
        if running:
            lines = [
                f"  {task.id}: {task.body['prompt']!r:.80} {task.body.get('url', '')}".rstrip() for task in running
            ]
            raise AssertionError("\n".join([f"unfinished tasks: {len(running)}", *lines]))

    def expect_no_open_sessions(self) -> None:
        """Check that all sessions have ended: an open session costs until its time has passed.

        Raises:
            AssertionError: Sessions are open; the message has their ids and tags.
        """
        still_open = [session for session in self.sessions if session.is_open]
        if still_open:
            lines = [f"  {session.id} {', '.join(session.tags)}".rstrip() for session in still_open]
            raise AssertionError("\n".join([f"open sessions: {len(still_open)}", *lines]))

    def on_session(
        self,
        *,
        recording: bytes = MP4,
        recording_takes: float = 30.0,
        screenshot: bytes = PNG,
        faults: Mapping[str, Iterable[int | Fault]] | None = None,
    ) -> None:
        """Set what happens to the sessions that are created from now on, and to requests about sessions.

        Args:
            recording: The recording of a session, as bytes.
            recording_takes: Seconds from the end of a session until its recording is ready.
            screenshot: The screenshot of a session, as bytes.
            faults: Faults for the next requests, in order, by the name of the request: `create`, `list`, `get`, `end`,
                `downloads`, `recordings`, `recording`, `screenshot`, `questions`, `answer` or `file`. A fault that
                hides the response hides the effect too, unless it has `accepted=True`. Each call adds faults.

        Raises:
            ValueError: An argument is invalid.
        """
        sessions = self._responder.sessions
        scenario = make_session_scenario(recording=recording, recording_takes=recording_takes, screenshot=screenshot)
        checked = session_faults(faults or {})
        sessions.scenario = scenario
        sessions.add_faults(checked)

    def on(
        self,
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
    ) -> None:
        """Add a scenario: what happens to the tasks whose prompt and URL match.

        If several scenarios match a task, the one that was added last applies. In a list of faults, an integer `n`
        means `Fault(n)`.

        `takes`, `answer` and `fails` may be functions. Each is called once, at the start, with the JSON body of the
        request, in which each of the `secret_values` is a `SecretValue`.

        Args:
            prompt: A shell-style pattern (`fnmatch.fnmatchcase`) for the complete prompt; by default, every prompt
                matches.
            url: A pattern of the same kind for the URL. A task without a URL matches only if `url` is not given.
            takes: Seconds that the task takes, `math.inf` for a task that never ends; by default, the emulator's
                `takes`.
            answer: The agent's answer, any JSON. It need not fit `output_schema`, since the API does not promise that.
                By default, the answer is synthetic and fits `output_schema`.
            fails: The reason of the failure, any JSON: with this argument, the task ends as FAILED, unless a function
                returns None. A one-request start then gets a response with status 500.
            faults: Faults for the status checks of each task, in order, one for each check. Once all are used, checks
                get normal responses.
            start_faults: Faults for the starts that match, in order, one for each start. Once all are used, starts get
                normal responses.
            steps: How many steps the agent makes, which the session of the task counts.
            asks: Questions of the agent to a human, one after the other. They need a session, and a start with
                `human_intervention`.
            downloads: Files that the browser downloads, if the task runs in a session.

        Raises:
            ValueError: An argument is out of range, is not JSON, or contradicts another argument.
        """
        scenario = make_scenario(
            self._takes,
            prompt=prompt,
            url=url,
            takes=takes,
            answer=answer,
            fails=fails,
            faults=faults,
            start_faults=start_faults,
            steps=steps,
            asks=as_parts("asks", Ask, asks),
            downloads=as_parts("downloads", Download, downloads),
        )
        self._responder.add(scenario)

    def limit(
        self,
        *,
        running: float | None = None,
        starts: float | None = None,
        sessions: float | None = None,
        status: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        """Limit how many tasks may run at once, how many may be started in all, or how many sessions may be open.

        A start beyond a limit is refused with the API's error body, and no task starts. Each call sets one limit. It
        replaces an earlier limit of the same kind at once; `math.inf` removes it. A lower limit ends no task. If both
        limits are reached, `starts` applies, since waiting does not help.

        A task counts as running from its start until its end on the clock, also if its response was lost, or if the
        client of a one-request start has given up.

        Faults of `start_faults` come first: each valid start uses up its fault, also if a limit is reached. If the
        fault hides the response, the client receives the fault; with `accepted=True`, a task starts only within the
        limits. Any other fault changes the refusal as it changes other responses: `Fault(delay=5)` makes it late.

        Args:
            running: How many tasks may run at once, 0 or more.
            starts: How many tasks may be started in all, 0 or more. Those that have been started before count.
            sessions: How many sessions may be open at once, 0 or more.
            status: The HTTP status of a refusal, from 400 to 599; by default 402 for `starts`, and 429 for the others.
            retry_after: The seconds in the header `Retry-After` of a refusal; by default, there is no such header.

        Raises:
            ValueError: An argument is out of range, or not exactly one of `running`, `starts` and `sessions` is given.
        """
        self._limit(
            make_limit(running=running, starts=starts, sessions=sessions, status=status, retry_after=retry_after)
        )

    def _limit(self, limit: StartLimit) -> None:
        (self._responder.sessions if limit.kind == "sessions" else self._responder).register.limit(limit)

    def load(self, file: str | PathLike[str]) -> None:
        """Add the scenarios and limits of a TOML file.

        Each table `[[scenario]]` has the arguments of `on`, and each table `[[limit]]` those of `limit`.

        TOML has neither null nor bytes: `answer_json` and `fails_json` hold JSON as text, and a fault's `body_base64`
        holds bytes in base64.

        Args:
            file: The file, of at most 200,000 bytes.

        Raises:
            ScenarioFileError: The file is not TOML, or a scenario or limit is invalid; the message names the line and
                the key. Then nothing is added.
            OSError: The file cannot be read.
        """
        from anchor_webtask.emulator._scenario_files import read_scenario_file

        scenarios, limits = read_scenario_file(Path(file), self._takes)
        for scenario in scenarios:
            self._responder.add(scenario)
        for limit in limits:
            self._limit(limit)

    def transport(self, *, base_path: str = "") -> httpx.MockTransport:
        """Return a transport for `httpx.Client` and `httpx.AsyncClient`; several clients may share it.

        Args:
            base_path: The path of the clients' base URL, if it has one, such as `/anchor`.
        """
        from anchor_webtask.emulator._transport import EmulatorTransport

        return EmulatorTransport(self._responder.play, lambda: self.clock, base_path)

    def serve(self, *, host: str = "127.0.0.1", port: int = 0, allow_remote: bool = False) -> Serving[EmulatorServer]:
        """Serve HTTP while the context that this returns is entered, by `with` or `async with`.

        On exit, requests that the server still holds open are cut off. Requests whose header `Host` is not a loopback
        address are refused, so that no web page can reach the emulator by a name of its own.

        Args:
            host: The address to listen at.
            port: The port; by default, a free one.
            allow_remote: Accept any `host`, and any header `Host`.

        Raises:
            ValueError: `host` is not a loopback address, and `allow_remote` is false; or `port` is not a port.
            ImportError: Starlette or uvicorn is not installed.
            OSError: On entering, the server cannot listen there, for instance because the port is in use.
        """
        with explain_missing_library():
            from anchor_webtask.emulator._serving import Serving

        if not allow_remote and not is_loopback(host):
            raise ValueError(
                f"host {host!r} is not a loopback address, so other machines may reach the emulator; to allow that, "
                "pass allow_remote=True, or --allow-remote to the program"
            )
        if not isinstance(port, int) or not 0 <= port < 65536:
            raise ValueError(f"port must be an integer from 0 to 65535, not {port!r}")
        return Serving(
            lambda base_url: EmulatorServer(base_url, self),
            partial(self._responder.play, any_host=allow_remote),
            lambda: self.clock,
            (host, port),
        )

    def bind(self, clock: Clock) -> Clock:
        """Use this clock unless the emulator has one already, and return the emulator's clock.

        Args:
            clock: The clock for an emulator without one.
        """
        return self._responder.bind(clock)


@attrs.frozen
class EmulatorServer:
    """A running emulator server.

    Attributes:
        base_url: Where it is, for instance `http://127.0.0.1:40123`.
        emulator: What it serves.
    """

    base_url: str
    emulator: Emulator
