"""Tasks and handles: what users call, sync and async side by side."""
