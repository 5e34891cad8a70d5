"""Questions of an agent to a human, and what a session proves about a start; with both clients."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from anchor_webtask import (
    AsyncAnchor,
    BadRequestError,
    ConfigurationError,
    Question,
    QuestionField,
    SessionError,
    StartOutcomeUnknownError,
    TaskFailedError,
    TaskTimeoutError,
)
from anchor_webtask.emulator import Ask, Emulator, Fault
from anchor_webtask.emulator._dialects import SESSION_DIALECTS
from tests.support.errors import raised
from tests.support.runners import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.clocks import InstantClock
    from tests.support.runners import Runner

CODE = {
    "name": "code",
    "label": "Code",
    "description": "From the app",
    "required": True,
    "placeholder": "123",
    "defaultValue": "0",
}


@pytest.fixture
def session(runner: Runner, anchor: Any) -> Iterator[Any]:
    with runner.entered(anchor.sessions.open()) as made:
        yield made


def answered(emulator: Emulator) -> list[Any]:
    return [answer for _, answer in emulator.sessions[0].answers]


def test_questions_are_asked_once_and_their_answers_sent(runner: Runner, session: Any, emulator: Emulator) -> None:
    emulator.on(answer="in", asks=[Ask("The code?", fields=[CODE, "note"]), Ask("Sure?", after=20)])
    seen: list[Question] = []

    def answer(question: Question) -> object:
        seen.append(question)
        return {"code": "123456", "note": None} if question.fields else "yes"

    assert runner.call(session.tasks.run, "Log in", on_question=answer).value == "in"
    fields = (
        QuestionField(
            name="code", label="Code", description="From the app", required=True, placeholder="123", default="0"
        ),
        QuestionField(name="note"),
    )
    assert [(each.message, each.fields) for each in seen] == [("The code?", fields), ("Sure?", ())]
    assert answered(emulator) == [{"code": "123456", "note": None}, "yes"]


def test_async_callback_is_awaited(runner: Runner, session: Any, emulator: Emulator) -> None:
    async def answer(_: Question) -> str:
        return "yes"

    emulator.on(asks=[Ask("Sure?")])
    if runner.name == "sync":
        error = raised(ConfigurationError, runner, session.tasks.run, "Read", on_question=answer)
        assert "on_question is a coroutine function, which Anchor cannot await" in str(error)
    else:
        runner.call(session.tasks.run, "Read", on_question=answer)
        assert answered(emulator) == ["yes"]


def test_question_that_is_not_answered_is_not_asked_again(runner: Runner, session: Any, emulator: Emulator) -> None:
    emulator.on(asks=[Ask("Sure?")])
    seen: list[Question] = []
    error = raised(TaskTimeoutError, runner, session.tasks.run, "Read", timeout=100, on_question=seen.append)
    assert (len(seen), answered(emulator)) == (1, [])

    task = session.tasks.get(error.task_id)
    runner.call(task.result, on_question=lambda _: "yes")
    assert answered(emulator) == ["yes"]


def test_time_of_the_human_does_not_count(
    runner: Runner, session: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(takes=30, asks=[Ask("Sure?", after=10), Ask("Really?", after=20)])

    def answer(_: Question) -> str:
        clock.sleep(600)
        return "yes"

    began = clock.time
    runner.call(session.tasks.run, "Read", timeout=60, on_question=answer)
    assert 1230 <= clock.time - began < 1260
    emulator.on(takes=300, asks=[Ask("Sure?", after=10)])
    raised(TaskTimeoutError, runner, session.tasks.run, "Read", timeout=60, on_question=answer)


def test_questions_need_a_session(runner: Runner, anchor: Any, session: Any, emulator: Emulator) -> None:
    def answer(_: Question) -> str:
        return "yes"

    error = raised(ConfigurationError, runner, anchor.tasks.run, "Read", on_question=answer)
    assert "on_question needs a browser session" in str(error)
    assert "write `with anchor.sessions.open() as session`" in str(error)
    assert emulator.starts == 0
    task = runner.call(session.tasks.start, "Read")
    assert "needs a browser session" in str(
        raised(ConfigurationError, runner, anchor.tasks.get(task.id).result, on_question=answer)
    )
    refused = raised(
        ConfigurationError, runner, session.tasks.run, "Read", on_question=answer, human_intervention=False
    )
    assert "on_question needs human_intervention" in str(refused)
    raised(ConfigurationError, runner, session.tasks.run, "Read", on_question="yes")
    emulator.on(asks=[Ask("Sure?")])
    runner.call(anchor.tasks.run, "Read", session_id=session.id, on_question=answer)
    assert answered(emulator) == ["yes"]


def test_task_of_a_ledger_is_asked_in_its_own_session_alone(
    runner: Runner, anchor: Any, session: Any, emulator: Emulator, tmp_path: Path
) -> None:
    def run(place: Any, **options: Any) -> Any:
        return runner.call(place.tasks.run, "Log in", key="login", ledger=tmp_path / "l.ledger", **options)

    emulator.on(answer="in", asks=[Ask("Sure?", after=20)])
    with pytest.raises(TaskTimeoutError):
        run(session, timeout=5, on_question=lambda _: "no")
    with runner.entered(anchor.sessions.open()) as other:
        emulator.on(prompt="other", asks=[Ask("Pay?")])
        runner.call(other.tasks.start, "other", human_intervention=True)
        with pytest.raises(ConfigurationError, match="not known in which one this task runs") as caught:
            run(other, on_question=lambda _: "yes")
    assert caught.value.task_id == emulator.tasks[0].id
    again = anchor.sessions.get(session.id)  # as another process does
    assert run(again, on_question=lambda _: "yes").value == "in"
    assert [each.answers for each in emulator.sessions] == [(("Sure?", "yes"),), ()]
    assert run(other, on_question=lambda _: "yes").value == "in"


@pytest.mark.parametrize(
    "answer", ["", {}, 5, {1: 2}, {"a": object()}], ids=["no text", "no field", "number", "no name", "no JSON"]
)
def test_invalid_answer_is_refused_and_its_task_is_said(
    runner: Runner, session: Any, emulator: Emulator, answer: object
) -> None:
    emulator.on(asks=[Ask("Sure?")])
    error = raised(ConfigurationError, runner, session.tasks.run, "Read", on_question=lambda _: answer)
    assert str(error).startswith("on_question must return")
    assert error.task_id == emulator.tasks[0].id
    assert answered(emulator) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("1", "it returned text"),
        ({"cod": "the-code"}, "it returned a name that is none of them"),
        ({"note": "1"}, "'code' is required and missing"),
    ],
)
def test_answer_without_the_fields_of_the_question_is_refused_and_may_be_given_again(
    runner: Runner, session: Any, emulator: Emulator, answer: object, said: str
) -> None:
    emulator.on(asks=[Ask("The code?", fields=[{"name": "code", "required": True}, "note"])])
    error = raised(ConfigurationError, runner, session.tasks.run, "Read", on_question=lambda _: answer)
    assert str(error).startswith(
        "on_question must return a mapping with the question's fields, 'code', 'note', or None"
    )
    assert said in str(error)
    assert "the-code" not in str(error)
    runner.call(session.tasks.get(error.task_id).result, on_question=lambda _: {"code": "1"})
    assert answered(emulator) == [{"code": "1"}]


def test_error_of_the_callback_ends_the_wait_and_has_the_tasks_id(
    runner: Runner, session: Any, emulator: Emulator
) -> None:
    def fail(_: Question) -> str:
        raise LookupError("mine")

    emulator.on(asks=[Ask("Sure?")])
    with pytest.raises(LookupError, match="mine") as caught:
        runner.call(session.tasks.run, "Read", on_question=fail)
    assert emulator.tasks[0].id in caught.value.__notes__[0]


def test_what_leaves_the_block_says_that_the_task_has_ended_with_its_session(
    runner: Runner, anchor: Any, emulator: Emulator
) -> None:
    def interrupt(_: Question) -> str:
        raise LookupError

    emulator.on(takes=100, asks=[Ask("Sure?")])
    for arguments, kind, said in (
        ({"on_question": interrupt}, LookupError, ""),
        ({"on_question": lambda _: 123}, ConfigurationError, "the task keeps running until its browser session ends; "),
        ({"timeout": 5}, TaskTimeoutError, "the task is still running until its browser session ends; "),
    ):
        with pytest.raises(kind) as caught, runner.entered(anchor.sessions.open()) as session:
            runner.call(session.tasks.run, "Read", **arguments)
        assert said in str(caught.value)
        *others, note = caught.value.__notes__
        assert note == f"the browser session {session.id!r} was ended with its block, and with it each task in it"
        assert len(others) == (kind is LookupError)


@pytest.mark.parametrize("faults", [[429], [429, 429]], ids=str)
def test_answer_that_was_not_accepted_is_sent_again(
    runner: Runner, session: Any, emulator: Emulator, faults: list[int]
) -> None:
    emulator.on(asks=[Ask("Sure?")])
    emulator.on_session(faults={"answer": faults, "questions": [502, Fault(cut=True), Fault(body="<html>")]})
    runner.call(session.tasks.run, "Read", on_question=lambda _: "yes")
    assert answered(emulator) == ["yes"]


def test_answer_is_not_sent_again_before_the_service_allows_it(
    runner: Runner, session: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(asks=[Ask("Sure?")])
    emulator.on_session(faults={"answer": [Fault(429, headers={"Retry-After": "40"})]})
    runner.call(session.tasks.run, "Read", on_question=lambda _: "yes")
    first, second = (each.elapsed for each in emulator.requests if "respond-to" in each.path)
    assert 40 <= second - first < 60
    assert clock.time > 70


@pytest.mark.parametrize("fault", [502, Fault(cut=True, accepted=True), Fault(cut=True), 404], ids=str)
def test_answer_that_may_have_arrived_is_not_sent_again(
    runner: Runner, session: Any, emulator: Emulator, caplog: pytest.LogCaptureFixture, fault: int | Fault
) -> None:
    emulator.on(asks=[Ask("Sure?")])
    emulator.on_session(faults={"answer": [fault]})
    arrived = isinstance(fault, Fault) and fault.accepted
    with caplog.at_level(logging.WARNING, logger="anchor_webtask"):
        if arrived:
            runner.call(session.tasks.run, "Read", on_question=lambda _: "the-secret-answer")
        else:
            raised(
                TaskTimeoutError,
                runner,
                session.tasks.run,
                "Read",
                timeout=100,
                on_question=lambda _: "the-secret-answer",
            )
    assert sum("respond-to" in each.path for each in emulator.requests) == 1
    assert "may not have arrived, and is not sent again" in caplog.text
    assert "the-secret-answer" not in caplog.text


@pytest.mark.parametrize("fault", [502, Fault(cut=True), 404], ids=["502", "cut", "404"])
@pytest.mark.parametrize("place", ["session", "client"])
def test_answer_that_may_have_arrived_is_neither_asked_for_nor_sent_in_a_later_call(
    runner: Runner, session: Any, anchor: Any, emulator: Emulator, fault: int | Fault, place: str
) -> None:
    emulator.on(asks=[Ask("Sure?")])
    emulator.on_session(faults={"answer": [fault]})
    seen: list[Question] = []

    def answer(question: Question) -> str:
        seen.append(question)
        return "yes"

    tasks, options = (session.tasks, {}) if place == "session" else (anchor.tasks, {"session_id": session.id})
    task = runner.call(tasks.start, "Read", human_intervention=True, **options)
    for _ in range(2):
        raised(TaskTimeoutError, runner, task.result, timeout=40, on_question=answer)
    if place == "session":
        raised(TaskTimeoutError, runner, session.tasks.get(task.id).result, timeout=40, on_question=answer)
    assert len(seen) == sum("respond-to" in each.path for each in emulator.requests) == 1


def test_answer_that_was_not_accepted_is_sent_in_a_later_call(runner: Runner, session: Any, emulator: Emulator) -> None:
    emulator.on(asks=[Ask("Sure?")])
    emulator.on_session(faults={"answer": [Fault(429, headers={"Retry-After": "60"})]})
    seen: list[Question] = []

    def answer(question: Question) -> str:
        seen.append(question)
        return "yes"

    error = raised(TaskTimeoutError, runner, session.tasks.run, "Read", timeout=40, on_question=answer)
    runner.call(session.tasks.get(error.task_id).result, on_question=answer)
    assert (len(seen), answered(emulator)) == (1, ["yes"])


def test_question_is_asked_again_after_an_error_of_the_callback(
    runner: Runner, session: Any, emulator: Emulator
) -> None:
    errors: list[Exception] = [LookupError("mine"), SessionError("mine")]

    def answer(_: Question) -> str:
        if errors:
            raise errors.pop(0)
        return "yes"

    emulator.on(asks=[Ask("Sure?")])
    task = runner.call(session.tasks.start, "Read", human_intervention=True)
    for kind in (LookupError, SessionError):
        with pytest.raises(kind) as caught:
            runner.call(task.result, on_question=answer)
        assert caught.value is not None  # its traceback is alive, and keeps its frames
    runner.call(task.result, on_question=answer)
    assert answered(emulator) == ["yes"]


@pytest.mark.anyio
async def test_tasks_that_run_at_once_ask_each_question_once(held: Emulator) -> None:
    held.on(asks=[Ask("Sure?")])
    seen: list[str] = []

    async def answer(question: Question) -> str:
        seen.append(question.id)
        await anyio.sleep(0.05)
        return "yes"

    async with AsyncAnchor() as anchor, anchor.sessions.open() as session:

        async def run() -> None:
            await session.tasks.run("Read", on_question=answer)

        async with anyio.create_task_group() as group:
            group.start_soon(run)
            group.start_soon(run)
    assert len(seen) == len({*seen}) == 2
    assert answered(held) == ["yes", "yes"]


def test_answer_is_hidden_if_the_server_sends_it_back(
    runner: Runner, session: Any, emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    emulator.on(asks=[Ask("The code?")])
    emulator.on_session(faults={"answer": [Fault(400, body='{"error": {"code": 400, "message": "no: 873-215"}}')]})
    with caplog.at_level(logging.DEBUG):
        raised(TaskTimeoutError, runner, session.tasks.run, "Read", timeout=60, on_question=lambda _: "873-215")
    assert "no: [redacted]" in caplog.text
    assert "873-215" not in caplog.text


@pytest.mark.parametrize("answer", ["873-215", {"code": "873-215"}, {"code": [{"digits": "873-215"}]}], ids=str)
def test_answer_is_hidden_in_what_the_service_says_of_the_task_later(
    runner: Runner, session: Any, emulator: Emulator, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    asked: list[str] = []

    def ask(question: Question) -> Any:
        asked.append(question.message)
        return answer if question.message == "The code?" else "no"

    emulator.on(asks=[Ask("The code?"), Ask("Is 873-215 wrong?")], fails="no, the code 873-215 is wrong")
    with caplog.at_level(logging.DEBUG):
        error = raised(
            TaskFailedError,
            *(runner, session.tasks.run, "Log in"),
            on_question=ask,
        )
    assert error.reason == "no, the code [redacted] is wrong"
    assert "873-215" not in f"{caplog.text}{error}"
    assert asked == ["The code?", "Is 873-215 wrong?"]


@pytest.mark.parametrize("place", ["session", "client"])
def test_answer_is_hidden_in_what_the_service_says_of_all_tasks(
    runner: Runner,
    session: Any,
    anchor: Any,
    emulator: Emulator,
    caplog: pytest.LogCaptureFixture,
    place: str,
) -> None:
    tasks, options = (session.tasks, {}) if place == "session" else (anchor.tasks, {"session_id": session.id})
    emulator.on(asks=[Ask("The code?")], fails="bad code 873-215")
    first = runner.call(tasks.start, "Log in", human_intervention=True, **options)
    other = tasks.get(first.id)  # it knows the answer although it was made before
    with caplog.at_level(logging.DEBUG):
        errors = [raised(TaskFailedError, runner, first.result, on_question=lambda _: {"code": ["873-215"]})]
        later = runner.call(tasks.start, "Try again", **options)
        errors += [raised(TaskFailedError, runner, task.result) for task in (other, tasks.get(first.id), later)]
        emulator.on(start_faults=[Fault(400, body='{"error": {"code": 400, "message": "no: 873-215"}}')])
        refused = raised(BadRequestError, runner, tasks.start, "Try again", **options)
    assert [each.reason for each in errors] == ["bad code [redacted]"] * 4
    assert "no: [redacted]" in str(refused)
    assert "873-215" not in f"{caplog.text}{errors}"


def test_answer_is_hidden_in_a_reason_that_another_client_has_stored(
    runner: Runner, session: Any, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.on(asks=[Ask("The code?")], takes=90, fails="bad code 873-215")
    arguments: dict[str, Any] = {"key": "a", "ledger": tmp_path / "a.ledger"}
    run = (runner, session.tasks.run, "Log in")
    raised(TaskTimeoutError, *run, timeout=60, on_question=lambda _: "873-215", **arguments)
    with runner.anchor(transport=emulator.transport(), base_url="https://api.example") as other:
        found = other.sessions.get(session.id).tasks
        assert raised(TaskFailedError, runner, found.run, "Log in", **arguments).reason == "bad code 873-215"
    assert raised(TaskFailedError, *run, **arguments).reason == "bad code [redacted]"


def test_answer_is_hidden_in_the_reason_of_an_unknown_start_that_another_client_has_stored(
    runner: Runner, session: Any, emulator: Emulator, tmp_path: Path
) -> None:
    emulator.on(asks=[Ask("The code?")])
    runner.call(session.tasks.run, "Log in", on_question=lambda _: "873-215")
    emulator.on(start_faults=[Fault(502, accepted=True, body='{"error": {"code": 502, "message": "no: 873-215"}}')])
    arguments: dict[str, Any] = {"key": "a", "ledger": tmp_path / "a.ledger"}
    with runner.anchor(transport=emulator.transport(), base_url="https://api.example") as other:
        found = other.sessions.get(session.id).tasks
        assert "no: 873-215" in str(raised(StartOutcomeUnknownError, runner, found.run, "Try again", **arguments))
    error = raised(StartOutcomeUnknownError, runner, session.tasks.run, "Try again", **arguments)
    assert "no: [redacted]" in str(error)


def test_answer_that_any_text_may_contain_is_not_hidden_later(runner: Runner, session: Any, emulator: Emulator) -> None:
    reason = "the true price is on another page: $12 (True, False, 4.5)"
    emulator.on(asks=[Ask("Where?")], fails=reason)
    answer = {"where": "page", "price": 12, "kind": "another", "sure": True, "again": [False], "rate": 4.5}
    error = raised(TaskFailedError, runner, session.tasks.run, "Read", on_question=lambda _: answer)
    assert error.reason == reason


@pytest.mark.parametrize("answer", ["correct-horse", "1234", 873215, "pass7", "password"], ids=str)
def test_long_answer_and_one_with_a_digit_are_hidden_later(
    runner: Runner, session: Any, emulator: Emulator, answer: object
) -> None:
    emulator.on(asks=[Ask("The code?")], fails=f"no: {answer}")
    error = raised(TaskFailedError, runner, session.tasks.run, "Read", on_question=lambda _: {"code": answer})
    assert error.reason == "no: [redacted]"


@pytest.mark.parametrize("dialect", SESSION_DIALECTS)
def test_questions_are_read_in_each_dialect(runner: Runner, clock: InstantClock, dialect: str) -> None:
    emulator = Emulator(KEY, takes=30, clock=clock, dialects=[dialect, "top-level"])
    emulator.on(asks=[Ask("Sure?", fields=["code"]), Ask("Really?")])
    with runner.anchor(transport=emulator.transport()) as anchor, runner.entered(anchor.sessions.open()) as session:
        answer = {"code": "1"}
        runner.call(session.tasks.run, "Read", on_question=lambda each: answer if each.fields else each.message)
    assert answered(emulator) == [answer, "Really?"]


def test_questions_of_a_task_with_a_key(runner: Runner, session: Any, emulator: Emulator, tmp_path: Any) -> None:
    emulator.on(asks=[Ask("Sure?")])
    arguments = {"key": "a", "ledger": tmp_path / "l.ledger", "on_question": lambda _: "yes"}
    first = runner.call(session.tasks.run, "Read", **arguments)
    assert (runner.call(session.tasks.run, "Read", **arguments), emulator.starts) == (first, 1)
    assert answered(emulator) == ["yes"]


@pytest.mark.parametrize("fault", [Fault(502, accepted=True), Fault(cut=True, accepted=True)], ids=str)
def test_first_step_of_a_session_proves_a_start(
    runner: Runner, session: Any, emulator: Emulator, clock: InstantClock, fault: Fault
) -> None:
    emulator.on(start_faults=[fault, fault])
    emulator.on_session(faults={"get": [502, Fault(body='{"data": {"session_id": "s", "steps": []}}')]})
    error = raised(StartOutcomeUnknownError, runner, session.tasks.run, "Read")
    assert error.steps
    assert f"The session has made {error.steps} steps, and this session object has sent no other start" in str(error)
    assert "unless another object or program has started one in the session" in str(error)
    assert error.session_id == session.id
    assert clock.time == 3  # after an error and a response without a step
    again = raised(StartOutcomeUnknownError, runner, session.tasks.start, "Read")
    assert again.steps is None


def test_session_without_a_step_makes_it_probable_that_no_task_started(
    runner: Runner, session: Any, emulator: Emulator, clock: InstantClock
) -> None:
    emulator.on(start_faults=[401, 502])
    runner.call(session.usage)
    with pytest.raises(Exception, match="HTTP 401"):
        runner.call(session.tasks.start, "Read")
    began = clock.time
    error = raised(StartOutcomeUnknownError, runner, session.tasks.start, "Read")
    assert (error.steps, clock.time - began) == (0, 30)
    assert "The session has made no step in 30 s, so the task has probably not started" in str(error)


def test_other_sessions_prove_nothing(runner: Runner, anchor: Any, session: Any, emulator: Emulator) -> None:
    emulator.on(start_faults=[Fault(502, accepted=True)] * 2)
    for tasks in (anchor.sessions.get(session.id).tasks, anchor.tasks):
        assert raised(StartOutcomeUnknownError, runner, tasks.start, "Read").steps is None


@pytest.mark.anyio
@pytest.mark.parametrize("gap", [0, 10], ids=["at once", "while the proof is looked for"])
async def test_starts_at_once_prove_nothing(held: Emulator, gap: int) -> None:
    """The steps may be those of the other task."""
    held.on(prompt="First", start_faults=[502])
    errors: list[StartOutcomeUnknownError] = []

    async with AsyncAnchor() as anchor, anchor.sessions.open() as session:

        async def start() -> None:
            with pytest.raises(StartOutcomeUnknownError) as caught:
                await session.tasks.start("First")
            errors.append(caught.value)

        async with anyio.create_task_group() as group:
            group.start_soon(start)
            await held.clock.sleep_async(gap)
            await session.tasks.run("Second")
    (error,) = errors
    assert error.steps is None
    assert "steps" not in str(error)
