"""The types that mypy and pyright must infer for calls of the public API, and the calls that they must reject.

The checkers read this file; it is never run. Each line that they must reject has a `type: ignore`. Since both checkers
report an unnecessary `type: ignore`, a file without reports proves that both reject each of these lines.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, Optional, TypeAlias, TypedDict, TypeVar, assert_type
from uuid import UUID

import attrs
import msgspec
import pydantic
from typing_extensions import TypeForm

from anchor_webtask import (
    Anchor,
    AnchorError,
    AsyncAnchor,
    AsyncBatch,
    AsyncTaskOutcomes,
    AsyncWebTask,
    Batch,
    JsonSchema,
    NoTaskIdError,
    Progress,
    TaskOptions,
    TaskOutcome,
    TaskOutcomes,
    TaskRequest,
    TaskResult,
    TaskTimeoutError,
    TaskUpdate,
    WaitPolicy,
    WebTask,
)
from anchor_webtask.notebook import watch

T = TypeVar("T")


@attrs.define
class Report:
    title: str


@dataclass
class Node:
    cpu: float


@dataclass
class Page(Generic[T]):
    items: list[T]


class Track(msgspec.Struct):
    seconds: int


class Book(pydantic.BaseModel):
    price: float


class Person(TypedDict):
    name: str


class Point(NamedTuple):
    latitude: float
    longitude: float


class Color(enum.Enum):
    RED = "red"


Answer: TypeAlias = Report | list[Node]

SCHEMA: dict[str, Any] = {"type": "object"}
READ_ONLY_SCHEMA: Mapping[str, object] = {"type": "object"}


def value_has_type_of_output(anchor: Anchor) -> None:
    run = anchor.tasks.run
    assert_type(run("Read", output=Report), TaskResult[Report])
    assert_type(run("Read", output=Report).value, Report)
    assert_type(run("Read", output=Node).value, Node)
    assert_type(run("Read", output=Track).value, Track)
    assert_type(run("Read", output=Book).value, Book)
    assert_type(run("Read", output=Person).value, Person)
    assert_type(run("Read", output=Point).value, Point)
    assert_type(run("Read", output=Color).value, Color)
    assert_type(run("Read", output=Page[Node]).value, Page[Node])
    assert_type(run("Read", output=Decimal).value, Decimal)
    assert_type(run("Read", output=UUID).value, UUID)
    assert_type(run("Read", output=datetime).value, datetime)
    assert_type(run("Read", output=str).value, str)
    assert_type(run("Read", output=list[Report]).value, list[Report])
    assert_type(run("Read", output=set[str]).value, set[str])
    assert_type(run("Read", output=dict[str, Report]).value, dict[str, Report])
    assert_type(run("Read", output=dict[str, list[Book]]).value, dict[str, list[Book]])
    assert_type(run("Read", output=tuple[str, Report]).value, tuple[str, Report])
    assert_type(run("Read", output=tuple[Report, ...]).value, tuple[Report, ...])
    assert_type(run("Read", output=Report | None).value, Report | None)
    assert_type(run("Read", output=Optional[Report]).value, Report | None)  # noqa: UP045  `Optional` must work like `| None`
    assert_type(run("Read", output=Report | list[Node]).value, Report | list[Node])
    assert_type(run("Read", output=Answer).value, Report | list[Node])
    assert_type(run("Read", output=list[Report | None]).value, list[Report | None])
    assert_type(run("Read", output=Literal["open", "sent"]).value, Literal["open", "sent"])
    assert_type(run("Read", output=Annotated[int, msgspec.Meta(ge=1)]).value, int)
    assert_type(
        run("Read", output=list[Annotated[Report, msgspec.Meta(description="the report of a day")]]).value, list[Report]
    )


def outcomes_of_map_have_type_of_output(anchor: Anchor, schema: dict[str, Any]) -> None:
    requests: list[TaskRequest | str] = [TaskRequest("Read", url="https://shop.example", key="1", data=1), "Read"]
    for outcome in anchor.tasks.map(requests, output=Report, max_running=25, on_progress=count):
        assert_type(outcome, TaskOutcome[Report])
        assert_type(outcome.result().value, Report)
    with anchor.tasks.map(iter(["Read"]), output=list[Node], timeout=None) as outcomes:
        assert_type(outcomes, TaskOutcomes[list[Node]])
        assert_type(outcomes.stop(), dict[str, str])
    assert_type(anchor.tasks.map(["Read"]), TaskOutcomes[Any])
    assert_type(anchor.tasks.map(["Read"], output=schema), TaskOutcomes[Any])


async def outcomes_of_async_map_have_type_of_output(anchor: AsyncAnchor, requests: AsyncIterator[TaskRequest]) -> None:
    async for outcome in anchor.tasks.map(requests, output=Report, max_starts=9, on_progress=count_async):
        assert_type(outcome, TaskOutcome[Report])
        assert_type(outcome.result().value, Report)
    async with anchor.tasks.map(["Read"], output=Report | None) as outcomes:
        assert_type(outcomes, AsyncTaskOutcomes[Report | None])
        assert_type(await outcomes.stop(), dict[str, str])
    assert_type(anchor.tasks.map(["Read"]), AsyncTaskOutcomes[Any])


def outcomes_of_batch_have_type_of_output(batch: Batch, schema: dict[str, Any]) -> None:
    assert_type(batch.submit(["Read", TaskRequest("Read")], output=Report, secrets=["PIN"]), int)
    for outcome in batch.outcomes(output=Report):
        assert_type(outcome, TaskOutcome[Report])
    assert_type(batch.outcomes(output=schema), Iterator[TaskOutcome[Any]])
    assert_type(batch.outcomes(), Iterator[TaskOutcome[Any]])
    assert_type(batch.counts()["pending"], int)


async def outcomes_of_async_batch_have_type_of_output(batch: AsyncBatch) -> None:
    assert_type(await batch.submit(["Read"]), int)
    async for outcome in batch.outcomes(output=list[Node]):
        assert_type(outcome, TaskOutcome[list[Node]])
    assert_type(await batch.cancel(), int)


def count(progress: Progress) -> int:
    return progress.completed


async def count_async(progress: Progress) -> int:
    return progress.completed


def value_without_typed_output_is_any(anchor: Anchor, maybe: dict[str, Any] | None) -> None:
    run = anchor.tasks.run
    assert_type(run("Read"), TaskResult[Any])
    assert_type(run("Read").value, Any)
    assert_type(run("Read", output=None).value, Any)
    assert_type(run("Read", output=maybe).value, Any)
    assert_type(run("Read", output={"type": "object", "properties": {"a": {"type": "number"}}}).value, Any)
    assert_type(run("Read", output=SCHEMA).value, Any)
    assert_type(run("Read", output=READ_ONLY_SCHEMA).value, Any)
    assert_type(run("Read", output=JsonSchema(SCHEMA)).value, Any)
    assert_type(run("Read", output=Any).value, Any)
    assert_type(run("Read", output=Report).raw, Any)


def output_may_be_type_parameter_of_caller(anchor: Anchor, kind: type[T], form: TypeForm[T]) -> None:
    assert_type(anchor.tasks.run("Read", output=form).value, T)
    assert_type(anchor.tasks.start("Read", output=form), WebTask[T])
    # pyright treats `type[T]` as `TypeForm[object]`. If that changes, pyright reports this ignore as unnecessary.
    assert_type(anchor.tasks.run("Read", output=kind).value, T)  # pyright: ignore[reportAssertTypeFailure]


def methods_of_sync_client_have_type_of_output(anchor: Anchor, task_id: str, token: str) -> None:
    tasks = anchor.tasks
    assert_type(tasks.run_in_one_request("Read", output=Report, http_timeout=60).value, Report)
    assert_type(tasks.run_in_one_request("Read", output=list[Report]).value, list[Report])
    assert_type(tasks.run_in_one_request("Read", output=Report | None).value, Report | None)
    assert_type(tasks.run_in_one_request("Read").value, Any)
    assert_type(tasks.run_in_one_request("Read", output=SCHEMA).value, Any)
    assert_type(tasks.run_in_one_request("Read", output=JsonSchema(SCHEMA)).value, Any)

    assert_type(tasks.start("Read", output=Report), WebTask[Report])
    assert_type(tasks.start("Read", output=Report | None), WebTask[Report | None])
    assert_type(tasks.start("Read"), WebTask[Any])
    assert_type(tasks.start("Read", output=SCHEMA), WebTask[Any])
    assert_type(tasks.start("Read", output=JsonSchema(SCHEMA)), WebTask[Any])

    assert_type(tasks.get(task_id, output=Report), WebTask[Report])
    assert_type(tasks.get(task_id, output=dict[str, Report]), WebTask[dict[str, Report]])
    assert_type(tasks.get(task_id, output=Report | None), WebTask[Report | None])
    assert_type(tasks.get(task_id), WebTask[Any])
    assert_type(tasks.get(task_id, output=SCHEMA), WebTask[Any])
    assert_type(tasks.get(task_id, output=JsonSchema(SCHEMA)), WebTask[Any])

    assert_type(tasks.resume(token, output=Report), WebTask[Report])
    assert_type(tasks.resume(token, output=tuple[Report, ...]), WebTask[tuple[Report, ...]])
    assert_type(tasks.resume(token, output=Report | None), WebTask[Report | None])
    assert_type(tasks.resume(token), WebTask[Any])
    assert_type(tasks.resume(token, output=SCHEMA), WebTask[Any])
    assert_type(tasks.resume(token, output=JsonSchema(SCHEMA)), WebTask[Any])

    task = tasks.start("Read", output=Report)
    assert_type(task.result(), TaskResult[Report])
    assert_type(task.result(timeout=None).value, Report)
    assert_type(task.refresh(), WebTask[Report])
    assert_type(task.updates(timeout=60), Iterator[TaskUpdate])
    assert_type(task.id, str)


async def methods_of_async_client_have_type_of_output(anchor: AsyncAnchor, task_id: str, token: str) -> None:
    tasks = anchor.tasks
    assert_type(await tasks.run("Read", output=Report), TaskResult[Report])
    assert_type((await tasks.run("Read", output=Report)).value, Report)
    assert_type((await tasks.run("Read", output=Book)).value, Book)
    assert_type((await tasks.run("Read", output=list[Report])).value, list[Report])
    assert_type((await tasks.run("Read", output=dict[str, Report])).value, dict[str, Report])
    assert_type((await tasks.run("Read", output=tuple[str, Report])).value, tuple[str, Report])
    assert_type((await tasks.run("Read", output=Report | None)).value, Report | None)
    assert_type((await tasks.run("Read", output=Literal["open", "sent"])).value, Literal["open", "sent"])
    assert_type((await tasks.run("Read", output=Person)).value, Person)
    assert_type((await tasks.run("Read", output=Point)).value, Point)
    assert_type((await tasks.run("Read", output=Color)).value, Color)
    assert_type((await tasks.run("Read", output=Annotated[int, msgspec.Meta(ge=1)])).value, int)
    assert_type((await tasks.run("Read")).value, Any)
    assert_type((await tasks.run("Read", output=SCHEMA)).value, Any)
    assert_type((await tasks.run("Read", output=JsonSchema(SCHEMA))).value, Any)

    assert_type((await tasks.run_in_one_request("Read", output=Report)).value, Report)
    assert_type((await tasks.run_in_one_request("Read", output=Report | None)).value, Report | None)
    assert_type((await tasks.run_in_one_request("Read")).value, Any)
    assert_type((await tasks.run_in_one_request("Read", output=SCHEMA)).value, Any)
    assert_type((await tasks.run_in_one_request("Read", output=JsonSchema(SCHEMA))).value, Any)

    assert_type(await tasks.start("Read", output=Report), AsyncWebTask[Report])
    assert_type(await tasks.start("Read", output=Report | None), AsyncWebTask[Report | None])
    assert_type(await tasks.start("Read"), AsyncWebTask[Any])
    assert_type(await tasks.start("Read", output=SCHEMA), AsyncWebTask[Any])
    assert_type(await tasks.start("Read", output=JsonSchema(SCHEMA)), AsyncWebTask[Any])

    assert_type(tasks.get(task_id, output=Report), AsyncWebTask[Report])
    assert_type(tasks.get(task_id, output=Report | None), AsyncWebTask[Report | None])
    assert_type(tasks.get(task_id), AsyncWebTask[Any])
    assert_type(tasks.get(task_id, output=SCHEMA), AsyncWebTask[Any])
    assert_type(tasks.get(task_id, output=JsonSchema(SCHEMA)), AsyncWebTask[Any])

    assert_type(tasks.resume(token, output=Report), AsyncWebTask[Report])
    assert_type(tasks.resume(token, output=Report | None), AsyncWebTask[Report | None])
    assert_type(tasks.resume(token), AsyncWebTask[Any])
    assert_type(tasks.resume(token, output=SCHEMA), AsyncWebTask[Any])
    assert_type(tasks.resume(token, output=JsonSchema(SCHEMA)), AsyncWebTask[Any])

    task = await tasks.start("Read", output=list[Report])
    assert_type(await task, TaskResult[list[Report]])
    assert_type((await task).value, list[Report])
    assert_type((await task.result()).value, list[Report])
    assert_type(await task.refresh(), AsyncWebTask[list[Report]])
    assert_type(task.updates(), AsyncIterator[TaskUpdate])
    assert_type(await tasks.get(task_id), TaskResult[Any])
    assert_type(task.id, str)
    async for update in task:
        assert_type(update, TaskUpdate)
        assert_type(update.task_id, str)


def ids_are_text_where_a_task_was_waited_for(anchor: Anchor, result: TaskResult[Any], other: AnchorError) -> None:
    assert_type(result.task_id, str | None)
    assert_type(other.task_id, str | None)
    try:
        assert_type(anchor.tasks.start("Read").id, str)
    except TaskTimeoutError as error:
        assert_type(error.task_id, str)
    except NoTaskIdError as error:
        assert_type(error.task, Any)


def store_any(task: WebTask[Any]) -> None:
    assert_type(task.result().value, Any)


def store_report(task: WebTask[Report]) -> None:
    assert_type(task.result().value, Report)


def store_node(task: WebTask[Node]) -> None:
    assert_type(task.result().value, Node)


async def store_any_async(task: AsyncWebTask[Any]) -> None:
    assert_type((await task).value, Any)


async def store_report_async(task: AsyncWebTask[Report]) -> None:
    assert_type((await task).value, Report)


async def store_node_async(task: AsyncWebTask[Node]) -> None:
    assert_type((await task).value, Node)


def show(update: TaskUpdate) -> None:
    assert_type(update.elapsed, float)


def on_start_receives_handle(anchor: Anchor) -> None:
    run = anchor.tasks.run
    assert_type(run("Read", output=Report, on_start=store_report).value, Report)
    assert_type(run("Read", output=Report, on_start=store_any).value, Report)
    assert_type(run("Read", output=SCHEMA, on_start=store_any).value, Any)
    assert_type(run("Read", output=JsonSchema(SCHEMA), on_start=store_report).value, Any)
    assert_type(run("Read", on_start=store_report).value, Any)
    assert_type(run("Read", output=Report, on_start=lambda task: task.result().value.title).value, Report)


async def on_start_receives_async_handle(anchor: AsyncAnchor) -> None:
    run = anchor.tasks.run
    assert_type((await run("Read", output=Report, on_start=store_report_async)).value, Report)
    assert_type((await run("Read", output=Report, on_start=store_any_async)).value, Report)
    assert_type((await run("Read", output=SCHEMA, on_start=store_any_async)).value, Any)
    assert_type((await run("Read", on_start=store_report_async)).value, Any)
    assert_type((await run("Read", output=Report, on_start=lambda task: task.result())).value, Report)


def take_node(node: Node) -> None:
    assert_type(node, Node)


def run_accepts_every_option(anchor: Anchor, options: TaskOptions) -> None:
    assert_type(
        anchor.tasks.run(
            "Read",
            output=Report,
            timeout=None,
            wait=WaitPolicy(minimum=5),
            on_update=show,
            url="https://shop.example/",
            session_id="s",
            agent="a future agent",
            provider="openai",
            model="m",
            detect_elements=True,
            human_intervention=False,
            max_steps=3,
            secret_values={"USER": "me", "*.shop.example": {"PASSWORD": "pw"}},
            highlight_elements=None,
            extra_body={"not_in_the_spec": True},
        ).value,
        Report,
    )
    assert_type(anchor.tasks.run("Read", output=Report, **options).value, Report)
    assert_type(anchor.tasks.start("Read", **options), WebTask[Any])


def wrong_arguments_and_values_are_rejected(anchor: Anchor, task_id: str, token: str) -> None:
    # From here to the end of the file, each line with an ignore has one mistake, and both checkers must reject it.
    tasks = anchor.tasks
    tasks.run("Read", output=3)  # type: ignore[call-overload]
    tasks.map([3], output=Report)  # type: ignore[list-item]
    tasks.map(["Read"], Report)  # type: ignore[call-overload]
    tasks.map(["Read"], outputs=Report)  # type: ignore[call-overload]
    tasks.map(["Read"], max_running="5")  # type: ignore[call-overload]
    TaskRequest("Read", max_step=3)  # type: ignore[call-arg]
    tasks.run("Read", output=Report("a"))  # type: ignore[call-overload]
    tasks.run("Read", output=[Report])  # type: ignore[call-overload]
    tasks.run("Read", output={1: "object"})  # type: ignore[dict-item]
    tasks.run("Read", Report)  # type: ignore[call-overload]
    tasks.run(output=Report)  # type: ignore[call-overload]
    tasks.run("Read", max_step=3)  # type: ignore[call-overload]
    tasks.run("Read", max_steps="3")  # type: ignore[call-overload]
    tasks.run("Read", output=Report, max_steps="3")  # type: ignore[call-overload]
    tasks.run("Read", output=Report, max_step=3)  # type: ignore[call-overload]
    tasks.run("Read", output_schema=SCHEMA)  # type: ignore[call-overload]
    tasks.run("Read", detect_elements="yes")  # type: ignore[call-overload]
    tasks.run("Read", url=b"https://shop.example/")  # type: ignore[call-overload]
    tasks.run("Read", secret_values={"PIN": 1234})  # type: ignore[dict-item]
    tasks.run("Read", secret_values={"*.shop.example": {"PIN": 1234}})  # type: ignore[dict-item]
    tasks.run("Read", extra_body=["not_in_the_spec"])  # type: ignore[call-overload]
    tasks.run("Read", timeout="600")  # type: ignore[call-overload]
    tasks.run("Read", wait=5)  # type: ignore[call-overload]
    tasks.run("Read", output=Report, on_start=store_node)  # type: ignore[arg-type]
    tasks.run("Read", on_update=store_any)  # type: ignore[arg-type]
    tasks.start("Read", output=3)  # type: ignore[call-overload]
    tasks.start("Read", max_steps="3")  # type: ignore[call-overload]
    tasks.start("Read", output=Report, max_step=3)  # type: ignore[call-overload]
    tasks.start("Read", timeout=600)  # type: ignore[call-overload]
    tasks.get(task_id, output=3)  # type: ignore[call-overload]
    tasks.get(task_id, Report)  # type: ignore[call-overload]
    tasks.get(3)  # type: ignore[call-overload]
    tasks.get(task_id, max_steps=3)  # type: ignore[call-overload]
    tasks.resume(token, output=3)  # type: ignore[call-overload]
    tasks.resume(token, Report)  # type: ignore[call-overload]
    tasks.resume(None)  # type: ignore[call-overload]
    tasks.run_in_one_request("Read", output=3)  # type: ignore[call-overload]
    tasks.run_in_one_request("Read", max_steps="3")  # type: ignore[call-overload]
    tasks.run_in_one_request("Read", output=Report, max_step=3)  # type: ignore[call-overload]
    tasks.run_in_one_request("Read", http_timeout=None)  # type: ignore[call-overload]
    take_node(tasks.run("Read", output=Report).value)  # type: ignore[arg-type]
    take_node(tasks.run("Read", output=Node | None).value)  # type: ignore[arg-type]
    take_node(tasks.start("Read", output=Report).result().value)  # type: ignore[arg-type]
    take_node(tasks.get(task_id, output=Report).result().value)  # type: ignore[arg-type]
    take_node(tasks.resume(token, output=Report).result().value)  # type: ignore[arg-type]
    take_node(tasks.run_in_one_request("Read", output=Report).value)  # type: ignore[arg-type]
    JsonSchema(Report)  # type: ignore[arg-type]


def watched_results_have_the_types_of_their_handles(
    report: WebTask[Report], node: WebTask[Node], more: list[WebTask[Report]]
) -> None:
    assert_type(watch(report), TaskResult[Report])
    assert_type(watch(report, timeout=None).value, Report)
    assert_type(watch(report, node), tuple[TaskResult[Report], TaskResult[Node]])
    assert_type(watch(report, node, report), tuple[TaskResult[Report], TaskResult[Node], TaskResult[Report]])
    assert_type(watch(report, report, report, report, report), tuple[TaskResult[Report], ...])
    assert_type(watch(more), list[TaskResult[Report]])
    assert_type(watch(task for task in more), list[TaskResult[Report]])
    watch()  # type: ignore[call-overload]
    watch("task-1")  # type: ignore[arg-type]
    watch(report, 30)  # type: ignore[call-overload]
    take_node(watch(report).value)  # type: ignore[arg-type]


async def watched_results_of_async_handles_have_their_types(
    report: AsyncWebTask[Report], node: AsyncWebTask[Node], more: list[AsyncWebTask[Report]], other: WebTask[Report]
) -> None:
    assert_type(await watch(report), TaskResult[Report])
    assert_type(await watch(report, node), tuple[TaskResult[Report], TaskResult[Node]])
    assert_type(await watch(report, node, report), tuple[TaskResult[Report], TaskResult[Node], TaskResult[Report]])
    assert_type(await watch(report, report, report, report), tuple[TaskResult[Report], ...])
    assert_type(await watch(more, timeout=5), list[TaskResult[Report]])
    await watch(other)  # type: ignore[misc]
    watch(report, other)  # type: ignore[call-overload]


async def wrong_arguments_and_values_are_rejected_for_async_client(
    anchor: AsyncAnchor, task_id: str, token: str
) -> None:
    tasks = anchor.tasks
    await tasks.run("Read", output=3)  # type: ignore[call-overload]
    await tasks.run("Read", output=Report("a"))  # type: ignore[call-overload]
    await tasks.run("Read", max_step=3)  # type: ignore[call-overload]
    await tasks.run("Read", max_steps="3")  # type: ignore[call-overload]
    await tasks.run("Read", output=Report, max_steps="3")  # type: ignore[call-overload]
    await tasks.run("Read", output=Report, on_start=store_node_async)  # type: ignore[arg-type]
    await tasks.run("Read", output=Report, on_start=store_report)  # type: ignore[arg-type]
    await tasks.start("Read", output=3)  # type: ignore[call-overload]
    await tasks.start("Read", max_steps="3")  # type: ignore[call-overload]
    await tasks.start("Read", output=Report, max_step=3)  # type: ignore[call-overload]
    await tasks.run_in_one_request("Read", output=3)  # type: ignore[call-overload]
    await tasks.run_in_one_request("Read", max_steps="3")  # type: ignore[call-overload]
    tasks.get(task_id, output=3)  # type: ignore[call-overload]
    tasks.resume(token, output=3)  # type: ignore[call-overload]
    take_node((await tasks.run("Read", output=Report)).value)  # type: ignore[arg-type]
    take_node((await tasks.get(task_id, output=Report)).value)  # type: ignore[arg-type]
    take_node(await tasks.get(task_id, output=Node))  # type: ignore[arg-type]
    take_node(tasks.get(task_id, output=Node).result().value)  # type: ignore[attr-defined]
