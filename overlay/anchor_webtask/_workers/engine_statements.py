"""Statements on the engine's tables that it has not, or not fast enough; all else is done by its own functions.

`engine_tables` makes the indices that they need, and refuses tables of a version of the engine that is not known.
"""

from __future__ import annotations

from typing import Final

_FETCH: Final = """
    WITH candidate AS (
        SELECT id FROM procrastinate_jobs
        WHERE status = 'todo' AND {} AND (scheduled_at IS NULL OR scheduled_at <= now())
        ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE procrastinate_jobs AS job SET status = 'doing', worker_id = %(worker)s
    FROM candidate WHERE job.id = candidate.id
    RETURNING job.id, status, task_name, priority, lock, queueing_lock, args, scheduled_at, queue_name, attempts,
        worker_id
"""
FETCH_OF_QUEUE: Final = _FETCH.format("queue_name = %(queue)s")
"""Takes a job of one queue; the engine's function takes a list of queues, and therefore reads all jobs before it."""
FETCH_OF_OTHERS: Final = _FETCH.format("queue_name <> ALL(%(paused)s::varchar[])")
"""Takes a job of any queue but some, which the engine cannot."""

DELIVER_AGAIN: Final = """
    WITH stalled AS (
        SELECT id FROM procrastinate_jobs WHERE status = 'doing' AND (worker_id IS NULL OR worker_id IN
            (SELECT id FROM procrastinate_workers WHERE last_heartbeat < now() - make_interval(secs => %(seconds)s)))
        FOR UPDATE SKIP LOCKED
    )
    SELECT count(procrastinate_retry_job_v2(id, to_timestamp(0), NULL, NULL, NULL)) FROM stalled
"""
"""Puts all jobs back at once whose worker has died; the engine's own request is for one job, and there may be 1,000."""

INDICES: Final = {
    # Each heartbeat looks for the jobs of workers that have died, among all jobs without this.
    "jobs_taken": "(id) WHERE status = 'doing'",
    "jobs_of_queue": "(queue_name, priority DESC, id) WHERE status = 'todo'",
}
"""The indices on `procrastinate_jobs` that these need, by name."""
