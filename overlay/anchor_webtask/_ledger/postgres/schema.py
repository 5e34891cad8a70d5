"""The tables of a ledger in PostgreSQL; `docs/ledger-in-postgres.md` describes them for people who read them."""

from __future__ import annotations

from typing import Final

from anchor_webtask._ledger.postgres import batch_tables

MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        """
        CREATE TABLE attempts (
            key text COLLATE "C" NOT NULL,
            attempt integer NOT NULL,
            state text NOT NULL CHECK (state IN
                ('starting', 'running', 'completed', 'failed', 'unknown', 'refused', 'retried')),
            fingerprint text NOT NULL,
            claim text NOT NULL UNIQUE,
            owner text,
            place integer NOT NULL,
            hold double precision NOT NULL,
            number integer NOT NULL,
            alone integer NOT NULL,
            halvings integer NOT NULL,
            claimed double precision NOT NULL,
            stamped double precision NOT NULL,
            started double precision,
            ended double precision,
            task_id text UNIQUE,
            attached integer NOT NULL DEFAULT 0,
            wrapped integer NOT NULL,
            answer text,
            valid integer,
            error text,
            PRIMARY KEY (key, attempt)
        )
        """,
        # Rows that have ended are the most, and nobody looks for them by their state.
        "CREATE INDEX attempts_busy ON attempts (state, place) WHERE state NOT IN ('completed', 'failed', 'refused')",
        """
        CREATE TABLE ledger (
            only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
            version integer NOT NULL,
            id text NOT NULL,
            base_url text NOT NULL,
            numbers integer NOT NULL DEFAULT 0,
            room integer,
            halvings integer NOT NULL DEFAULT 0,
            paused_until double precision NOT NULL DEFAULT 0,
            pause double precision NOT NULL DEFAULT 0
        )
        """,
    ),
    batch_tables.STATEMENTS,
    (*batch_tables.CANCELLATION, "ALTER TABLE attempts ADD COLUMN has_secrets integer NOT NULL DEFAULT 0"),
)
"""The statements that make each version of the tables from the one before; the first make them."""

VERSION: Final = len(MIGRATIONS)
"""The version of the tables, in `ledger.version`."""

DEFAULT_SCHEMA: Final = "anchor_webtask"
"""The schema of PostgreSQL in which the tables are, unless the URL names another one."""
