"""What was answered in browser sessions, so that no question of an agent is answered twice."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from anchor_webtask._redaction.secrets import Learned

if TYPE_CHECKING:
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._redaction.secrets import Redactor, Sealed


class Answer:  # not a dataclass, which would be made at the first call of each client
    """An answer that has not been accepted yet.

    Attributes:
        session_id: The session of the question.
        question_id: The question.
        request: The request that sends it.
        redact: Knows its secrets.
        due: The earliest time to send it.
    """

    __slots__ = ("due", "question_id", "redact", "request", "session_id")

    def __init__(self, session_id: str, question_id: str, request: Sealed[PreparedRequest], redact: Redactor) -> None:
        self.session_id = session_id
        self.question_id = question_id
        self.request = request
        self.redact = redact
        self.due = -math.inf


class Answers:
    """The questions that are being asked, or that were answered; of all tasks of a session object, or of a client.

    The tasks of a session share its questions, and may run at once: each operation is atomic.

    Attributes:
        unsent: Answers that certainly have not been accepted, and are sent again.
        learned: The texts of all answers that are hidden in what the service says later.
    """

    __slots__ = ("_claims", "learned", "unsent")

    def __init__(self) -> None:
        self.learned = Learned()
        self.unsent: list[Answer] = []
        self._claims: dict[tuple[str, str], object] = {}

    def claim(self, session_id: str, question_id: str) -> bool:
        """Return whether the caller may ask a question, which nobody else may ask then."""
        mine = object()
        return self._claims.setdefault((session_id, question_id), mine) is mine

    def release(self, session_id: str, question_id: str) -> None:
        """Let a question be asked again, which certainly was not answered."""
        self._claims.pop((session_id, question_id), None)

    def take(self, answer: Answer) -> bool:
        """Return whether the caller may send an answer; then it is no longer among the unsent ones."""
        try:
            self.unsent.remove(answer)
        except ValueError:
            return False
        return True
