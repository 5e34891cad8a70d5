"""What `SessionFile` and `AsyncSessionFile` share: they build the request for a file, without I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NoReturn

from anchor_webtask._api.session_requests import file_request, redactor_with, session_request
from anchor_webtask._config import checked_seconds
from anchor_webtask._errors import ConfigurationError, SessionError
from anchor_webtask._redaction.secrets import Sealed
from anchor_webtask._sessions.files import safe_name
from anchor_webtask._sessions.reads import file_steps

if TYPE_CHECKING:
    from anchor_webtask._api.session_responses import ListedFile
    from anchor_webtask._http.prepared_request import PreparedRequest
    from anchor_webtask._sessions.facts import Facts
    from anchor_webtask._sessions.files import Target
    from anchor_webtask._tasks.steps import Steps

FILE_TIMEOUT: Final = 600.0


class FileBase:
    """The parts of a file of a session that do no I/O; its repr shows no address."""

    def __init__(self, facts: Facts, listed: ListedFile, default: str) -> None:
        self._facts = facts
        redact = facts.settings.redact
        self.name: str = redact.task_id(safe_name(listed.name, safe_name(default)))
        self.suggested_name: str = redact.task_id(listed.name)
        self.size: int | None = listed.size
        self.created_at: str | None = listed.created_at and redact.quote(listed.created_at)
        self._target: Target | None = None
        self._listed = listed._replace(name=self.suggested_name, created_at=self.created_at)

    def __repr__(self) -> str:
        size = "" if self.size is None else f", {self.size:,} bytes"
        return f"<{type(self).__name__} {self.name!r}{size}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a file of a session cannot be pickled or copied, since it belongs to its client: save it")

    @property
    def _received(self) -> int:
        """The bytes that have arrived so far of what is being saved."""
        return 0 if self._target is None else self._target.received

    def _steps(self, target: Target, max_bytes: int, timeout: float) -> Steps[None]:
        """Return the steps that fetch the file."""
        facts, link = self._facts, self._listed.link
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 1:
            raise ConfigurationError(f"max_bytes must be a whole number above 0, not {max_bytes!r}")
        limit = checked_seconds("timeout", timeout)
        if self.size is not None and self.size > max_bytes:
            raise SessionError(f"the file {self.name!r} has {self.size:,} bytes, more than max_bytes={max_bytes:,}")
        base_url = facts.settings.base_url
        if self._listed.is_primary:  # the API has an operation for it, whatever its link is
            request: Sealed[PreparedRequest] | None = session_request(base_url, "fetch_primary_recording", facts.id)
        else:
            request = None if link is None else file_request(base_url, link)
        if request is None:
            raise SessionError(
                f"the address of the file {self.name!r} is not one of the API, which alone may receive the key"
                if link
                else f"the API gave no address for the file {self.name!r}"
            )
        urls: Sealed[tuple[str, ...]] = Sealed(() if link is None else (link.open(),))
        redact = redactor_with(facts.settings.redact, urls, facts.id, base_url)
        now = facts.settings.clock.now()
        self._target = target
        return file_steps(request, redact, target, name=self.name, max_bytes=max_bytes, now=now, timeout=limit)
