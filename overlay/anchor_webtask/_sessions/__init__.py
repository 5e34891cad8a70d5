"""A browser session around tasks: it is created, watched, asked for its files and its usage, and ended."""
