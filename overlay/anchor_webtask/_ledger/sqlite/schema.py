"""The tables of a ledger's SQLite file; `docs/ledger-file.md` describes them for people who open it themselves."""

from __future__ import annotations

from typing import Final

APPLICATION_ID: Final = 0x416E634C
"""Marks a SQLite file as a ledger: "AncL"."""
VERSION: Final = 1
"""The version of the tables, in SQLite's `user_version`."""

CREATE: Final = (
    """
    CREATE TABLE attempts (
        key TEXT NOT NULL,
        attempt INTEGER NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('starting', 'running', 'completed', 'failed', 'unknown', 'refused', 'retried')),
        fingerprint TEXT NOT NULL,
        claim TEXT NOT NULL UNIQUE,
        owner TEXT,
        place INTEGER NOT NULL,
        hold REAL NOT NULL,
        number INTEGER NOT NULL,
        alone INTEGER NOT NULL,
        halvings INTEGER NOT NULL,
        claimed REAL NOT NULL,
        stamped REAL NOT NULL,
        started REAL,
        ended REAL,
        task_id TEXT UNIQUE,
        attached INTEGER NOT NULL DEFAULT 0,
        wrapped INTEGER NOT NULL,
        has_secrets INTEGER NOT NULL DEFAULT 0,
        answer TEXT,
        valid INTEGER,
        error TEXT,
        PRIMARY KEY (key, attempt)
    )
    """,
    "CREATE INDEX by_state ON attempts (state, place)",
    """
    CREATE TABLE ledger (
        base_url TEXT NOT NULL,
        numbers INTEGER NOT NULL,
        room INTEGER,
        halvings INTEGER NOT NULL,
        paused_until REAL NOT NULL,
        pause REAL NOT NULL
    )
    """,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
