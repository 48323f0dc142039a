"""From trials to run records; a worker process imports no more than it needs to train."""
