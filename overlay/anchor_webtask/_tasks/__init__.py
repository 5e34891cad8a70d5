"""The interface that users call: `anchor.tasks` and the handles of tasks, sync and async side by side."""
