"""Hypothesis strategies for the responses of a hostile or broken server: JSON, headers, bodies, and raw HTTP."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from hypothesis import strategies as st

from tests.support.runners import KEY

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy

PASSWORD: Final = "corr#ct-hörse"
MARK: Final = "Mark-of-the-body"
"""A text in bodies and reason phrases by which a test recognizes content that came from the server."""

# -- JSON ----------------------------------------------------------------------------------------------------------


class Literal(str):
    """Text that is written into JSON unchanged, such as 1e999 or 1.0000, which Python would write differently."""


class Pairs(list[tuple[str, Any]]):
    """A JSON object as a list of pairs, so that a key can occur twice."""


Node: TypeAlias = Any
"""A JSON value: `Literal`, `Pairs`, a list, or a Python value that `json.dumps` accepts."""
Response: TypeAlias = tuple[int, dict[str, str], bytes]
"""The status, the headers and the body of a response."""

LITERALS: Final = tuple(map(Literal, ("-0", "1e999", "-1E-999", "NaN", "-Infinity", "9" * 400, "9" * 5000, "1.0000")))
ECHOES: Final = (f"{MARK} {KEY}", f"{PASSWORD} {MARK}", MARK)
TEXTS: Final = (
    *("", " ", ".", "..", "a/b?c#d%", "\x00", "\ud800", "line\r\nline", "İ", "x" * 1500),
    *("running", "Completed", "FAILED", "failed", "CANCELLED", "error", "status", "result", "workflow_id", "null"),
    *("{}", "[]", '{"amount": 3}', '{"result": ["a"]}', "[" * 2000),
    *ECHOES,
)
texts = st.sampled_from(TEXTS) | st.text(st.characters(), max_size=8)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(LITERALS) | texts


def containers(nodes: SearchStrategy[Node]) -> SearchStrategy[Node]:
    pairs = st.lists(st.tuples(st.sampled_from(["data", "error", "amount", "message", "code"]) | texts, nodes))
    return st.lists(nodes, max_size=4) | pairs.map(Pairs)


json_values = st.recursive(scalars, containers, max_leaves=8)


def to_json(node: Node) -> str:
    """Return a value as JSON text; the text is invalid JSON if the value contains a `Literal` such as NaN."""
    match node:
        case Literal():
            return str(node)
        case Pairs():
            return "{" + ", ".join(f"{json.dumps(key)}: {to_json(value)}" for key, value in node) + "}"
        case list():
            return "[" + ", ".join(map(to_json, node)) + "]"
        case str():
            return json.dumps(node, ensure_ascii=len(node) % 2 == 0)
        case _:
            return json.dumps(node)


def mutate(draw: DrawFn, node: Node) -> Node:
    """Return a JSON value with one random change."""
    if not isinstance(node, list) or not node or draw(st.integers(0, 4)) == 0:
        return draw(replacements(node))
    place = draw(st.integers(0, len(node) - 1))
    item = node[place]
    match draw(st.sampled_from(["mutate", "mutate", "mutate", "remove", "repeat", "rename"])):
        case "remove":
            new = []
        case "repeat":
            new = [item, mutate_item(draw, item)]
        case "rename" if isinstance(node, Pairs):
            new = [(draw(texts | st.just(item[0].swapcase())), item[1])]
        case _:
            new = [mutate_item(draw, item)]
    return type(node)([*node[:place], *new, *node[place + 1 :]])


def mutate_item(draw: DrawFn, item: Node) -> Node:
    return (item[0], mutate(draw, item[1])) if isinstance(item, tuple) else mutate(draw, item)


def replacements(node: Node) -> SearchStrategy[Node]:
    """Return a strategy for values that replace a JSON value: the same value in another form, or a different value."""
    forms: list[Node] = [[node], Pairs([("result", node)]), to_json(node)]
    if isinstance(node, Pairs):
        forms.append(
            [list(pair) for pair in node]
        )  # invalid where an object is expected, although Python's dict() would accept it
    if isinstance(node, str):
        forms += [node.swapcase(), node.title(), f" {node} "]
    return st.sampled_from(forms) | json_values | st.sampled_from(ECHOES)


# -- Responses -----------------------------------------------------------------------------------------------------

SAMPLES: Final = [
    (json.loads((path.parent / "sample.json").read_bytes())["status"], path.read_bytes())
    for path in sorted((Path(__file__).parents[1] / "samples").glob("*/body.json"))
]
VALID: Final = [
    (status, json.loads(body, object_pairs_hook=Pairs)) for status, body in SAMPLES if body.rstrip().endswith(b"}")
]
OTHER_STATUSES: Final = (200, 201, 301, 307, 308, 408, 499, 503)


@st.composite
def damaged(draw: DrawFn, data: bytes) -> bytes:
    """Draw a damaged copy of `data`: a part is missing, is repeated, or is replaced by other bytes."""
    begin = draw(st.integers(0, len(data)))
    end = draw(st.integers(begin, len(data)))
    return data[:begin] + draw(st.binary(max_size=6) | st.just(data[begin:end] * 2)) + data[end:]


@st.composite
def responses(draw: DrawFn) -> Response:
    """Draw a response: a sample with up to three random changes, or random JSON, or random bytes, with any status."""
    status, node = draw(st.sampled_from(VALID))
    for _ in range(draw(st.integers(0, 3))):
        node = mutate(draw, node)
    encoding = draw(st.sampled_from(["utf-8"] * 5 + ["utf-8-sig", "utf-16", "utf-32-be"]))
    body = to_json(node).encode(encoding, "surrogatepass")
    match draw(st.integers(0, 9)):
        case 0:
            body = draw(damaged(body))
        case 1:
            body = to_json(draw(json_values)).encode(encoding, "surrogatepass")
        case 2:
            body = draw(st.binary(max_size=64))
    if draw(st.integers(0, 2)) == 0:
        status = draw(st.sampled_from(OTHER_STATUSES) | st.integers(200, 599))
    return status, draw(headers), body


HEADERS: Final = {
    "retry-after": ("7", "-5", "9" * 16, "Fri, 31 Dec 9999 23:59:59 GMT", "Sun Nov  6 08:49:37 1994", "1e3", "²"),
    "set-cookie": ("a=b", "a=b; expires=Thu, 99 Jan 99999 99:99:99 GMT; max-age=9e9", "a=b; version=x; port=y", "=;;="),
    "location": ("//", "http://[::1", "https://xn--\xff/", "http://a:b/", "x:y", f"https://{KEY}.example/", ""),
    "content-type": ("text/html; charset=none", "application/json; charset=utf-7", ";;"),
    "x-request-id": ("request-7", f"{KEY} {PASSWORD}", "x" * 3000),
    "www-authenticate": ('Digest realm="a", nonce=', "Basic"),
    "connection": ("upgrade", "keep-alive, close"),
    "upgrade": ("h2c",),
    "link": ("<>; rel=;;;",),
}
header_values = st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF, exclude_characters="\x7f"), max_size=12)
headers: SearchStrategy[dict[str, str]] = st.lists(
    st.sampled_from([(name, value) for name, values in HEADERS.items() for value in values])
    | st.tuples(st.sampled_from(list(HEADERS)), header_values),
    max_size=3,
).map(dict)
"""A strategy for headers that the client or one of its libraries reads."""

# -- Raw HTTP ------------------------------------------------------------------------------------------------------


def framed(body: bytes, framing: str) -> tuple[dict[str, str], bytes]:
    """Return the headers that declare a body's framing and encoding, and the bytes of the framed body."""
    match framing:
        case "length":
            return {"content-length": str(len(body))}, body
        case "gzip":
            packed = gzip.compress(body, mtime=0)
            return {"content-length": str(len(packed)), "content-encoding": "gzip"}, packed
        case "chunks":
            pieces = [body[:7], body[7:8], body[8:]]
            chunks = [b"%X;extension\r\n%s\r\n" % (len(piece), piece) for piece in pieces if piece]
            return {"transfer-encoding": "chunked"}, b"".join([*chunks, b"0\r\ntrailer: yes\r\n\r\n"])
        case _:
            return {}, body  # a body without a declared length ends when the connection is closed


def raw_response(status: int, fields: dict[str, str], content: bytes) -> bytes:
    """Return a response as the bytes that a server sends; the reason phrase contains the API key."""
    lines = [f"HTTP/1.1 {status} {MARK} {KEY}", *(f"{name}: {value.strip()}" for name, value in fields.items())]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


FRAMINGS: Final = ("length", "gzip", "chunks", "close")
HOSTILE_FRAMING: Final = (
    {"content-length": "-1"},
    {"content-length": "9" * 30},
    {"content-length": "0x10"},
    {"content-length": "5, 6"},
    {"transfer-encoding": "gzip, chunked"},
    {"transfer-encoding": "chunked", "content-length": "3"},
    {"content-encoding": "gzip"},
    {"content-encoding": "br, gzip"},
    {"content-encoding": "deflate"},
)


INTERIM: Final = (
    b"HTTP/1.1 100 Go on\r\n\r\n",
    b"HTTP/1.1 102 Processing\r\nx-a: b\r\n\r\n",
    b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n",
)
interim_heads: SearchStrategy[bytes] = st.lists(st.sampled_from(INTERIM), min_size=1, max_size=3).map(b"".join)
"""A strategy for the heads of interim responses, which precede a response."""


@st.composite
def raw_responses(draw: DrawFn) -> bytes:
    """Draw all bytes that a server sends on one connection: a response with random errors, or arbitrary bytes."""
    status, fields, body = draw(responses())
    framing, content = framed(body, draw(st.sampled_from(FRAMINGS)))
    framing |= draw(st.just({}) | st.sampled_from(HOSTILE_FRAMING))
    complete = raw_response(draw(st.just(status) | st.integers(0, 999)), framing | fields, content)
    return draw(
        st.just(complete)
        | damaged(complete)
        | st.binary(max_size=100)
        | interim_heads.map(lambda heads: heads + complete)
        | interim_heads.map(lambda heads: (heads + complete).replace(b"\r\n", b"\n"))
    )
