from typing import Literal

PerformWebTaskRequestSchemaAgent = Literal["anthropic-cua", "browser-use", "gemini-computer-use", "openai-cua"]

PERFORM_WEB_TASK_REQUEST_SCHEMA_AGENT_VALUES: set[PerformWebTaskRequestSchemaAgent] = {
    "anthropic-cua",
    "browser-use",
    "gemini-computer-use",
    "openai-cua",
}


def check_perform_web_task_request_schema_agent(value: str) -> PerformWebTaskRequestSchemaAgent:
    if value in PERFORM_WEB_TASK_REQUEST_SCHEMA_AGENT_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PERFORM_WEB_TASK_REQUEST_SCHEMA_AGENT_VALUES!r}")
