"""Decides which questions of an agent are asked, and answered at most once; without I/O.

Questions are fetched after each check of the task, at its rhythm. An answer is sent again only if it certainly has not
been accepted: the API has no word for "the same answer again", and an agent may take the second one for another step.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask._api.session_requests import answer_request, session_request
from anchor_webtask._api.session_responses import read_questions
from anchor_webtask._errors import ConfigurationError, RateLimitError
from anchor_webtask._polling.outcomes import Failure, Fault
from anchor_webtask._redaction.secrets import Redactor, Sealed, SharingRedactor
from anchor_webtask._tasks.answers import Answer
from anchor_webtask._tasks.asked import Question, QuestionField
from anchor_webtask._tasks.steps import Call, Send

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anchor_webtask._api.session_responses import AskedQuestion
    from anchor_webtask._config import Settings
    from anchor_webtask._tasks.answers import Answers
    from anchor_webtask._tasks.steps import Steps

LIMIT: Final = 10.0
"""Seconds that one of these requests may take, which come between the checks of a task."""

MIN_SECRET: Final = 8
"""From this number of characters, an answer is hidden in what the service says later."""

MIN_CODE: Final = 4
"""The same for an answer with a digit; later texts may contain a shorter one, or a word such as "yes", by chance."""

logger = logging.getLogger("anchor_webtask")


class Questions:
    """The questions of one task to its user.

    Args:
        settings: The client's settings.
        session_id: The browser session that the task runs in.
        redact: Removes the secrets of the task's request from text.
        answers: What was answered, also by other tasks and in earlier calls.
        task_id: The task's id.
    """

    def __init__(
        self, settings: Settings, session_id: str, redact: Redactor, answers: Answers, task_id: str | None
    ) -> None:
        self._settings = settings
        self._session_id = session_id
        self._redact = redact  # the user may see in a question what the user has answered before
        self._redact_answers = SharingRedactor(redact, answers.learned)
        self._answers = answers
        self._task_id = task_id
        self._declined: set[str] = set()

    def steps(self, now: float) -> Steps[float]:
        """Yield the steps that ask and answer what is open now; return how long the user has taken, in seconds.

        Raises:
            ConfigurationError: The user's function has returned something that is no answer.
        """
        now = yield from self._send_answers(now)
        base_url, limit = self._settings.base_url, min(self._settings.http_timeout, LIMIT)
        now, outcome = yield Send(
            session_request(base_url, "list_questions", self._session_id), limit, self._redact_answers
        )
        asked = None if outcome is None or isinstance(outcome, Failure) else read_questions(outcome)
        taken = 0.0
        for each in asked or ():
            if each.id in self._declined or not self._answers.claim(self._session_id, each.id):
                continue
            answer: Answer | None = None
            try:
                began = now
                now, given = yield Call(self._question(each))
                taken += max(now - began, 0.0)
                if given is None:
                    self._declined.add(each.id)
                else:
                    answer = self._answer(each, given)
                    self._answers.unsent.append(answer)
            finally:
                if answer is None:
                    self._answers.release(self._session_id, each.id)
            if answer is not None:
                now = yield from self._send_answers(now)
        return taken

    def _send_answers(self, now: float) -> Steps[float]:
        """Send what may be sent, and return the time."""
        limit = min(self._settings.http_timeout, LIMIT)
        for answer in tuple(self._answers.unsent):
            if answer.session_id != self._session_id or answer.due > now or not self._answers.take(answer):
                continue
            now, outcome = yield Send(answer.request, limit, answer.redact)
            if isinstance(outcome, Failure):
                if outcome.fault is Fault.NOT_CONNECTED or isinstance(outcome.error, RateLimitError):
                    answer.due = now + (outcome.retry_after or 0.0)
                    self._answers.unsent.append(answer)  # it is sent again after a later check
                    continue
                logger.warning(
                    "the answer to question %s may not have arrived, and is not sent again: %s",
                    answer.question_id,
                    outcome.error,
                )
        return now

    def _question(self, asked: AskedQuestion) -> Question:
        fields = tuple(map(self._field, asked.fields))
        return Question(id=asked.id, message=self._redact(asked.message), fields=fields)

    def _field(self, given: Mapping[str, Any]) -> QuestionField:
        def text(name: str) -> str | None:
            value = given.get(name)
            return self._redact(value) if isinstance(value, str) else None

        return QuestionField(
            name=given["name"],
            label=text("label"),
            description=text("description"),
            required=given.get("required") is True,
            placeholder=text("placeholder"),
            default=given.get("defaultValue", given.get("default_value")),
        )

    def _answer(self, asked: AskedQuestion, answer: object) -> Answer:
        """Return the request of an answer, and a redactor that knows it: an answer is often a password or a code."""
        given = Sealed(answer)
        del answer
        problem, request = _problem(given), None
        if problem is None and (mistake := _mistake(given, asked.fields)) is not None:
            problem = self._redact(mistake)
        if problem is None:
            request = answer_request(self._settings.base_url, self._session_id, asked.id, _plain(given))
        if request is None:
            problem = problem or "on_question must return text, or a mapping with JSON values"
            raise ConfigurationError(problem, task_id=self._task_id)
        texts = Sealed((*_texts(given.open()),))
        self._answers.learned.add(Sealed((*filter(_is_hidden, texts.open()),)))
        redact = Redactor(Sealed((*self._redact_answers.secrets(), *texts.open())))
        return Answer(self._session_id, asked.id, request, redact)


def _problem(answer: Sealed[object]) -> str | None:
    value = answer.open()
    if isinstance(value, str) and value.strip():
        return None
    if isinstance(value, Mapping) and value and all(isinstance(name, str) for name in value):
        return None
    return (
        "on_question must return an answer: text that is not empty, a mapping of the question's fields to values, or "
        f"None for no answer; it returned {type(value).__name__}"
    )


def _mistake(answer: Sealed[object], fields: Sequence[Mapping[str, Any]]) -> str | None:
    """Return what is wrong with an answer to a question with fields: a wrong answer would use up the only one."""
    value = answer.open()
    if not fields:
        return None
    names = [each["name"] for each in fields]
    wanted = f"on_question must return a mapping with the question's fields, {', '.join(map(repr, names))}, or None"
    if not isinstance(value, Mapping):
        return f"{wanted} for no answer; it returned text"
    if not value.keys() <= {*names}:
        return f"{wanted} for no answer; it returned a name that is none of them"
    missing = [each["name"] for each in fields if _is_needed(each) and each["name"] not in value]
    return f"{wanted} for no answer; {missing[0]!r} is required and missing" if missing else None


def _is_needed(field: Mapping[str, Any]) -> bool:
    """Return whether an answer must have a field."""
    return field.get("required") is True and field.get("defaultValue", field.get("default_value")) is None


def _plain(answer: Sealed[object]) -> Any:
    value = answer.open()
    return dict(value) if isinstance(value, Mapping) else value


def _texts(answer: object) -> Iterator[str]:
    """Yield the texts and the numbers of an answer, also those inside of its values."""
    if isinstance(answer, Mapping):
        answer = (*answer.values(),)
    if isinstance(answer, Sequence) and not isinstance(answer, str):
        for each in answer:
            yield from _texts(each)
    elif answer is not None and not isinstance(answer, bool):
        yield str(answer)


def _is_hidden(text: str) -> bool:
    """Return whether a text of an answer is hidden in what the service says later, not only in the response to it."""
    return len(text) >= MIN_SECRET or (len(text) >= MIN_CODE and any(map(str.isdigit, text)))
