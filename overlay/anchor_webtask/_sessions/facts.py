"""What a handle of a session knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from anchor_webtask._addresses import SecretUrl
    from anchor_webtask._config import Settings

NOT_PICKLED: Final = (
    "a session cannot be pickled or copied, since it belongs to its client: pass its .id, and call sessions.get(id) of "
    "the other client"
)


class Facts(NamedTuple):
    """What a handle of a session knows.

    Attributes:
        settings: The client's settings, whose redactor knows the secrets of the session, too.
        id: Its id.
        live_view_url: The address at which the browser can be watched and used.
        cdp_url: The address for the Chrome DevTools Protocol.
        tag: The tag that only this session has; None if it is not known.
        idle_minutes: Minutes after which it ends on its own, if that is known.
        is_recorded: Whether it is recorded, if that is known.
        is_owned: Whether this client has created it, so that it exists, and leaving its context ends it.
    """

    settings: Settings
    id: str
    live_view_url: SecretUrl | None = None
    cdp_url: SecretUrl | None = None
    tag: str | None = None
    idle_minutes: int | None = None
    is_recorded: bool | None = None
    is_owned: bool = False
