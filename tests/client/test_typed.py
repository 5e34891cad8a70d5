"""Types as `output`, against the emulator over TCP.

One emulator serves the whole file, since a server takes a while to stop; its tasks take no time, and each test says
what it answers to those that follow.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypedDict

import attrs
import msgspec
import pydantic
import pydantic.dataclasses
import pytest

from anchor_webtask import ConfigurationError, InvalidOutputError, JsonSchema
from anchor_webtask.emulator import Emulator
from tests.support.clocks import VirtualClock
from tests.support.errors import raised
from tests.support.kinds import KINDS, OBJECTS, OTHERS, Cash, Kind
from tests.support.processes import spawn
from tests.support.raw_server import TEST_TIMEOUT
from tests.support.runners import KEY

if TYPE_CHECKING:
    from tests.support.runners import Runner

pytestmark = pytest.mark.usefixtures("clock")

FIND: Final = Path(__file__).parents[1] / "support" / "find_typed.py"

# -- The example of the API's documentation, with each kind of class ---------------------------------------------------


@attrs.define
class AttrsNode:
    node: str
    cluster: str
    cpu_avg_percentage: float


@attrs.define
class AttrsReport:
    nodes_cpu_usage: list[AttrsNode]


@dataclass
class DataNode:
    node: str
    cluster: str
    cpu_avg_percentage: float


@dataclass
class DataReport:
    nodes_cpu_usage: list[DataNode]


class DictNode(TypedDict):
    node: str
    cluster: str
    cpu_avg_percentage: float


class DictReport(TypedDict):
    nodes_cpu_usage: list[DictNode]


class StructNode(msgspec.Struct):
    node: str
    cluster: str
    cpu_avg_percentage: float


class StructReport(msgspec.Struct):
    nodes_cpu_usage: list[StructNode]


class ModelNode(pydantic.BaseModel):
    node: str
    cluster: str
    cpu_avg_percentage: float


class ModelReport(pydantic.BaseModel):
    nodes_cpu_usage: list[ModelNode]


@pydantic.dataclasses.dataclass
class ValidatedNode:
    node: str
    cluster: str
    cpu_avg_percentage: float


@pydantic.dataclasses.dataclass
class ValidatedReport:
    nodes_cpu_usage: list[ValidatedNode]


class RowNode(NamedTuple):
    node: str
    cluster: str
    cpu_avg_percentage: float


class RowReport(NamedTuple):
    nodes_cpu_usage: list[RowNode]


ROWS: Final = [
    ("pool-e1ro5g0nq-559g5", "do-nyc1-demo-infra", 8.29),
    ("pool-e1ro5g0nq-559gk", "do-nyc1-demo-infra", 24.8),
]
NODES: Final = [dict(zip(("node", "cluster", "cpu_avg_percentage"), row, strict=True)) for row in ROWS]
REPORT: Final = {"nodes_cpu_usage": NODES}
NODE_SCHEMA: Final = {
    "type": "object",
    "properties": {
        "node": {"type": "string"},
        "cluster": {"type": "string"},
        "cpu_avg_percentage": {"type": "number"},
    },
    "required": ["node", "cluster", "cpu_avg_percentage"],
}
SCHEMA: Final = {
    "type": "object",
    "properties": {"nodes_cpu_usage": {"type": "array", "items": NODE_SCHEMA}},
    "required": ["nodes_cpu_usage"],
}


@dataclass(frozen=True)
class Seed:
    """The example as one kind of class; `leaf` leads to the last number in its answer."""

    name: str
    output: Any
    value: Any
    answer: Any = dataclasses.field(default_factory=lambda: REPORT)
    leaf: tuple[str | int, ...] = ("nodes_cpu_usage", 1, "cpu_avg_percentage")


def models() -> list[ModelNode]:
    return [ModelNode(node=node, cluster=cluster, cpu_avg_percentage=cpu) for node, cluster, cpu in ROWS]


SEEDS: Final = [
    Seed("attrs", AttrsReport, AttrsReport([AttrsNode(*row) for row in ROWS])),
    Seed("dataclass", DataReport, DataReport([DataNode(*row) for row in ROWS])),
    Seed("TypedDict", DictReport, REPORT),
    Seed("Struct", StructReport, StructReport([StructNode(*row) for row in ROWS])),
    Seed("pydantic model", ModelReport, ModelReport(nodes_cpu_usage=models())),
    Seed("pydantic dataclass", ValidatedReport, ValidatedReport([ValidatedNode(*row) for row in ROWS])),
    Seed(
        "NamedTuple",
        RowReport,
        RowReport([RowNode(*row) for row in ROWS]),
        {"result": [[list(row) for row in ROWS]]},
        ("result", 0, 1, 2),
    ),
    Seed(
        "list",
        list[AttrsNode],
        [AttrsNode(*row) for row in ROWS],
        {"result": NODES},
        ("result", 1, "cpu_avg_percentage"),
    ),
    Seed("list of models", list[ModelNode], models(), {"result": NODES}, ("result", 1, "cpu_avg_percentage")),
    Seed("JsonSchema", JsonSchema(SCHEMA), REPORT),
]

# -- How an answer may come --------------------------------------------------------------------------------------------

RIGHT: Final[dict[str, Callable[[Any], Any]]] = {
    "as it is": lambda answer: answer,
    "nested once": lambda answer: {"result": answer},
    "nested twice": lambda answer: {"result": {"result": answer}},
    "as text": json.dumps,
    "as text, nested": lambda answer: {"result": json.dumps(answer)},
    "nested, as text": lambda answer: json.dumps({"result": answer}),
}

PROSE: Final = "I'm sorry, but the page asks for a login that I don't have."
NO_ANSWERS: Final[dict[str, Any]] = {
    "prose": PROSE,
    "prose, nested": {"result": PROSE},
    "null": None,
    "null, nested": {"result": None},
    "empty": {},
    "empty, nested": {"result": {}},
    "empty, as text": "{}",
    "other": {"error": "login required"},
}

ARE_ANSWERS: Final = {
    "text": {"prose", "prose, nested", "empty, as text"},
    "dataclass with a lone field result": {"prose, nested"},
    "pydantic model with a lone field result": {"prose, nested"},
    **{kind.name: {"empty", "empty, nested", "empty, as text"} for kind in KINDS if kind.name.startswith("dict ")},
    "optional union of tagged Structs": {"null", "null, nested"},
    "optional dataclass": {"null", "null, nested"},
    "optional pydantic model": {"null", "null, nested"},
}
"""What of that is an answer to some types: text to text, null to what is optional, no entries to a dict."""

AMBIGUOUS: Final = {"text", "dataclass with a lone field result", "pydantic model with a lone field result"}
"""To these, JSON in a text is a text."""

MADE_UP: Final = {"optional union of tagged Structs": Cash, "union of scalars and a list": int}
"""Types of whose alternatives the emulator picks another than the kind's own value is of."""

METHODS: Final = ["run", "run_in_one_request"]


def step(value: Any, *keys: str | int) -> Any:
    for key in keys:
        value = value[key]
    return value


def with_leaf(answer: Any, keys: tuple[str | int, ...], leaf: Any) -> Any:
    """Copy an answer with something else at one place."""
    if not keys:
        return leaf
    copy = json.loads(json.dumps(answer))
    step(copy, *keys[:-1])[keys[-1]] = leaf
    return copy


def jsonpath(keys: tuple[str | int, ...]) -> str:
    plain = (f".{key}" if str(key).isidentifier() else f"[{json.dumps(key)}]" for key in keys)
    return "$" + "".join(plain)


def sent(kind: Kind) -> Any:
    """Return the kind's answer as its schema asks for it."""
    return kind.answer if kind in OBJECTS else {"result": kind.answer}


def last_leaf(answer: Any) -> tuple[str | int, ...]:
    """Return what leads to the last value in an answer that is no object and no list."""
    if isinstance(answer, dict) and answer:
        key = list(answer)[-1]
        return (key, *last_leaf(answer[key]))
    if isinstance(answer, list) and answer:
        return (len(answer) - 1, *last_leaf(answer[-1]))
    return ()


def named(cases: list[Any]) -> Any:
    """Make parameters of cases, with their names as ids."""
    return [pytest.param(case, id=case.name.replace(" ", "-")) for case in cases]


each_seed = pytest.mark.parametrize("seed", named(SEEDS))
each_kind = pytest.mark.parametrize("kind", named(KINDS))
sync_only = pytest.mark.parametrize("runner", ["sync"], indirect=True)


@pytest.fixture(name="emulator", scope="module")
def one_emulator() -> Emulator:
    """One for the whole file, instead of the one that each test has elsewhere."""
    return Emulator(KEY, takes=0, clock=VirtualClock())


@pytest.fixture(name="base_url", scope="module")
def one_base_url(emulator: Emulator) -> Iterator[str]:
    """Where that one is served."""
    with emulator.serve() as server:
        yield server.base_url


@pytest.mark.parametrize("come", RIGHT.values(), ids=RIGHT)
@each_seed
def test_the_documented_example_arrives_as_its_type(
    runner: Runner, anchor: Any, emulator: Emulator, seed: Seed, come: Callable[[Any], Any]
) -> None:
    raw = come(seed.answer)
    emulator.on(answer=raw)
    starts = emulator.starts
    for method in METHODS:
        result = runner.call(getattr(anchor.tasks, method), "Collect the nodes", output=seed.output)
        assert (type(result.value), result.value) == (type(seed.value), seed.value)
        assert result.raw == raw
    assert emulator.starts == starts + len(METHODS)


@pytest.mark.parametrize("come", RIGHT.values(), ids=RIGHT)
@pytest.mark.parametrize("method", METHODS)
@each_seed
@sync_only
def test_a_wrong_leaf_is_named_however_the_answer_comes(
    runner: Runner, anchor: Any, emulator: Emulator, seed: Seed, method: str, come: Callable[[Any], Any]
) -> None:
    raw = come(with_leaf(seed.answer, seed.leaf, "a quarter"))
    emulator.on(answer=raw)
    caught = raised(InvalidOutputError, runner, getattr(anchor.tasks, method), "Collect the nodes", output=seed.output)
    assert caught.raw == raw
    assert caught.path.endswith(jsonpath(seed.leaf)[1:])
    assert set(caught.path.removesuffix(jsonpath(seed.leaf)[1:]).split(".")) <= {"$", "result"}
    assert f"at {caught.path}: " in str(caught)
    assert '"a quarter"' in str(caught)


@each_seed
def test_a_wrong_leaf_is_an_error_with_all_that_is_known(
    runner: Runner, anchor: Any, emulator: Emulator, seed: Seed
) -> None:
    raw = with_leaf(seed.answer, seed.leaf, "a quarter")
    emulator.on(answer=raw)
    task = runner.call(anchor.tasks.start, "Collect the nodes", output=seed.output)
    caught = raised(InvalidOutputError, runner, task.result)
    assert (caught.raw, caught.path, caught.task_id) == (raw, jsonpath(seed.leaf), task.id)
    assert f"task {task.id!r} has ended; the error's .raw is its answer as received" in str(caught)


def test_a_wrong_answer_in_one_request_says_how_to_look_at_it(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(answer=PROSE)
    caught = raised(InvalidOutputError, runner, anchor.tasks.run_in_one_request, "Collect", output=AttrsReport)
    assert (caught.raw, caught.task_id) == (PROSE, None)
    assert ".raw" in str(caught)


@pytest.mark.parametrize("raw", [PROSE, None, {}, {"error": "login required"}], ids=["prose", "null", "empty", "other"])
@each_seed
def test_an_agent_that_gave_up_has_no_answer(
    runner: Runner, anchor: Any, emulator: Emulator, seed: Seed, raw: Any
) -> None:
    emulator.on(answer=raw)
    for method in METHODS:
        caught = raised(InvalidOutputError, runner, getattr(anchor.tasks, method), "Collect", output=seed.output)
        assert (caught.raw, caught.path) == (raw, "$")


@each_kind
def test_each_kind_of_type_arrives(runner: Runner, anchor: Any, emulator: Emulator, kind: Kind) -> None:
    emulator.on(answer=sent(kind))
    for method in METHODS:
        result = runner.call(getattr(anchor.tasks, method), "Read", output=kind.output)
        assert (type(result.value), result.value) == (type(kind.value), kind.value)
        assert result.raw == sent(kind)


@pytest.mark.parametrize(
    ("kind", "come"),
    [
        pytest.param(kind, come, id=f"{kind.name}-{name}")
        for kind in KINDS
        for name, come in RIGHT.items()
        if kind.name not in AMBIGUOUS or name != "as text, nested"
    ],
)
@sync_only
def test_each_kind_of_type_arrives_however_it_comes(
    runner: Runner, anchor: Any, emulator: Emulator, kind: Kind, come: Callable[[Any], Any]
) -> None:
    emulator.on(answer=come(sent(kind)))
    result = runner.call(anchor.tasks.run, "Read", output=kind.output)
    assert (type(result.value), result.value) == (type(kind.value), kind.value)
    assert result.raw == come(sent(kind))


@pytest.mark.parametrize("kind", named(OTHERS))
@sync_only
def test_an_answer_without_the_field_that_was_asked_for_arrives(
    runner: Runner, anchor: Any, emulator: Emulator, kind: Kind
) -> None:
    emulator.on(answer=kind.answer)
    assert runner.call(anchor.tasks.run, "Read", output=kind.output).value == kind.value


@each_kind
@sync_only
def test_each_kind_of_type_says_where_it_is_wrong(runner: Runner, anchor: Any, emulator: Emulator, kind: Kind) -> None:
    keys = last_leaf(sent(kind))
    raw = with_leaf(sent(kind), keys, {"none": "of that"})
    emulator.on(answer=raw)
    caught = raised(InvalidOutputError, runner, anchor.tasks.run, "Read", output=kind.output)
    assert caught.raw == raw
    assert caught.path == jsonpath(keys)


@pytest.mark.parametrize(
    ("kind", "raw"),
    [
        pytest.param(kind, raw, id=f"{kind.name}-{name}")
        for kind in KINDS
        for name, raw in NO_ANSWERS.items()
        if name not in ARE_ANSWERS.get(kind.name, ())
    ],
)
@sync_only
def test_no_kind_of_type_is_made_of_nothing(
    runner: Runner, anchor: Any, emulator: Emulator, kind: Kind, raw: Any
) -> None:
    emulator.on(answer=raw)
    caught = raised(InvalidOutputError, runner, anchor.tasks.run, "Read", output=kind.output)
    assert caught.raw == raw


@pytest.mark.parametrize(
    ("output", "raw", "value"),
    [
        pytest.param(str, PROSE, PROSE, id="text"),
        pytest.param(str, '["a"]', '["a"]', id="JSON for text"),
        pytest.param(int, {"result": "3"}, 3, id="number in a text"),
        pytest.param(dict[str, int], {}, {}, id="no entries"),
        pytest.param(list[str], {"result": []}, [], id="no items"),
        pytest.param(AttrsReport, {"nodes_cpu_usage": []}, AttrsReport([]), id="no items in a class"),
        pytest.param(AttrsReport | None, {"result": None}, None, id="null"),
    ],
)
def test_what_fits_is_an_answer_however_little_it_says(
    runner: Runner, anchor: Any, emulator: Emulator, output: Any, raw: Any, value: Any
) -> None:
    emulator.on(answer=raw)
    assert runner.call(anchor.tasks.run, "Read", output=output).value == value


@each_kind
def test_the_emulator_makes_up_an_answer_of_each_kind(
    runner: Runner, anchor: Any, emulator: Emulator, kind: Kind
) -> None:
    emulator.on()
    for method in METHODS:
        result = runner.call(getattr(anchor.tasks, method), "Read", output=kind.output)
        assert isinstance(result.value, MADE_UP.get(kind.name, type(kind.value)))


# -- Handles that are found --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runner", "method"),
    [("sync", "get"), ("sync", "resume"), ("asyncio", "get"), ("trio", "resume")],
    indirect=["runner"],
)
def test_another_process_finds_tasks_and_gives_each_its_type(
    runner: Runner, anchor: Any, base_url: str, emulator: Emulator, method: str
) -> None:
    whats: dict[str, str] = {}
    for kind in KINDS:
        emulator.on(answer={"result": sent(kind)})
        task = runner.call(anchor.tasks.start, "Read", output=kind.output)
        whats[kind.name] = task.id if method == "get" else task.token()
    with spawn(FIND, runner.name, method, json.dumps(whats), base_url=base_url) as process:
        printed, complained = process.communicate(timeout=TEST_TIMEOUT)
    assert (process.returncode, complained) == (0, "")
    assert json.loads(printed) == list(whats)


def test_a_found_task_says_where_its_answer_is_wrong(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(answer=with_leaf(REPORT, SEEDS[0].leaf, None))
    started = runner.call(anchor.tasks.start, "Collect the nodes")
    caught = raised(InvalidOutputError, runner, anchor.tasks.get(started.id, output=AttrsReport).result)
    assert (caught.path, caught.task_id) == (jsonpath(SEEDS[0].leaf), started.id)
    # The answer is still there for whoever asks for it as it came.
    assert runner.call(anchor.tasks.get(started.id).result).value == caught.raw


@pytest.mark.parametrize("nesting", range(3))
def test_a_token_remembers_that_the_answer_is_wrapped(
    runner: Runner, anchor: Any, emulator: Emulator, nesting: int
) -> None:
    raw: Any = {"result": NODES}
    for _ in range(nesting):
        raw = {"result": raw}
    emulator.on(answer=raw)
    wrapped = runner.call(anchor.tasks.start, "Collect the nodes", output=list[AttrsNode])
    plain = runner.call(anchor.tasks.start, "Collect the nodes")
    assert [json.loads(task.token())["wrapped"] for task in (wrapped, plain)] == [True, False]
    found = anchor.tasks.resume(wrapped.token())
    assert found.token() == wrapped.token()
    result = runner.call(found.result)
    assert (result.value, result.raw) == (NODES, raw)
    # Without it, a third wrapping is the user's own.
    assert runner.call(anchor.tasks.resume(plain.token()).result).value == (
        {"result": NODES} if nesting == 2 else NODES
    )


def test_a_token_of_an_object_takes_no_field_of_its_own_off(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    emulator.on(answer={"result": {"result": REPORT}})
    task = runner.call(anchor.tasks.start, "Collect the nodes", output=AttrsReport)
    assert json.loads(task.token())["wrapped"] is False
    assert runner.call(anchor.tasks.resume(task.token()).result).value == REPORT
    assert runner.call(anchor.tasks.resume(task.token(), output=ModelReport).result).value == SEEDS[4].value


# -- Sizes -------------------------------------------------------------------------------------------------------------

MANY: Final = 110_000


def test_ten_megabytes_arrive(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    raw = {"nodes_cpu_usage": NODES[:1] * MANY}
    assert len(json.dumps(raw)) > 10_000_000
    emulator.on(answer=raw)
    result = runner.call(anchor.tasks.run, "Collect the nodes", output=StructReport)
    assert result.value == StructReport([StructNode(*ROWS[0])] * MANY)


@sync_only
def test_what_is_wrong_in_ten_megabytes_is_said_in_a_few_words(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    wrong = {**NODES[1], "node": ["n" * 10_000_000]}
    emulator.on(answer={"nodes_cpu_usage": [*NODES[:1] * 9, wrong]})
    caught = raised(InvalidOutputError, runner, anchor.tasks.run, "Collect the nodes", output=StructReport)
    assert caught.path == "$.nodes_cpu_usage[9].node"
    assert len(str(caught)) < 1000


# -- Types that can't be asked for -------------------------------------------------------------------------------------


class Opaque:
    """Nothing says what it is made of."""

    def __init__(self, handle: Any) -> None:
        self.handle = handle


@dataclass
class WithOpaque:
    name: str
    opaque: list[Opaque]


class ModelWithOpaque(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    opaque: Opaque


@attrs.define
class WithModel:
    """pydantic doesn't know attrs, nor msgspec pydantic."""

    model: ModelNode


@dataclass
class WithStrayName:
    child: Missing  # type: ignore[name-defined]  # noqa: F821  the name that nobody defined is the point


REFUSED: Final[dict[str, tuple[Any, str]]] = {
    "number": (3, "3"),
    "text": ("AttrsReport", "AttrsReport"),
    "value": (AttrsReport([]), "AttrsReport"),
    "list of a type": ([AttrsNode], "AttrsNode"),
    "class of anything": (Opaque, "Opaque"),
    "class deep inside": (WithOpaque, "Opaque"),
    "container of it": (dict[str, list[WithOpaque]], "Opaque"),
    "class in a model": (ModelWithOpaque, "Opaque"),
    "complex": (list[complex], "complex"),
    "function": (Callable[[], int], "Callable"),
    "union of dataclasses": (AttrsNode | DataNode, "DataNode"),
    "model in an attrs class": (WithModel, "WithModel"),
    "Struct beside a model": (tuple[ModelNode, StructNode], "StructNode"),
    "stray name": (WithStrayName, "Missing"),
    "empty schema": ({}, "empty"),
    "schema that isn't JSON": ({"type": {"object"}}, "JSON"),
}


@pytest.mark.parametrize(("output", "part"), REFUSED.values(), ids=REFUSED)
def test_a_type_that_cannot_be_expressed_is_refused_before_any_request(
    runner: Runner, anchor: Any, emulator: Emulator, output: Any, part: str
) -> None:
    token = runner.call(anchor.tasks.start, "Read").token()
    requests = emulator.requests
    tasks = anchor.tasks
    for method in [tasks.run, tasks.run_in_one_request, tasks.start]:
        caught = raised(ConfigurationError, runner, method, "Read", output=output)
        assert "output" in str(caught)
        assert part in str(caught)
    for method, what in [(tasks.get, json.loads(token)["task_id"]), (tasks.resume, token)]:
        raised(ConfigurationError, runner, method, what, output=output)
    assert emulator.requests == requests
