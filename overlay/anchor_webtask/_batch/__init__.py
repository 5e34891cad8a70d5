"""Many tasks at once: what is started when (without I/O), and a sync and an async driver that do it."""
