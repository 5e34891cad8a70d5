"""Many tasks on many machines: batches in a database, and the workers that run them."""
