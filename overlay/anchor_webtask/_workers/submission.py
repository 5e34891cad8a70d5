"""Checks the requests of a batch, and makes of them what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from anchor_webtask import _importing
from anchor_webtask._api.requests import start_request
from anchor_webtask._batch.identity import fingerprint
from anchor_webtask._batch.items import as_request, checked_key
from anchor_webtask._errors import ConfigurationError
from anchor_webtask._output.decode import Output
from anchor_webtask._output.schema import output_of
from anchor_webtask._output.schema_shape import WRAPPER
from anchor_webtask._workers.tables import StoredBatch, StoredRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anchor_webtask._batch.models import TaskRequest
    from anchor_webtask._config import Settings

CHUNK: Final = 250
"""How many requests are stored in one transaction, for which the workers' transactions wait."""
NO_SECRETS: Final = (
    "a batch stores its requests so that everybody who may read the database can read them, so it refuses "
    "secret_values: pass the names of the secrets as submit(…, secrets=[…]), and start the workers with "
    "--secrets package.module:function, which looks up their values"
)
NO_DATA: Final = (
    "a batch does not store the data of a TaskRequest: keep it under the request's key, which each outcome has"
)


def stored_batch(name: str, output: Any, secrets: Iterable[str]) -> StoredBatch:
    """Return what is stored of a batch.

    Raises:
        ConfigurationError: The output or a name is invalid.
    """
    names = [*secrets]
    if isinstance(secrets, str) or not all(isinstance(each, str) and each.strip() for each in names):
        raise ConfigurationError("secrets must be a list of names, such as ['SHOP_LOGIN']")
    asked = output_of(output)
    validates = asked.convert is not None
    return StoredBatch(name, asked.schema, asked.wrapped, validates, tuple(sorted({*names})))


def output_of_stored(batch: StoredBatch) -> Output[Any]:
    """Return how a worker asks for the answers of a batch, and how it validates them: by the stored schema only."""
    schema = batch.schema
    if schema is None or not batch.validates:
        return Output(schema, wrapped=batch.wrapped)
    with _importing.lock:
        from anchor_webtask._output.json_schema import JsonSchema

    if not batch.wrapped:
        return Output(schema, convert=JsonSchema(schema).convert)
    convert = JsonSchema(schema).convert

    def convert_inner(value: Any) -> Any:
        fitting = convert({WRAPPER: value})
        return fitting[WRAPPER] if isinstance(fitting, Mapping) else fitting

    return Output(schema, wrapped=True, convert=convert_inner)


def stored_requests(
    batch: StoredBatch, requests: Iterable[object], output: Output[Any], settings: Settings
) -> Iterator[StoredRequest]:
    """Check requests, and yield what is stored of them.

    Raises:
        ConfigurationError: A request is invalid; the message says which.
    """
    equal: dict[str, int] = {}
    for index, given in enumerate(requests):
        request = as_request(given)
        options = request.sealed_options
        try:
            _refuse_unstored(request)
            start_request(request.prompt, output, options, settings, method="TaskRequest")
            key = None if request.key is None else checked_key("the key of a TaskRequest", request.key, request)
        except ConfigurationError as error:
            error.args = (f"the request number {index} is invalid: {error}",)
            raise
        digest = fingerprint(request)
        if key is None:
            number = equal[digest] = equal.get(digest, 0) + 1
            key = digest if number == 1 else f"{digest}-{number}"
        fields = {name: _plain(value) for name, value in options.open().items() if value is not None}
        yield StoredRequest(
            f"{batch.name}/{key}",
            batch.name,
            0,
            digest,
            request.prompt,
            fields,
            cancelled=False,
            ended=None,
            error=None,
        )


def _refuse_unstored(request: TaskRequest) -> None:
    if "secret_values" in request.sealed_options.open():
        raise ConfigurationError(NO_SECRETS)
    if request.data is not None:
        raise ConfigurationError(NO_DATA)


def _plain(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else value
