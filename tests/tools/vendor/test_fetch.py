"""`make vendor` reads documents from files, URLs and standard input; it limits their size and shows no secrets."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.support.raw_server import Drip, Ending, Script, http_response, raw_server, response_head
from tools.openapi.limits import SIZE
from tools.repository import ROOT, SOURCE, SPEC
from tools.vendor import fetch
from tools.vendor.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    from _pytest.capture import CaptureFixture

SMALL = b"openapi: 3.1.0\ninfo: {title: T, version: '1'}\npaths: {}\n"
OK = http_response("200 OK", SMALL)


def moved(target: str, status: int = 302) -> Script:
    return http_response(status, b"", {"location": target})


def refusal(origin: str) -> str:
    with pytest.raises(fetch.FetchError) as caught:
        fetch.fetch(origin)
    return str(caught.value)


# -- Files -------------------------------------------------------------------------------------------------------------


def test_source_of_a_file_is_its_name_without_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "né w.yaml"
    path.write_bytes(SMALL)
    assert fetch.fetch(str(path)) == fetch.Fetched("né w.yaml", SMALL)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems require names to be text")
def test_invalid_bytes_in_a_file_name_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"n\xff.yaml")
    path.write_bytes(SMALL)
    assert fetch.fetch(str(path)).source == "n\ufffd.yaml"


@pytest.mark.parametrize(
    ("origin", "reason"),
    [
        ("", "FROM is empty; FROM must be a file, an https URL, or - for standard input"),
        ("none.yaml", "none.yaml: No such file or directory; FROM must be a file"),
        (".", ".: Is a directory; FROM must be a file"),
        ("a\0b", "a\0b: embedded null byte; FROM must be a file"),
        ("~none", "~none: No such file or directory"),
    ],
)
def test_unreadable_file_is_refused(origin: str, reason: str) -> None:
    assert refusal(origin).startswith(reason)


def test_file_of_the_maximum_size_is_accepted_and_a_larger_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * SIZE)
    assert len(fetch.fetch(str(path)).content) == 32 * 1024 * 1024
    path.write_bytes(b"x" * (SIZE + 1))
    assert refusal(str(path)) == f"{path} is larger than 32 MiB, the limit for a spec"


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/zero never ends")
def test_endless_file_is_refused() -> None:
    assert refusal("/dev/zero") == "/dev/zero is larger than 32 MiB, the limit for a spec"


@pytest.mark.parametrize(
    ("given", "expected"),
    [(b"", "standard input is empty"), (None, "standard input: Bad file descriptor; FROM must be a file")],
)
def test_empty_or_closed_standard_input_is_refused(tmp_path: Path, given: bytes | None, expected: str) -> None:
    command = [sys.executable, "-m", "tools.vendor", "--root", str(tmp_path), "-"]
    if given is None:
        command = ["sh", "-c", 'exec "$@" <&-', "sh", *command]
    ran = subprocess.run(command, cwd=ROOT, input=given or b"", capture_output=True)
    assert ran.returncode == 1
    assert ran.stderr.decode().startswith(f"make vendor: {expected}")


# -- URLs --------------------------------------------------------------------------------------------------------------


def test_source_of_a_url_contains_no_secrets() -> None:
    with raw_server(check=[OK]) as server:
        url = server.base_url.replace("//", "//user:sesame@")
        fetched = fetch.fetch(f"{url}/docs/spec.yaml?token=s3cret#part")
    assert fetched == fetch.Fetched(f"{server.base_url}/docs/spec.yaml", SMALL)
    assert server.requests[0].path == "/docs/spec.yaml?token=s3cret"


@pytest.mark.parametrize(
    "script",
    [
        http_response(404, b"no"),
        http_response(500, b"no"),
        http_response(204, b""),
        http_response(302, b""),
        moved("http://example.com/"),
        (response_head(200, 1000), b"openapi", Ending.CLOSE),
        (Ending.CLOSE,),
        http_response(200, b""),
    ],
)
def test_error_contains_no_secret_of_the_url(script: Script) -> None:
    with raw_server(check=[script]) as server:
        text = refusal(f"{server.base_url.replace('//', '//user:sesame@')}/spec?token=s3cret")
    assert text.startswith(f"{server.base_url}/spec")
    assert "sesame" not in text
    assert "s3cret" not in text


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (http_response("404 \x1b[31mGone", b"no"), "/spec: the server responded with status 404 instead of 200"),
        (http_response(206, SMALL), "/spec: the server responded with status 206"),
        (http_response(304, b""), "/spec: the server responded with status 304"),
        (http_response(200, b" \n"), "/spec is empty"),
        (
            (response_head(200, 1000), b"openapi", Ending.CLOSE),
            "/spec cannot be fetched: peer closed connection without sending",
        ),
        ((Ending.CLOSE,), "/spec cannot be fetched: Server disconnected"),
        (http_response(200, b"no gzip", {"content-encoding": "gzip"}), "/spec cannot be fetched: "),
        (moved("/spec"), "/spec redirects more than 5 times"),
        (moved("http://h:x/"), "/spec cannot be fetched: Invalid URL in location header"),
        (moved("data:,x"), "/spec cannot be fetched: "),
    ],
)
def test_invalid_response_is_refused(script: Script, reason: str) -> None:
    with raw_server(check=[script]) as server:
        assert refusal(f"{server.base_url}/spec").startswith(f"{server.base_url}{reason}")


def test_refused_connection_is_an_error() -> None:
    with raw_server(listening=False) as server:
        assert refusal(server.base_url).startswith(f"{server.base_url} cannot be fetched: [Errno ")


def test_silent_server_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "TIMEOUT", 0.05)
    with raw_server(check=[(Ending.SILENCE,)]) as server:
        assert refusal(server.base_url) == f"{server.base_url}: the server sent nothing for 0.05 s; try again later"


def test_slow_response_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "DEADLINE", 0)
    with raw_server(check=[(response_head(200, 1000), Drip(b"x" * 1000))]) as server:
        assert "the response took more than 0 s" in refusal(server.base_url)


def test_reading_stops_when_a_response_is_too_large() -> None:
    megabyte = b"x" * 1024 * 1024
    script: Script = (response_head(200, 2 * SIZE), *[megabyte] * 33, Ending.SILENCE)
    with raw_server(check=[script]) as server:
        assert refusal(server.base_url) == f"{server.base_url} is larger than 32 MiB, the limit for a spec"


def test_request_asks_for_an_uncompressed_response() -> None:
    with raw_server(check=[OK]) as server:
        fetch.fetch(server.base_url)
    assert server.requests[0].headers["accept-encoding"] == "identity"


def test_request_to_loopback_is_not_sent_to_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    with raw_server() as proxy, raw_server(check=[OK]) as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
        assert fetch.fetch(server.base_url).content == SMALL
    assert proxy.connections == 0


# -- Schemes and redirects ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin", ["http://docs.example/spec.yaml", "ftp://docs.example/spec.yaml", "HTTP://128.0.0.1/", "file://host/spec"]
)
def test_scheme_other_than_https_is_refused_outside_loopback(origin: str) -> None:
    scheme = origin.partition(":")[0].lower()
    assert f" uses {scheme}, but only https, and http on loopback, are allowed" in refusal(origin)


@pytest.mark.parametrize("origin", ["https://", "https:///spec", "http://user:sesame@h:x/", "https://h:sesame@:x/"])
def test_invalid_url_is_refused(origin: str) -> None:
    assert refusal(origin).startswith("FROM is not a valid URL; FROM must be a file")


def test_redirect_with_the_same_scheme_is_followed() -> None:
    with raw_server(check=[moved("/other?x=1"), moved("third", 307), OK]) as server:
        assert fetch.fetch(f"{server.base_url}/spec") == fetch.Fetched(f"{server.base_url}/spec", SMALL)
    assert [request.path for request in server.requests] == ["/spec", "/other?x=1", "/third"]


@pytest.mark.parametrize(
    "target",
    [
        "https://127.0.0.1:1/x?token=s3cret",
        "ftp://127.0.0.1/x",
        "http://docs.example/x",
        "file:///etc/passwd",
    ],
)
def test_redirect_to_another_scheme_or_to_http_outside_loopback_is_refused(target: str) -> None:
    with raw_server(check=[moved(target), OK]) as server:
        text = refusal(f"{server.base_url}/spec")
    assert text.startswith(f"{server.base_url}/spec redirects to ")
    assert "s3cret" not in text
    assert len(server.requests) == 1


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """Return the TLS settings of a server whose certificate this process trusts."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_document_is_read_over_https(tls: ssl.SSLContext) -> None:
    with raw_server(check=[OK], tls=tls) as server:
        assert fetch.fetch(f"{server.base_url}/spec") == fetch.Fetched(f"{server.base_url}/spec", SMALL)


def test_redirect_from_https_to_http_is_refused(tls: ssl.SSLContext) -> None:
    with raw_server(check=[OK]) as plain, raw_server(check=[moved(plain.base_url)], tls=tls) as server:
        text = refusal(f"{server.base_url}/spec")
    assert text.startswith(f"{server.base_url}/spec redirects to {plain.base_url}")
    assert plain.connections == 0


def test_untrusted_certificate_is_refused(tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with raw_server(check=[OK], tls=tls) as server:
        assert "CERTIFICATE_VERIFY_FAILED" in refusal(server.base_url)


# -- The command -------------------------------------------------------------------------------------------------------


def test_spec_is_vendored_from_a_url(tmp_path: Path) -> None:
    with raw_server(check=[OK]) as server:
        assert main(["--root", str(tmp_path), f"{server.base_url}/spec.yaml?token=s3cret"]) == 0
    assert (tmp_path / SPEC).read_bytes() == SMALL
    assert json.loads((tmp_path / SOURCE).read_bytes())["source"] == f"{server.base_url}/spec.yaml"


def test_hostile_response_cannot_control_the_terminal(tmp_path: Path, capsys: CaptureFixture[str]) -> None:
    with raw_server(check=[moved("http://docs.example/\x1b[31m")]) as server:
        assert main(["--root", str(tmp_path), server.base_url]) == 1
    text = capsys.readouterr().err
    assert text.replace("\n", "").isprintable()
    assert list(tmp_path.iterdir()) == []
