"""HTTP: clients with limits on time, size and concurrency, and what each broken exchange means."""
