"""From what the user asks for to the arguments of one request, or to words that say what can't be right about it."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

import httpx

from anchor_webtask import _spec
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._guarded import Prepared
from anchor_webtask._json_schema import has_text_keys
from anchor_webtask._secrets import Redactor, Releasing, Sealed
from anchor_webtask._types import TaskOptions

if TYPE_CHECKING:
    from anchor_webtask._output import Output
    from anchor_webtask._settings import Settings

LONGEST_ID: Final = 1024

# `localhost:8080` has a port there, not a scheme.
_SCHEME: Final = r"(?i)[a-z][a-z0-9+.-]*://[^\s]|(about|data):"  # compiled when first used: that takes a millisecond

Options = Sealed[dict[str, Any]]


class StartRequest(NamedTuple):
    """A start, ready to be sent, and what knows the secrets in it."""

    prepared: Sealed[Prepared]
    redact: Redactor


def start_request(
    prompt: object, output: Output[Any], options: Sealed[Any], settings: Settings, *, in_one_request: bool
) -> StartRequest:
    """Check a start and build its request; no frame of this function holds a secret when it raises.

    Raises:
        ConfigurationError: The prompt or an option can't be right.
    """
    if problem := _prompt_problem(prompt):
        raise ConfigurationError(problem)
    with Releasing():
        problem = _options_problem(options)
        given = Sealed({name: value for name, value in options.open().items() if value is not None})
        prepared = (
            None
            if problem
            else _prepared_start(settings.base_url, cast("str", prompt), output, given, in_one_request=in_one_request)
        )
        secrets = Sealed(()) if problem else _secret_texts(given)
    if problem:
        raise ConfigurationError(problem)
    if prepared is None:
        raise ConfigurationError(
            "extra_body must be JSON all through: dicts with text as keys, lists, text, finite numbers"
        )
    redact = Redactor(Sealed((settings.key.open(), *secrets.open()))) if secrets.open() else settings.redact
    return StartRequest(prepared, redact)


def status_request(base_url: str, task_id: str) -> Sealed[Prepared]:
    """Build the request of a status check."""
    kwargs = _spec.status_kwargs(task_id)
    return Sealed(_prepared(httpx.URL(base_url + kwargs["url"]), kwargs))


def _prepared(url: httpx.URL, kwargs: dict[str, Any]) -> Prepared:
    """Prepare a request from httpx's arguments, as the generated code gives them."""
    params = kwargs.get("params")
    headers = tuple((name.encode(), value.encode()) for name, value in kwargs.get("headers", {}).items())
    return Prepared(
        method=kwargs["method"].upper(),
        url=url.copy_merge_params(params) if params else url,
        headers=headers,
        content=kwargs.get("content", b""),
    )


@functools.lru_cache(maxsize=8)
def _start_url(url: str) -> httpx.URL:
    """Return the URL of a start, which is the same for all of a client."""
    return httpx.URL(url)


def checked_task_id(task_id: object) -> str:
    """Return a task's id that may stand in a path.

    Raises:
        ConfigurationError: It is none.
    """
    if problem := task_id_problem(task_id):
        raise ConfigurationError(f"the task id {problem}: pass the .id of a started task")
    return cast("str", task_id)


def task_id_problem(task_id: object) -> str | None:
    """Say why something can't be a task's id; None if it can."""
    if not isinstance(task_id, str):
        return f"must be text, not {type(task_id).__name__}"
    if not task_id.strip():
        return "is empty"
    if task_id in {".", ".."}:
        return f"is {task_id!r}, which a path takes for a folder"
    return _identifier_problem(task_id)


def _identifier_problem(value: object) -> str | None:
    if (problem := _text_problem(value)) or not isinstance(value, str):
        return problem
    return f"has more than {LONGEST_ID} characters" if len(value) > LONGEST_ID else None


def _text_problem(value: object) -> str | None:
    if not isinstance(value, str):
        return f"must be text, not {type(value).__name__}"
    if not value.strip():
        return "is blank"
    return None if _is_unicode(value) else "has half a surrogate pair, which is no Unicode text"


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _url_problem(value: object) -> str | None:
    if (problem := _text_problem(value)) or not isinstance(value, str):
        return problem
    if not re.match(_SCHEME, value):
        return "has no scheme: write it with https:// or http://"
    return None


def _flag_problem(value: object) -> str | None:
    return None if isinstance(value, bool) else f"must be True or False, not {type(value).__name__}"


def _steps_problem(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return f"must be a whole number, not {type(value).__name__}"
    return None if value >= 1 else f"must be at least 1, not {value}"


def _secrets_problem(value: object) -> str | None:
    if not isinstance(value, Mapping):
        return f"must map names to text, not be {type(value).__name__}"
    for name, secret in value.items():
        inner = secret if isinstance(secret, Mapping) else {name: secret}
        if not all(isinstance(part, str) and _is_unicode(part) for pair in inner.items() for part in pair):
            return "must map names to text, or domain patterns to such a mapping; one value is neither"
    return None


def _extra_problem(value: object) -> str | None:
    if not isinstance(value, Mapping):
        return f"must be a mapping of body fields, not {type(value).__name__}"
    for name in value:
        if not isinstance(name, str):
            return f"must have text as keys, not {type(name).__name__}"
        if name in _BODY_FIELDS:
            return f"has {name!r}, which the spec knows: pass {_BODY_FIELDS[name]}"
    return None


_CHECKS: Final[Mapping[str, Callable[[object], str | None]]] = {
    "url": _url_problem,
    "session_id": _identifier_problem,
    "agent": _text_problem,
    "provider": _text_problem,
    "model": _text_problem,
    "detect_elements": _flag_problem,
    "human_intervention": _flag_problem,
    "max_steps": _steps_problem,
    "secret_values": _secrets_problem,
    "highlight_elements": _flag_problem,
    "extra_body": _extra_problem,
}
_BODY_FIELDS: Final[Mapping[str, str]] = {
    **{name: f"it as {name}=…" for name in TaskOptions.__annotations__ if name not in {"session_id", "extra_body"}},
    "prompt": "it as the prompt",
    "output_schema": "it as output=…",
    "async": "it by the method you call: start and run are asynchronous, run_in_one_request isn't",
}


def _prompt_problem(prompt: object) -> str | None:
    problem = _text_problem(prompt)
    return problem and f"the prompt {problem}"


def _options_problem(options: Options) -> str | None:
    for name, value in options.open().items():
        check = _CHECKS.get(name)
        if check is None:
            import difflib

            near = difflib.get_close_matches(name, _CHECKS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"the options are {', '.join(_CHECKS)}"
            return f"there is no option {name!r}: {hint} What the spec doesn't know yet goes into extra_body"
        if value is not None and (problem := check(value)):
            return f"{name} {problem}"
    return None


def _prepared_start(
    base_url: str, prompt: str, output: Output[Any], options: Options, *, in_one_request: bool
) -> Sealed[Prepared] | None:
    """Prepare a start; None where `extra_body` can't be written as JSON."""
    from anchor_webtask_api.models.perform_web_task_request_schema import PerformWebTaskRequestSchema
    from anchor_webtask_api.models.perform_web_task_request_schema_output_schema import (
        PerformWebTaskRequestSchemaOutputSchema,
    )
    from anchor_webtask_api.models.perform_web_task_request_schema_secret_values import (
        PerformWebTaskRequestSchemaSecretValues,
    )

    fields = dict(options.open())
    session_id = fields.pop("session_id", None)
    extra_body = fields.pop("extra_body", {})
    if "secret_values" in fields:
        secrets = {name: dict(v) if isinstance(v, Mapping) else v for name, v in fields["secret_values"].items()}
        fields["secret_values"] = PerformWebTaskRequestSchemaSecretValues.from_dict(secrets)
    if output.schema is not None:
        fields["output_schema"] = PerformWebTaskRequestSchemaOutputSchema.from_dict(output.schema)
    if not in_one_request:
        fields["async_"] = True
    body = PerformWebTaskRequestSchema(prompt=prompt, **fields)
    body.additional_properties.update(extra_body)
    kwargs = _spec.start_kwargs(body, session_id)
    try:
        if not has_text_keys(extra_body):
            return None
        kwargs["content"] = json.dumps(kwargs.pop("json"), allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return None
    return Sealed(_prepared(_start_url(base_url + kwargs["url"]), kwargs))


def _secret_texts(options: Options) -> Sealed[tuple[str, ...]]:
    texts: list[str] = []
    for value in options.open().get("secret_values", {}).values():
        texts += value.values() if isinstance(value, Mapping) else (value,)
    return Sealed(tuple(texts))
