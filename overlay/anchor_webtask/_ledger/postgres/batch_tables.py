"""The tables of batches: what workers are to run, beside the attempts that say what was started.

A request is open until a worker has recorded that it has ended. Whatever makes it open again, such as `Ledger.retry`,
enqueues a job of the engine in the same transaction: by a trigger, since any program may change an attempt. The
functions of the engine are called by name when they run, so these can be made before the engine's own tables.
"""

from __future__ import annotations

from typing import Final

TASK: Final = "anchor-webtask"
"""The name of the engine's task, of which each job is one key."""

STATEMENTS: Final = (
    # `looked_after` is when a worker has last looked for requests without a job.
    # `stopped` is when, and `stop_reason` why, all workers have stopped starting tasks; NULL while they may.
    "ALTER TABLE ledger ADD COLUMN stopped double precision, ADD COLUMN stop_reason text, ADD COLUMN engine text, "
    "ADD COLUMN looked_after double precision NOT NULL DEFAULT 0",
    "CREATE SEQUENCE endings",
    """
    CREATE TABLE batches (
        name text COLLATE "C" PRIMARY KEY,
        schema text,
        wrapped integer NOT NULL,
        validates integer NOT NULL,
        secrets text NOT NULL,
        created double precision NOT NULL
    )
    """,
    """
    CREATE TABLE requests (
        key text COLLATE "C" PRIMARY KEY,
        batch text COLLATE "C" NOT NULL REFERENCES batches,
        number integer NOT NULL,
        fingerprint text NOT NULL,
        prompt text NOT NULL,
        options text NOT NULL,
        job bigint,
        cancelled double precision,
        ended bigint,
        error text,
        UNIQUE (batch, number)
    )
    """,
    "CREATE INDEX requests_ended ON requests (batch, ended) WHERE ended IS NOT NULL",
    "CREATE INDEX requests_open ON requests (batch, number) WHERE ended IS NULL",
    f"""
    CREATE FUNCTION enqueue(wanted text[]) RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    DECLARE enqueued bigint;
    BEGIN
        UPDATE requests SET job = (procrastinate_defer_jobs_v1(ARRAY[
            ROW(batch, '{TASK}', 0, NULL, NULL, jsonb_build_object('key', key), NULL)::procrastinate_job_to_defer_v1
        ]))[1]
        WHERE key = ANY(wanted) AND ended IS NULL
        AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE id = job AND status IN ('todo', 'doing'));
        GET DIAGNOSTICS enqueued = ROW_COUNT;
        RETURN enqueued;
    END
    $$
    """,  # noqa: S608  a constant
    """
    CREATE FUNCTION reopen() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    DECLARE reopened text;
    BEGIN
        reopened := CASE TG_OP WHEN 'DELETE' THEN OLD.key ELSE NEW.key END;
        UPDATE requests SET ended = NULL, error = NULL WHERE key = reopened AND cancelled IS NULL;
        IF FOUND THEN
            PERFORM enqueue(ARRAY[reopened]);
        END IF;
        RETURN NULL;
    END
    $$
    """,
    """
    CREATE TRIGGER attempts_reopened AFTER UPDATE OF state ON attempts FOR EACH ROW
        WHEN (NEW.state IN ('retried', 'running') AND OLD.state NOT IN ('starting', NEW.state))
        EXECUTE FUNCTION reopen()
    """,
    """
    CREATE TRIGGER attempts_withdrawn AFTER DELETE ON attempts FOR EACH ROW WHEN (OLD.state = 'unknown')
        EXECUTE FUNCTION reopen()
    """,
    """
    CREATE TRIGGER attempts_found AFTER INSERT ON attempts FOR EACH ROW WHEN (NEW.state = 'running')
        EXECUTE FUNCTION reopen()
    """,
)
"""The statements that make them."""

CANCELLATION: Final = (
    # When a batch was cancelled, and the number of the first request that was not.
    "ALTER TABLE batches ADD COLUMN cancelled double precision, ADD COLUMN cancelled_below integer NOT NULL DEFAULT 0",
)
"""The statements that add the mark of a batch that is cancelled."""
