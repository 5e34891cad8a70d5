"""Invalid arguments: both clients refuse them before any request; the error says what to do, and shows no secret."""

from __future__ import annotations

import json
import math
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from anchor_webtask import Anchor, AsyncAnchor, ConfigurationError, TaskResult
from tests.support.errors import raised
from tests.support.runners import KEY
from tests.support.secret_search import exception_texts, find_secrets, secret_parts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.runners import Runner

BASE_URL = "https://api.example/base"
SECRET = "hunter2-s3cret"
STARTS = ["run", "start", "run_in_one_request"]
DAMAGED = (
    "the token is damaged: pass the text that task.token() returned, unchanged; to find a task by its id, use tasks.get"
)
TOKEN = {"version": 1, "task_id": "task-1", "base_url": BASE_URL, "started": None, "wrapped": False}


@pytest.fixture
def unused_transport() -> Iterator[httpx.MockTransport]:
    """A transport that fails the test if a client uses it."""
    sent: list[str] = []

    def respond(request: httpx.Request) -> httpx.Response:
        sent.append(f"{request.method} {request.url}")
        return httpx.Response(500)

    yield httpx.MockTransport(respond)
    assert sent == []


@pytest.fixture(params=[Anchor, AsyncAnchor])
def client(request: pytest.FixtureRequest) -> type[Anchor | AsyncAnchor]:
    """The client's class: `Anchor` in one run of the test, `AsyncAnchor` in another."""
    kind: type[Anchor | AsyncAnchor] = request.param
    return kind


@pytest.fixture
def anchor(runner: Runner, unused_transport: httpx.MockTransport) -> Iterator[Any]:
    """A client that fails the test if it sends a request."""
    with runner.anchor(base_url=BASE_URL, transport=unused_transport) as made:
        yield made


def safe_text(error: ConfigurationError, *hidden: str) -> str:
    """Check that the error contains neither the key nor one of the hidden values, and return the error's text."""
    assert error.__cause__ is error.__context__ is None
    assert find_secrets(exception_texts(error), secret_parts(KEY, *hidden)) == []
    return str(error)


def error_of(client: type[Anchor | AsyncAnchor], **arguments: Any) -> ConfigurationError:
    """Create a client with these invalid arguments, and return the error that is raised."""
    with pytest.raises(ConfigurationError) as caught:
        client(**arguments)
    return caught.value


# -- Clients -------------------------------------------------------------------------------------------------------

NO_KEY = "no API key: pass api_key, or set ANCHORBROWSER_API_KEY"
EMPTY_KEY = "the API key is empty: pass api_key, or set ANCHORBROWSER_API_KEY"
INVALID_KEY = "the API key has an invalid character (white space, a line break, or not ASCII): copy it again"
DURATIONS: list[tuple[Any, str]] = [
    *((value, "") for value in (0, -1, math.nan, math.inf, True)),
    ("30", ": pass the number, without quotes"),
    (timedelta(seconds=30), ": pass .total_seconds()"),
]
CONTAINS_V1 = "base_url must not contain /v1: the client adds /v1/… itself, so end before it"
INVALID_URL = "base_url must be a URL with scheme and host, such as https://api.anchorbrowser.io"
NOT_HTTPS = "base_url must use https, to protect the API key; http is accepted only for loopback addresses"
HAS_USER = "base_url must not have a user part (user:password@): the API key is sent in a header"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"api_key": None}, NO_KEY),
        ({"api_key": ""}, EMPTY_KEY),
        ({"api_key": " \n"}, EMPTY_KEY),
        ({"api_key": f"{KEY}\n"}, INVALID_KEY),
        ({"api_key": f" {KEY}"}, INVALID_KEY),
        ({"api_key": f"{KEY}é"}, INVALID_KEY),
        ({"api_key": f"{KEY}\x00"}, INVALID_KEY),
        ({"api_key": f"{KEY}\ud800"}, INVALID_KEY),
        ({"api_key": f"“{KEY}”"}, INVALID_KEY),
        *(({"api_key": f"{quote}{KEY}{quote}"}, "the API key is in quotes: remove them") for quote in "\"'`"),
        ({"api_key": KEY.encode()}, "the API key must be text, not bytes"),
        ({"api_key": 7}, "the API key must be text, not int"),
        ({"base_url": "http://api.example"}, NOT_HTTPS),
        ({"base_url": "http://10.0.0.1:8080"}, NOT_HTTPS),
        ({"base_url": "http://127.0.0.1.api.example"}, NOT_HTTPS),
        ({"base_url": "http://localhost.example"}, NOT_HTTPS),
        ({"base_url": "http://[::2]"}, NOT_HTTPS),
        ({"base_url": "ftp://localhost"}, NOT_HTTPS),
        ({"base_url": "wss://api.example"}, NOT_HTTPS),
        ({"base_url": f"https://me:{SECRET}@api.example"}, HAS_USER),
        ({"base_url": "https://me@api.example"}, HAS_USER),
        ({"base_url": f"http://me:{SECRET}@localhost"}, HAS_USER),
        ({"base_url": f"https://:{SECRET}@api.example"}, HAS_USER),
        ({"base_url": f"https://me:{SECRET}@"}, INVALID_URL),
        ({"base_url": f"https://me:{SECRET}@api.example:port"}, INVALID_URL),
        ({"base_url": ""}, INVALID_URL),
        ({"base_url": " "}, INVALID_URL),
        ({"base_url": "api.example"}, INVALID_URL),
        ({"base_url": "/v1"}, INVALID_URL),
        ({"base_url": "https://"}, INVALID_URL),
        ({"base_url": "https:api.example"}, INVALID_URL),
        ({"base_url": "https://xn--a"}, INVALID_URL),
        ({"base_url": "https://xn--ls8h.example"}, INVALID_URL),
        ({"base_url": "https://api..example"}, INVALID_URL),
        ({"base_url": "https://.example"}, INVALID_URL),
        ({"base_url": f"https://{'a' * 64}.example"}, INVALID_URL),
        ({"base_url": "https://api.example/\x00"}, INVALID_URL),
        ({"base_url": "https://api.example?x=1"}, "base_url must not have a query (?…) or a fragment (#…)"),
        ({"base_url": "https://api.example#x"}, "base_url must not have a query (?…) or a fragment (#…)"),
        *(
            ({"base_url": f"https://api.example{path}"}, CONTAINS_V1)
            for path in ("/v1", "/v1/", "/base/v1", "/v1/tools/perform-web-task")
        ),
        ({"base_url": b"https://api.example"}, "base_url must be text, not bytes"),
        ({"base_url": 7}, "base_url must be text, not int"),
        ({"api_key": "https://api.example"}, "the API key is a URL: pass it as base_url=…"),
        *(
            ({"http_timeout": value}, f"http_timeout must be a number of seconds above 0, not {value!r}{advice}")
            for value, advice in (*DURATIONS, (None, ""))
        ),
        *(
            ({"max_response_bytes": value}, f"max_response_bytes must be a whole number above 0, not {value!r}")
            for value in (0, -1, 1.5, "1", True, None)
        ),
        ({"wait": 5}, "wait must be a WaitPolicy, such as WaitPolicy(minimum=5), not int"),
        ({"wait": {"minimum": 5}}, "wait must be a WaitPolicy, such as WaitPolicy(minimum=5), not dict"),
    ],
    ids=str,
)
def test_client_with_an_invalid_argument_is_refused(
    arguments: dict[str, Any], message: str, client: type[Anchor | AsyncAnchor]
) -> None:
    error = error_of(client, **{"api_key": KEY, **arguments})
    assert safe_text(error) == message
    assert SECRET not in f"{error}{error!r}"


@pytest.mark.parametrize(("key", "message"), [("", EMPTY_KEY), ("   ", EMPTY_KEY), ("schlüssel", INVALID_KEY)])
def test_invalid_key_from_the_environment_is_refused(
    key: str, message: str, client: type[Anchor | AsyncAnchor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORBROWSER_API_KEY", key)
    assert str(error_of(client)) == message.replace("the API key", "the API key in ANCHORBROWSER_API_KEY")


def test_invalid_base_url_from_the_environment_is_refused(
    client: type[Anchor | AsyncAnchor], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANCHORBROWSER_BASE_URL", "http://api.example")
    assert str(error_of(client, api_key=KEY)) == NOT_HTTPS.replace("base_url", "ANCHORBROWSER_BASE_URL")


# -- Starts --------------------------------------------------------------------------------------------------------


class NotJson:
    """A class whose objects cannot be written as JSON."""


NOT_JSON = "must be JSON"
IN_WORDS = ": say in plain words what the agent should do"
SUCH_AS = 'such as {"PASSWORD": "…"}, not'
REFUSED_STARTS: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, f"the prompt is blank{IN_WORDS}"),
    ({"prompt": " \n\t"}, f"the prompt is blank{IN_WORDS}"),
    ({"prompt": None}, f"the prompt must be text, not NoneType{IN_WORDS}"),
    ({"prompt": b"Read"}, f"the prompt must be text, not bytes{IN_WORDS}"),
    ({"prompt": ["Read", "Write"]}, "the prompt must be text, not list: start one task for each prompt"),
    ({"url": ["https://shop.example"]}, "url must be text, not list: start one task for each URL"),
    ({"url": "/home/ada/page.html"}, "url must start with https:// or http://, since the agent's"),
    ({"prompt": "\ud83d"}, "the prompt contains only half of a surrogate pair, so it is not valid Unicode"),
    *(
        ({"url": value}, "url must start with https:// or http://, since the agent's browser cannot open your files")
        for value in (
            "shop.example",
            "localhost:8080",
            "//shop.example",
            "/p/1",
            "https:shop.example",
            "javascript:alert(1)",
            "x y",
        )
    ),
    *(
        ({"url": value}, "url has no valid host: it must be such as https://shop.example/p/1")
        for value in ("https://", "http:///p/1", "http://[::1", "https://a b.example/p/1", "HTTPS://:80/", "http://?q")
    ),
    ({"url": ""}, "url is blank"),
    ({"url": 7}, "url must be text, not int"),
    ({"url": httpx.URL("https://shop.example")}, "url must be text, not URL: pass str(url)"),
    ({"max_steps": 0}, "max_steps must be at least 1, not 0"),
    ({"max_steps": -5}, "max_steps must be at least 1, not -5"),
    ({"max_steps": 1.5}, "max_steps must be a whole number, not float"),
    ({"max_steps": "5"}, "max_steps must be a whole number, not str"),
    ({"max_steps": True}, "max_steps must be a whole number, not bool"),
    *(({name: " "}, f"{name} is blank") for name in ("session_id", "agent", "provider", "model")),
    *(({name: 7}, f"{name} must be text, not int") for name in ("session_id", "agent", "provider", "model")),
    *(
        ({name: "\udfff"}, f"{name} contains only half of a surrogate pair")
        for name in ("url", "session_id", "agent", "model")
    ),
    ({"session_id": "x" * 1025}, "session_id must have at most 1024 characters, not 1025"),
    *(
        ({name: value}, f"{name} must be True or False, not {type(value).__name__}")
        for name in ("detect_elements", "human_intervention", "highlight_elements")
        for value in (1, "yes")
    ),
    ({"secret_values": SECRET}, f"secret_values must be a mapping from names to text, {SUCH_AS} str"),
    ({"secret_values": [("password", SECRET)]}, f"secret_values must be a mapping from names to text, {SUCH_AS} list"),
    *(
        (
            {"secret_values": value},
            "secret_values must map names to text, or domain patterns to mappings from names to text: write numbers as",
        )
        for value in (
            {"password": SECRET, "pin": 7},
            {"password": SECRET, "pin": None},
            {"password": [SECRET]},
            {"password": SECRET.encode()},
            {7: SECRET},
            {"*.example": {"password": SECRET, "pin": 7}},
            {"*.example": {7: SECRET}},
            {"*.example": {"login": {"password": SECRET}}},
            {"password": f"{SECRET}\ud800"},
        )
    ),
    ({"extra_body": [1]}, "extra_body must be a mapping of body fields, not list"),
    ({"extra_body": {7: 1}}, "extra_body must have text as keys, not int"),
    *(
        ({"extra_body": {"not_in_the_spec": value}}, f"extra_body {NOT_JSON}")
        for value in (NotJson(), {1, 2}, b"x", math.nan, math.inf, {(1, 2): 3}, "\ud800")
    ),
    *(({"output": {"type": value}}, f"output {NOT_JSON}") for value in (NotJson(), math.nan, str)),
    ({"output": "object"}, "output must be a type or a JSON Schema, not the text 'object'"),
    ({"output": {}}, "output is empty: pass a JSON Schema, or leave output out"),
    (
        {"extra_body": {"url": "https://shop.example"}},
        "extra_body must not have 'url', which is a field of the spec: pass it as url=…",
    ),
    (
        {"extra_body": {"secret_values": {"a": SECRET}}},
        "extra_body must not have 'secret_values', which is a field of the spec: pass it",
    ),
    (
        {"extra_body": {"prompt": "Read"}},
        "extra_body must not have 'prompt', which is a field of the spec: pass it as the prompt",
    ),
    (
        {"extra_body": {"output_schema": {}}},
        "extra_body must not have 'output_schema', which is a field of the spec: pass it as output=…",
    ),
    (
        {"extra_body": {"async": True}},
        "extra_body must not have 'async', which is a field of the spec: call start or run for true, "
        "run_in_one_request for false",
    ),
]


@pytest.mark.parametrize(("arguments", "message"), REFUSED_STARTS, ids=lambda it: ascii(it)[:60])
def test_start_with_an_invalid_argument_is_refused(
    arguments: dict[str, Any], message: str, runner: Runner, anchor: Any
) -> None:
    options = {"prompt": "Read the price", "secret_values": {"password": SECRET}, **arguments}
    for method in STARTS:
        error = raised(ConfigurationError, runner, getattr(anchor.tasks, method), **options)
        assert safe_text(error, SECRET).startswith(message)
        assert error.task_id is None


USE_EXTRA_BODY = "Use extra_body for fields that the spec does not have yet"


@pytest.mark.parametrize(
    ("method", "name", "advice"),
    [
        *((method, "ulr", f"did you mean url? {USE_EXTRA_BODY}") for method in STARTS),
        ("start", "maxsteps", "did you mean max_steps?"),
        ("run", "secrets_value", "did you mean secret_values?"),
        (
            "run",
            "headless",
            "its arguments are output, timeout, wait, on_start, on_update, on_question, key, ledger, url,",
        ),
        ("start", "headless", "its arguments are output, url, session_id, agent,"),
        *((method, "output_schema", "pass it as output=…") for method in (*STARTS, "get", "resume")),
        ("run", "response_model", "pass it as output=…"),
        ("run", "secrets", "pass it as secret_values=…"),
        ("run", "poll_interval", "pass it as wait=WaitPolicy(minimum=…)"),
        ("run", "http_timeout", "pass it to the client: Anchor(http_timeout=…)"),
        ("run", "api_key", "pass it to the client: Anchor(api_key=…)"),
        *(
            (method, "timeout", "it does not wait; pass timeout to the handle: task.result(timeout=…)")
            for method in ("start", "get", "resume")
        ),
        ("run_in_one_request", "timeout", "pass http_timeout=…, which limits its only request"),
        ("start", "wait", "pass it to the client: Anchor(wait=…)"),
        ("start", "on_update", "only run has it"),
        ("start", "on_question", "pass it to result of the handle, and human_intervention=True here"),
        *((method, "on_question", "pass it to the handle: task.result(on_question=…)") for method in ("get", "resume")),
        *((method, "on_question", "only run and result have it") for method in ("run_in_one_request", "map")),
        ("get", "url", "pass it when the task is started: tasks.run(url=…)"),
        ("get", "out", "did you mean output?"),
        ("resume", "base", "its arguments are output"),
    ],
)
def test_unknown_argument_of_a_method_is_refused_and_the_error_says_where_it_belongs(
    method: str, name: str, advice: str, runner: Runner, anchor: Any
) -> None:
    error = raised(ConfigurationError, runner, getattr(anchor.tasks, method), "Read", **{name: SECRET})
    assert safe_text(error, SECRET).startswith(f"{method} has no argument {name!r}: {advice}")


@pytest.mark.parametrize(
    ("method", "name", "advice"),
    [
        ("updates", "on_question", "only run and result ask questions: call task.result(on_question=…)"),
        ("updates", "time_out", "did you mean timeout?"),
        ("result", "on_update", "only run has it"),
        ("result", "output", "pass it to tasks.run or tasks.start, as output=…"),
        ("result", "secret_values", "pass it when the task is started: tasks.run(secret_values=…)"),
        ("result", "question", "did you mean on_question?"),
    ],
)
def test_unknown_argument_of_a_handle_is_refused_and_the_error_says_where_it_belongs(
    method: str, name: str, advice: str, runner: Runner, anchor: Any
) -> None:
    call = getattr(anchor.tasks.get("task-1"), method)
    error = raised(ConfigurationError, runner, call, **{name: SECRET})
    assert safe_text(error, SECRET).startswith(f"{method} has no argument {name!r}: {advice}")


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({"timeout": 30}, "pass http_timeout=… to limit one request; run and result have a timeout for the complete"),
        ({"key": SECRET}, "pass it as api_key=…"),
        ({"baseurl": "https://api.example"}, "did you mean base_url?"),
        ({"url": "https://shop.example"}, "pass it when the task is started: tasks.run(url=…)"),
        ({"output": int}, "pass it to tasks.run or tasks.start, as output=…"),
        ({"max_retries": 3}, "what is safe to send again is sent again until the deadline, without a setting"),
        ({"verbose": True}, "its arguments are api_key, base_url, http_timeout, wait, max_response_bytes, proxy,"),
    ],
    ids=str,
)
def test_unknown_argument_of_a_client_is_refused(
    arguments: dict[str, Any], advice: str, client: type[Anchor | AsyncAnchor]
) -> None:
    error = error_of(client, **{"api_key": KEY, **arguments})
    assert safe_text(error, SECRET).startswith(f"{client.__name__} has no argument {next(iter(arguments))!r}: {advice}")


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        (f"https://api.example/{SECRET}", "pass the URL as base_url=…"),
        (30, "pass the seconds of one request as http_timeout=…"),
        (SECRET, "pass the others by name, such as base_url=… or http_timeout=…"),
    ],
)
def test_second_argument_of_a_client_by_position_is_refused_and_the_error_says_how_to_pass_it(
    given: object, advice: str, client: Any
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        client(KEY, given)
    message = f"{client.__name__} accepts only the API key by position: {advice}"
    assert safe_text(caught.value, SECRET) == message


@pytest.mark.parametrize(
    ("method", "given", "message"),
    [
        *((method, "https://shop.example", "the prompt by position: pass the URL as url=…") for method in STARTS),
        ("run", int, "the prompt by position: pass the type of the answer as output=…"),
        ("run", list[int], "the prompt by position: pass the type of the answer as output=…"),
        ("run", 600, "the prompt by position: pass the seconds as timeout=…"),
        ("start", 600, "the prompt by position: pass the seconds as timeout=… to task.result"),
        ("start", {"password": SECRET}, "the prompt by position: pass the others by name, such as url=… or output=…"),
        ("get", int, "the task's id by position: pass the type of the answer as output=…"),
        ("resume", {"type": "object"}, "the token by position: pass the type of the answer as output=…"),
        ("get", "https://shop.example", "the task's id by position: pass the others by name, such as output=…"),
    ],
    ids=str,
)
def test_second_argument_by_position_is_refused_and_the_error_says_how_to_pass_it(
    method: str, given: object, message: str, runner: Runner, anchor: Any
) -> None:
    error = raised(ConfigurationError, runner, getattr(anchor.tasks, method), "Read", given)
    assert safe_text(error, SECRET) == f"{method} accepts only {message}"


@pytest.mark.parametrize(("timeout", "advice"), [(-0.001, ""), *DURATIONS[1:]], ids=str)
def test_invalid_timeout_is_refused(timeout: Any, advice: str, runner: Runner, anchor: Any) -> None:
    message = f"timeout must be a number of seconds, at least 0, or None for no deadline, not {timeout!r}{advice}"
    task = anchor.tasks.get("task-1")
    options = {"secret_values": {"password": SECRET}, "timeout": timeout}
    assert safe_text(raised(ConfigurationError, runner, anchor.tasks.run, "Read", **options), SECRET) == message
    assert safe_text(raised(ConfigurationError, runner, task.result, timeout)) == message
    assert safe_text(raised(ConfigurationError, runner, task.updates, timeout)) == message


@pytest.mark.parametrize(("http_timeout", "advice"), [*DURATIONS, (None, "")], ids=str)
def test_invalid_http_timeout_of_method_run_in_one_request_is_refused(
    http_timeout: Any, advice: str, runner: Runner, anchor: Any
) -> None:
    options = {"secret_values": {"password": SECRET}, "http_timeout": http_timeout}
    error = raised(ConfigurationError, runner, anchor.tasks.run_in_one_request, "Read", **options)
    assert safe_text(error, SECRET) == f"http_timeout must be a number of seconds above 0, not {http_timeout!r}{advice}"


def test_invalid_wait_policy_of_method_run_is_refused(runner: Runner, anchor: Any) -> None:
    options = {"secret_values": {"password": SECRET}, "wait": 5}
    error = raised(ConfigurationError, runner, anchor.tasks.run, "Read", **options)
    assert safe_text(error, SECRET) == "wait must be a WaitPolicy, such as WaitPolicy(minimum=5), not int"


# -- Tasks that are found by id or token ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task_id", "problem"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (".", "must not be '.', which has a special meaning in a URL path"),
        ("..", "must not be '..', which has a special meaning in a URL path"),
        (None, "must be text, not NoneType"),
        (7, "must be text, not int"),
        (b"task-1", "must be text, not bytes"),
        ("\ud800", "contains only half of a surrogate pair, so it is not valid Unicode"),
        ("x" * 1025, "must have at most 1024 characters, not 1025"),
        ("task\x00-1", "contains a control character"),
    ],
    ids=lambda it: ascii(it)[:60],
)
def test_invalid_task_id_is_refused(task_id: Any, problem: str, runner: Runner, anchor: Any) -> None:
    error = raised(ConfigurationError, runner, anchor.tasks.get, task_id)
    assert safe_text(error) == f"the task id {problem}: pass the .id of a started task"


def test_id_with_a_line_break_and_a_handle_and_a_token_are_refused_as_an_id(runner: Runner, anchor: Any) -> None:
    task = anchor.tasks.get("task-1")
    for given, message in (
        ("task\n-1", "the task id contains a control character: pass the .id of a started task"),
        ("https://api.example/task-1", "the task id is a URL: pass only the id, as the .id of a started task"),
        (task, f"the task id must be text, not {type(task).__name__}: pass its .id"),
        (TaskResult(value=1, raw=1, task_id="task-1"), "the task id must be text, not TaskResult: pass its .task_id"),
        (task.token(), "this is not a valid task id, but perhaps a token: pass a token to tasks.resume"),
        (json.dumps(TOKEN, indent=1), "this is not a valid task id, but perhaps a token: pass a token to tasks.resume"),
    ):
        assert safe_text(raised(ConfigurationError, runner, anchor.tasks.get, given)) == message


def test_blanks_around_a_task_id_are_removed(runner: Runner, anchor: Any) -> None:
    for given in ("task-1\n", " task-1", "\ttask-1 ", json.dumps({**TOKEN, "task_id": " task-1 "})):
        find = anchor.tasks.resume if given.startswith("{") else anchor.tasks.get
        assert runner.call(find, given).id == "task-1"


def test_something_else_in_place_of_a_token_is_refused_and_the_error_says_what_to_pass(
    runner: Runner, anchor: Any
) -> None:
    task = anchor.tasks.get("task-1")
    for given, advice in (
        (task, f"{type(task).__name__}: pass its token()"),
        (TaskResult(value=1, raw=1, task_id="task-1"), "TaskResult: pass its .task_id to tasks.get"),
        (TOKEN, "dict: pass the text itself, without json.loads"),
        (task.token().encode(), "bytes: pass its text, .decode()"),
    ):
        error = raised(ConfigurationError, runner, anchor.tasks.resume, given)
        assert safe_text(error) == f"the token must be the text that task.token() returned, not {advice}"


@pytest.mark.parametrize("task_id", ["", " ", ".", ".."])
def test_token_with_an_invalid_task_id_is_refused(task_id: str, runner: Runner, anchor: Any) -> None:
    error = raised(ConfigurationError, runner, anchor.tasks.resume, json.dumps({**TOKEN, "task_id": task_id}))
    assert safe_text(error).startswith("the task id ")


@pytest.mark.parametrize(
    ("token", "message"),
    [
        (None, "the token must be the text that task.token() returned, not NoneType"),
        ("", DAMAGED),
        ("task-1", DAMAGED),
        (json.dumps(TOKEN)[:-1], DAMAGED),
        (
            json.dumps({**TOKEN, "version": 2}),
            "the token has version 2, but this package reads only versions up to 1: upgrade the package",
        ),
        (
            json.dumps({**TOKEN, "base_url": "https://api.example"}),
            "the token belongs to base_url 'https://api.example', but this client uses 'https://api.example/base': "
            "make a client for the token's base_url",
        ),
    ],
    ids=lambda it: ascii(it)[:60],
)
def test_invalid_token_is_refused(token: Any, message: str, runner: Runner, anchor: Any) -> None:
    assert safe_text(raised(ConfigurationError, runner, anchor.tasks.resume, token)) == message


@pytest.mark.parametrize("output", ["object", {}, {"type": object}], ids=repr)
def test_invalid_argument_output_for_a_found_task_is_refused(output: Any, runner: Runner, anchor: Any) -> None:
    for find, argument in ((anchor.tasks.get, "task-1"), (anchor.tasks.resume, json.dumps(TOKEN))):
        assert safe_text(raised(ConfigurationError, runner, find, argument, output=output)).startswith("output ")
