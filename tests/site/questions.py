"""Twenty questions of users, as they are asked in the public issue trackers of similar clients.

A reader finds the answer by the search of the site: the words lead to the page, and the page has the answer.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Question(NamedTuple):
    """A question.

    Attributes:
        source: Where it was asked: a repository on GitHub, and the number of the issue.
        words: What a reader types into the search.
        page: The page that must be among the first results.
        answer: The text on that page that answers the question.
    """

    source: str
    words: str
    page: str
    answer: str


QUESTIONS: Final = [
    Question("openai/openai-python#675", "timeout", "waiting.html", "the complete wait, in seconds"),
    Question("Skyvern-AI/skyvern#1096", "stop a task", "faq.html", "open a session if you may have to stop"),
    Question("replicate/replicate-python#217", "event loop is closed", "faq.html", "belongs to one event loop"),
    Question("gocardless/gocardless-pro-python#12", "retry", "faq.html", "a second start would be a second task"),
    Question("Comfy-Org/ComfyUI#16204", "paid twice", "many-tasks.html", "none is paid for twice"),
    Question("kanboard/python-api-client#26", "self-signed certificate", "client.html", "adds an authority"),
    Question("encode/httpx#376", "proxy", "client.html", "HTTPS_PROXY"),
    Question("openai/openai-python#837", "pickle", "faq.html", "Send task.id or task.token()"),
    Question("sendgrid/python-http-client#139", "pickle celery", "faq.html", "Errors and results can be pickled"),
    Question("Venafi/vcert-python#192", "secrets in logs", "client.html", "No record has a prompt"),
    Question("solvebio/solvebio-python#60", "rate limit 429", "errors.html", "after the time that the API asks for"),
    Question("cognitedata/cognite-sdk-python#501", "mock tests", "faq.html", "You need no mocks"),
    Question("browser-use/browser-use#58", "pydantic", "answers.html", "With pydantic"),
    Question("agno-agi/agno#10120", "stay logged in", "faq.html", "save a browser profile"),
    Question("replicate/replicate-python#345", "lost connection", "waiting.html", "repeated until the deadline"),
    Question("replicate/replicate-python#32", "polling interval", "waiting.html", "9 % of the time"),
    Question("github/copilot-sdk#534", "cost", "faq.html", "steps, time and credits"),
    Question("microsoft/playwright-python#480", "jupyter", "notebook.html", "A cell may also await"),
    Question("browser-use/browser-use#1853", "download file", "sessions.html", "session.downloads()"),
    Question("browser-use/browser-use#404", "2FA code", "faq.html", "the agent asks, and a person answers"),
]
