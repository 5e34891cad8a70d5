from __future__ import annotations

import json
import subprocess
import sys

import pytest

ROOT = "import anchor_webtask"
PACKAGE = "from anchor_webtask import *; import anchor_webtask"
CLIENTS = f"{PACKAGE}; anchor_webtask.Anchor('key'); anchor_webtask.AsyncAnchor('key')"
SENDING = (
    f"{PACKAGE}, httpx; transport = httpx.MockTransport(lambda _: httpx.Response(200, json={{'data': {{}}}})); "
    "next(anchor_webtask.Anchor('key', transport=transport).tasks.get('task-1').updates(0))"
)
CONNECTING = f"{PACKAGE}; next(anchor_webtask.Anchor('key', base_url='https://127.0.0.1:1').tasks.get('id').updates(0))"
COMPLETED = "httpx.Response(200, json={'data': {'status': 'COMPLETED', 'result': {'amount': 3}}})"
RESULT = (
    f"{PACKAGE}, dataclasses, httpx; transport = httpx.MockTransport(lambda _: {COMPLETED}); "
    "Price = dataclasses.make_dataclass('Price', [('amount', int)]); "
    "tasks = anchor_webtask.Anchor('key', transport=transport).tasks; "
    "assert str(tasks.get('task-1', output=OUTPUT).result().value) == EXPECTED"
)
TYPED = {"msgspec", "pydantic", "jsonschema", "referencing"}
REPORT = "import json, sys; print(json.dumps(list(sys.modules)))"
NO_SSL_CONTEXT = "import ssl; ssl.SSLContext.__new__ = None"


def run(code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)


def added_by(code: str) -> set[str]:
    """Return the modules that some code imports and `import httpx` doesn't."""
    with_code, with_httpx = run(f"{code}; {REPORT}"), run(f"import httpx; {REPORT}")
    assert (with_code.stderr, with_httpx.stderr) == ("", "")
    return set(json.loads(with_code.stdout)) - set(json.loads(with_httpx.stdout))


def test_root_is_lazy() -> None:
    ours = {
        name for name in json.loads(run(f"{ROOT}; {REPORT}").stdout) if name.startswith(("anchor_webtask", "httpx"))
    }
    assert ours == {"anchor_webtask", "anchor_webtask._version"}


@pytest.mark.parametrize("code", [PACKAGE, CLIENTS], ids=["all public names", "two clients"])
def test_nothing_is_imported_beyond_httpx_and_the_package_itself(code: str) -> None:
    added = added_by(code)
    assert {name.partition(".")[0] for name in added} == {"anchor_webtask"}
    assert not {name for name in added if name.startswith("anchor_webtask.emulator")}


@pytest.mark.parametrize("code", [CLIENTS, SENDING], ids=["two clients", "a transport of one's own"])
def test_no_ssl_context_is_made_before_one_is_needed(code: str) -> None:
    assert run(f"{NO_SSL_CONTEXT}; {code}").stderr == ""


def test_package_logs_nothing_where_nobody_has_set_up_logging() -> None:
    """It looks again, which it warns of, so that there is something to say."""
    assert run(SENDING).stderr == ""


def test_what_sending_needs_would_be_noticed() -> None:
    added = added_by(SENDING)
    assert {"anchor_webtask_api", "attr"} <= {name.partition(".")[0] for name in added}
    assert "cannot make an HTTP client (TypeError)" in run(f"{NO_SSL_CONTEXT}; {CONNECTING}").stderr


@pytest.mark.parametrize(
    ("output", "expected", "imported"),
    [
        ("None", "{'amount': 3}", set[str]()),
        ("{'type': 'object'}", "{'amount': 3}", set[str]()),
        ("{'type': 'array'}", "{'amount': 3}", set[str]()),
        ("Price", "Price(amount=3)", {"msgspec"}),
        ("anchor_webtask.JsonSchema({'type': 'object'})", "{'amount': 3}", {"jsonschema", "referencing"}),
    ],
)
def test_only_what_an_output_needs_is_imported(output: str, expected: str, imported: set[str]) -> None:
    added = added_by(RESULT.replace("OUTPUT", output).replace("EXPECTED", repr(expected)))
    assert {name.partition(".")[0] for name in added} & TYPED == imported
