"""The sync interface to tasks: it starts tasks, and finds them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from anchor_webtask import _importing
from anchor_webtask._errors import AnchorError, StartOutcomeUnknownError
from anchor_webtask._misuse import refuse_positional, refuse_unknown
from anchor_webtask._polling.wait import DEFAULT_TIMEOUT
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._signatures import shows_options
from anchor_webtask._tasks.base import TasksBase
from anchor_webtask._tasks.handle import log_start
from anchor_webtask._tasks.interruptions import AddingTaskId, StartRecord
from anchor_webtask._tasks.sync_handle import WebTask, drive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from os import PathLike
    from typing import Unpack

    from typing_extensions import TypeForm

    from anchor_webtask._batch.models import Progress, TaskRequest
    from anchor_webtask._batch.sync import TaskOutcomes
    from anchor_webtask._config import Settings
    from anchor_webtask._http.sender import Sender
    from anchor_webtask._ledger.ledger import Ledger
    from anchor_webtask._models import T, TaskOptions, TaskResult, TaskUpdate
    from anchor_webtask._output.schema import JsonSchemaLike
    from anchor_webtask._polling.outcomes import Failure, Reply
    from anchor_webtask._polling.policy import WaitPolicy
    from anchor_webtask._polling.wait import Fetch
    from anchor_webtask._tasks.asked import Question
    from anchor_webtask._tasks.base import HandleParts, Start


class Tasks(TasksBase):
    """Starts web tasks and finds them again; the type of `Anchor().tasks`, and of a session's `tasks`."""

    def __init__(
        self, settings: Settings, sender: Sender, *, session_id: str | None = None, is_new: bool = False
    ) -> None:
        super().__init__(settings, session_id=session_id, is_new=is_new)
        self._sender = sender

    @overload
    def run(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        wait: WaitPolicy | None = None,
        on_start: Callable[[WebTask[Any]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        on_question: Callable[[Question], object] | None = None,
        key: str | None = None,
        ledger: Ledger | str | PathLike[str] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]: ...
    @overload
    def run(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        timeout: float | None = DEFAULT_TIMEOUT,
        wait: WaitPolicy | None = None,
        on_start: Callable[[WebTask[T]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        on_question: Callable[[Question], object] | None = None,
        key: str | None = None,
        ledger: Ledger | str | PathLike[str] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[T]: ...
    @shows_options
    def run(
        self,
        prompt: str,
        *_positional: Any,
        output: Any = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        wait: WaitPolicy | None = None,
        on_start: Callable[[WebTask[Any]], object] | None = None,
        on_update: Callable[[TaskUpdate], object] | None = None,
        on_question: Callable[[Question], object] | None = None,
        key: str | None = None,
        ledger: Ledger | str | PathLike[str] | None = None,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]:
        """Start a task, wait until it ends, and return its answer.

        If the server cannot be reached or responds with 429, no task was started, and the start is retried until the
        deadline. A start that the server may have accepted is never retried.

        ::

            price = anchor.tasks.run("Read the price", url="https://shop.example/p/1", output=float, timeout=600).value

        Args:
            prompt: The task, in plain words.
            output: What the answer should be: a type, a JSON Schema as a dict (sent with the task; the answer is not
                validated), or a `JsonSchema` (the answer is validated). Without it the answer is any JSON.
            timeout: Seconds for the start and the wait together, by default 30 minutes; None for no deadline. It does
                not cut off the start request, since that could lose the task; the client's `http_timeout` limits this
                request.
            wait: How often to check the task; by default, the client's policy.
            on_start: Called with the task's handle after the start, before the first check; use it to store the id. It
                is not called if the API responds to the start with the result, without an id.
            on_update: Called with the result of each check.
            on_question: Called with each question of the agent to a human, in a browser session; returns the answer, as
                text or as a mapping of the question's fields, or None for no answer. Each question is asked once. The
                time that it takes does not count for `timeout`. It sets `human_intervention`.
            key: Your name for the task in the ledger.
            ledger: A `Ledger`, the path of its file, or the URL of its database, which remembers the task by its key:
                the first call starts it, and each later one waits for the same task, or returns its stored answer.
            **options: The API's optional fields; see `TaskOptions`.

        Raises:
            ConfigurationError: The prompt or an option is invalid; nothing was sent.
            StartOutcomeUnknownError: The task may or may not have started.
            TaskTimeoutError: The task has not ended. It keeps running; `get(error.task_id).result()` continues the
                wait.
            TaskFailedError: The API reports that the task failed.
            InvalidOutputError: The task completed, but its answer does not fit `output`.
            LedgerError: The ledger cannot be used; nothing was sent.
            AnchorError: The start was refused, or a check failed in a way that a retry cannot fix.
        """
        sealed, others, place = Sealed(options), Sealed(_positional), Sealed[object](ledger)
        del options, _positional, ledger
        refuse_positional("run", "prompt", others)

        def run(record: StartRecord) -> TaskResult[Any]:
            start = self._prepare_run(
                prompt,
                output,
                sealed,
                timeout=timeout,
                wait=wait,
                on_start=on_start,
                on_update=on_update,
                on_question=on_question,
                callbacks_may_be_async=False,
            )
            if key is not None or place.open() is not None:
                with _importing.lock:
                    from anchor_webtask._tasks.keyed import Keyed
                    from anchor_webtask._tasks.sync_keyed import run_keyed

                keyed = Keyed(prompt, key, place, sealed, start)
                return run_keyed(
                    keyed, self._start, self._handle, on_start=on_start, on_update=on_update, on_question=on_question
                )
            deadline = start.deadline
            task = self._start(start, record)
            del start  # `start` holds the request, which must not stay in memory during the wait
            if on_start is not None and (task_id := task._state.task_id) is not None:
                with AddingTaskId(task_id):
                    on_start(task)
            return task._result_by(deadline, on_update, on_question)

        return StartRecord().watch(run)

    @overload
    def start(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        **options: Unpack[TaskOptions],
    ) -> WebTask[Any]: ...
    @overload
    def start(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        **options: Unpack[TaskOptions],
    ) -> WebTask[T]: ...
    @shows_options
    def start(
        self,
        prompt: str,
        *_positional: Any,
        output: Any = None,
        **options: Unpack[TaskOptions],
    ) -> WebTask[Any]:
        """Start a task, and return its handle at once.

        If the server cannot be reached, the start is tried three times. A start that the server may have accepted is
        never retried.

        ::

            task = anchor.tasks.start("Read the price", url="https://shop.example/p/1", output=float)
            print(task.id)  # store it: `get` makes another handle from it
            print(task.result(timeout=600).value)

        Args:
            prompt: The task, in plain words.
            output: What the answer should be: a type, a JSON Schema as a dict (sent with the task; the answer is not
                validated), or a `JsonSchema` (the answer is validated). Without it the answer is any JSON.
            **options: The API's optional fields; see `TaskOptions`.

        Raises:
            ConfigurationError: The prompt or an option is invalid; nothing was sent.
            StartOutcomeUnknownError: The task may or may not have started.
            AnchorError: The start was refused; if the status was 429, the error is a `RateLimitError`.
        """
        sealed, others = Sealed(options), Sealed(_positional)
        del options, _positional
        refuse_positional("start", "prompt", others)
        return StartRecord().watch(lambda record: self._start(self._prepare_start(prompt, output, sealed), record))

    @overload
    def get(
        self,
        task_id: str,
        *,
        output: JsonSchemaLike | None = None,
    ) -> WebTask[Any]: ...
    @overload
    def get(
        self,
        task_id: str,
        *,
        output: TypeForm[T],
    ) -> WebTask[T]: ...
    def get(
        self,
        task_id: str,
        *_positional: Any,
        output: Any = None,
        **_unknown: Any,
    ) -> WebTask[Any]:
        """Return the handle of a task that was started before, perhaps in another process; this sends nothing.

        Args:
            task_id: The task's id.
            output: As for `start`; here it only decides how the answer is decoded.

        Raises:
            ConfigurationError: The id or `output` is invalid.
        """
        names, others = tuple(_unknown), Sealed(_positional)
        del _unknown, _positional
        refuse_positional("get", "task's id", others)
        refuse_unknown("get", names, ("output",))
        return self._handle(self._find(task_id, output))

    @overload
    def resume(
        self,
        token: str,
        *,
        output: JsonSchemaLike | None = None,
    ) -> WebTask[Any]: ...
    @overload
    def resume(
        self,
        token: str,
        *,
        output: TypeForm[T],
    ) -> WebTask[T]: ...
    def resume(
        self,
        token: str,
        *_positional: Any,
        output: Any = None,
        **_unknown: Any,
    ) -> WebTask[Any]:
        """Return the handle of the task to which a token belongs; this sends nothing.

        Args:
            token: The text that `task.token()` returned, in this or another process.
            output: As for `start`; here it only decides how the answer is decoded.

        Raises:
            ConfigurationError: The token is damaged, has a later version, or belongs to another base URL.
        """
        names, others = tuple(_unknown), Sealed(_positional)
        del _unknown, _positional
        refuse_positional("resume", "token", others)
        refuse_unknown("resume", names, ("output",))
        return self._handle(self._find_by_token(token, output))

    @overload
    def run_in_one_request(
        self,
        prompt: str,
        *,
        output: JsonSchemaLike | None = None,
        http_timeout: float = DEFAULT_TIMEOUT,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]: ...
    @overload
    def run_in_one_request(
        self,
        prompt: str,
        *,
        output: TypeForm[T],
        http_timeout: float = DEFAULT_TIMEOUT,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[T]: ...
    @shows_options
    def run_in_one_request(
        self,
        prompt: str,
        *_positional: Any,
        output: Any = None,
        http_timeout: float = DEFAULT_TIMEOUT,
        **options: Unpack[TaskOptions],
    ) -> TaskResult[Any]:
        """Run a task in a single request, which the server holds open until the answer is ready.

        If the connection breaks, there is no id by which to find the task again: prefer `run`.

        Args:
            prompt: The task, in plain words.
            output: What the answer should be: a type, a JSON Schema as a dict (sent with the task; the answer is not
                validated), or a `JsonSchema` (the answer is validated). Without it the answer is any JSON.
            http_timeout: Seconds that the request may take; by default 30 minutes.
            **options: The API's optional fields; see `TaskOptions`.

        Returns:
            The task's answer.

        Raises:
            ConfigurationError: The prompt or an option is invalid; nothing was sent.
            StartOutcomeUnknownError: The task may or may not have run.
            AnchorError: The start was refused. If the API returned an id instead of a result, this method waits for the
                task, and also raises the errors of the handle's `result`.
        """
        sealed, others = Sealed(options), Sealed(_positional)
        del options, _positional
        refuse_positional("run_in_one_request", "prompt", others)

        def run(record: StartRecord) -> TaskResult[Any]:
            start = self._prepare_run_in_one_request(prompt, output, sealed, http_timeout=http_timeout)
            deadline = start.deadline
            task = self._start(start, record)
            del start  # as in `run`
            return task._result() if task.done else task._result_by(deadline, None)

        return StartRecord().watch(run)

    @overload
    def map(
        self,
        requests: Iterable[TaskRequest | str],
        *,
        output: JsonSchemaLike | None = None,
        max_running: int | None = None,
        ledger: Ledger | str | PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        attempts: int = 1,
        max_starts: int | None = None,
        wait: WaitPolicy | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> TaskOutcomes[Any]: ...
    @overload
    def map(
        self,
        requests: Iterable[TaskRequest | str],
        *,
        output: TypeForm[T],
        max_running: int | None = None,
        ledger: Ledger | str | PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        attempts: int = 1,
        max_starts: int | None = None,
        wait: WaitPolicy | None = None,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> TaskOutcomes[T]: ...
    def map(
        self,
        requests: Iterable[TaskRequest | str],
        *_positional: Any,
        output: Any = None,
        max_running: int | None = None,
        ledger: Ledger | str | PathLike[str] | None = None,
        timeout: float | None = DEFAULT_TIMEOUT,
        attempts: int = 1,
        max_starts: int | None = None,
        wait: WaitPolicy | None = None,
        on_progress: Callable[[Progress], object] | None = None,
        **_unknown: Any,
    ) -> TaskOutcomes[Any]:
        """Run many tasks, at most `max_running` at once, and iterate over their outcomes by a `for` loop.

        The outcomes come in the order in which the tasks end. A task that fails is an outcome with an error, and so is
        a request that is invalid. A start that the server may have accepted is never repeated. If the service refuses
        a start because too many tasks run, it is repeated later, and fewer tasks run at once.

        If the loop ends early, no more tasks are started, and those that run keep running; the outcomes that `stop`
        leaves, the note of the exception, or a warning in the log tell their ids.

        ::

            requests = [TaskRequest("Read the price", url=url, key=url) for url in urls]
            for outcome in anchor.tasks.map(requests, output=float, max_running=25, ledger="prices.ledger"):
                print(outcome.key, outcome.result().value)

        Args:
            requests: The tasks: prompts or `TaskRequest` objects. Requests with the same key are one task, and yield
                one outcome each. They are read in a thread of their own. If reading them
                raises an exception, it is raised after the outcomes of the tasks that were started.
            output: What the answers should be: a type, a JSON Schema as a dict (sent with the task; the answer is not
                validated), or a `JsonSchema` (the answer is validated). Without it the answers are any JSON.
            max_running: How many tasks may run at once; by default 5, and one after the other in a session. Starts also
                pause while so many outcomes have not been read.
            ledger: A `Ledger`, the path of its file, or the URL of its database, which remembers each start: run the
                program again after a crash, and it continues. Several processes may use the same ledger, and those of
                several machines the same database; they share its limit.
            timeout: Seconds that each task is waited for, from its start, by default 30 minutes; None for no deadline.
                A task that is still running then keeps its place for as long again.
            attempts: How often a task may be started in all if it fails, or if its answer does not fit `output`.
            max_starts: How many tasks may be started and paid for; None for any number.
            wait: How often to check each task; by default, the client's policy.
            on_progress: Called with the counts when they have changed, while the loop waits for the next outcome.

        Raises:
            ConfigurationError: An argument is invalid; nothing was sent.
            LedgerError: The ledger cannot be used; nothing was sent. The iteration raises it.
        """
        others, names, place = Sealed(_positional), tuple(_unknown), Sealed[object](ledger)
        del _positional, _unknown, ledger
        with _importing.lock:
            from anchor_webtask._tasks.many import MapArguments
            from anchor_webtask._tasks.sync_map import outcomes

        arguments = (output, self._max_running(max_running), timeout, attempts, max_starts, wait, on_progress, place)
        given = MapArguments(requests, others, names, *arguments)
        return outcomes(given, self._settings, self._prepare_one_of_many, self._start, self._handle)

    def _start(self, start: Start[T], record: StartRecord) -> WebTask[T]:
        def fetch(step: Fetch) -> Reply | Failure:
            response = self._sender.exchange(
                start.request.prepared,
                step.limit,
                slot=start.slot,
                redact=start.redact,
                connect=step.connect,
                record=record.new_exchange(start.request.redact),
            )
            return record.judged(start.read(response))

        counted = self._counted()
        try:
            reply = next(drive(start.steps, self._settings.clock, fetch, None))
        except StartOutcomeUnknownError as error:
            error.session_id = start.setup.session_id
            if error.task_id is None and self._is_only_start():
                with _importing.lock:
                    from anchor_webtask._tasks.sync_steps import run_steps

                run_steps(self._proof(error), self._sender, self._settings.clock)
            raise
        except AnchorError as error:
            error.session_id = start.setup.session_id
            self._refused(counted)
            raise
        task = self._handle(start.handle_parts(reply))
        log_start(task._state)
        return task

    def _handle(self, parts: HandleParts[T]) -> WebTask[T]:
        return WebTask(self._sender, parts.setup, parts.state, started=parts.started)
