"""Contains all the data models used in inputs/outputs"""

from .domain_secret_values import DomainSecretValues
from .error_response import ErrorResponse
from .error_response_error import ErrorResponseError
from .perform_web_task_async_response_data import PerformWebTaskAsyncResponseData
from .perform_web_task_request_schema import PerformWebTaskRequestSchema
from .perform_web_task_request_schema_agent import PerformWebTaskRequestSchemaAgent
from .perform_web_task_request_schema_output_schema import PerformWebTaskRequestSchemaOutputSchema
from .perform_web_task_request_schema_provider import PerformWebTaskRequestSchemaProvider
from .perform_web_task_request_schema_secret_values import PerformWebTaskRequestSchemaSecretValues
from .perform_web_task_response_schema import PerformWebTaskResponseSchema
from .perform_web_task_status_data import PerformWebTaskStatusData
from .perform_web_task_status_response_schema import PerformWebTaskStatusResponseSchema
from .perform_web_task_sync_response_data import PerformWebTaskSyncResponseData

__all__ = (
    "DomainSecretValues",
    "ErrorResponse",
    "ErrorResponseError",
    "PerformWebTaskAsyncResponseData",
    "PerformWebTaskRequestSchema",
    "PerformWebTaskRequestSchemaAgent",
    "PerformWebTaskRequestSchemaOutputSchema",
    "PerformWebTaskRequestSchemaProvider",
    "PerformWebTaskRequestSchemaSecretValues",
    "PerformWebTaskResponseSchema",
    "PerformWebTaskStatusData",
    "PerformWebTaskStatusResponseSchema",
    "PerformWebTaskSyncResponseData",
)
