"""Each public name has a complete docstring: what it does, each argument, what it returns, and what it raises."""

from __future__ import annotations

import ast
import asyncio
import importlib
import inspect
import re
import textwrap
from functools import cached_property
from types import FunctionType
from typing import TYPE_CHECKING, Any

import attrs
import pytest
from griffe import Docstring, DocstringSectionKind, Parser

from anchor_webtask import Anchor, AsyncAnchor, TaskRequest, testing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULES = ["anchor_webtask", "anchor_webtask.emulator", "anchor_webtask.notebook", "anchor_webtask.testing"]
PLACEHOLDERS = {"self", "positional", "_positional", "unknown", "_unknown"}
"""Parameters that only exist to explain mistakes."""
SAID_TO_RETURN = re.compile(r"\b(returns?|yields?|iterates?|lists?|counts?|whether|decorat\w+)\b", re.IGNORECASE)
"""Words by which a first sentence says what is returned, so that it needs no section of its own."""


@attrs.frozen
class Documented:
    """A public class, function, method or property, with the parts of its docstring."""

    name: str
    value: Any
    text: str

    @property
    def sections(self) -> dict[DocstringSectionKind, set[str]]:
        """The sections of the docstring, each with the names in it."""
        parsed = Docstring(self.text).parse(Parser.google, warnings=False)
        return {
            section.kind: {
                getattr(each, "name", None) or str(getattr(each, "annotation", "")) for each in section.value
            }
            for section in parsed
            if isinstance(section.value, list)
        }

    @property
    def summary(self) -> str:
        return self.text.partition("\n\n")[0]


def documented() -> Iterator[Documented]:
    """Yield all public names, and all public members of classes."""
    for module in map(importlib.import_module, MODULES):
        for name in module.__all__:
            value = getattr(module, name)
            if isinstance(value, type):
                yield Documented(f"{module.__name__}.{name}", value, inspect.cleandoc(value.__doc__ or ""))
                yield from members(f"{module.__name__}.{name}", value)
            elif isinstance(value, FunctionType):
                yield Documented(f"{module.__name__}.{name}", value, inspect.cleandoc(value.__doc__ or ""))


def members(name: str, cls: type) -> Iterator[Documented]:
    for key in dir(cls):
        owner = next((base for base in cls.__mro__ if key in vars(base)), object)
        if key.startswith("_") or not owner.__module__.startswith("anchor_webtask"):
            continue
        value = vars(owner)[key]
        value = value.__func__ if isinstance(value, staticmethod | classmethod) else value
        if isinstance(value, FunctionType | property | cached_property):
            text = value.__doc__ or ""
            yield Documented(f"{name}.{key}", value, inspect.cleandoc(text))


ALL = {each.name: each for each in documented()}
FUNCTIONS = {name: each for name, each in ALL.items() if isinstance(each.value, FunctionType)}


@pytest.mark.parametrize("name", ALL)
def test_first_sentence_says_what_it_is(name: str) -> None:
    assert re.match(r"[A-Z0-9`].*[.:]", ALL[name].summary, re.DOTALL), ALL[name].text


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_argument_is_described(name: str) -> None:
    each = FUNCTIONS[name]
    first = 1 if name.count(".") > 1 and "self" in inspect.signature(each.value).parameters else 0
    taken = [*inspect.signature(each.value).parameters][first:]
    described = {argument.lstrip("*") for argument in each.sections.get(DocstringSectionKind.parameters, ())}
    assert described == {argument for argument in taken if argument not in PLACEHOLDERS | {"cls"}}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_what_is_returned_is_described(name: str) -> None:
    each = FUNCTIONS[name]
    described = {DocstringSectionKind.returns, DocstringSectionKind.yields} & each.sections.keys()
    returns = inspect.signature(each.value).return_annotation
    assert returns in {"None", "NoReturn"} or described or SAID_TO_RETURN.search(each.summary), each.text


@pytest.mark.parametrize("name", [name for name, each in ALL.items() if isinstance(each.value, type)])
def test_each_attribute_of_a_class_is_described(name: str) -> None:
    each = ALL[name]
    described = set[str]()
    for base in each.value.__mro__:
        sections = attrs.evolve(each, text=inspect.cleandoc(base.__doc__ or "")).sections
        described |= sections.get(DocstringSectionKind.attributes, set())
        described |= sections.get(DocstringSectionKind.parameters, set())
    annotated = {
        attribute
        for base in each.value.__mro__
        if base.__module__.startswith("anchor_webtask")
        for attribute in inspect.get_annotations(base)
        if not attribute.startswith("_")
    }
    assert annotated <= described


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if inspect.iscoroutinefunction(FUNCTIONS[name].value)])
def test_errors_of_what_waits_are_described(name: str) -> None:
    """What only closes something, stops something or sleeps raises nothing."""
    method = name.rpartition(".")[2]
    assert DocstringSectionKind.raises in FUNCTIONS[name].sections or method in {"aclose", "stop", "sleep_async"}


TWINS = [
    (name, name.replace("anchor_webtask.", "anchor_webtask.Async", 1))
    for name in ALL
    if f"anchor_webtask.Async{name.split('.')[1]}" in ALL and not name.endswith(".close")
]


@pytest.mark.parametrize(("sync", "async_"), TWINS, ids=[sync for sync, _ in TWINS])
def test_both_clients_describe_the_same_arguments_attributes_and_errors(sync: str, async_: str) -> None:
    assert ALL[sync].sections == ALL[async_].sections


EXAMPLES = {
    name: textwrap.dedent(block)
    for name, each in ALL.items()
    if name != "anchor_webtask.testing.install"  # it cannot be nested; its page is tested
    for block in re.findall(r"(?<=::\n\n)(?: {4}.*\n|\n)+", each.text)
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_runs(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    names = {"urls": ["https://shop.example/p/1"], "TaskRequest": TaskRequest}
    code = compile(EXAMPLES[name], name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)

    async def run() -> None:
        async with AsyncAnchor() as anchor:
            await eval(code, {**names, "anchor": anchor})

    with testing.install() as emulator:
        emulator.on(answer=3.5)
        if code.co_flags & inspect.CO_COROUTINE:
            asyncio.run(run())
        else:
            with Anchor() as anchor:
                exec(code, {**names, "anchor": anchor})
        assert emulator.starts == 1
