"""A ledger in a database of PostgreSQL, for the processes of several machines."""
