"""Makes claims, which are random, and in a browser session bound to it.

A ledger does not store options. But a task that another call has started is known to run in a session only if its claim
says so: questions of its agent are asked there, and those of another session belong to other tasks.
"""

from __future__ import annotations

import hashlib
import secrets


def new_claim(session_id: str | None) -> str:
    """Return a new claim of a start, in a browser session or without one."""
    random = secrets.token_hex(8)
    return random if session_id is None else f"{random}-{_hash(random, session_id)}"


def is_claim_in(claim: str, session_id: str | None) -> bool:
    """Return whether a claim is that of a start in this browser session."""
    random, _, found = claim.partition("-")
    return session_id is not None and found == _hash(random, session_id)


def _hash(random: str, session_id: str) -> str:
    return hashlib.sha256(f"{random}-{session_id}".encode()).hexdigest()[:16]
