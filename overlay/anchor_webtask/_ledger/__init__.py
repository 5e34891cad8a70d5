"""The ledger: a file that remembers each start of many tasks, over crashes and between processes."""
