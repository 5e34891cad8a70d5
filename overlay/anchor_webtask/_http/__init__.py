"""HTTP: clients with limits on time, size and concurrency, and what each failure means."""
