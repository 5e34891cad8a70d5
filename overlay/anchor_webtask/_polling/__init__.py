"""Decides when a task is checked, when a wait ends, and when a start is retried; without I/O."""
