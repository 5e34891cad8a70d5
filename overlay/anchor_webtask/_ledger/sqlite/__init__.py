"""A ledger in a file of SQLite, for the processes of one machine."""
