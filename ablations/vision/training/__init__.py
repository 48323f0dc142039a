"""One training, or the seeds of an arm together."""
