"""Types as argument `output`: the answer becomes a value of the type; a wrong answer raises an error.

All tests of this file share one emulator, since stopping a server takes a while. The emulator is served over TCP, its
tasks end immediately, and each test sets the answer of the tasks that the test starts.
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
from tests.support.clocks import InstantClock
from tests.support.errors import raised
from tests.support.patience import PATIENCE
from tests.support.processes import spawn
from tests.support.runners import KEY
from tests.support.type_cases import OBJECT_CASES, TYPE_CASES, WRAPPED_CASES, Cash, TypeCase

if TYPE_CHECKING:
    from tests.support.runners import Runner

pytestmark = pytest.mark.usefixtures("clock")

FIND: Final = Path(__file__).parents[1] / "support" / "find_typed_tasks.py"

# -- The example from the API's documentation, with each kind of class -------------------------------------------------


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
class DocumentedCase:
    """The example from the API's documentation, written with one kind of class.

    Attributes:
        name: The kind of class, for the ids of tests.
        output: The type, passed as argument `output`.
        value: The expected value of the type, decoded from the answer.
        answer: The JSON of the answer.
        leaf: The keys and indexes of the answer's last number, from the outermost to the innermost.
    """

    name: str
    output: Any
    value: Any
    answer: Any = dataclasses.field(default_factory=lambda: REPORT)
    leaf: tuple[str | int, ...] = ("nodes_cpu_usage", 1, "cpu_avg_percentage")


def models() -> list[ModelNode]:
    return [ModelNode(node=node, cluster=cluster, cpu_avg_percentage=cpu) for node, cluster, cpu in ROWS]


DOCUMENTED_CASES: Final = [
    DocumentedCase("attrs", AttrsReport, AttrsReport([AttrsNode(*row) for row in ROWS])),
    DocumentedCase("dataclass", DataReport, DataReport([DataNode(*row) for row in ROWS])),
    DocumentedCase("TypedDict", DictReport, REPORT),
    DocumentedCase("Struct", StructReport, StructReport([StructNode(*row) for row in ROWS])),
    DocumentedCase("pydantic model", ModelReport, ModelReport(nodes_cpu_usage=models())),
    DocumentedCase("pydantic dataclass", ValidatedReport, ValidatedReport([ValidatedNode(*row) for row in ROWS])),
    DocumentedCase(
        "NamedTuple",
        RowReport,
        RowReport([RowNode(*row) for row in ROWS]),
    ),
    DocumentedCase(
        "NamedTuple as an array",
        RowReport,
        RowReport([RowNode(*row) for row in ROWS]),
        [[list(row) for row in ROWS]],
        (0, 1, 2),
    ),
    DocumentedCase(
        "list",
        list[AttrsNode],
        [AttrsNode(*row) for row in ROWS],
        {"result": NODES},
        ("result", 1, "cpu_avg_percentage"),
    ),
    DocumentedCase("list of models", list[ModelNode], models(), {"result": NODES}, ("result", 1, "cpu_avg_percentage")),
    DocumentedCase("JsonSchema", JsonSchema(SCHEMA), REPORT),
]

# -- Forms of an answer ------------------------------------------------------------------------------------------------

FORMS: Final[dict[str, Callable[[Any], Any]]] = {
    "plain": lambda answer: answer,
    "in one wrapper": lambda answer: {"result": answer},
    "in two wrappers": lambda answer: {"result": {"result": answer}},
    "JSON text": json.dumps,
    "JSON text in a wrapper": lambda answer: {"result": json.dumps(answer)},
    "wrapper in JSON text": lambda answer: json.dumps({"result": answer}),
}

PROSE: Final = "I'm sorry, but the page asks for a login that I don't have."
NO_ANSWERS: Final[dict[str, Any]] = {
    "prose": PROSE,
    "prose in a wrapper": {"result": PROSE},
    "null": None,
    "null in a wrapper": {"result": None},
    "empty object": {},
    "empty in a wrapper": {"result": {}},
    "empty in JSON text": "{}",
    "unrelated object": {"error": "login required"},
}

ARE_ANSWERS: Final = {
    "str": {"prose", "prose in a wrapper", "empty in JSON text"},
    "dataclass with the only field result": {"prose in a wrapper"},
    "pydantic model with the only field result": {"prose in a wrapper"},
    **{
        case.name: {"empty object", "empty in a wrapper", "empty in JSON text"}
        for case in TYPE_CASES
        if case.name.startswith("dict ")
    },
    "optional union of tagged Structs": {"null", "null in a wrapper"},
    "optional dataclass": {"null", "null in a wrapper"},
    "optional pydantic model": {"null", "null in a wrapper"},
}
"""A case's name -> the entries of `NO_ANSWERS` that its type accepts: `str` accepts any text, a dict accepts `{}`."""

AMBIGUOUS: Final = {"str", "dataclass with the only field result", "pydantic model with the only field result"}
"""Names of the cases whose type accepts any text; for these, text that is JSON is not decoded."""

SYNTHETIC_TYPES: Final = {"optional union of tagged Structs": Cash, "union of int and list of str": int}
"""A case's name -> the type of the emulator's synthetic answer, if the case's value has a different type."""

METHODS: Final = ["run", "run_in_one_request"]


def step(value: Any, *keys: str | int) -> Any:
    for key in keys:
        value = value[key]
    return value


def with_leaf(answer: Any, keys: tuple[str | int, ...], leaf: Any) -> Any:
    """Return a copy of an answer; in the copy, the value at these keys and indexes is replaced by `leaf`."""
    if not keys:
        return leaf
    copy = json.loads(json.dumps(answer))
    step(copy, *keys[:-1])[keys[-1]] = leaf
    return copy


def jsonpath(keys: tuple[str | int, ...]) -> str:
    plain = (f".{key}" if str(key).isidentifier() else f"[{json.dumps(key)}]" for key in keys)
    return "$" + "".join(plain)


def sent(case: TypeCase) -> Any:
    """Return the case's answer in the form that the sent schema asks for: in a wrapper if the type is not an object."""
    return case.answer if case in OBJECT_CASES else {"result": case.answer}


def last_leaf(answer: Any) -> tuple[str | int, ...]:
    """Return the keys and indexes of an answer's last leaf: a text, number, boolean, null, or empty container."""
    if isinstance(answer, dict) and answer:
        key = list(answer)[-1]
        return (key, *last_leaf(answer[key]))
    if isinstance(answer, list) and answer:
        return (len(answer) - 1, *last_leaf(answer[-1]))
    return ()


def named(cases: list[Any]) -> Any:
    """Return the cases as pytest parameters, with the cases' names as ids."""
    return [pytest.param(case, id=case.name.replace(" ", "-")) for case in cases]


each_documented_case = pytest.mark.parametrize("documented", named(DOCUMENTED_CASES))
each_case = pytest.mark.parametrize("case", named(TYPE_CASES))
sync_only = pytest.mark.parametrize("runner", ["sync"], indirect=True)


@pytest.fixture(name="emulator", scope="module")
def one_emulator() -> Emulator:
    """The emulator that all tests of this file share; the fixture in `conftest.py` makes an emulator for each test."""
    return Emulator(KEY, takes=0, clock=InstantClock())


@pytest.fixture(name="base_url", scope="module")
def one_base_url(emulator: Emulator) -> Iterator[str]:
    """The base URL at which the emulator is served."""
    with emulator.serve() as server:
        yield server.base_url


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@each_documented_case
def test_documented_answer_in_every_form_becomes_value_of_requested_type(
    runner: Runner, anchor: Any, emulator: Emulator, documented: DocumentedCase, form: Callable[[Any], Any]
) -> None:
    raw = form(documented.answer)
    emulator.on(answer=raw)
    starts = emulator.starts
    for method in METHODS:
        result = runner.call(getattr(anchor.tasks, method), "Collect the nodes", output=documented.output)
        assert (type(result.value), result.value) == (type(documented.value), documented.value)
        assert result.raw == raw
    assert emulator.starts == starts + len(METHODS)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("method", METHODS)
@each_documented_case
@sync_only
def test_error_names_place_of_wrong_value_in_every_form_of_answer(
    runner: Runner, anchor: Any, emulator: Emulator, documented: DocumentedCase, method: str, form: Callable[[Any], Any]
) -> None:
    raw = form(with_leaf(documented.answer, documented.leaf, "a quarter"))
    emulator.on(answer=raw)
    caught = raised(
        InvalidOutputError, runner, getattr(anchor.tasks, method), "Collect the nodes", output=documented.output
    )
    assert caught.raw == raw
    assert caught.path.endswith(jsonpath(documented.leaf)[1:])
    assert set(caught.path.removesuffix(jsonpath(documented.leaf)[1:]).split(".")) <= {"$", "result"}
    assert f"at {caught.path}: " in str(caught)
    assert '"a quarter"' in str(caught)


@each_documented_case
def test_error_of_wrong_answer_has_task_id_and_path_and_raw_answer(
    runner: Runner, anchor: Any, emulator: Emulator, documented: DocumentedCase
) -> None:
    raw = with_leaf(documented.answer, documented.leaf, "a quarter")
    emulator.on(answer=raw)
    task = runner.call(anchor.tasks.start, "Collect the nodes", output=documented.output)
    caught = raised(InvalidOutputError, runner, task.result)
    assert (caught.raw, caught.path, caught.task_id) == (raw, jsonpath(documented.leaf), task.id)
    assert f"task {task.id!r} has ended; the error's .raw is its answer as received" in str(caught)


def test_error_of_wrong_answer_to_method_run_in_one_request_mentions_attribute_raw(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(answer=PROSE)
    caught = raised(InvalidOutputError, runner, anchor.tasks.run_in_one_request, "Collect", output=AttrsReport)
    assert (caught.raw, caught.task_id) == (PROSE, None)
    assert ".raw" in str(caught)


@pytest.mark.parametrize(
    "raw", [PROSE, None, {}, {"error": "login required"}], ids=["prose", "null", "empty object", "unrelated object"]
)
@each_documented_case
def test_answer_of_agent_that_gave_up_is_refused(
    runner: Runner, anchor: Any, emulator: Emulator, documented: DocumentedCase, raw: Any
) -> None:
    emulator.on(answer=raw)
    for method in METHODS:
        caught = raised(InvalidOutputError, runner, getattr(anchor.tasks, method), "Collect", output=documented.output)
        assert (caught.raw, caught.path) == (raw, "$")


@each_case
def test_answer_becomes_value_of_requested_type(
    runner: Runner, anchor: Any, emulator: Emulator, case: TypeCase
) -> None:
    emulator.on(answer=sent(case))
    for method in METHODS:
        result = runner.call(getattr(anchor.tasks, method), "Read", output=case.output)
        assert (type(result.value), result.value) == (type(case.value), case.value)
        assert result.raw == sent(case)


@pytest.mark.parametrize(
    ("case", "form"),
    [
        pytest.param(case, form, id=f"{case.name}-{name}")
        for case in TYPE_CASES
        for name, form in FORMS.items()
        if case.name not in AMBIGUOUS or name != "JSON text in a wrapper"
    ],
)
@sync_only
def test_answer_in_every_form_becomes_value_of_requested_type(
    runner: Runner, anchor: Any, emulator: Emulator, case: TypeCase, form: Callable[[Any], Any]
) -> None:
    emulator.on(answer=form(sent(case)))
    result = runner.call(anchor.tasks.run, "Read", output=case.output)
    assert (type(result.value), result.value) == (type(case.value), case.value)
    assert result.raw == form(sent(case))


@pytest.mark.parametrize("case", named(WRAPPED_CASES))
@sync_only
def test_answer_becomes_value_even_if_agent_omits_the_wrapper_that_the_schema_describes(
    runner: Runner, anchor: Any, emulator: Emulator, case: TypeCase
) -> None:
    emulator.on(answer=case.answer)
    assert runner.call(anchor.tasks.run, "Read", output=case.output).value == case.value


@each_case
@sync_only
def test_error_names_place_of_wrong_value_for_every_type(
    runner: Runner, anchor: Any, emulator: Emulator, case: TypeCase
) -> None:
    keys = last_leaf(sent(case))
    raw = with_leaf(sent(case), keys, {"wrong": "value"})
    emulator.on(answer=raw)
    caught = raised(InvalidOutputError, runner, anchor.tasks.run, "Read", output=case.output)
    assert caught.raw == raw
    assert caught.path == jsonpath(keys)


@pytest.mark.parametrize(
    ("case", "raw"),
    [
        pytest.param(case, raw, id=f"{case.name}-{name}")
        for case in TYPE_CASES
        for name, raw in NO_ANSWERS.items()
        if name not in ARE_ANSWERS.get(case.name, ())
    ],
)
@sync_only
def test_answer_without_data_is_refused_when_a_type_is_requested(
    runner: Runner, anchor: Any, emulator: Emulator, case: TypeCase, raw: Any
) -> None:
    emulator.on(answer=raw)
    caught = raised(InvalidOutputError, runner, anchor.tasks.run, "Read", output=case.output)
    assert caught.raw == raw


@pytest.mark.parametrize(
    ("output", "raw", "value"),
    [
        pytest.param(str, PROSE, PROSE, id="text for str"),
        pytest.param(str, '["a"]', '["a"]', id="JSON text for str"),
        pytest.param(int, {"result": "3"}, 3, id="number in JSON text"),
        pytest.param(dict[str, int], {}, {}, id="dict without entries"),
        pytest.param(list[str], {"result": []}, [], id="list without items"),
        pytest.param(AttrsReport, {"nodes_cpu_usage": []}, AttrsReport([]), id="class with a list without items"),
        pytest.param(AttrsReport | None, {"result": None}, None, id="null for an optional type"),
    ],
)
def test_answer_that_looks_empty_or_wrong_is_accepted_if_it_fits_requested_type(
    runner: Runner, anchor: Any, emulator: Emulator, output: Any, raw: Any, value: Any
) -> None:
    emulator.on(answer=raw)
    assert runner.call(anchor.tasks.run, "Read", output=output).value == value


@each_case
def test_synthetic_answer_of_emulator_fits_requested_type(
    runner: Runner, anchor: Any, emulator: Emulator, case: TypeCase
) -> None:
    emulator.on()
    for method in METHODS:
        result = runner.call(getattr(anchor.tasks, method), "Read", output=case.output)
        assert isinstance(result.value, SYNTHETIC_TYPES.get(case.name, type(case.value)))


# -- Tasks found by id or token ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("runner", "method"),
    [("sync", "get"), ("sync", "resume"), ("asyncio", "get"), ("trio", "resume")],
    indirect=["runner"],
)
def test_another_process_finds_tasks_and_gets_answers_as_values_of_types(
    runner: Runner, anchor: Any, base_url: str, emulator: Emulator, method: str
) -> None:
    references: dict[str, str] = {}
    for case in TYPE_CASES:
        emulator.on(answer={"result": sent(case)})
        task = runner.call(anchor.tasks.start, "Read", output=case.output)
        references[case.name] = task.id if method == "get" else task.token()
    with spawn(FIND, runner.name, method, json.dumps(references), base_url=base_url) as process:
        stdout, stderr = process.communicate(timeout=2 * PATIENCE)
    assert (process.returncode, stderr) == (0, "")
    assert json.loads(stdout) == list(references)


def test_error_names_place_of_wrong_value_in_answer_of_task_found_by_id(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(answer=with_leaf(REPORT, DOCUMENTED_CASES[0].leaf, None))
    started = runner.call(anchor.tasks.start, "Collect the nodes")
    caught = raised(InvalidOutputError, runner, anchor.tasks.get(started.id, output=AttrsReport).result)
    assert (caught.path, caught.task_id) == (jsonpath(DOCUMENTED_CASES[0].leaf), started.id)
    # A handle that is made without the argument `output` returns the same answer without validation.
    assert runner.call(anchor.tasks.get(started.id).result).value == caught.raw


@pytest.mark.parametrize("nesting", range(3))
def test_token_records_whether_requested_schema_has_a_wrapper(
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
    # If the token says that the schema has no wrapper, two wrappers are removed, and a third wrapper stays.
    assert runner.call(anchor.tasks.resume(plain.token()).result).value == (
        {"result": NODES} if nesting == 2 else NODES
    )


def test_wrappers_around_answer_of_task_found_by_token_are_removed(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    emulator.on(answer={"result": {"result": REPORT}})
    task = runner.call(anchor.tasks.start, "Collect the nodes", output=AttrsReport)
    assert json.loads(task.token())["wrapped"] is False
    assert runner.call(anchor.tasks.resume(task.token()).result).value == REPORT
    assert runner.call(anchor.tasks.resume(task.token(), output=ModelReport).result).value == DOCUMENTED_CASES[4].value


# -- Large answers -----------------------------------------------------------------------------------------------------

ROW_COUNT: Final = 110_000


def test_answer_of_ten_megabytes_becomes_value_of_requested_type(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    raw = {"nodes_cpu_usage": NODES[:1] * ROW_COUNT}
    assert len(json.dumps(raw)) > 10_000_000
    emulator.on(answer=raw)
    result = runner.call(anchor.tasks.run, "Collect the nodes", output=StructReport)
    assert result.value == StructReport([StructNode(*ROWS[0])] * ROW_COUNT)


@sync_only
def test_error_of_wrong_answer_of_ten_megabytes_is_short(runner: Runner, anchor: Any, emulator: Emulator) -> None:
    wrong = {**NODES[1], "node": ["n" * 10_000_000]}
    emulator.on(answer={"nodes_cpu_usage": [*NODES[:1] * 9, wrong]})
    caught = raised(InvalidOutputError, runner, anchor.tasks.run, "Collect the nodes", output=StructReport)
    assert caught.path == "$.nodes_cpu_usage[9].node"
    assert len(str(caught)) < 1000


# -- Types that are refused --------------------------------------------------------------------------------------------


class Opaque:
    """A class whose fields have no annotations, so that no schema can describe the class."""

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
    """A class that neither library reads: pydantic reads no attrs classes, and msgspec reads no pydantic models."""

    model: ModelNode


@dataclass
class WithUndefinedName:
    child: Missing  # type: ignore[name-defined]  # noqa: F821  the test needs an undefined name


REFUSED: Final[dict[str, tuple[Any, str]]] = {
    "number": (3, "a value of int: pass a type"),
    "text": ("AttrsReport", "AttrsReport"),
    "value instead of a type": (AttrsReport([]), "AttrsReport"),
    "list that contains a type": ([AttrsNode], "AttrsNode"),
    "class with unknown fields": (Opaque, "Opaque"),
    "class with unknown fields in a dataclass": (WithOpaque, "Opaque"),
    "class with unknown fields in a container": (dict[str, list[WithOpaque]], "Opaque"),
    "class with unknown fields in a model": (ModelWithOpaque, "Opaque"),
    "complex": (list[complex], "complex"),
    "function": (Callable[[], int], "Callable"),
    "class itself": (type[AttrsNode], "AttrsNode"),
    "model in an attrs class": (WithModel, "WithModel"),
    "Struct beside a model": (tuple[ModelNode, StructNode], "StructNode"),
    "undefined name": (WithUndefinedName, "Missing"),
    "empty schema": ({}, "empty"),
    "schema that is not JSON": ({"type": {"object"}}, "JSON"),
}


@pytest.mark.parametrize(("output", "part"), REFUSED.values(), ids=REFUSED)
def test_unsupported_type_or_invalid_schema_is_refused_before_any_request(
    runner: Runner, anchor: Any, emulator: Emulator, output: Any, part: str
) -> None:
    token = runner.call(anchor.tasks.start, "Read").token()
    requests = emulator.requests
    tasks = anchor.tasks
    for method in [tasks.run, tasks.run_in_one_request, tasks.start]:
        caught = raised(ConfigurationError, runner, method, "Read", output=output)
        assert "output" in str(caught)
        assert part in str(caught)
    for method, reference in [(tasks.get, json.loads(token)["task_id"]), (tasks.resume, token)]:
        raised(ConfigurationError, runner, method, reference, output=output)
    assert emulator.requests == requests
