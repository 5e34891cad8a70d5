"""Operations that tests let a ledger's thread run."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from tests.support.patience import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from anchor_webtask._ledger.database import Connection
    from anchor_webtask._ledger.future import Future
    from anchor_webtask._ledger.writer import Kind


def count(db: Connection) -> int:
    """Change the ledger, and return how often that was done."""
    db.execute("UPDATE ledger SET halvings = halvings + 1")
    (number,) = db.execute("SELECT halvings FROM ledger").fetchone()
    return int(number)


def hold(
    submit: Callable[[Callable[[Connection], Any], Kind], Future[Any]],
    operation: Callable[[Connection], Any] = lambda _: None,
    kind: Kind = "read",
) -> tuple[Future[Any], threading.Event]:
    """Let the thread wait in an operation until an event is set; return the operation's future and the event."""
    is_under_way, may_end = threading.Event(), threading.Event()

    def held(db: Connection) -> Any:
        is_under_way.set()
        may_end.wait(PATIENCE)
        return operation(db)

    future = submit(held, kind)
    assert is_under_way.wait(PATIENCE)
    return future, may_end
