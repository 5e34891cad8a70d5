"""Explains a call with an argument that it does not have: where the argument belongs, or which one is meant."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from anchor_webtask import _importing
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._models import TaskOptions

if TYPE_CHECKING:
    from typing import Any

    from anchor_webtask._redaction.secrets import Sealed

CLIENT_ARGUMENTS: Final = (
    *("api_key", "base_url", "http_timeout", "wait", "max_response_bytes", "proxy", "ssl_context", "transport"),
)
_RUN_ARGUMENTS: Final = ("on_start", "on_update")
_OTHER_NAMES: Final = {
    **dict.fromkeys(("output_schema", "output_type", "schema", "response_model", "response_format"), "output"),
    **dict.fromkeys(("key", "token", "apikey"), "api_key"),
    **dict.fromkeys(("website", "page", "start_url"), "url"),
    **dict.fromkeys(("secrets", "variables"), "secret_values"),
    **dict.fromkeys(("steps", "step_limit"), "max_steps"),
}
"""Names that other libraries and the API itself have for arguments of this package."""

_CANNOT_CANCEL: Final = "the API cannot cancel a task; to limit a task, start it with max_steps=…"
_NO_CANCEL: Final = dict.fromkeys(("cancel", "stop", "abort", "terminate", "kill", "delete"), _CANNOT_CANCEL)
CLIENT_HINTS: Final = {
    **{name: f"call tasks.{name}" for name in ("run", "map", "start", "get", "resume", "run_in_one_request")},
    **dict.fromkeys(("task", "agent", "tools", "perform_web_task"), "call tasks.run"),
    **_NO_CANCEL,
}
TASKS_HINTS: Final = {
    **_NO_CANCEL,
    **dict.fromkeys(("list", "all"), "the API cannot list tasks: store their ids"),
    **dict.fromkeys(("create", "submit"), "call start, which returns a handle, or run, which also waits"),
    **dict.fromkeys(("gather", "run_many", "imap"), "call map, which runs many tasks at once"),
    "result": "call it on a handle, which start, get and resume return",
    **dict.fromkeys(("wait", "join"), "call result on a handle, which start, get and resume return"),
    **dict.fromkeys(("status", "refresh", "updates", "token"), "it belongs to a handle, such as that of get(task_id)"),
}
_HANDLE_HINTS: Final = {
    **_NO_CANCEL,
    **dict.fromkeys(("value", "output", "answer", "data", "text", "json"), "wait for the answer: {result}.value"),
    "raw": "wait for the answer: {result}.raw",
    **dict.fromkeys(("wait", "join", "get", "run"), "wait for the result: {result}"),
    **dict.fromkeys(("error", "exception", "reason"), "if the task fails, {result} raises a TaskFailedError"),
    **dict.fromkeys(("poll", "check", "reload", "update"), "to check the task once, call {refresh}"),
    **dict.fromkeys(("state", "raw_status"), "it is named status"),
    **dict.fromkeys(("is_done", "finished", "completed", "ended", "running"), "use done"),
    **dict.fromkeys(("task_id", "workflow_id"), "use id"),
    **dict.fromkeys(("progress", "stream", "events"), "iterate over updates()"),
}
"""What to use instead of an attribute; `{result}` and `{refresh}` are the calls, which an async handle awaits."""
_NOT_NEEDED: Final = dict.fromkeys(
    ("max_retries", "retries"), "what is safe to send again is sent again until the deadline, without a setting"
)
_INTERVALS: Final = frozenset({"interval", "poll_interval", "polling_interval", "delay", "minimum"})
_WAITS_LATER: Final = "it does not wait; pass timeout to the handle: task.result(timeout=…)"
_TIMEOUTS: Final = {
    "start": _WAITS_LATER,
    "get": _WAITS_LATER,
    "resume": _WAITS_LATER,
    "TaskRequest": "pass timeout=… to tasks.map, which applies it to each task",
    "run_in_one_request": "pass http_timeout=…, which limits its only request",
    "sessions.open": "pass minutes as idle_timeout=… or max_duration=…; run has a timeout for its task",
    "Anchor": "pass http_timeout=… to limit one request; run and result have a timeout for the complete wait",
}
_QUESTIONS: Final = {
    "start": "pass it to result of the handle, and human_intervention=True here",
    **dict.fromkeys(("get", "resume"), "pass it to the handle: task.result(on_question=…)"),
    "updates": "only run and result ask questions: call task.result(on_question=…)",
}


def unknown_argument(call: str, name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return the message for a keyword argument that a call does not have.

    Args:
        call: The name of the method, or of the class whose instance is created.
        name: The argument's name.
        known: The names of the keyword arguments that the call has.
        otherwise: What else to do if it is unknown which argument is meant; a sentence.
    """
    known = (*known,)
    advice = _advice(call, name, known)
    if advice is None:
        with _importing.lock:
            import difflib

        near = difflib.get_close_matches(name, known, n=1)
        advice = f"did you mean {near[0]}?" if near else f"its arguments are {', '.join(known)}."
        advice = f"{advice} {otherwise}" if otherwise else advice.rstrip(".")
    return f"{call} has no argument {name!r}: {advice}"


def _advice(call: str, name: str, known: tuple[str, ...]) -> str | None:
    kind = call.removeprefix("Async")
    meant = _OTHER_NAMES.get(name, name)
    if meant in known:
        return f"pass it as {meant}=…"
    if meant == "url" and kind == "sessions.open":
        return "pass it as initial_url=…"
    if name in _INTERVALS and "wait" in known:
        return "pass it as wait=WaitPolicy(minimum=…)"
    if name == "timeout":
        return _TIMEOUTS.get(kind)
    if name in _NOT_NEEDED:
        return _NOT_NEEDED[name]
    if name in {"key", "ledger"} and kind in {"start", "run_in_one_request"}:
        return "run and map have it"
    if meant in CLIENT_ARGUMENTS:
        return f"pass it to the client: Anchor({meant}=…)"
    if meant == "on_question":
        return _QUESTIONS.get(kind, "only run and result have it")
    if meant in _RUN_ARGUMENTS:
        return "only run has it"
    if meant in TaskOptions.__annotations__:
        return f"pass it when the task is started: tasks.run({meant}=…)"
    if meant in {"output", "prompt"}:
        return f"pass it to tasks.run or tasks.start, as {meant}=…"
    return None


def handle_hints(*, result: str, refresh: str) -> Mapping[str, str]:
    """Return what to use instead of attributes that a handle does not have.

    Args:
        result: How the result is got from a handle.
        refresh: How a handle checks its task once.
    """
    return {name: hint.format(result=result, refresh=refresh) for name, hint in _HANDLE_HINTS.items()}


def missing_attribute(owner: object, name: str, hints: Mapping[str, str]) -> AttributeError:
    """Return the error for an attribute that an object does not have, with what to use instead if that is known."""
    hint = f": {hints[name]}" if name in hints else ""
    return AttributeError(f"{type(owner).__name__!r} object has no attribute {name!r}{hint}", name=name, obj=owner)


def refuse_unknown(call: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Refuse the keyword arguments that a call does not have.

    Raises:
        ConfigurationError: There is such an argument.
    """
    for name in names:
        raise ConfigurationError(unknown_argument(call, name, known))


def refuse_positional(call: str, first: str | None, given: Sealed[tuple[Any, ...]]) -> None:
    """Refuse arguments that were passed by position after the first one, and say how to pass them.

    Args:
        call: The name of the method, or of the class whose instance is created.
        first: What the first one is; None if nothing may be passed by position.
        given: The other ones.

    Raises:
        ConfigurationError: There is such an argument.
    """
    if not given.open():
        return
    hint = _keyword(call, given.open()[0])
    accepted = "nothing" if first is None else f"only the {first}"
    raise ConfigurationError(f"{call} accepts {accepted} by position: {hint}")


def _keyword(call: str, value: object) -> str:
    """Return how to pass a value, as far as its kind shows what it is meant for."""
    if call in {"Anchor", "AsyncAnchor"}:
        return _client_keyword(value)
    if call == "sessions.open":
        is_url = isinstance(value, str) and "://" in value
        return "pass the URL as initial_url=…" if is_url else "pass each by name, such as idle_timeout=…"
    is_start = call not in {"get", "resume"}
    if isinstance(value, str) and "://" in value and is_start:
        return "pass the URL as url=…"
    if isinstance(value, type | types.GenericAlias | types.UnionType) or (isinstance(value, Mapping) and not is_start):
        return "pass the type of the answer as output=…"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"pass the seconds as timeout=…{'' if call == 'run' else ' to task.result'}"
    return f"pass the others by name, such as {'url=… or output=…' if is_start else 'output=…'}"


def _client_keyword(value: object) -> str:
    if isinstance(value, str) and "://" in value:
        return "pass the URL as base_url=…"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "pass the seconds of one request as http_timeout=…"
    return "pass the others by name, such as base_url=… or http_timeout=…"
