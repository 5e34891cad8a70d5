"""Sends HTTP requests within limits on time, size and concurrency, and decides what each failure means."""
