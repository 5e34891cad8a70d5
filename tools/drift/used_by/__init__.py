"""Finds the lines of a user's code that break between two states of the API: `make drift USED_BY=<folder>`."""
