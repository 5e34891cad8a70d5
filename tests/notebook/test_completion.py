"""IPython offers the API's options where they are passed, and `help` describes them."""

from __future__ import annotations

import inspect
import pydoc
from typing import TYPE_CHECKING, Any

import pytest
from IPython.core.completer import provisionalcompleter

from anchor_webtask import Anchor, AsyncAnchor, AsyncTasks, TaskOptions, TaskRequest, Tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS = {*TaskOptions.__annotations__}
OWN = {
    "run": {"prompt", "output", "timeout", "wait", "on_start", "on_update", "on_question", "key", "ledger"},
    "start": {"prompt", "output"},
    "run_in_one_request": {"prompt", "output", "http_timeout"},
}
METHODS = [(kind, name) for kind in (Tasks, AsyncTasks) for name in OWN]
CALLS = [
    *((f"{client}.tasks.{name}", OWN[name]) for client in ("anchor", "async_anchor") for name in OWN),
    ("TaskRequest", {"key", "data"}),
]


@pytest.fixture
def complete(shell: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function that returns the arguments that IPython offers after a text."""
    with Anchor("a-key") as anchor:
        names = {"anchor": anchor, "async_anchor": AsyncAnchor("a-key"), "TaskRequest": TaskRequest}
        monkeypatch.setattr(shell, "user_ns", names)
        monkeypatch.setattr(shell.Completer, "namespace", names)

        def completed(text: str) -> set[str]:
            with provisionalcompleter():
                found = [each.text for each in shell.Completer.completions(text, len(text))]
            return {each.removesuffix("=") for each in found if each.endswith("=")}

        yield completed


@pytest.mark.parametrize(("call", "own"), CALLS)
def test_completion_offers_every_argument(complete: Any, call: str, own: set[str]) -> None:
    assert complete(f"{call}('Read the price', ") >= (own - {"prompt"}) | OPTIONS


def test_completion_finishes_a_name_and_leaves_out_what_was_passed(complete: Any) -> None:
    assert complete("anchor.tasks.run('Read the price', max_s") == {"max_steps"}
    assert "url" not in complete("anchor.tasks.run('Read the price', url='https://shop.example', ")


def test_completion_of_a_call_without_options_offers_none(complete: Any) -> None:
    assert not complete("anchor.tasks.get('task-1', ") & OPTIONS


@pytest.mark.parametrize(("kind", "name"), METHODS)
def test_signature_names_every_argument(kind: type, name: str) -> None:
    signature = inspect.signature(getattr(kind, name))
    assert signature.parameters.keys() == {"self"} | OWN[name] | OPTIONS
    assert {signature.parameters[option].annotation for option in ("url", "session_id")} == {"str | None"}
    assert inspect.iscoroutinefunction(getattr(kind, name)) == (kind is AsyncTasks)


@pytest.mark.parametrize("described", [*(getattr(kind, name) for kind, name in METHODS), TaskRequest])
def test_help_describes_every_option(described: Any) -> None:
    text = pydoc.plain(pydoc.render_doc(described))
    margin = next(line for line in text.splitlines() if "prompt: The task, in plain words." in line).partition("p")[0]
    lines = text.splitlines()
    assert [name for name in OPTIONS if not any(line.startswith(f"{margin}{name}: ") for line in lines)] == []
    assert f"{margin}    may add agents." in lines
    assert "**options" not in text.partition("__init__")[0]


@pytest.mark.parametrize("described", [*(getattr(kind, name) for kind, name in METHODS), TaskRequest])
def test_descriptions_are_those_of_the_options(described: Any) -> None:
    listed = inspect.getdoc(TaskOptions) or ""
    shown = inspect.getdoc(described) or ""
    options = [line.strip() for line in listed.partition("Attributes:\n")[2].splitlines()]
    assert len(options) > len(OPTIONS)
    assert [line for line in options if line not in {each.strip() for each in shown.splitlines()}] == []
