"""Contains all the data models used in inputs/outputs"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .anchor_proxy import AnchorProxy
    from .anchor_proxy_country_code import AnchorProxyCountryCode
    from .anchor_proxy_type import AnchorProxyType
    from .browser_config import BrowserConfig
    from .browser_config_adblock import BrowserConfigAdblock
    from .browser_config_captcha_solver import BrowserConfigCaptchaSolver
    from .browser_config_disable_web_security import BrowserConfigDisableWebSecurity
    from .browser_config_extra_stealth import BrowserConfigExtraStealth
    from .browser_config_force_popups_as_tabs import BrowserConfigForcePopupsAsTabs
    from .browser_config_fullscreen import BrowserConfigFullscreen
    from .browser_config_headless import BrowserConfigHeadless
    from .browser_config_p2p_download import BrowserConfigP2PDownload
    from .browser_config_pdf_viewer import BrowserConfigPdfViewer
    from .browser_config_popup_blocker import BrowserConfigPopupBlocker
    from .browser_config_profile import BrowserConfigProfile
    from .browser_config_tracing import BrowserConfigTracing
    from .browser_config_viewport import BrowserConfigViewport
    from .browser_config_web_bot_auth import BrowserConfigWebBotAuth
    from .custom_proxy import CustomProxy
    from .custom_proxy_type import CustomProxyType
    from .domain_secret_values import DomainSecretValues
    from .download_item import DownloadItem
    from .download_list_response import DownloadListResponse
    from .download_list_response_data import DownloadListResponseData
    from .error_response import ErrorResponse
    from .error_response_error import ErrorResponseError
    from .get_session_response_200 import GetSessionResponse200
    from .get_session_response_200_data import GetSessionResponse200Data
    from .get_session_response_200_data_configuration import GetSessionResponse200DataConfiguration
    from .get_session_response_200_data_steps_item import GetSessionResponse200DataStepsItem
    from .get_session_response_200_data_tags import GetSessionResponse200DataTags
    from .get_session_response_200_data_tokens import GetSessionResponse200DataTokens
    from .human_intervention_requests_response import HumanInterventionRequestsResponse
    from .human_intervention_requests_response_data import HumanInterventionRequestsResponseData
    from .human_intervention_response_request import HumanInterventionResponseRequest
    from .one_password_all_secrets_config import OnePasswordAllSecretsConfig
    from .one_password_all_secrets_config_load_mode import OnePasswordAllSecretsConfigLoadMode
    from .one_password_integration import OnePasswordIntegration
    from .one_password_integration_type import OnePasswordIntegrationType
    from .one_password_specific_secrets_config import OnePasswordSpecificSecretsConfig
    from .one_password_specific_secrets_config_load_mode import OnePasswordSpecificSecretsConfigLoadMode
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
    from .recording_item import RecordingItem
    from .recording_list_response import RecordingListResponse
    from .recording_list_response_data import RecordingListResponseData
    from .session_config import SessionConfig
    from .session_config_live_view import SessionConfigLiveView
    from .session_config_recording import SessionConfigRecording
    from .session_config_timeout import SessionConfigTimeout
    from .session_create_request_schema import SessionCreateRequestSchema
    from .session_create_request_schema_identities_item import SessionCreateRequestSchemaIdentitiesItem
    from .session_create_response_schema import SessionCreateResponseSchema
    from .session_create_response_schema_data import SessionCreateResponseSchemaData
    from .session_list_response import SessionListResponse
    from .session_list_response_data import SessionListResponseData
    from .session_status import SessionStatus
    from .success_response import SuccessResponse
    from .success_response_data import SuccessResponseData
    from .take_session_screenshot_response_404 import TakeSessionScreenshotResponse404
    from .take_session_screenshot_response_500 import TakeSessionScreenshotResponse500

__all__ = (
    "AnchorProxy",
    "AnchorProxyCountryCode",
    "AnchorProxyType",
    "BrowserConfig",
    "BrowserConfigAdblock",
    "BrowserConfigCaptchaSolver",
    "BrowserConfigDisableWebSecurity",
    "BrowserConfigExtraStealth",
    "BrowserConfigForcePopupsAsTabs",
    "BrowserConfigFullscreen",
    "BrowserConfigHeadless",
    "BrowserConfigP2PDownload",
    "BrowserConfigPdfViewer",
    "BrowserConfigPopupBlocker",
    "BrowserConfigProfile",
    "BrowserConfigTracing",
    "BrowserConfigViewport",
    "BrowserConfigWebBotAuth",
    "CustomProxy",
    "CustomProxyType",
    "DomainSecretValues",
    "DownloadItem",
    "DownloadListResponse",
    "DownloadListResponseData",
    "ErrorResponse",
    "ErrorResponseError",
    "GetSessionResponse200",
    "GetSessionResponse200Data",
    "GetSessionResponse200DataConfiguration",
    "GetSessionResponse200DataStepsItem",
    "GetSessionResponse200DataTags",
    "GetSessionResponse200DataTokens",
    "HumanInterventionRequestsResponse",
    "HumanInterventionRequestsResponseData",
    "HumanInterventionResponseRequest",
    "OnePasswordAllSecretsConfig",
    "OnePasswordAllSecretsConfigLoadMode",
    "OnePasswordIntegration",
    "OnePasswordIntegrationType",
    "OnePasswordSpecificSecretsConfig",
    "OnePasswordSpecificSecretsConfigLoadMode",
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
    "RecordingItem",
    "RecordingListResponse",
    "RecordingListResponseData",
    "SessionConfig",
    "SessionConfigLiveView",
    "SessionConfigRecording",
    "SessionConfigTimeout",
    "SessionCreateRequestSchema",
    "SessionCreateRequestSchemaIdentitiesItem",
    "SessionCreateResponseSchema",
    "SessionCreateResponseSchemaData",
    "SessionListResponse",
    "SessionListResponseData",
    "SessionStatus",
    "SuccessResponse",
    "SuccessResponseData",
    "TakeSessionScreenshotResponse404",
    "TakeSessionScreenshotResponse500",
)

_MODULES = {
    "AnchorProxy": ".anchor_proxy",
    "AnchorProxyCountryCode": ".anchor_proxy_country_code",
    "AnchorProxyType": ".anchor_proxy_type",
    "BrowserConfig": ".browser_config",
    "BrowserConfigAdblock": ".browser_config_adblock",
    "BrowserConfigCaptchaSolver": ".browser_config_captcha_solver",
    "BrowserConfigDisableWebSecurity": ".browser_config_disable_web_security",
    "BrowserConfigExtraStealth": ".browser_config_extra_stealth",
    "BrowserConfigForcePopupsAsTabs": ".browser_config_force_popups_as_tabs",
    "BrowserConfigFullscreen": ".browser_config_fullscreen",
    "BrowserConfigHeadless": ".browser_config_headless",
    "BrowserConfigP2PDownload": ".browser_config_p2p_download",
    "BrowserConfigPdfViewer": ".browser_config_pdf_viewer",
    "BrowserConfigPopupBlocker": ".browser_config_popup_blocker",
    "BrowserConfigProfile": ".browser_config_profile",
    "BrowserConfigTracing": ".browser_config_tracing",
    "BrowserConfigViewport": ".browser_config_viewport",
    "BrowserConfigWebBotAuth": ".browser_config_web_bot_auth",
    "CustomProxy": ".custom_proxy",
    "CustomProxyType": ".custom_proxy_type",
    "DomainSecretValues": ".domain_secret_values",
    "DownloadItem": ".download_item",
    "DownloadListResponse": ".download_list_response",
    "DownloadListResponseData": ".download_list_response_data",
    "ErrorResponse": ".error_response",
    "ErrorResponseError": ".error_response_error",
    "GetSessionResponse200": ".get_session_response_200",
    "GetSessionResponse200Data": ".get_session_response_200_data",
    "GetSessionResponse200DataConfiguration": ".get_session_response_200_data_configuration",
    "GetSessionResponse200DataStepsItem": ".get_session_response_200_data_steps_item",
    "GetSessionResponse200DataTags": ".get_session_response_200_data_tags",
    "GetSessionResponse200DataTokens": ".get_session_response_200_data_tokens",
    "HumanInterventionRequestsResponse": ".human_intervention_requests_response",
    "HumanInterventionRequestsResponseData": ".human_intervention_requests_response_data",
    "HumanInterventionResponseRequest": ".human_intervention_response_request",
    "OnePasswordAllSecretsConfig": ".one_password_all_secrets_config",
    "OnePasswordAllSecretsConfigLoadMode": ".one_password_all_secrets_config_load_mode",
    "OnePasswordIntegration": ".one_password_integration",
    "OnePasswordIntegrationType": ".one_password_integration_type",
    "OnePasswordSpecificSecretsConfig": ".one_password_specific_secrets_config",
    "OnePasswordSpecificSecretsConfigLoadMode": ".one_password_specific_secrets_config_load_mode",
    "PerformWebTaskAsyncResponseData": ".perform_web_task_async_response_data",
    "PerformWebTaskRequestSchema": ".perform_web_task_request_schema",
    "PerformWebTaskRequestSchemaAgent": ".perform_web_task_request_schema_agent",
    "PerformWebTaskRequestSchemaOutputSchema": ".perform_web_task_request_schema_output_schema",
    "PerformWebTaskRequestSchemaProvider": ".perform_web_task_request_schema_provider",
    "PerformWebTaskRequestSchemaSecretValues": ".perform_web_task_request_schema_secret_values",
    "PerformWebTaskResponseSchema": ".perform_web_task_response_schema",
    "PerformWebTaskStatusData": ".perform_web_task_status_data",
    "PerformWebTaskStatusResponseSchema": ".perform_web_task_status_response_schema",
    "PerformWebTaskSyncResponseData": ".perform_web_task_sync_response_data",
    "RecordingItem": ".recording_item",
    "RecordingListResponse": ".recording_list_response",
    "RecordingListResponseData": ".recording_list_response_data",
    "SessionConfig": ".session_config",
    "SessionConfigLiveView": ".session_config_live_view",
    "SessionConfigRecording": ".session_config_recording",
    "SessionConfigTimeout": ".session_config_timeout",
    "SessionCreateRequestSchema": ".session_create_request_schema",
    "SessionCreateRequestSchemaIdentitiesItem": ".session_create_request_schema_identities_item",
    "SessionCreateResponseSchema": ".session_create_response_schema",
    "SessionCreateResponseSchemaData": ".session_create_response_schema_data",
    "SessionListResponse": ".session_list_response",
    "SessionListResponseData": ".session_list_response_data",
    "SessionStatus": ".session_status",
    "SuccessResponse": ".success_response",
    "SuccessResponseData": ".success_response_data",
    "TakeSessionScreenshotResponse404": ".take_session_screenshot_response_404",
    "TakeSessionScreenshotResponse500": ".take_session_screenshot_response_500",
}

if not TYPE_CHECKING:  # a type checker would take every name for a model

    def __getattr__(name: str) -> Any:
        if name not in _MODULES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(import_module(_MODULES[name], __name__), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
