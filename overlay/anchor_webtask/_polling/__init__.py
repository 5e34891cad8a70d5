"""Decisions over time, without I/O: when a task is checked, when a wait ends, and when a start may be repeated."""
