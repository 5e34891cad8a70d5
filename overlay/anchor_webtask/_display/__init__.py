"""What notebooks show of the package's objects. Nothing here is imported before a notebook asks for it."""
