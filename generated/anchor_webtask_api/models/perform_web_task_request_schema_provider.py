from typing import Literal

PerformWebTaskRequestSchemaProvider = Literal["azure", "gemini", "groq", "openai", "xai"]

PERFORM_WEB_TASK_REQUEST_SCHEMA_PROVIDER_VALUES: set[PerformWebTaskRequestSchemaProvider] = {
    "azure",
    "gemini",
    "groq",
    "openai",
    "xai",
}


def check_perform_web_task_request_schema_provider(value: str) -> PerformWebTaskRequestSchemaProvider:
    if value in PERFORM_WEB_TASK_REQUEST_SCHEMA_PROVIDER_VALUES:
        return value
    raise TypeError(f"Unexpected value {value!r}. Expected one of {PERFORM_WEB_TASK_REQUEST_SCHEMA_PROVIDER_VALUES!r}")
