"""The modules that a program loads when it imports the package, creates a client, sends a request or reads a result."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

# Programs that the tests run in a fresh interpreter.
IMPORT_PACKAGE = "import anchor_webtask"
IMPORT_ALL_NAMES = "from anchor_webtask import *; import anchor_webtask"
IMPORT_CLIENTS = "from anchor_webtask import Anchor, AsyncAnchor"
SEND_A_START = (
    "import anchor_webtask, httpx; "
    "transport = httpx.MockTransport(lambda _: httpx.Response(200, json={'data': {'workflow_id': 'task-1'}})); "
    "anchor_webtask.Anchor('key', transport=transport).tasks.start('Read')"
)
FOR_OTHER_CALLS = {
    "anchor_webtask._http.event_loop",
    "anchor_webtask._output.schema",
    "anchor_webtask._tasks.async_",
    "anchor_webtask._tasks.resume_token",
    "anchor_webtask_api.api.tools.get_perform_web_task_status",
}
"""Modules that a start without `output` does not need."""
CREATE_CLIENTS = "import anchor_webtask; anchor_webtask.Anchor('key'); anchor_webtask.AsyncAnchor('key')"
SEND_A_CHECK = (
    f"{IMPORT_ALL_NAMES}, httpx; "
    "transport = httpx.MockTransport(lambda _: httpx.Response(200, json={'data': {}})); "
    "next(anchor_webtask.Anchor('key', transport=transport).tasks.get('task-1').updates(0))"
)
CONNECT = (
    f"{IMPORT_ALL_NAMES}; next(anchor_webtask.Anchor('key', base_url='https://127.0.0.1:1').tasks.get('id').updates(0))"
)
COMPLETED = "httpx.Response(200, json={'data': {'status': 'COMPLETED', 'result': {'amount': 3}}})"
READ_A_RESULT = (
    f"{IMPORT_ALL_NAMES}, dataclasses, httpx; transport = httpx.MockTransport(lambda _: {COMPLETED}); "
    "Price = dataclasses.make_dataclass('Price', [('amount', int)]); "
    "tasks = anchor_webtask.Anchor('key', transport=transport).tasks; "
    "assert str(tasks.get('task-1', output=OUTPUT).result().value) == EXPECTED"
)
RUN = """
import sys, anchor_webtask, httpx

def report(event, arguments):
    if event == "import":
        print(arguments[0])

def respond(request):
    if request.method == "POST":
        sys.addaudithook(report)
    return started if request.method == "POST" else completed

started = httpx.Response(200, json={"data": {"workflow_id": "task-1"}})
completed = httpx.Response(200, json={"data": {"status": "COMPLETED", "result": 3}})
policy = anchor_webtask.WaitPolicy(minimum=0.01)
anchor = anchor_webtask.Anchor("key", transport=httpx.MockTransport(respond), wait=policy)
assert anchor.tasks.run("Read").value == 3
"""
"""Prints what is imported after the start has been sent."""
WITHOUT_FILES = """
import asyncio, resource, anchor_webtask, httpx

def open_files(most):
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))

def respond(request):
    if request.method == "POST":
        open_files(3)  # more are open already
        return httpx.Response(200, json={"data": {"workflow_id": "task-1"}})
    return httpx.Response(200, json={"data": ANSWER})

usual = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
given = {"transport": httpx.MockTransport(respond), "wait": anchor_webtask.WaitPolicy(minimum=0.01)}
seen = []
"""
"""The beginning of programs for which no file can be opened after the start."""
RUN_WITHOUT_FILES = """
assert anchor_webtask.Anchor("key", **given).tasks.run("Read").value == ANSWER["result"]
"""
RUN_ASYNC_WITHOUT_FILES = """
async def main():
    assert (await anchor_webtask.AsyncAnchor("key", **given).tasks.run("Read")).value == ANSWER["result"]

asyncio.run(main())
"""
WAIT_WITHOUT_FILES = """
task = anchor_webtask.Anchor("key", **given).tasks.start("Read")
try:
    task.token()
except OSError as error:
    print(*error.__notes__)
for update in task.updates():
    seen.append(update)
    if len(seen) > 1:
        open_files(usual)
"""
WAIT_ASYNC_WITHOUT_FILES = """
async def main():
    task = await anchor_webtask.AsyncAnchor("key", **given).tasks.start("Read")
    async for update in task:
        seen.append(update)
        if len(seen) > 1:
            open_files(usual)

asyncio.run(main())
"""
RUN_TO_A_REASON = """
def saw(update):
    seen.append(update)
    if len(seen) > 1:
        open_files(usual)

try:
    anchor_webtask.Anchor("key", **given).tasks.run("Read", on_update=saw)
except anchor_webtask.TaskFailedError as error:
    assert error.reason == "no"
"""
RUN_ASYNC_TO_A_REASON = """
def saw(update):
    seen.append(update)
    if len(seen) > 1:
        open_files(usual)

async def main():
    try:
        await anchor_webtask.AsyncAnchor("key", **given).tasks.run("Read", on_update=saw)
    except anchor_webtask.TaskFailedError as error:
        assert error.reason == "no"

asyncio.run(main())
"""
PRINT_UPDATES = """
print(*(str(update.last_error or update.raw_status).partition(" [")[0] for update in seen), sep="\\n")
"""
COMPLETED_DATA = {"status": "COMPLETED", "result": 3}
FAILED_DATA = {"status": "FAILED", "error": "no"}
LOADED_LATER = "a part of this package cannot be loaded now: Too many open files"
WATCH = (
    f"from anchor_webtask.notebook import watch; import anchor_webtask, httpx; "
    f"transport = httpx.MockTransport(lambda _: {COMPLETED}); "
    "watch(anchor_webtask.Anchor('key', transport=transport).tasks.get('task-1'))"
)
FOR_NOTEBOOKS = ("anchor_webtask._display", "anchor_webtask.notebook")
OUTPUT_LIBRARIES = {"msgspec", "pydantic", "jsonschema", "referencing"}
IMPORT_HTTPX = "import httpx, concurrent.futures.thread"
"""The second module registers a hook for forks, and must do so before the package does."""
PRINT_MODULES = "import json, sys; print(json.dumps(list(sys.modules)))"
FORBID_SSL_CONTEXTS = "import ssl; ssl.SSLContext.__new__ = None"


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run a program in a fresh interpreter."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def imported_beyond_httpx(code: str) -> set[str]:
    """Return the modules that a program imports, without those that httpx imports, and those that start threads."""
    with_code, with_httpx = run(f"{code}; {PRINT_MODULES}"), run(f"{IMPORT_HTTPX}; {PRINT_MODULES}")
    assert (with_code.stderr, with_httpx.stderr) == ("", "")
    return set(json.loads(with_code.stdout)) - set(json.loads(with_httpx.stdout))


def test_importing_the_package_loads_neither_its_client_nor_httpx() -> None:
    ours = {
        name
        for name in json.loads(run(f"{IMPORT_PACKAGE}; {PRINT_MODULES}").stdout)
        if name.startswith(("anchor_webtask", "httpx"))
    }
    assert ours == {"anchor_webtask", "anchor_webtask._importing", "anchor_webtask._version"}


def test_importing_all_names_loads_only_httpx_the_package_and_the_standard_library() -> None:
    added = imported_beyond_httpx(IMPORT_ALL_NAMES)
    assert {name.partition(".")[0] for name in added} - sys.stdlib_module_names == {"anchor_webtask"}
    assert not {name for name in added if name.startswith(("anchor_webtask.emulator", *FOR_NOTEBOOKS))}


def test_importing_the_clients_loads_nothing_that_sends_or_reads() -> None:
    packages = ("anchor_webtask._api", "anchor_webtask._http", "anchor_webtask._output", "anchor_webtask._tasks")
    assert not {name for name in imported_beyond_httpx(IMPORT_CLIENTS) if name.startswith(packages)}


def test_start_loads_nothing_that_only_other_calls_need() -> None:
    added = imported_beyond_httpx(SEND_A_START)
    assert "anchor_webtask_api.api.tools.perform_web_task" in added
    assert not added & FOR_OTHER_CALLS


def test_creating_clients_loads_only_httpx_and_the_package() -> None:
    added = imported_beyond_httpx(CREATE_CLIENTS)
    assert {name.partition(".")[0] for name in added} == {"anchor_webtask"}
    assert not {name for name in added if name.startswith(("anchor_webtask.emulator", *FOR_NOTEBOOKS))}


def test_run_imports_nothing_after_its_start() -> None:
    """An import may fail, such as if too many files are open, and then the task has been paid for."""
    ran = run(RUN)
    assert (ran.stdout, ran.stderr) == ("", "")


@pytest.mark.parametrize("program", [RUN_WITHOUT_FILES, RUN_ASYNC_WITHOUT_FILES], ids=["sync", "async"])
@pytest.mark.parametrize("size", [1, 20_000])
def test_run_returns_its_answer_although_files_have_run_out_after_the_start(program: str, size: int) -> None:
    pytest.importorskip("resource")
    answer = {"status": "COMPLETED", "result": "x" * size}
    assert run(f"ANSWER = {answer!r}{WITHOUT_FILES}{program}open_files(usual)").stderr == ""


@pytest.mark.parametrize(
    ("program", "answer", "note"),
    [
        (WAIT_WITHOUT_FILES, COMPLETED_DATA, "this does not stop the task; tasks.get('task-1') finds it again\n"),
        (WAIT_ASYNC_WITHOUT_FILES, COMPLETED_DATA, ""),
        (RUN_TO_A_REASON, FAILED_DATA, ""),
        (RUN_ASYNC_TO_A_REASON, FAILED_DATA, ""),
    ],
    ids=["wait", "async wait", "reason", "async reason"],
)
def test_wait_goes_on_if_files_have_run_out_for_a_while(program: str, answer: dict[str, object], note: str) -> None:
    """A wait for a task that was only started imports what checks it, and a reason what hides secrets in it."""
    pytest.importorskip("resource")
    ran = run(f"ANSWER = {answer!r}{WITHOUT_FILES}{program}{PRINT_UPDATES}")
    assert (ran.stdout, ran.stderr) == (f"{note}{LOADED_LATER}\n{LOADED_LATER}\n{answer['status']}\n", "")


def test_watching_in_a_program_does_not_load_ipython() -> None:
    ran = run(f"{WATCH}; {PRINT_MODULES}")
    assert ran.stderr == "task-1: not checked yet (0 s)\ntask-1: completed (0 s)\n"
    assert "anchor_webtask.notebook._board" in json.loads(ran.stdout)
    assert "IPython" not in json.loads(ran.stdout)


def test_clients_load_what_map_needs_only_when_it_is_called() -> None:
    added = json.loads(run(f"import anchor_webtask; anchor_webtask.Anchor('key'); {PRINT_MODULES}").stdout)
    assert not {name for name in added if name.startswith(("anchor_webtask._batch", "anchor_webtask._ledger"))}


@pytest.mark.skipif("coverage" in sys.modules, reason="coverage loads sqlite3")
def test_map_without_a_ledger_does_not_load_sqlite() -> None:
    added = json.loads(
        run(f"import anchor_webtask; anchor_webtask.Anchor('key').tasks.map([]); {PRINT_MODULES}").stdout
    )
    assert "sqlite3" not in added


@pytest.mark.parametrize("code", [CREATE_CLIENTS, SEND_A_CHECK], ids=["two clients", "a custom transport"])
def test_no_ssl_context_is_created_before_a_connection_needs_one(code: str) -> None:
    assert run(f"{FORBID_SSL_CONTEXTS}; {code}").stderr == ""


def test_package_prints_no_log_records_if_the_application_does_not_configure_logging() -> None:
    """The program receives an unreadable response; the warning that the package logs about it must not be printed."""
    assert run(SEND_A_CHECK).stderr == ""


def test_client_imports_only_the_models_of_tasks() -> None:
    imported = {name.rpartition(".models.")[2] for name in imported_beyond_httpx(SEND_A_CHECK) if ".models." in name}
    others = {"domain_secret_values", "error_response", "error_response_error"}
    assert {name for name in imported if not name.startswith("perform_web_task_")} <= others


def test_tests_in_this_file_detect_an_early_import_and_an_early_ssl_context() -> None:
    added = imported_beyond_httpx(SEND_A_CHECK)
    assert "anchor_webtask_api" in added
    assert "TypeError: 'NoneType' object is not callable" in run(f"{FORBID_SSL_CONTEXTS}; {CONNECT}").stderr


@pytest.mark.parametrize(
    ("output", "expected", "imported"),
    [
        ("None", "{'amount': 3}", set[str]()),
        ("{'type': 'object'}", "{'amount': 3}", set[str]()),
        ("{'type': 'array'}", "{'amount': 3}", set[str]()),
        ("Price", "Price(amount=3)", {"msgspec"}),
        ("anchor_webtask.JsonSchema({'type': 'object'})", "{'amount': 3}", {"jsonschema", "referencing"}),
    ],
    ids=["no output", "object schema", "array schema", "dataclass", "JsonSchema"],
)
def test_each_kind_of_output_imports_only_the_libraries_that_it_needs(
    output: str, expected: str, imported: set[str]
) -> None:
    added = imported_beyond_httpx(READ_A_RESULT.replace("OUTPUT", output).replace("EXPECTED", repr(expected)))
    assert {name.partition(".")[0] for name in added} & OUTPUT_LIBRARIES == imported
