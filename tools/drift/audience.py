"""Says whom a change concerns: users of `tasks`, of `sessions`, or of the generated client, which is behind `api`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal

from tools.drift.rows import Severity

if TYPE_CHECKING:
    from tools.drift.rows import Row

User = Literal["tasks", "sessions", "api"]
USERS: Final[tuple[User, ...]] = ("tasks", "sessions", "api")
PROMISED: Final[frozenset[User]] = frozenset({"tasks", "sessions"})
"""Whom semantic versioning is promised; `api` is the generated client, which promises no stability."""

_OF_TASKS: Final = frozenset({"/v1/tools/perform-web-task", "/v1/tools/perform-web-task/{}/status"})
_OF_SESSIONS: Final = re.compile(r"/v1/sessions(/|$)")
_OF_PACKAGE: Final = frozenset({"python-api", "surface"})
_OF_DOCUMENT: Final = ("server", "security")


def first_concerned(row: Row) -> int:
    """Return the place in `USERS` of the first kind of users whom a row concerns."""
    return min(map(USERS.index, concerned(row)))


def concerned(row: Row) -> frozenset[User]:
    """Return whom a row concerns.

    The generated client has all that the spec has, so that almost every row concerns users of `api`. Its names in
    Python are invisible to users of `tasks` and `sessions`.
    """
    if row.kind in _OF_PACKAGE:
        return frozenset({"tasks"})
    if row.severity is Severity.NAMING:
        return frozenset({"api"})
    if row.kind.startswith(_OF_DOCUMENT) and not row.operations:
        return frozenset(USERS)
    users: set[User] = {"api"}
    for operation in row.operations:
        path = re.sub(r"\{[^{}]*\}", "{}", operation.partition(" ")[2])
        if path in _OF_TASKS:
            users.add("tasks")
        elif _OF_SESSIONS.match(path):
            users.add("sessions")
    return frozenset(users)
