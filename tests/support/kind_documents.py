"""Small documents, and parts of them, in which the pairs of `kinds_of_schemas` and `kinds_of_operations` differ."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tests.support.changes import put
from tests.support.documents import JSON, document, of, read, sent
from tools.drift.rows import Severity

if TYPE_CHECKING:
    from collections.abc import Callable

DOC, ADD, NAM, BEH, BRK = Severity


class Pair(NamedTuple):
    """Two documents, and the most severe row that their comparison must have."""

    name: str
    old: Any
    new: Any
    worst: Severity | None
    kind: str = ""


TEXT: Final = {"type": "string"}
NUMBER: Final = {"type": "integer"}
FILE: Final = {"type": "string", "format": "binary"}
NULL: Final = {"type": "null"}
LIST: Final = {"type": "array", "items": TEXT}
LEAF: Final = {"type": "object", "properties": {"a": TEXT}}
TO_LEAF: Final = {"$ref": "#/components/schemas/Leaf"}
TO_ROLE: Final = {"$ref": "#/components/schemas/Role"}
TO_SELF: Final = {"$ref": "#/components/schemas/Self"}
SELF: Final = {"type": "object", "properties": {"self": TO_SELF}}
ROLE: Final = {"type": "string", "enum": ["x", "y"]}
GET: Final = ["paths", "/a", "get"]
X: Final = [*GET, "responses", "200", "content", JSON, "schema"]
PARTLY: Final = {"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": ["b"]}
COMPONENTS: Final[Any] = {
    "Leaf": LEAF,
    "Partly": PARTLY,
    "Role": ROLE,
    "Text": TEXT,
    "Union": {"oneOf": [{"$ref": "#/components/schemas/Leaf"}, {"$ref": "#/components/schemas/Role"}]},
    "Maybe": {"type": ["string", "null"]},
    "MaybeLeaf": {"anyOf": [LEAF, NULL]},
}


def both(name: str, old: Any, new: Any, worst: Severity | None, kind: str = "") -> list[Pair]:
    """Return two pairs, in which a property of a request or of a response changes."""
    return [
        Pair(f"{name}, sent", sent(old, **COMPONENTS), sent(new, **COMPONENTS), worst, kind),
        Pair(f"{name}, read", read(old, **COMPONENTS), read(new, **COMPONENTS), worst, kind),
    ]


def apart(name: str, old: Any, new: Any, kind: str, request: Severity | None, response: Severity | None) -> list[Pair]:
    """Return the pairs of `both`, of which each has its own class."""
    one, other = both(name, old, new, None, kind)
    return [one._replace(worst=request), other._replace(worst=response)]


def operation(**more: Any) -> Any:
    """Return an operation, with these keywords in place of its own."""
    return {"operationId": "doIt", "tags": ["things"], "responses": {"200": {"description": "ok"}}, **more}


def answers(content: Any, **more: Any) -> Any:
    """Return a document whose operation answers with this content."""
    return document({"/a": {"get": operation(responses={"200": {"description": "ok", "content": content, **more}})}})


def parameter(**more: Any) -> Any:
    """Return a query parameter, with these keywords in place of its own."""
    return {"name": "q", "in": "query", "schema": TEXT, **more}


def asks(*parameters: Any, path: str = "/a", **components: Any) -> Any:
    """Return a document whose operation has these parameters."""
    return document({path: {"get": operation(parameters=[*parameters])}}, **components)


def secured(*security: Any, schemes: tuple[str, ...] = ("k", "l"), name: str = "", scope: str = "r") -> Any:
    """Return a document with these requirements."""
    made = document(
        {"/a": {"get": operation()}},
        securitySchemes={
            **{each: {"type": "apiKey", "in": "header", "name": name or each.upper()} for each in schemes[:1]},
            **{each: {"type": "apiKey", "in": "header", "name": each.upper()} for each in schemes[1:]},
            "o": {
                "type": "oauth2",
                "flows": {
                    "implicit": {
                        "authorizationUrl": "https://e.org",
                        "scopes": {**({"r": scope} if scope else {}), "w": "w"},
                    }
                },
            },
        },
    )
    return {**made, "security": [*security]}


def own_list(*security: Any) -> Any:
    """Return a document whose operation has these requirements, and not the document."""
    return put(secured(), [*GET, "security"], [*security])


def scheme(made: Any) -> Any:
    """Return a document with this security scheme."""
    return in_components(
        "securitySchemes", "k", made, {**document({"/a": {"get": operation()}}), "security": [{"k": []}]}
    )


def scheme_by_reference(made: Any) -> Any:
    """Return a document with this security scheme under another name, to which the first name refers."""
    return in_components("securitySchemes", "z", made, scheme({"$ref": "#/components/securitySchemes/z"}))


def flows(**made: Any) -> Any:
    """Return a document with these ways to get a token."""
    return scheme({"type": "oauth2", "flows": made})


def in_path(first: str, second: str, listed: str = "xy") -> Any:
    """Return a document whose path has two parameters."""
    given = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in listed]
    return asks(*given, path=f"/a/{{{first}}}/{{{second}}}")


def wrapped(*, inside: bool) -> Any:
    """Return a document of several operations, whose answers are inside `data` or not."""
    answer: Any = {"type": "object", "properties": {"a": TEXT, "b": NUMBER}}
    schema = {"type": "object", "properties": {"data": answer}} if inside else answer
    content = {JSON: {"schema": schema}}
    return document(
        {
            f"/{name}": {
                "get": operation(operationId=name, responses={"200": {"description": "ok", "content": content}})
            }
            for name in "abcdefg"
        }
    )


def calls(word: str = "", **more: Any) -> Any:
    """Return a document with a webhook."""
    body = {"content": {JSON: {"schema": {"type": "object", "properties": {"a": TEXT, **more}}}}}
    item = {"post": {"requestBody": body, "responses": {"200": {"description": f"k{word}"}}}}
    return {**document({"/a": {"get": operation()}}), "webhooks": {"w": item}}


def called_with(*security: Any) -> Any:
    """Return a document with a webhook that the API calls with these credentials."""
    made = calls()
    made["components"] = secured()["components"]
    if security:
        made["webhooks"]["w"]["post"]["security"] = [*security]
    return made


def inheriting(*own: Any, of: Any) -> Any:
    """Return a document with a list of its own, and with a webhook that has none, or this one.

    Its operation asks for no credentials.
    """
    made = {**called_with(*own), "security": [of]}
    made["paths"]["/a"]["get"]["security"] = []
    return made


def by_reference(made: Any) -> Any:
    """Return the document of `inheriting` with the webhook's path item as a component, which its webhook refers to."""
    components = made.get("components", {})
    items = components.get("pathItems", {})
    name = f"w{len(items)}"
    components = {**components, "pathItems": {name: made["webhooks"]["w"], **items}}
    return {**made, "components": components, "webhooks": {"w": {"$ref": f"#/components/pathItems/{name}"}}}


def of_path(made: Any) -> Any:
    """Return the document of `by_reference` with a path that also refers to the component."""
    return {**made, "paths": {**made["paths"], "/b": made["webhooks"]["w"]}}


def uncalled(made: Any) -> Any:
    """Return a document without its webhooks."""
    return {key: value for key, value in made.items() if key != "webhooks"}


def elsewhere(made: Any, *place: str) -> Any:
    """Return a copy of a document whose webhook refers to its path item at another place."""
    reference = "/".join(["#", *(step.replace("/", "~1") for step in place)])
    return put(put(made, [*place], made["webhooks"]["w"]), ["webhooks", "w"], {"$ref": reference})


def chained(made: Any) -> Any:
    """Return the document of `by_reference` in which its component refers to another one with the path item."""
    items = made["components"]["pathItems"]
    items = {"w0": {"$ref": "#/components/pathItems/other"}, "other": items["w0"]}
    return {**made, "components": {**made["components"], "pathItems": items}}


def beside_reference(*parameters: Any) -> Any:
    """Return a document whose webhook has parameters beside the reference to its path item."""
    made = by_reference(calls())
    made["webhooks"]["w"]["parameters"] = [*parameters]
    return made


def calling_itself(name: str, *required: str) -> Any:
    """Return a document with a callback that is a callback of itself."""
    reference = {"$ref": f"#/components/callbacks/{name}"}
    body = {"content": {JSON: {"schema": {**LEAF, "required": [*required]}}}}
    called = {"post": {"requestBody": body, "responses": {}, "callbacks": {"more": reference}}}
    made = document({"/a": {"get": operation(callbacks={"done": reference})}})
    return {**made, "components": {"callbacks": {name: {"{$request.query.url}": called}}}}


def calling_back_by(*names: str) -> Any:
    """Return a document with a callback behind so many references."""
    callbacks: dict[str, Any] = {"last": with_callback()["paths"]["/a"]["get"]["callbacks"]["done"]}
    for name, target in zip(names, [*names, "last"][1:], strict=True):
        callbacks[name] = {"$ref": f"#/components/callbacks/{target}"}
    done = {"$ref": f"#/components/callbacks/{names[0]}"} if names else callbacks["last"]
    return {**document({"/a": {"get": operation(callbacks={"done": done})}}), "components": {"callbacks": callbacks}}


def signed(header: str, *, how: str) -> Any:
    """Return a document whose webhook or callback has a signature in a header, by a scheme that nothing else uses."""
    made = inheriting({"s": []}, of={"k": []})
    made["components"]["securitySchemes"]["s"] = {**KEY, "name": header}
    made["paths"]["/a"]["get"]["security"] = [{"k": []}]
    if how == "a callback":
        made["paths"]["/a"]["get"]["callbacks"] = {"done": made.pop("webhooks")}
    return by_reference(made) if how == "a component" else made


def with_callback_elsewhere(**more: Any) -> Any:
    """Return a document with a callback that is an extension."""
    made = with_callback(**more)
    callbacks = made["paths"]["/a"]["get"].pop("callbacks")
    made["paths"]["/a"]["get"]["callbacks"] = {"done": {"$ref": "#/x-calls/done"}}
    return {**made, "x-calls": callbacks}


def called_and_shared(*required: str) -> Any:
    """Return a document with an operation that shares the body of a path item by which the API calls back."""
    made = with_body_of_call(*required)
    called = {"{$request.query.url}": made["webhooks"]["w"]}
    made["paths"]["/a"]["post"]["callbacks"] = {"done": called}
    return uncalled(made)


def with_media_of_call(*kinds: str) -> Any:
    """Return a document with a path item that nothing calls, to whose body of these media types an operation refers."""
    made = uncalled(with_body_of_call())
    body = made["components"]["pathItems"]["w0"]["post"]["requestBody"]
    body["content"] = dict.fromkeys(kinds, body["content"][JSON])
    return made


def of_path_by_references(made: Any) -> Any:
    """Return a document with a path whose path item is an extension, by way of a component.

    Its empty list is left out in normal form, but not in an extension that is not used.
    """
    item = {"get": operation(operationId="b", parameters=[{**parameter(), "schema": {**LEAF, "required": []}}])}
    made = put(put(made, ["x-calls", "a"], item), ["paths", "/b"], {"$ref": "#/components/pathItems/A"})
    return in_components("pathItems", "A", {"$ref": "#/x-calls/a"}, made)


def open_to_all(header: str, made: Any) -> Any:
    """Return a document whose operations ask for no scheme, with a scheme more."""
    return in_components("securitySchemes", "k", {**KEY, "name": header}, made)


def with_another_file(made: Any) -> Any:
    """Return a document with an operation that refers to another document, which may use any component."""
    return put(made, ["paths", "/a", "get", "responses", "200"], {"$ref": "other.yaml#/a"})


def beside_reference_of_path(*, own: tuple[Any, ...] = (), of_item: tuple[Any, ...] = ()) -> Any:
    """Return a document with a path item that has a reference and an operation, with parameters of both."""
    item = {"$ref": "#/x-items/a", "get": operation(parameters=[*own]), "parameters": [*of_item]}
    return document({"/a": item})


def used_in_part(made: Any) -> Any:
    """Return the document of `inheriting` without its webhook; an operation refers to the body of the path item."""
    made = by_reference(made)
    made["paths"]["/b"] = {"post": operation(requestBody={"$ref": "#/components/pathItems/w0/post/requestBody"})}
    made["paths"]["/b"]["post"]["security"] = []
    return uncalled(made)


def with_body_of_call(*required: str, word: str = "") -> Any:
    """Return a document with the path item of a webhook, to whose body an operation refers as well."""
    made = by_reference(calls(word))
    body = made["components"]["pathItems"]["w0"]["post"]["requestBody"]
    body["content"][JSON]["schema"]["required"] = [*required]
    paths = {"/a": {"post": operation(requestBody={"$ref": "#/components/pathItems/w0/post/requestBody"})}}
    return {**made, "paths": paths}


def calling_back(made: Any, *, item: bool) -> Any:
    """Return the document of `inheriting` with the webhook's path item in a callback that is a component.

    Args:
        made: The document.
        item: Whether the path item is a component as well, which the callback refers to.
    """
    made = by_reference(made)
    found = made["webhooks"]["w"] if item else made["components"].pop("pathItems")["w0"]
    made["components"]["callbacks"] = {"w": {"{$request.query.url}": found}}
    made["paths"]["/a"]["get"]["callbacks"] = {"done": {"$ref": "#/components/callbacks/w"}}
    return uncalled(made)


def with_callback(**more: Any) -> Any:
    """Return a document with a callback, whose body has these properties."""
    body = {"content": {JSON: {"schema": {"type": "object", "properties": {"a": TEXT, **more}}}}}
    called = {"post": {"requestBody": body, "responses": {"200": {"description": "k"}}}}
    return document({"/a": {"get": operation(callbacks={"done": {"{$request.query.url}": called}})}})


def with_parameter(made: Any, *, shared: bool) -> Any:
    """Return a document whose webhook or callback has a parameter: its operation, or its path."""
    callbacks = made["paths"]["/a"]["get"].get("callbacks")
    items = callbacks["done"].values() if callbacks else made["webhooks"].values()
    for item in items:
        (item if shared else item["post"])["parameters"] = [parameter()]
    return made


def form(schema: Any = TEXT, **encoding: Any) -> Any:
    """Return a document with a form, whose property has this encoding."""
    media = {
        "schema": {"type": "object", "properties": {"a": schema}},
        **({"encoding": {"a": encoding}} if encoding else {}),
    }
    return document({"/a": {"post": operation(requestBody={"content": {"multipart/form-data": media}})}})


def encoded(encoding: Any) -> Any:
    """Return a document with a form, whose encoding may be anything."""
    made = form()
    made["paths"]["/a"]["post"]["requestBody"]["content"]["multipart/form-data"]["encoding"] = encoding
    return made


def renamed(name: str, kind: str = "schemas") -> Any:
    """Return a document with components that refer to each other and to themselves."""
    if kind == "responses":
        made = document({"/a": {"get": operation(responses={"200": {"$ref": f"#/components/responses/{name}"}})}})
        made["components"] = {kind: {name: {"description": "ok", "content": {JSON: {"schema": LEAF}}}}}
        return made
    tree = {"type": "object", "properties": {"more": {"$ref": f"#/components/schemas/{name}"}, "leaf": TO_LEAF}}
    return read({"$ref": f"#/components/schemas/{name}"}, **{name: tree, "Leaf": LEAF})


def in_components(kind: str, name: str, part: Any, made: Any) -> Any:
    """Return a copy of a document with a component more."""
    return put(made, ["components", kind, name], part)


def shared(schema: Any, **responses: Any) -> Any:
    """Return a document whose component is reached through others, in several operations."""
    components = {"Deep": schema, "Middle": {"type": "array", "items": {"$ref": "#/components/schemas/Deep"}}}
    content = {JSON: {"schema": {"$ref": "#/components/schemas/Middle"}}}
    ok = {"200": {"description": "ok", "content": content}, **responses}
    paths = {f"/{name}": {"get": operation(operationId=name, responses=ok)} for name in "ab"}
    return document(paths, schemas=components)


def positional(required: list[str]) -> Any:
    """Return a document whose body has two properties."""
    return of({"type": "object", "properties": {"a": TEXT, "b": TEXT}, "required": required})


def anchored(reference: str, schema: Any, name: str = "A") -> Any:
    """Return a document that reaches a component through an anchor, or through another document."""
    key = "$dynamicRef" if reference.startswith("dynamic") else "$ref"
    made = read({key: reference.removeprefix("dynamic")}, A={"$anchor": name, "$dynamicAnchor": name, **schema})
    return copy.deepcopy(made)


def numbered(**bounds: Any) -> Any:
    return {"type": "number", **bounds}


def types(*kinds: str) -> Any:
    return {"type": [*kinds]}


def holds(schema: Any) -> Any:
    return {"type": "array", "items": {}, "contains": schema}


def places(*places: Any) -> Any:
    return {"type": "array", "items": TEXT, "prefixItems": [*places]}


MERGED: Final = {"type": "object", "properties": {"a": TEXT, "b": NUMBER}}
B: Final = {"type": "object", "properties": {"b": NUMBER}}
LEAF_AND_B: Final[Any] = {"allOf": [TO_LEAF, B]}
ONE_OF: Final[Any] = {"oneOf": [TO_LEAF, {"$ref": "#/components/schemas/Role"}]}
HEADER: Final = {"name": "X-Case", "in": "header", "required": True, "schema": TEXT}
KEY: Final = {"type": "apiKey", "in": "header", "name": "X-Key"}
COOKIE: Final = {**KEY, "in": "cookie"}
BEARER: Final = {"type": "http", "scheme": "Bearer"}
FLOW: Final = {"tokenUrl": "https://a", "scopes": {"r": "r"}}
LIMITED: Final = {"description": "no", "headers": {"Retry-After": {"schema": NUMBER}}}

TRUTH: Final = {"type": "boolean"}
REQUIRED: Final[Any] = {"allOf": [{"$ref": "#/components/schemas/Partly"}, {"type": "object", "required": ["a"]}]}
"""A schema whose class takes `b` before `a`, since `b` is already required in the part."""
FLAT: Final = {**PARTLY, "required": ["a", "b"]}

BESIDE: Final[dict[str, Callable[[Any], Any]]] = {
    "response": lambda leaf: put(read(TO_LEAF, Leaf=leaf), [*GET, "responses", "400"], None),
    "content": lambda leaf: put(read(TO_LEAF, Leaf=leaf), [*GET, "responses", "200", "content", "text/plain"], None),
    "property": lambda leaf: put(read(TO_LEAF, Leaf=leaf), [*X, "properties", "y"], None),
    "path": lambda leaf: put(read(TO_LEAF, Leaf=leaf), ["paths", "/b"], None),
    "parameter": lambda leaf: put(read(TO_LEAF, Leaf=leaf), [*GET, "parameters"], [None]),
    "part": lambda leaf: put(read(TO_LEAF, Leaf=leaf), X, {"allOf": [None, TO_LEAF]}),
}
"""Documents in which something beside a component is invalid."""
