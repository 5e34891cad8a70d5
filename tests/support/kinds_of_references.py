"""Pairs of documents with references to parts elsewhere: in extensions, in paths, and in what the API calls."""

from __future__ import annotations

from typing import Any, Final

from tests.support.changes import put
from tests.support.documents import JSON, document
from tests.support.kind_documents import (
    ADD,
    BRK,
    DOC,
    KEY,
    LEAF,
    TEXT,
    Pair,
    beside_reference,
    by_reference,
    in_components,
    inheriting,
    of_path,
    open_to_all,
    operation,
    parameter,
    scheme_by_reference,
    uncalled,
    with_callback,
)

URL: Final = "{$request.query.url}"
TO_ANOTHER_FILE: Final = {"$ref": "other.yaml#/x-calls/a"}
PLACES: Final[dict[str, tuple[str, ...]]] = {
    "an extension": ("x-parts", "a"),
    "an extension of components": ("components", "x-parts", "a"),
    "a webhook": ("webhooks", "w", "post", "requestBody"),
    "a callback": ("components", "callbacks", "c", URL, "post", "requestBody"),
    "a callback of an operation": ("paths", "/c", "get", "callbacks", "c", URL, "post", "requestBody"),
    "a path item": ("components", "pathItems", "i", "post", "requestBody"),
    "a path": ("paths", "/c", "post", "requestBody"),
}


def body(*required: str) -> Any:
    return {"content": {JSON: {"schema": leaf(*required)}}}


def leaf(*required: str) -> Any:
    return {**LEAF, "required": [*required]}


def receiving(**more: Any) -> Any:
    return {"description": "ok", **more}


def reference(*place: str) -> Any:
    return {"$ref": "/".join(["#", *(step.replace("/", "~1") for step in place)])}


def part_elsewhere(part: Any, place: tuple[str, ...], *user: str | int) -> Any:
    """Return a document with a part at one place, to which an operation, or what it is told, refers."""
    made = document({"/b": {"post": operation(**({"parameters": [None]} if user[0] == "parameters" else {}))}})
    return put(put(made, ["paths", "/b", "post", *user], reference(*place)), [*place], part)


def listed(index: str) -> Any:
    """Return a document whose operation refers to the only body of a list."""
    made = document({"/b": {"post": operation(requestBody=reference("x-parts", index))}})
    return {**made, "x-parts": [body()]}


def called_by(kind: str, part: Any) -> Any:
    """Return a document whose webhook has a part by reference to a component."""
    made: Any = {**document({"/a": {"get": operation()}}), "webhooks": {"w": {"post": {"responses": {}}}}}
    to = reference("components", kind, "R")
    place = {
        "requestBodies": ["requestBody"],
        "parameters": ["parameters"],
        "schemas": ["requestBody", "content", JSON, "schema"],
        "responses": ["responses", "200"],
    }[kind]
    made = put(made, ["webhooks", "w", "post", *place], [to] if kind == "parameters" else to)
    return in_components(kind, "R", part, made)


def to_path_item(name: str) -> Any:
    """Return a document with a path that refers to one of two equal path items."""
    made = document({"/a": {"get": operation()}, "/b": reference("components", "pathItems", name)})
    for each in ("A", "B"):
        made = in_components("pathItems", each, {"get": operation(operationId="b")}, made)
    return made


def path_elsewhere(place: tuple[str, ...], *required: str) -> Any:
    """Return a document with a path that refers to its path item at another place."""
    made = document({"/a": {"get": operation()}, "/b": reference(*place)})
    return put(made, [*place], {"post": operation(operationId="b", requestBody=body(*required))})


def shared_by_webhook(*required: str) -> Any:
    """Return a document whose webhook has the body of an operation."""
    made = document({"/a": {"post": operation(requestBody=body(*required))}})
    item = {"post": {"requestBody": reference("paths", "/a", "post", "requestBody"), "responses": {}}}
    return {**made, "webhooks": {"w": item}}


def two_webhooks(second: Any) -> Any:
    """Return a document with two webhooks, of which the first is an extension."""
    made = document({"/a": {"get": operation()}})
    item = {"post": {"requestBody": body(), "responses": {}}}
    return {**made, "x-calls": {"a": item}, "webhooks": {"w": reference("x-calls", "a"), "v": second}}


def addressed(name: str, called: Any) -> Any:
    """Return a document with a callback at an address, whose name may look like a keyword."""
    return document({"/a": {"get": operation(callbacks={"done": {name: called}})}})


def told_by_schema(*required: str, address: str) -> Any:
    """Return a document in which only a callback at this address uses a schema."""
    content = {JSON: {"schema": reference("components", "schemas", "Leaf")}}
    made = addressed(address, {"post": {"requestBody": {"content": content}, "responses": {}}})
    return in_components("schemas", "Leaf", leaf(*required), made)


def asking(header: str, *security: Any) -> Any:
    """Return a document that asks for nothing, with a scheme that nothing uses."""
    return {**open_to_all(header, document({"/a": {"get": operation()}})), "security": [*security]}


def scheme_elsewhere(header: str) -> Any:
    made = {**document({"/a": {"get": operation()}}), "security": [{"k": []}]}
    made = in_components("securitySchemes", "k", reference("x-parts", "k"), made)
    return put(made, ["x-parts", "k"], {**KEY, "name": header})


def of_nothing(kind: str, value: Any, *required: str) -> Any:
    """Return a document with a webhook that is an extension, and with a value in place of components."""
    item = {"post": {"requestBody": body(*required), "responses": {}}}
    made = {**document({"/a": {"get": operation()}}), "x-calls": {"a": item}}
    made["webhooks"] = {"w": reference("x-calls", "a")}
    return {**made, "components": value if not kind else {kind: value}}


def nested(*required: str) -> Any:
    """Return a document in which only a callback of a webhook uses a schema."""
    made = told_by_schema(*required, address=URL)
    item = {"post": {"responses": {}, "callbacks": made["paths"]["/a"]["get"].pop("callbacks")}}
    return {**made, "webhooks": {"w": item}}


def beside(**more: Any) -> Any:
    """Return a document with a parameter beside a webhook's reference, which is a reference as well."""
    made = beside_reference(reference("components", "parameters", "Q"))
    return in_components("parameters", "Q", parameter(**more), made)


REFERENCES: Final = [
    *(
        Pair(
            f"a body by reference to {name} asks for more",
            part_elsewhere(body(), place, "requestBody"),
            part_elsewhere(body("a"), place, "requestBody"),
            BRK,
            "now-required",
        )
        for name, place in PLACES.items()
    ),
    *(
        Pair(
            f"{name} by reference to an extension",
            part_elsewhere(old, ("x-parts", "a"), *user),
            part_elsewhere(new, ("x-parts", "a"), *user),
            BRK,
            kind,
        )
        for name, old, new, kind, user in (
            ("a schema", leaf(), leaf("a"), "now-required", ("requestBody", "content", JSON, "schema")),
            (
                "a property",
                TEXT,
                {"type": "integer"},
                "type-changed",
                ("requestBody", "content", JSON, "schema", "properties", "a"),
            ),
            ("a parameter", parameter(), parameter(required=True), "now-required", ("parameters", 0)),
            (
                "a response",
                receiving(content={JSON: {"schema": leaf("a")}}),
                receiving(content={JSON: {"schema": leaf()}}),
                "now-optional",
                ("responses", "200"),
            ),
            (
                "a header",
                {"schema": TEXT},
                {"schema": {"type": "integer"}},
                "type-changed",
                ("responses", "200", "headers", "X"),
            ),
            (
                "a callback",
                {URL: {"post": {"requestBody": body("a"), "responses": {}}}},
                {URL: {"post": {"requestBody": body(), "responses": {}}}},
                "now-optional",
                ("callbacks", "c"),
            ),
        )
    ),
    Pair("a scheme by reference to an extension", scheme_elsewhere("A"), scheme_elsewhere("B"), BRK, "security-scheme"),
    Pair(
        "a scheme by two references",
        scheme_by_reference({**KEY, "name": "A"}),
        scheme_by_reference({**KEY, "name": "B"}),
        BRK,
        "security-scheme",
    ),
    Pair(
        "a body by reference to another extension",
        part_elsewhere(body(), ("x-parts", "a"), "requestBody"),
        part_elsewhere(body(), ("x-parts", "b"), "requestBody"),
        DOC,
        "document-place",
    ),
    Pair("an index that begins with a zero", listed("0"), listed("00"), BRK, "content-type-removed"),
    Pair("a body that a webhook shares", shared_by_webhook("a"), shared_by_webhook(), BRK, "now-optional"),
    Pair(
        "a webhook that moves to another file",
        two_webhooks(reference("x-calls", "a")),
        two_webhooks({"$ref": "./x-calls/a"}),
        BRK,
    ),
    *(
        Pair(
            f"a scheme of a document that asks for {name}",
            asking("A", *security),
            asking("B", *security),
            BRK,
            "security-scheme",
        )
        for name, security in (("nothing", ()), ("nothing, as one of its ways,", ({},)))
    ),
    *(
        Pair(f"a webhook beside {name}", of_nothing(*given, "a"), of_nothing(*given), BRK, "now-optional")
        for name, given in (
            ("components of null", ("", None)),
            ("components of a list", ("", [])),
            ("path items of null", ("pathItems", None)),
        )
    ),
    Pair(
        "credentials of a path by reference",
        uncalled(of_path(by_reference(inheriting(of={"k": []})))),
        uncalled(of_path(by_reference(inheriting(of={"l": []})))),
        BRK,
        "not-understood",
    ),
    *(
        Pair(
            f"a path by reference to {place[0]}",
            path_elsewhere(place),
            path_elsewhere(place, "a"),
            BRK,
            "not-understood",
        )
        for place in (("x-parts", "a"), ("components", "pathItems", "a"))
    ),
    Pair("a schema of a callback of a webhook", nested("a"), nested(), BRK, "now-optional"),
    Pair("a parameter beside a reference of a webhook", beside(required=True), beside(), BRK, "now-optional"),
    Pair("a path that refers to an equal path item", to_path_item("A"), to_path_item("B"), DOC, "document-place"),
    *(
        Pair(
            f"a callback at the address {name}",
            addressed(name, {"post": {"responses": {}}}),
            addressed(name, {"post": {"responses": {}, "security": 5}, "parameters": [5]}),
            BRK,
            "not-understood",
        )
        for name in ("default", "value", "example", "examples", "const", "parameters", "security", "$defs")
    ),
    *(
        Pair(
            f"a schema of a callback at the address {name}",
            told_by_schema("a", address=name),
            told_by_schema(address=name),
            BRK,
            "now-optional",
        )
        for name in (URL, "default", "enum")
    ),
    Pair(
        "a callback that nothing uses",
        in_components(
            "callbacks",
            "c",
            {URL: {"post": {"requestBody": body("a"), "responses": {}}}},
            document({"/a": {"get": operation()}}),
        ),
        in_components(
            "callbacks",
            "c",
            {URL: {"post": {"requestBody": body(), "responses": {}}}},
            document({"/a": {"get": operation()}}),
        ),
        ADD,
        "now-optional",
    ),
    *(
        Pair(f"{kind} of a webhook ask for {how}", called_by(kind, old), called_by(kind, new), worst)
        for kind, more, less in (
            ("requestBodies", body("a"), body()),
            ("schemas", leaf("a"), leaf()),
            ("parameters", parameter(required=True), parameter()),
        )
        for how, old, new, worst in (("more", less, more, ADD), ("less", more, less, BRK))
    ),
    *(
        Pair(f"responses to a webhook ask for {how}", called_by("responses", old), called_by("responses", new), worst)
        for how, old, new, worst in (
            (
                "more",
                receiving(content={JSON: {"schema": leaf()}}),
                receiving(content={JSON: {"schema": leaf("a")}}),
                BRK,
            ),
            (
                "less",
                receiving(content={JSON: {"schema": leaf("a")}}),
                receiving(content={JSON: {"schema": leaf()}}),
                ADD,
            ),
        )
    ),
    *(
        Pair(
            f"a callback that {name}",
            with_callback(),
            put(with_callback(), ["paths", "/a", "get", "callbacks", "done"], after),
            BRK,
            "not-understood",
        )
        for name, after in (("moves to another file", TO_ANOTHER_FILE), ("is gone", reference("x-calls", "a")))
    ),
]
