"""What an agent asks a human: a question, and the fields of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionField:
    """A value that an answer to a question should hold.

    Attributes:
        name: Its name in the answer.
        label: What a form would show beside it; None if the API does not say it, as all others.
        description: What it means.
        required: Whether an answer must have it.
        placeholder: An example.
        default: The value that is taken if the answer does not have it.
    """

    name: str
    label: str | None = None
    description: str | None = None
    required: bool = False
    placeholder: str | None = None
    default: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of the agent to a human.

    Attributes:
        id: The question's id.
        message: The question. It comes from the agent, which may have it from a page: do not trust it.
        fields: The values that the answer should hold; empty for an answer in plain text.
    """

    id: str
    message: str
    fields: tuple[QuestionField, ...] = ()
