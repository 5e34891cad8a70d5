"""Checks prompts, options and task ids, and builds the requests that start and check tasks."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast
from urllib.parse import urlsplit

import httpx

from anchor_webtask import _importing
from anchor_webtask._api import generated
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._http.prepared_request import PreparedRequest
from anchor_webtask._misuse import unknown_argument
from anchor_webtask._models import TaskOptions
from anchor_webtask._redaction.secrets import Redactor, ReleaseFrames, Sealed
from anchor_webtask._signals import reraise_from_handler

if TYPE_CHECKING:
    from anchor_webtask._config import Settings
    from anchor_webtask._output.decode import Output

MAX_ID_LENGTH: Final = 1024

_SCHEME_CHARACTERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz0123456789+.-")

_WITHOUT_HOST: Final = {"about", "data", "file", "view-source"}

_CONTROL: Final = r"[\x00-\x1f\x7f-\x9f]"  # compiled on first use
ENCODER: Final = json.JSONEncoder(allow_nan=False, ensure_ascii=False)

Options = Sealed[dict[str, Any]]


class StartRequest:
    """A start that is ready to be sent, and the redactor that knows its secrets."""

    __slots__ = ("prepared", "redact")

    def __init__(self, prepared: Sealed[PreparedRequest], redact: Redactor) -> None:
        self.prepared = prepared
        self.redact = redact


def start_request(
    prompt: object, output: Output[Any], options: Sealed[Any], settings: Settings, *, method: Method
) -> StartRequest:
    """Check the arguments of a start and build its request; if this raises, the traceback's frames hold no secret.

    Args:
        prompt: The prompt.
        output: How to ask for the answer.
        options: The API's optional fields.
        settings: The client's settings.
        method: The method that the user called.

    Raises:
        ConfigurationError: The prompt or an option is invalid.
    """
    if problem := _prompt_problem(prompt):
        raise ConfigurationError(problem)
    with ReleaseFrames():
        problem = _options_problem(options, method)
        given = Sealed({name: value for name, value in options.open().items() if value is not None})
        prepared = (
            None
            if problem
            else _prepared_start(
                settings.base_url,
                cast("str", prompt),
                output,
                given,
                in_one_request=method == "run_in_one_request",
            )
        )
        secrets = Sealed(()) if problem else _secret_texts(given)
    if problem:
        raise ConfigurationError(problem)
    if prepared is None:
        raise ConfigurationError(
            "extra_body must be JSON: it may contain only text, finite numbers, booleans, None, lists, and dicts whose "
            "keys are text"
        )
    redact = Redactor(Sealed((*settings.secrets.open(), *secrets.open()))) if secrets.open() else settings.redact
    return StartRequest(prepared, redact)


def status_request(base_url: str, task_id: str) -> Sealed[PreparedRequest]:
    """Build the request of a status check."""
    kwargs = generated.status_kwargs(task_id)
    return Sealed(prepared_request(httpx.URL(base_url + kwargs["url"]), kwargs))


def prepared_request(url: httpx.URL, kwargs: dict[str, Any]) -> PreparedRequest:
    """Prepare a request from the arguments of an httpx request, which the generated code returns."""
    params = kwargs.get("params")
    headers = tuple((name.encode(), value.encode()) for name, value in kwargs.get("headers", {}).items())
    return PreparedRequest(
        method=kwargs["method"].upper(),
        url=url.copy_merge_params(params) if params else url,
        headers=headers,
        content=kwargs.get("content", b""),
    )


@functools.lru_cache(maxsize=8)
def _start_url(url: str) -> httpx.URL:
    """Parse the URL of a start; the result is cached, since all starts of a client have the same URL."""
    return httpx.URL(url)


def checked_task_id(task_id: object) -> str:
    """Return a task id without the blanks around it, if it is valid in a URL path.

    Raises:
        ConfigurationError: The id is invalid.
    """
    if isinstance(task_id, str) and task_id.lstrip().startswith("{"):
        raise ConfigurationError("this is not a valid task id, but perhaps a token: pass a token to tasks.resume")
    if isinstance(task_id, str) and "://" in task_id:
        raise ConfigurationError("the task id is a URL: pass only the id, as the .id of a started task")
    given = task_id
    if isinstance(task_id, str) and task_id != task_id.strip():
        given = task_id.strip()  # only then: it returns a plain `str`, and an id with a secret must stay hidden
    if problem := task_id_problem(given):
        raise ConfigurationError(f"the task id {problem}: {_id_advice(given)}")
    return cast("str", given)


def _id_advice(task_id: object) -> str:
    for name in ("id", "task_id"):
        if hasattr(task_id, name):
            return f"pass its .{name}"
    return "pass the .id of a started task"


def task_id_problem(task_id: object) -> str | None:
    """Return why a value is not a valid task id; None if it is valid."""
    if not isinstance(task_id, str):
        return f"must be text, not {type(task_id).__name__}"
    if not task_id.strip():
        return "is empty"
    if not task_id.isprintable() and re.search(_CONTROL, task_id):
        return "contains a control character"
    if task_id in {".", ".."}:
        return f"must not be {task_id!r}, which has a special meaning in a URL path"
    return _identifier_problem(task_id)


def _identifier_problem(value: object) -> str | None:
    if (problem := text_problem(value)) or not isinstance(value, str):
        return problem
    return f"must have at most {MAX_ID_LENGTH} characters, not {len(value)}" if len(value) > MAX_ID_LENGTH else None


def text_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return f"must be text, not {type(value).__name__}"
    if not value.strip():
        return "is blank"
    return None if _is_unicode(value) else "contains only half of a surrogate pair, so it is not valid Unicode"


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def url_problem(value: object) -> str | None:
    if isinstance(value, list | tuple | set):
        return f"must be text, not {type(value).__name__}: start one task for each URL"
    if value is not None and not isinstance(value, str | bytes | int | float):
        return f"must be text, not {type(value).__name__}: pass str(url)"
    if (problem := text_problem(value)) or not isinstance(value, str):
        return problem
    if not _has_scheme(value.strip()):
        return "must start with https:// or http://, since the agent's browser cannot open your files"
    return None if _has_host(value.strip()) else "has no valid host: it must be such as https://shop.example/p/1"


def _has_scheme(url: str) -> bool:
    """Whether a URL has a scheme: a colon alone does not show it, since in `localhost:8080` it precedes a port."""
    scheme, colon, rest = url.lower().partition(":")
    if colon and scheme in {"about", "data"}:
        return True
    return rest.startswith("//") and scheme[:1].isalpha() and _SCHEME_CHARACTERS.issuperset(scheme)


def _has_host(url: str) -> bool:
    """Whether a URL has a host, if it is of a kind that has one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in _WITHOUT_HOST or (bool(parts.hostname) and not any(map(str.isspace, parts.netloc)))


def flag_problem(value: object) -> str | None:
    return None if isinstance(value, bool) else f"must be True or False, not {type(value).__name__}"


def _steps_problem(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"must be a whole number, not {type(value).__name__}"
    return None if value >= 1 else f"must be at least 1, not {value}"


def _secrets_problem(value: object) -> str | None:
    if not isinstance(value, Mapping):
        return f'must be a mapping from names to text, such as {{"PASSWORD": "…"}}, not {type(value).__name__}'
    for name, secret in value.items():
        if type(name) is type(secret) is str and _is_unicode(name + secret):
            continue
        inner = secret if isinstance(secret, Mapping) else {name: secret}
        if not all(isinstance(part, str) and _is_unicode(part) for pair in inner.items() for part in pair):
            return (
                "must map names to text, or domain patterns to mappings from names to text: "
                'write numbers as text, such as {"PIN": "1234"}'
            )
    return None


def _extra_problem(value: object) -> str | None:
    if not isinstance(value, Mapping):
        return f"must be a mapping of body fields, not {type(value).__name__}"
    for name in value:
        if not isinstance(name, str):
            return f"must have text as keys, not {type(name).__name__}"
        if name in _BODY_FIELDS:
            return f"must not have {name!r}, which is a field of the spec: {_BODY_FIELDS[name]}"
    return None


_CHECKS: Final[Mapping[str, Callable[[object], str | None]]] = {
    "url": url_problem,
    "session_id": _identifier_problem,
    "agent": text_problem,
    "provider": text_problem,
    "model": text_problem,
    "detect_elements": flag_problem,
    "human_intervention": flag_problem,
    "max_steps": _steps_problem,
    "secret_values": _secrets_problem,
    "highlight_elements": flag_problem,
    "extra_body": _extra_problem,
}
Method: TypeAlias = Literal["run", "start", "run_in_one_request", "TaskRequest"]
_ARGUMENTS: Final[Mapping[Method, tuple[str, ...]]] = {
    "run": ("output", "timeout", "wait", "on_start", "on_update", "on_question", "key", "ledger"),
    "start": ("output",),
    "run_in_one_request": ("output", "http_timeout"),
    "TaskRequest": ("key", "data"),
}
"""The arguments of each method that starts a task, and of `TaskRequest`, besides the prompt and the options."""

_BODY_FIELDS: Final[Mapping[str, str]] = {
    **{
        name: f"pass it as {name}=…" for name in TaskOptions.__annotations__ if name not in {"session_id", "extra_body"}
    },
    "prompt": "pass it as the prompt",
    "output_schema": "pass it as output=…",
    "async": "call start or run for true, run_in_one_request for false",
}


def _prompt_problem(prompt: object) -> str | None:
    problem = text_problem(prompt)
    if problem and isinstance(prompt, list | tuple | set):
        problem = f"{problem}: start one task for each prompt"
    elif problem and not (isinstance(prompt, str) and prompt.strip()):
        problem = f"{problem}: say in plain words what the agent should do"
    return problem and f"the prompt {problem}"


def _options_problem(options: Options, method: Method) -> str | None:
    for name, value in options.open().items():
        check = _CHECKS.get(name)
        if check is None:
            return _unknown_option(method, name)
        if value is not None and (problem := check(value)):
            return f"{name} {problem}"
    return None


def _unknown_option(method: Method, name: str) -> str:
    known = (*_ARGUMENTS[method], *_CHECKS)
    return unknown_argument(method, name, known, otherwise="Use extra_body for fields that the spec does not have yet")


def _prepared_start(
    base_url: str, prompt: str, output: Output[Any], options: Options, *, in_one_request: bool
) -> Sealed[PreparedRequest] | None:
    """Build the request of a start; return None if `extra_body` cannot be written as JSON."""
    fields = dict(options.open())
    session_id = fields.pop("session_id", None)
    extra_body = fields.pop("extra_body", {})
    if "url" in fields:
        fields["url"] = fields["url"].strip()
    if "secret_values" in fields:
        values = {name: v if isinstance(v, str) else dict(v) for name, v in fields["secret_values"].items()}
        fields["secret_values"] = generated.secret_values(values)
    if output.schema is not None:
        fields["output_schema"] = generated.output_schema(output.schema)
    if not in_one_request:
        fields["async_"] = True
    body = generated.start_models().PerformWebTaskRequestSchema(prompt=prompt, **fields)
    body.additional_properties.update(extra_body)
    kwargs = generated.start_kwargs(body, session_id)
    try:
        if extra_body and not _has_text_keys(extra_body):
            return None
        kwargs["content"] = ENCODER.encode(kwargs.pop("json")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        reraise_from_handler(error)
        return None
    return Sealed(prepared_request(_start_url(base_url + kwargs["url"]), kwargs))


def _has_text_keys(extra_body: Any) -> bool:
    with _importing.lock:
        from anchor_webtask._output.json_schema import has_text_keys

    return has_text_keys(extra_body)


def _secret_texts(options: Options) -> Sealed[tuple[str, ...]]:
    texts: list[str] = []
    for value in options.open().get("secret_values", {}).values():
        texts += (value,) if isinstance(value, str) else value.values()
    return Sealed(tuple(texts))
