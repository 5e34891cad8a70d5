"""The operations of sessions: a documentation page and upstream's complete documents give the same Python for them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from anchor_webtask_api.api import sessions
from tests.support.building import upstream
from tools.compose.composition import compose
from tools.openapi import walk
from tools.openapi.operations import operations
from tools.repository import OVERLAY, ROOT, SPEC

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SESSIONS = "/v1/sessions"
OPERATIONS = {
    "create_session": ("post", SESSIONS),
    "list_sessions": ("get", f"{SESSIONS}/all/status"),
    "get_session": ("get", f"{SESSIONS}/{{session_id}}"),
    "end_session": ("delete", f"{SESSIONS}/{{session_id}}"),
    "list_session_downloads": ("get", f"{SESSIONS}/{{session_id}}/downloads"),
    "list_session_recordings": ("get", f"{SESSIONS}/{{session_id}}/recordings"),
    "fetch_primary_recording": ("get", f"{SESSIONS}/{{session_id}}/recordings/primary/fetch"),
    "take_session_screenshot": ("get", f"{SESSIONS}/{{sessionId}}/screenshot"),
    "list_questions": ("get", f"{SESSIONS}/{{session_id}}/agent/requested-human-intervention"),
    "answer_question": ("post", f"{SESSIONS}/{{session_id}}/agent/respond-to-human-intervention"),
}
DIFFERENT_BEFORE_FEBRUARY = {
    *("AnchorProxy", "BrowserConfig", "ResidentialCountryCode", "MobileCountryCode", "GovCountryCode"),
}
"""Schemas of requests that upstream has changed since, and whose classes the package does not use."""

_TEXTS = {"description", "summary", "example", "examples", "tags", "x-upstream-tags"}
_NAMES = {"properties", "responses"}
"""The keys of mappings whose keys are names: a property may be named `tags`."""


def without_texts(node: Any, *, has_names: bool = False) -> Any:
    """Return a part of a spec without what changes only comments and folders of the generated code."""
    if isinstance(node, dict):
        return {
            key: without_texts(value, has_names=key in _NAMES and not has_names)
            for key, value in node.items()
            if has_names or key not in _TEXTS
        }
    return [without_texts(each) for each in node] if isinstance(node, list) else node


def named(part: Any, schemas: dict[str, Any]) -> Iterator[str]:
    """Yield the names of the schemas that a part of a spec uses, also those that these use."""
    seen: list[str] = []
    parts = [part]
    while parts:
        for node in walk.objects(parts.pop()):
            name = str(node.get("$ref", "")).rpartition("#/components/schemas/")[2]
            if name and name not in seen:
                seen.append(name)
                parts.append(schemas[name])
    yield from seen


def about_sessions(spec: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the operations of sessions in a composed spec by their ids, and the schemas that these use."""
    document = json.loads(compose(spec, ROOT / OVERLAY).to_json())
    found = {op["operationId"]: (method, path, op) for method, path, op in operations(document)}
    ours = {name: found[name] for name in OPERATIONS}
    schemas = document["components"]["schemas"]
    used = {name: without_texts(schemas[name]) for name in named([op for _, _, op in ours.values()], schemas)}
    return {name: (method, path, without_texts(op)) for name, (method, path, op) in ours.items()}, used


@pytest.mark.parametrize("version", ["2026-01-08b", "2026-01-09", "2026-02-15"])
def test_page_and_complete_document_give_the_same_python(version: str) -> None:
    allowed = DIFFERENT_BEFORE_FEBRUARY if version < "2026-02" else set()
    operations_of_page, schemas_of_page = about_sessions(ROOT / SPEC)
    operations_of_document, schemas_of_document = about_sessions(upstream(version))
    assert operations_of_page == operations_of_document
    for name in (schemas_of_page.keys() | schemas_of_document.keys()) - allowed:
        assert schemas_of_page[name] == schemas_of_document[name], name


def test_operations_have_upstreams_methods_and_paths() -> None:
    found, _ = about_sessions(ROOT / SPEC)
    assert {name: (method, path) for name, (method, path, _) in found.items()} == OPERATIONS


def test_each_operation_has_a_module_with_its_name() -> None:
    from importlib import import_module

    modules = {name: import_module(f"{sessions.__name__}.{name}") for name in OPERATIONS}
    for name, (method, path) in OPERATIONS.items():
        arguments = {"session_id": "s/1"} if "{" in path else {}
        if name == "answer_question":
            continue  # it needs a body; see the test below
        kwargs = modules[name]._get_kwargs(**arguments)
        assert (kwargs["method"], kwargs["url"].replace("s%2F1", "ID")) == (
            method,
            path.replace("{session_id}", "ID").replace("{sessionId}", "ID"),
        )


def test_bodies_of_requests_hold_what_the_spec_does_not_describe() -> None:
    from anchor_webtask_api.api.sessions import answer_question, create_session, list_sessions
    from anchor_webtask_api.models import HumanInterventionResponseRequest, SessionCreateRequestSchema

    created = SessionCreateRequestSchema()
    created.additional_properties.update({"session": {"tags": ["a"], "new": 1}})
    assert create_session._get_kwargs(body=created)["json"] == {"session": {"tags": ["a"], "new": 1}}
    answered = HumanInterventionResponseRequest(request_id="q", response={"name": "value"})
    assert answer_question._get_kwargs(session_id="s", body=answered)["json"] == {
        "requestId": "q",
        "response": {"name": "value"},
    }
    assert list_sessions._get_kwargs(tags="a,b")["params"] == {"tags": "a,b"}
