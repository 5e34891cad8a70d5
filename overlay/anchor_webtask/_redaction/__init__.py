"""Keeps secrets out of everything that is shown: reprs, tracebacks, errors and log records."""
